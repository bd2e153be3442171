//! One command on a selection of agents, without a workflow of any source.

use super::body::Json as Body;
use super::caller::Caller;
use super::executions::{SAID, StartAnswer, answer, note, reason};
use super::idempotency::Key;
use super::traced::Traced;
use super::{App, Problem};
use crate::audit::Ticket;
use crate::engine::{Labelled, StartRequest};
use crate::sync::{DEFAULT_SOURCE, SyncError};
use axum::extract::State;
use axum::http::StatusCode;
use crd_schemas::Duration;
use crd_schemas::manifest::{OnOffline, OnUnknown, Shell, Workflow};
use pulse_core::access::{Object, Verb};
use pulse_core::definitions::{COMMAND, check_command, command_workflow};
use pulse_core::execution::Trigger;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Names of agents in a refusal.
const MAX_NAMED: usize = 20;

/// What to run, and where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RunCommand")]
pub(super) struct Wanted {
    /// The source whose groups `targets` can name; needed only where there are several.
    #[serde(default)]
    source: Option<String>,
    /// A selector that narrows the targets.
    #[serde(default)]
    limit: Option<String>,
    /// Why, for everyone who reads the history.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    reason: Option<String>,
    /// Answers what it would do, and does nothing.
    #[serde(default)]
    dry_run: bool,
    /// Those of an `execute` step, whose decoder reads them.
    #[serde(flatten)]
    #[schemars(with = "Fields")]
    command: Map<String, Value>,
}

/// The fields of an `execute` step that need no commit, for the document. They mean what they mean there.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the decoder of the manifests reads the fields; this says their types")]
struct Fields {
    /// Where it runs: names of agents and groups, `all`, selectors such as `role=web,env!=dev`.
    #[schemars(length(min = 1, max = 1000))]
    targets: Vec<String>,
    /// The command, for the shell to read; of an argument list the last argument.
    command: String,
    /// Which program reads the command.
    #[serde(default)]
    shell: Shell,
    /// Environment variables; values may hold `{{ … }}`.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Working folder, absolute; the attempt's private one unless said.
    cwd: Option<String>,
    /// As whom it runs; the agent's own user unless said. The host's own file `/etc/pulse/agent.yaml` must allow it.
    #[schemars(regex(pattern = r"^[a-z_][a-z0-9_.-]{0,31}$"))]
    user: Option<String>,
    /// Exit codes that count as success; 0 alone unless said.
    #[schemars(length(min = 1, max = 256))]
    success_exit_codes: Option<Vec<u8>>,
    /// How long it may run on a target; 1h unless said.
    timeout: Option<Duration>,
    /// Time between TERM and KILL; 30s unless said.
    kill_grace: Option<Duration>,
    /// Tries of failed targets.
    retry: Option<Retries>,
    /// Targets side by side; 50 unless said.
    #[schemars(range(min = 1, max = 10000))]
    max_parallel: Option<u32>,
    /// Once more targets than this have failed, no further one starts.
    #[serde(default)]
    max_failures: u32,
    /// What to do about a target that is offline.
    #[serde(default)]
    on_offline: OnOffline,
    /// What an attempt that ends `unknown` does to the execution; `wait` unless said.
    on_unknown: Option<OnUnknown>,
    /// Running it twice does no harm.
    #[serde(default)]
    idempotent: bool,
    /// It takes its host down: it has succeeded once the agent is back with a new boot id within the timeout.
    #[serde(default)]
    expect_disconnect: bool,
}

/// Tries of failed targets.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RetryCommand", deny_unknown_fields)]
#[expect(dead_code, reason = "the decoder of the manifests reads the fields; this says their types")]
struct Retries {
    /// All tries, the first one included.
    #[schemars(range(min = 1, max = 100))]
    attempts: u32,
    /// The wait before the second try; doubled before each further one. 1s unless said.
    backoff: Option<Duration>,
    /// The longest wait between two tries; 10m unless said.
    max_backoff: Option<Duration>,
}

/// `POST /api/v1/commands`.
pub(super) async fn run(
    State(app): State<App>,
    caller: Caller,
    ticket: Ticket,
    key: Key,
    Traced(trace): Traced,
    Body(wanted): Body<Wanted>,
) -> Result<StartAnswer, Problem> {
    let Wanted { source, limit, reason: why, dry_run, command } = wanted;
    let workflow = read(&command)?;
    ticket.on("workflow", COMMAND);
    // The command itself may hold what is nobody's business; the execution has it.
    ticket.say("targets", targets(&command).take(SAID).collect::<Vec<_>>());
    limit.iter().for_each(|limit| ticket.say("limit", limit.as_str()));
    let why = why.map(|why| reason(&why)).transpose()?.filter(|why| !why.is_empty());
    let meaning = json!({ "command": workflow.spec, "source": source, "limit": limit, "reason": why });
    let idempotency = key.of_start(dry_run, &meaning)?;
    let trigger = Trigger { reason: why, ..Trigger::person(caller.by()) };
    let source = Some(source_of(&app, source.as_deref())?);
    let audit = if dry_run { None } else { Some(ticket.hand_over(201)) };
    let request =
        StartRequest { workflow: COMMAND.to_owned(), source, params: BTreeMap::new(), limit, trigger, idempotency, audit, trace };
    if let Some(started) = app.engine.replay(&request).await? {
        note(&ticket, &started);
        return Ok(StartAnswer::Started(Box::new(answer(started))));
    }
    let ready = app.engine.ready(workflow, request)?;
    may_command(&caller, &app.engine.targets_of_command(&ready))?;
    if dry_run {
        ticket.say("dryRun", true);
        ticket.unchanged();
        return Ok(StartAnswer::Dry(Box::new(app.engine.dry_command(ready)?)));
    }
    let started = app.engine.run_command(ready).await?;
    note(&ticket, &started);
    Ok(StartAnswer::Started(Box::new(answer(started))))
}

/// The targets as they were asked for.
fn targets(command: &Map<String, Value>) -> impl Iterator<Item = &str> {
    command.get("targets").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The workflow that the command is; every problem at once, each with its place in the request.
fn read(command: &Map<String, Value>) -> Result<Workflow, Problem> {
    let told = |pointer: &str, code: &str, message: &str, help: &Option<String>| {
        let mut error = json!({ "pointer": pointer, "code": code, "message": message });
        if let Some(help) = help {
            error["help"] = json!(help);
        }
        error
    };
    let refused = |errors: Vec<Value>| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_command", "the command is wrong").with_errors(errors)
    };
    let execute = crd_schemas::decode_command(command).map_err(|problems| {
        let errors = problems.iter().map(|one| told(&one.pointer, &one.code, &one.message, &one.help));
        refused(errors.collect())
    })?;
    let workflow = command_workflow(execute);
    let findings = check_command(&workflow);
    if findings.is_empty() {
        return Ok(workflow);
    }
    Err(refused(findings.iter().map(|one| told(&one.pointer, one.code, &one.message, &one.help)).collect()))
}

/// The source that is named; else the only one. Commands need none at all.
fn source_of(app: &App, named: Option<&str>) -> Result<String, Problem> {
    match app.sources.pick(named) {
        Ok(syncer) => Ok(syncer.name().to_owned()),
        Err(SyncError::NoSource) => Ok(DEFAULT_SOURCE.to_owned()),
        Err(error) => Err(error.into()),
    }
}

/// Refuses a command on agents of which the caller may not command each; says which.
pub(super) fn may_command(caller: &Caller, targets: &[Labelled]) -> Result<(), Problem> {
    let judged = targets.iter().map(|(name, labels)| {
        let object = Object::Agent { name: name.as_str(), labels };
        (name, caller.judge(Verb::Command, &object))
    });
    let denied: Vec<_> = judged.filter_map(|(name, judged)| Some((name, judged.err()?))).collect();
    let Some((first, why)) = denied.first() else { return Ok(()) };
    let others = if denied.len() > 1 { format!(", and on {} more", denied.len() - 1) } else { String::new() };
    let said = format!("no command of yours may run on `{first}`{others}: {why}");
    let named: Vec<_> = denied.iter().take(MAX_NAMED).map(|(name, _)| name.as_str()).collect();
    let problem = Problem::new(StatusCode::FORBIDDEN, "forbidden", said).with("targets", named);
    Err(problem.with_help("leave these agents out, or ask whoever administers PULSE for an AccessPolicy with the verb `command`"))
}

#[cfg(test)]
mod tests {
    use super::Fields;
    use crd_schemas::manifest::Execute;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn fields(schema: &schemars::Schema) -> BTreeSet<String> {
        let found = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        found.map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn the_document_has_every_field_of_a_step_that_needs_no_commit() {
        let mut of_step = fields(&schemars::schema_for!(Execute));
        for name in ["script", "files"] {
            of_step.remove(name);
        }
        of_step.insert("command".to_owned());
        assert_eq!(fields(&schemars::schema_for!(Fields)), of_step);
    }
}
