//! The matrix of all state machines, kept in `golden/transitions.txt`. `UPDATE_GOLDEN=1` writes it anew.

mod golden;

use pulse_core::transition::{
    AttemptChange, AttemptState, ExecutionChange, ExecutionEnd, ExecutionState, IllegalTransition, ResolvedAs, StepChange,
    StepStatus, TrackLoss, WaitReason,
};
use pulse_protocol::observation::{EndKind, UnknownReason};
use std::fmt::Write;

#[test]
fn the_matrix_is_the_kept_one() {
    let mut text = String::from("rows: states; columns: changes; `.` stale (acknowledged, changes nothing); `!` illegal\n");
    table(&mut text, "execution", &executions(), &execution_changes(), |state, change| {
        (shown(*state), change_shown(*change), state.next(*change).map(shown))
    });
    table(&mut text, "step", &StepStatus::ALL, &step_changes(), |state, change| {
        (state.as_str().to_owned(), change.as_str().to_owned(), state.next(*change).map(|next| next.as_str().to_owned()))
    });
    table(&mut text, "attempt", &attempts(), &attempt_changes(), |state, change| {
        let name = match state {
            AttemptState::Unknown(TrackLoss::JournalLost) => "unknown (lost)",
            state => state.as_str(),
        };
        (name.to_owned(), change.as_str().to_owned(), state.next(change).map(|next| next.as_str().to_owned()))
    });
    golden::check("transitions.txt", &text);
}

fn shown(state: ExecutionState) -> String {
    match state {
        ExecutionState::Waiting(reason) => format!("waiting ({})", reason.as_str()),
        state => state.as_str().to_owned(),
    }
}

fn change_shown(change: ExecutionChange) -> String {
    match change {
        ExecutionChange::Wait(reason) => format!("wait ({})", reason.as_str()),
        change => change.as_str().to_owned(),
    }
}

type Cell = (String, String, Result<String, IllegalTransition>);

fn table<S, C>(text: &mut String, machine: &str, states: &[S], changes: &[C], cell: impl Fn(&S, &C) -> Cell) {
    let _ = writeln!(text, "\n{machine}");
    for state in states {
        for change in changes {
            let (from, by, next) = cell(state, change);
            let shown = match next {
                Ok(next) => next,
                Err(illegal) if illegal.stale => ".".to_owned(),
                Err(_) => "!".to_owned(),
            };
            let _ = writeln!(text, "  {from:<19} {by:<16} {shown}");
        }
    }
}

fn executions() -> Vec<ExecutionState> {
    let ends = [ExecutionEnd::Succeeded, ExecutionEnd::Failed, ExecutionEnd::Cancelled];
    let open = [ExecutionState::Pending, ExecutionState::Running];
    open.into_iter().chain(WaitReason::ALL.map(ExecutionState::Waiting)).chain(ends.map(ExecutionState::Ended)).collect()
}

fn execution_changes() -> Vec<ExecutionChange> {
    let ends = [ExecutionEnd::Succeeded, ExecutionEnd::Failed, ExecutionEnd::Cancelled];
    let first = [ExecutionChange::Start, ExecutionChange::Resume];
    first.into_iter().chain(WaitReason::ALL.map(ExecutionChange::Wait)).chain(ends.map(ExecutionChange::End)).collect()
}

fn step_changes() -> Vec<StepChange> {
    [StepChange::Start, StepChange::Skip, StepChange::Refuse, StepChange::Wait]
        .into_iter()
        .chain(StepStatus::ALL.map(StepChange::End))
        .collect()
}

fn ends() -> Vec<EndKind> {
    vec![
        EndKind::Exited { code: 0 },
        EndKind::Signalled { signal: 9 },
        EndKind::TimedOut,
        EndKind::Cancelled,
        EndKind::NotStarted { reason: "proof".into() },
        EndKind::Unknown { reason: UnknownReason::HostRebooted },
    ]
}

fn attempts() -> Vec<AttemptState> {
    vec![
        AttemptState::Assigned,
        AttemptState::Accepted,
        AttemptState::Started { pid: 1 },
        AttemptState::Exited { code: 0 },
        AttemptState::Signalled { signal: 9 },
        AttemptState::TimedOut,
        AttemptState::Cancelled,
        AttemptState::NotStarted { reason: "proof".into() },
        AttemptState::Unknown(TrackLoss::HostRebooted),
        AttemptState::Unknown(TrackLoss::JournalLost),
        AttemptState::Resolved(ResolvedAs::Succeeded),
        AttemptState::Resolved(ResolvedAs::Failed),
    ]
}

fn attempt_changes() -> Vec<AttemptChange> {
    let mut changes = vec![AttemptChange::Accept, AttemptChange::Start { pid: 1 }];
    changes.extend(ends().into_iter().map(AttemptChange::End));
    changes.extend([AttemptChange::Lose(TrackLoss::JournalLost), AttemptChange::Resolve(ResolvedAs::Succeeded)]);
    changes
}
