//! What a [`Context`] looks like inside an expression.

use crate::values::{Context, StepValue, TargetValue};
use rhai::{Dynamic, Map, Scope};

/// The variables of an evaluation.
pub(super) fn of(context: &Context) -> Scope<'static> {
    let mut scope = Scope::new();
    let params: Map = context.params.iter().map(|(name, value)| (name.as_str().into(), value.clone().into())).collect();
    let steps: Map = context.steps.iter().map(|(id, step)| (id.as_str().into(), step_map(step).into())).collect();
    let execution = [
        ("id", context.execution.id.clone().into()),
        ("number", Dynamic::from(context.execution.number)),
        ("workflow", context.execution.workflow.clone().into()),
        ("startedBy", context.execution.started_by.clone().into()),
    ];
    let git = [("source", context.git.source.clone().into()), ("commit", context.git.commit.clone().into())];
    scope.push_constant("params", params);
    scope.push_constant("steps", steps);
    scope.push_constant("execution", map(execution));
    scope.push_constant("git", map(git));
    scope
}

fn map<const N: usize>(entries: [(&str, Dynamic); N]) -> Map {
    entries.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

/// A step of one target has that target's `exitCode` and `stdout`; where there is none, the entry is absent, and reading it
/// is an error.
fn step_map(step: &StepValue) -> Map {
    let agents: Map = step.targets.iter().map(|(name, target)| (name.as_str().into(), target_map(target).into())).collect();
    let mut fields = match step.targets.values().next() {
        Some(only) if step.targets.len() == 1 => target_map(only),
        _ => Map::new(),
    };
    fields.insert("status".into(), step.status.clone().into());
    fields.insert("agents".into(), agents.into());
    fields
}

fn target_map(target: &TargetValue) -> Map {
    let mut fields = map([("status", target.status.clone().into())]);
    if let Some(code) = target.exit_code {
        fields.insert("exitCode".into(), code.into());
    }
    if let Some(stdout) = &target.stdout {
        fields.insert("stdout".into(), stdout.clone().into());
    }
    fields
}
