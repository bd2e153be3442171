//! What must hold after every line, judged beside the state itself: counters, rows, reasons, and that replay gives the same.
//! What the history says is judged elsewhere, by `checker/`.

use super::World;
use pulse_core::decide::explain;
use pulse_core::execution::{Execution, ExecutionStatus, PromptClosed, PromptRow, PromptStatus, Target, TargetState};
use std::sync::Arc;

impl World {
    /// Each prompt has one row and one end, and the rows say what the history says.
    pub(super) fn rows(&mut self, opened: &[PromptRow], closed: &[PromptClosed]) {
        for row in opened {
            assert!(self.prompts.insert(row.prompt, None).is_none(), "a prompt was opened twice");
        }
        for end in closed {
            let row = self.prompts.get_mut(&end.prompt).expect("an open row");
            assert!(row.replace(end.clone()).is_none(), "a prompt was closed twice");
        }
        let execution = self.execution.as_ref().expect("started");
        assert!(execution.prompts.keys().eq(self.prompts.keys()), "a prompt without a row, or the other way round");
        for (id, row) in &self.prompts {
            let (run, prompt) = execution.asked(*id).expect("asked");
            let said = prompt.end.as_ref().map(|end| (end.answer.clone(), end.by.clone(), end.comment.clone(), end.at));
            let kept = row.as_ref().map(|end| (end.answer.clone(), end.by.clone(), end.comment.clone(), end.at));
            match row.as_ref().map(|end| end.status) {
                Some(PromptStatus::Withdrawn) => {
                    assert!(said.is_none() && run.status.is_terminal(), "withdrawn without a reason")
                }
                Some(status) => {
                    assert_eq!(kept, said);
                    assert_eq!(status == PromptStatus::Answered, said.is_some_and(|(_, by, ..)| by.is_some()));
                }
                None => assert_eq!(execution.prompt, Some(*id), "only what is asked now is open"),
            }
        }
    }

    /// The history gives this very state.
    pub(super) fn check_replay(&self) {
        let execution = self.execution.as_ref().expect("started");
        let replayed = Execution::replay(Arc::clone(&self.program), &self.history).expect("the history replays");
        assert_eq!(format!("{:?}", sorted(execution)), format!("{:?}", sorted(&replayed)), "replay differs");
    }

    /// What must hold after every line: terminal states are final, claims end with the execution.
    pub(super) fn check(&self, before: ExecutionStatus) {
        let execution = self.execution.as_ref().expect("started");
        if before.is_terminal() {
            assert_eq!(before, execution.status, "a terminal state changed");
        }
        for run in &execution.steps {
            let is_busy = |target: &&Target| {
                matches!(target.state, TargetState::Active(_) | TargetState::Unknown(_) | TargetState::Rebooting { .. })
            };
            let busy = u32::try_from(run.targets.values().filter(is_busy).count()).expect("few targets");
            assert_eq!(busy, run.busy, "a counter is off");
            let Some(spec) = execution.compiled(run).execute() else { continue };
            assert!(busy <= spec.max_parallel, "more than maxParallel");
            let started_new = run.targets.values().filter(|target| target.attempts.len() > 1);
            for target in started_new {
                let (last, earlier) = target.attempts.split_last().expect("two");
                let idempotent = spec.idempotent;
                for id in earlier {
                    let state = &execution.attempts[id].state;
                    let settled = !state.is_open() || (idempotent && !state.is_active());
                    assert!(settled, "attempt {last} was begun while {id} was {state}");
                }
            }
        }
        if !execution.status.is_terminal() {
            let why = explain(execution, &self.around, self.now);
            assert!(!why.is_empty(), "it is {} without a reason", execution.status);
        }
        let open = execution
            .prompts
            .keys()
            .filter(|id| execution.asked(**id).is_some_and(|(run, prompt)| prompt.end.is_none() && !run.status.is_terminal()));
        assert_eq!(
            open.copied().collect::<Vec<_>>(),
            execution.prompt.into_iter().collect::<Vec<_>>(),
            "one open prompt at most"
        );
        if execution.status.is_terminal() {
            assert!(execution.claims.is_empty() && execution.active.is_empty(), "an ended execution holds something");
        }
    }
}

/// A state with its maps in order, so that two can be compared as text.
fn sorted(execution: &Execution) -> (String, Vec<String>, Vec<String>) {
    let mut attempts: Vec<String> = execution.attempts.iter().map(|(id, attempt)| format!("{id} {attempt:?}")).collect();
    attempts.sort();
    let steps = execution.steps.iter().map(|step| format!("{step:?}")).collect();
    let Execution { seq, status, active, unknown, cancel, claims, message, prompt, prompts, state, waits, waited, .. } =
        execution;
    let people = format!("{prompt:?} {prompts:?} {state:?} {waits:?} {waited:?} {:?}", execution.timed_out);
    (format!("{seq} {status:?} {active:?} {unknown:?} {cancel:?} {claims:?} {message:?} {people}"), attempts, steps)
}
