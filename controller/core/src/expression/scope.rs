//! What a [`Context`] looks like inside an expression.

use super::check::Use;
use crate::values::{Context, Path, StateMap, StateValue, StepValue, TargetValue};
use crd_schemas::manifest::ParamType;
use rhai::{Array, Dynamic, Map, Scope};

/// The variables of an evaluation. What has no value now is absent, and reading it is an error.
pub(super) fn of(context: &Context, uses: &[Use]) -> Scope<'static> {
    let mut scope = Scope::new();
    let param = |(name, value): (&String, &String)| (name.as_str().into(), typed(context.param_types.get(name), value));
    let params: Map = context.params.iter().map(param).collect();
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
    scope.push_constant("state", state_map(&context.state));
    scope.push_constant("execution", map(execution));
    scope.push_constant("git", map(git));
    // Which prompt is meant was found when the expression was compiled.
    let response = uses.iter().map(|used| &used.path).find(|path| matches!(path, Path::PromptResponse(_)));
    if let Some(answer) = response.and_then(|path| context.lookup(path).ok()) {
        scope.push_constant("promptResponse", answer);
    }
    scope
}

/// A parameter as its type. Its text was checked when the execution was accepted.
fn typed(kind: Option<&ParamType>, text: &str) -> Dynamic {
    let value = match kind {
        Some(ParamType::Int) => text.parse::<i64>().ok().map(Dynamic::from),
        Some(ParamType::Number) => text.parse::<f64>().ok().map(Dynamic::from),
        Some(ParamType::Bool) => text.parse::<bool>().ok().map(Dynamic::from),
        Some(ParamType::List) => {
            let items = serde_json::from_str::<Vec<String>>(text).ok();
            items.map(|items| items.into_iter().map(Dynamic::from).collect::<Array>().into())
        }
        _ => None,
    };
    value.unwrap_or_else(|| text.to_owned().into())
}

fn state_map(state: &StateMap) -> Map {
    let entry = |(name, value): (&String, &StateValue)| {
        let value = match value {
            StateValue::Text(text) => text.clone().into(),
            StateValue::Map(inner) => state_map(inner).into(),
        };
        (name.as_str().into(), value)
    };
    state.iter().map(entry).collect()
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
    if let Some(answer) = &step.answer {
        fields.insert("answer".into(), answer.clone().into());
    }
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
