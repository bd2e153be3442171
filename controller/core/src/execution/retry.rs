//! What a retry takes over from the execution that it repeats: every visit that need not be repeated, and of the visit that failed
//! the targets that succeeded.

use crate::execution::{Carried, CarriedStep, Execution, StepRun};
use crate::transition::{ExecutionEnd, ExecutionState, StepStatus};
use pulse_protocol::AgentName;

/// Why an execution cannot be retried from where it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotRetry {
    /// It has not ended.
    #[error("the execution is {0}; only one that has ended can be retried")]
    NotOver(&'static str),
    /// There is nothing to repeat.
    #[error("the execution succeeded, so nothing of it has failed; run it again from the start")]
    Succeeded,
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
    Ok(Carried {
        steps: rest.iter().map(|run| step(execution, run, |_| true)).collect(),
        repeated: last.map(|run| step(execution, run, |status| status == "succeeded")),
        state: execution.state.clone(),
    })
}

/// Targets of the visit that would be repeated of which nobody knows whether their command ran: repeating them is a person's
/// decision.
pub fn unknown_targets(execution: &Execution) -> Vec<AgentName> {
    let Some(run) = execution.steps.last().filter(|run| !is_over(execution, run)) else { return Vec::new() };
    run.targets.iter().filter(|(_, target)| target.state.as_str() == "unknown").map(|(name, _)| name.clone()).collect()
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
    let targets = super::context::step_value(execution, run).targets;
    CarriedStep {
        step: run.path.clone(),
        visit: run.visit,
        status: run.status,
        condition: run.condition,
        answer: run.answer.clone(),
        goto: run.route.as_ref().and_then(|route| route.goto.clone()),
        targets: targets.into_iter().filter(|(_, target)| keep(&target.status)).collect(),
    }
}
