//! What a retry takes over from the execution that it repeats: every visit that need not be repeated, and of the visit that failed
//! the targets that succeeded.

use super::admit::is_success;
use super::evidence::last_output;
use crate::execution::{Attempt, AttemptOutput, Carried, CarriedStep, CarriedTarget, Execution, StepRun, Target, TargetState};
use crate::transition::{ExecutionEnd, ExecutionState, StepStatus};
use crate::values::TargetValue;
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::{AgentName, Ended};
use std::collections::BTreeSet;

/// Most bytes of what is taken over: it is part of the new execution's first event, which is read at each of its looks.
const MAX_CARRIED_BYTES: usize = 8 * 1024 * 1024;

/// Why an execution cannot be retried from where it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotRetry {
    /// It has not ended.
    #[error("the execution is {0}; only one that has ended can be retried")]
    NotOver(&'static str),
    /// There is nothing to repeat.
    #[error("the execution succeeded, so nothing of it has failed; run it again from the start")]
    Succeeded,
    /// Its steps have written more than a new execution can take over.
    #[error(
        "what its {targets} targets have written for later steps to read is {bytes} bytes, and a retry takes over {MAX_CARRIED_BYTES} \
         at most; run it again from the start"
    )]
    TooLarge {
        /// Targets that would be taken over.
        targets: usize,
        /// What there is to take over.
        bytes: usize,
    },
}

/// What a retry of an execution takes over.
pub fn carried(execution: &Execution) -> Result<Carried, CannotRetry> {
    match execution.status {
        ExecutionState::Ended(ExecutionEnd::Succeeded) => return Err(CannotRetry::Succeeded),
        ExecutionState::Ended(_) => {}
        status => return Err(CannotRetry::NotOver(status.as_str())),
    }
    let over = execution.steps.last().is_none_or(|run| is_over(execution, run));
    let (last, rest) = match execution.steps.split_last() {
        Some((last, rest)) if !over => (Some(last), rest),
        _ => (None, execution.steps.as_slice()),
    };
    let steps = rest.iter().map(|run| step(execution, run, |_| true)).collect();
    let repeated = last.map(|run| step(execution, run, |status| status == "succeeded"));
    bounded(Carried { steps, repeated, state: execution.state.clone() })
}

fn bounded(mut carried: Carried) -> Result<Carried, CannotRetry> {
    forget_what_nobody_reads(&mut carried);
    let bytes = serde_json::to_string(&carried).map_or(0, |text| text.len());
    if bytes > MAX_CARRIED_BYTES {
        let visits = carried.steps.iter().chain(&carried.repeated);
        return Err(CannotRetry::TooLarge { targets: visits.map(|visit| visit.targets.len()).sum(), bytes });
    }
    Ok(carried)
}

/// Later steps see a step as its last visit left it; what earlier ones wrote need not be kept.
fn forget_what_nobody_reads(carried: &mut Carried) {
    let mut seen = BTreeSet::new();
    for visit in carried.steps.iter_mut().rev() {
        if !seen.insert(visit.step.clone()) {
            visit.targets.values_mut().for_each(|target| target.value.stdout = None);
        }
    }
}

/// Targets of the visit that would be repeated of which nobody knows whether their command ran: repeating them is a person's
/// decision.
pub fn unknown_targets(execution: &Execution) -> Vec<AgentName> {
    let Some(run) = execution.steps.last().filter(|run| !is_over(execution, run)) else { return Vec::new() };
    let unknown = run.targets.iter().filter(|(_, target)| is_unknown(execution, run, target));
    unknown.map(|(name, _)| name.clone()).collect()
}

/// Nobody knows whether its command ran, how it ended, or what became of the host that it took down.
fn is_unknown(execution: &Execution, run: &StepRun, target: &Target) -> bool {
    let last = target.attempts.last().and_then(|id| execution.attempts.get(id));
    match (&target.state, last) {
        (TargetState::Unknown(_), Some(attempt)) => match late(execution, run, attempt) {
            Late::Nothing => true,
            Late::Succeeded(_) | Late::Failed => false,
        },
        (TargetState::Unknown(_), None) => true,
        // It has run to an end that was not its target's: its host was still on the way to another boot.
        (TargetState::Cancelled | TargetState::Skipped { .. }, Some(attempt)) => {
            let ended = attempt.ended.as_ref().map(|ended| &ended.how);
            ended.is_some_and(|how| !matches!(how, EndKind::NotStarted { .. } | EndKind::Cancelled))
        }
        _ => false,
    }
}

/// What word that came after an attempt was given up says of it.
enum Late<'a> {
    /// None came, or it does not say.
    Nothing,
    /// The command has done what it should.
    Succeeded(&'a Ended),
    /// It has not, or never began.
    Failed,
}

fn late<'a>(execution: &Execution, run: &StepRun, attempt: &'a Attempt) -> Late<'a> {
    let (Some(ended), Some(spec)) = (attempt.evidence.as_ref(), execution.compiled(run).execute()) else { return Late::Nothing };
    match ended.how {
        EndKind::Unknown { reason: UnknownReason::HostRebooted } if spec.expect_disconnect => Late::Succeeded(ended),
        EndKind::Unknown { .. } => Late::Nothing,
        // Whether the host has come back from its reboot is not said with it.
        EndKind::Exited { code } if is_success(spec, code) && spec.expect_disconnect => Late::Nothing,
        EndKind::Signalled { .. } if spec.expect_disconnect => Late::Nothing,
        EndKind::Exited { code } if is_success(spec, code) => Late::Succeeded(ended),
        _ => Late::Failed,
    }
}

/// A target as the new execution sees it: by what is known of it by now.
fn carried_target(execution: &Execution, run: &StepRun, target: &Target) -> CarriedTarget {
    let last = target.attempts.last().and_then(|id| execution.attempts.get(id));
    if let (TargetState::Unknown(_), Some(attempt)) = (&target.state, last)
        && let Late::Succeeded(ended) = late(execution, run, attempt)
    {
        let exit_code = match ended.how {
            EndKind::Exited { code } => Some(code),
            _ => None,
        };
        let stdout = ended.captured.as_deref().map(|text| text.trim_end_matches('\n').to_owned());
        let value = TargetValue { status: "succeeded".to_owned(), exit_code, stdout };
        let id = target.attempts.last().copied();
        return CarriedTarget { value, output: id.map(|id| AttemptOutput::of(id, Some(ended))) };
    }
    CarriedTarget { value: super::context::target_value(execution, target), output: last_output(execution, target) }
}

/// The visit need not be repeated.
fn is_over(execution: &Execution, run: &StepRun) -> bool {
    match run.status {
        StepStatus::Succeeded | StepStatus::Skipped => true,
        StepStatus::Failed => execution.compiled(run).spec.continue_on_error,
        _ => false,
    }
}

fn step(execution: &Execution, run: &StepRun, keep: impl Fn(&str) -> bool) -> CarriedStep {
    let targets = run.targets.iter().map(|(name, target)| (name.clone(), carried_target(execution, run, target)));
    CarriedStep {
        step: run.path.clone(),
        visit: run.visit,
        status: run.status,
        condition: run.condition,
        answer: run.answer.clone(),
        goto: run.route.as_ref().and_then(|route| route.goto.clone()),
        targets: targets.filter(|(_, target)| keep(&target.value.status)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{CannotRetry, bounded};
    use crate::execution::{Carried, CarriedStep, CarriedTarget, StepPath};
    use crate::transition::StepStatus;
    use crate::values::TargetValue;

    fn visit(visit: u32, targets: usize) -> CarriedStep {
        let value = TargetValue { status: "succeeded".to_owned(), exit_code: Some(0), stdout: Some("x".repeat(64 * 1024)) };
        let target = CarriedTarget { value, output: None };
        let targets = (0..targets).map(|number| (format!("web{number}").parse().unwrap(), target.clone())).collect();
        let (step, status) = (StepPath("go".to_owned()), StepStatus::Succeeded);
        CarriedStep { step, visit, status, condition: None, answer: None, goto: None, targets }
    }

    #[test]
    fn what_later_steps_can_read_is_taken_over_within_bounds() {
        let carried = |targets| Carried { steps: vec![visit(1, targets), visit(2, targets)], ..Carried::default() };
        let kept = bounded(carried(100)).unwrap();
        let is_read = |place: usize| kept.steps[place].targets.values().all(|target| target.value.stdout.is_some());
        assert!(!is_read(0) && is_read(1), "the last visit is what later steps see");
        let refused = bounded(carried(140)).unwrap_err();
        assert!(matches!(refused, CannotRetry::TooLarge { targets: 280, bytes } if bytes > 8 << 20), "{refused}");
        assert!(refused.to_string().contains("run it again from the start"), "{refused}");
    }
}
