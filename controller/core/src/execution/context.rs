//! What expressions and `{{ … }}` see of an execution.

use crate::execution::{Execution, StepRun, Target};
use crate::transition::AttemptState;
use crate::values::{Context, ExecutionValue, GitValue, StepValue, TargetValue};
use std::sync::Arc;

/// The values of an execution's present state: its parameters, and every step that has ended.
pub fn context(execution: &Execution) -> Context {
    let created = &execution.created;
    Context {
        params: created.params.clone(),
        param_types: Arc::clone(&execution.program.param_types),
        steps: execution.values.clone(),
        state: execution.state.clone(),
        execution: ExecutionValue {
            id: created.id.to_string(),
            number: created.number,
            workflow: created.workflow.clone(),
            started_by: created.trigger.by.clone(),
        },
        git: GitValue { source: created.source.clone(), commit: created.commit.clone() },
        agent: None,
    }
}

/// What a step that has just ended is from now on.
pub(super) fn step_value(execution: &Execution, run: &StepRun) -> StepValue {
    let targets = run.targets.iter().map(|(name, target)| (name.clone(), target_value(execution, target)));
    StepValue { status: run.status.as_str().to_owned(), answer: run.answer.clone(), targets: targets.collect() }
}

pub(super) fn target_value(execution: &Execution, target: &Target) -> TargetValue {
    if let (Some(carried), []) = (&target.carried, target.attempts.as_slice()) {
        return carried.value.clone();
    }
    let last = target.attempts.last().and_then(|id| execution.attempts.get(id));
    let exit_code = last.and_then(|attempt| match attempt.state {
        AttemptState::Exited { code } => Some(code),
        _ => None,
    });
    // As a shell's `$(…)` gives it: without the line breaks at its end, so that `stdout == "ok"` means what it says.
    let captured = last.and_then(|attempt| attempt.ended.as_ref()).and_then(|ended| ended.captured.as_deref());
    let stdout = captured.map(|text| text.trim_end_matches('\n').to_owned());
    TargetValue { status: target.state.as_str().to_owned(), exit_code, stdout }
}
