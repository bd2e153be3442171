//! What a caller sees of objects, and what they may do with them. What somebody does not see is answered as if it did not exist.

use super::caller::Caller;
use super::executions::no_such_execution;
use super::{App, Problem};
use axum::http::StatusCode;
use pulse_core::access::{Object, Verb};
use pulse_core::execution::Summary;
use pulse_protocol::ExecutionId;
use pulse_store::{Definition, StoredPrompt};
use std::collections::{BTreeMap, HashMap};

/// An execution as rules see it.
pub(super) fn object(summary: &Summary) -> Object<'_> {
    Object::Workflow { source: &summary.source, name: &summary.workflow, labels: &summary.labels }
}

/// A live workflow, or a schedule: of one that starts a workflow, that workflow, with the schedule's labels.
pub(super) fn object_of(definition: &Definition) -> Object<'_> {
    use crd_schemas::Manifest;
    use crd_schemas::manifest::ScheduledAction;
    let metadata = definition.manifest.metadata();
    let name = match &definition.manifest {
        Manifest::Schedule(schedule) => match &schedule.spec.action {
            ScheduledAction::Workflow(started) => &started.workflow,
            ScheduledAction::Command(_) => &metadata.name,
        },
        _ => &metadata.name,
    };
    Object::Workflow { source: &definition.source, name, labels: &metadata.labels }
}

/// The execution that a path names, if the caller sees it and may do this with it.
pub(super) async fn execution(app: &App, caller: &Caller, text: &str, verb: Verb) -> Result<ExecutionId, Problem> {
    let summary = summary(app, caller, text).await?;
    caller.may(verb, &object(&summary))?;
    Ok(summary.id)
}

/// The execution that a path names, if the caller sees it.
pub(super) async fn summary(app: &App, caller: &Caller, text: &str) -> Result<Summary, Problem> {
    let Some(summary) = app.engine.find(text).await? else { return Err(absent(app, caller, text).await?) };
    if caller.sees(&object(&summary)) { Ok(summary) } else { Err(no_such_execution(text)) }
}

/// Why there is no execution of this name: numbers are given without gaps, so one below the newest was there. An id says nothing.
async fn absent(app: &App, caller: &Caller, text: &str) -> Result<Problem, Problem> {
    let Some((workflow, number)) = text.rsplit_once('#') else { return Ok(no_such_execution(text)) };
    let Ok(number) = number.parse::<i64>() else { return Ok(no_such_execution(text)) };
    let newest = app.engine.store().newest_of(workflow).await?;
    let was_there = newest.is_some_and(|row| (1..row.number).contains(&number) && caller.sees(&object(&row)));
    Ok(if was_there { removed(workflow, number) } else { no_such_execution(text) })
}

/// It was there.
fn removed(workflow: &str, number: i64) -> Problem {
    let detail = format!("execution `{workflow}#{number}` was removed by retention; its number is not given again");
    let help = "what is kept, and for how long, is set by PULSE_KEEP_… and the workflow's `retention`; a backup may have it";
    Problem::new(StatusCode::GONE, "execution_removed", detail).with_help(help)
}

/// Prompts with the labels of their executions, which rules ask for.
pub(super) async fn labels_of(
    app: &App,
    prompts: &[&StoredPrompt],
) -> Result<HashMap<ExecutionId, BTreeMap<String, String>>, Problem> {
    let ids: Vec<ExecutionId> = prompts.iter().map(|prompt| prompt.execution).collect();
    let rows = app.engine.store().executions_of(&ids).await?;
    Ok(rows.into_iter().flatten().map(|row| (row.id, row.labels)).collect())
}

/// A prompt as rules see it.
pub(super) fn prompt<'a>(prompt: &'a StoredPrompt, labels: &'a BTreeMap<String, String>) -> Object<'a> {
    Object::Prompt { source: &prompt.source, workflow: &prompt.workflow, labels, step: &prompt.row.step.0, who: &prompt.row.who }
}
