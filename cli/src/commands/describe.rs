//! `pulse describe KIND NAME`: one object as people read it.

mod schedule;
mod source;
mod sync;

use super::execution_path;
use crate::args::Common;
use crate::client::{Client, encode, query, view};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::escape::visible;
use crate::output::{self, Format, when};
use crate::views::{Attempt, Execution, Step, pairs, text, time};
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write;

/// Slots of a schedule that are shown.
const LAST_SLOTS: u8 = 10;

/// Show everything about an execution, a workflow, a schedule, an agent, a source or a sync
#[derive(Debug, clap::Args)]
pub struct Describe {
    /// What it is (execution, workflow, schedule, agent, source or sync), or at once an execution's id or workflow#number
    what: String,
    /// Its name; for an execution its id or workflow#number; for a sync its id or the beginning of its commit
    name: Option<String>,
    /// Which of several workflows or schedules of the name is meant
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

/// What can be described.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    #[value(alias = "executions", alias = "ex")]
    Execution,
    #[value(alias = "workflows", alias = "wf")]
    Workflow,
    #[value(alias = "schedules")]
    Schedule,
    #[value(alias = "agents")]
    Agent,
    #[value(alias = "sources")]
    Source,
    #[value(alias = "syncs")]
    Sync,
}

impl Describe {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(Format::value_variants())?;
        let client = common.client()?;
        let (kind, name) = self.subject()?;
        if self.source.is_some() && !matches!(kind, Kind::Workflow | Kind::Schedule) {
            return Err(Failure::new("--source says which workflow or schedule is meant").with_help("leave it out here"));
        }
        let object = kind.object(&client, name, self.source.as_deref())?;
        match format {
            Format::Json => output::print(&output::json(&object))?,
            Format::Yaml => output::print(&output::yaml(&object)?)?,
            Format::Name => output::print(&visible(&kind.name_of(&object)))?,
            Format::Table | Format::Wide => output::print(&kind.said(object, Timestamp::now())?)?,
        }
        Ok(Exit::Success)
    }
}

impl Kind {
    fn object(self, client: &Client, name: &str, source: Option<&str>) -> Result<Value, Failure> {
        match self {
            Self::Execution => client.get(&execution_path(name)),
            Self::Workflow => client.get(&format!("/workflows/{}{}", encode(name), query(&[("source", source)]))),
            Self::Schedule => scheduled(client, name, source),
            Self::Agent => client.get(&format!("/agents/{}", encode(name))),
            Self::Source => client.get(&format!("/sources/{}", encode(name))),
            Self::Sync => super::sync(client, name),
        }
    }

    /// What other commands take for the object.
    fn name_of(self, object: &Value) -> String {
        match self {
            Self::Execution | Self::Source => text(object, "/name"),
            Self::Workflow | Self::Schedule | Self::Agent => text(object, "/metadata/name"),
            Self::Sync => text(object, "/id"),
        }
    }

    fn said(self, object: Value, now: Timestamp) -> Result<String, Failure> {
        Ok(match self {
            Self::Execution => execution(&view(object)?, now),
            Self::Workflow => workflow(&object),
            Self::Schedule => schedule::schedule(&object, now),
            Self::Agent => agent(&object, now),
            Self::Source => source::source(&object, now),
            Self::Sync => sync::sync(&object),
        })
    }
}

impl Describe {
    /// What is meant: kind and name, or an execution alone.
    fn subject(&self) -> Result<(Kind, &str), Failure> {
        match (&self.name, Kind::from_str(&self.what, true)) {
            (Some(name), Ok(kind)) => Ok((kind, name)),
            (None, Err(_)) if self.what.contains('#') || self.what.len() == 36 => Ok((Kind::Execution, &self.what)),
            (None, Ok(_)) => Err(Failure::new(format!("which {}? Write its name behind it", self.what))),
            _ => Err(Failure::new(format!(
                "`{}` is no kind that can be described; write `execution`, `workflow`, `schedule`, `agent`, `source` or `sync` and a name",
                self.what
            ))),
        }
    }
}

/// A schedule, and its last slots in `status.slots`.
fn scheduled(client: &Client, name: &str, source: Option<&str>) -> Result<Value, Failure> {
    let path = format!("/schedules/{}", encode(name));
    let mut schedule = client.get(&format!("{path}{}", query(&[("source", source)])))?;
    let (source, limit) = (text(&schedule, "/status/source"), LAST_SLOTS.to_string());
    let asked = query(&[("source", Some(source.as_str())), ("limit", Some(limit.as_str()))]);
    schedule["status"]["slots"] = client.get(&format!("{path}/slots{asked}"))?["items"].take();
    Ok(schedule)
}

/// Fields under each other, those without a value left out.
fn fields(fields: &[(&str, String)]) -> String {
    let mut said = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(said, "{:<12} {}", format!("{name}:"), visible(value));
    }
    said
}

fn execution(execution: &Execution, now: Timestamp) -> String {
    let at = |time: Option<Timestamp>| time.map_or_else(String::new, when::local);
    let params = execution.params.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    });
    let mut said = fields(&[
        ("Execution", execution.name.clone()),
        ("Id", execution.id.clone()),
        ("Workflow", execution.workflow.clone()),
        ("Source", execution.source.clone()),
        ("Commit", execution.commit.clone()),
        ("Status", execution.status.clone()),
        ("Message", execution.message.clone().unwrap_or_default()),
        ("Params", params.collect::<Vec<_>>().join(", ")),
        ("Started by", execution.started_by.clone()),
        ("Created", at(execution.created_at)),
        ("Started", at(execution.started_at)),
        ("Ended", at(execution.ended_at)),
        ("Duration", when::between(execution.started_at, execution.ended_at, now)),
    ]);
    for step in &execution.steps {
        said.push_str(&of_step(step, now));
    }
    if !execution.reasons.is_empty() {
        said.push_str("\nWhy it stands where it stands:\n");
        for reason in &execution.reasons {
            let _ = writeln!(said, "  {}", visible(&reason.message));
        }
    }
    for mend in execution.mend() {
        let _ = writeln!(said, "  {}", visible(&mend));
    }
    said
}

fn of_step(step: &Step, now: Timestamp) -> String {
    let visit = if step.visit > 1 { format!(" (visit {})", step.visit) } else { String::new() };
    let when = step.condition.map_or(String::new(), |held| format!(", when was {held}"));
    let why = step.message.as_deref().map_or(String::new(), |message| format!(": {}", visible(message)));
    let mut said = format!("\nStep {}{visit}: {}{when}{why}\n", step.id, step.status);
    for target in &step.targets {
        let why = target.reason.as_deref().map_or(String::new(), |reason| format!(": {}", visible(reason)));
        let _ = writeln!(said, "  {:<20} {}{why}", visible(&target.agent), target.status);
        for attempt in &target.attempts {
            let _ = writeln!(said, "    {}", of_attempt(attempt, now));
        }
    }
    said
}

fn of_attempt(attempt: &Attempt, now: Timestamp) -> String {
    let mut said = format!("try {} {}: {}", attempt.number, attempt.id, attempt.state);
    if let Some(code) = attempt.exit_code {
        let _ = write!(said, ", exit code {code}");
    }
    if let Some(signal) = attempt.signal {
        let _ = write!(said, ", signal {signal}");
    }
    if let Some(why) = &attempt.reason {
        let _ = write!(said, ", {}", visible(why));
    }
    let took = match attempt.duration_ms {
        Some(duration) => when::milliseconds(duration),
        None => when::between(attempt.started_at, attempt.ended_at, now),
    };
    if !took.is_empty() {
        let _ = write!(said, ", {took}");
    }
    for (name, stream) in [("stdout", &attempt.stdout), ("stderr", &attempt.stderr)] {
        if let Some(stream) = stream.as_ref().filter(|stream| stream.bytes > 0) {
            let _ = write!(said, ", {name} {}", when::bytes(stream.bytes));
        }
    }
    said
}

fn workflow(object: &Value) -> String {
    let mut said = fields(&[
        ("Workflow", text(object, "/metadata/name")),
        ("Description", text(object, "/spec/description")),
        ("Labels", pairs(object, "/metadata/labels")),
        ("Concurrency", text(object, "/spec/concurrency/policy")),
        ("Source", text(object, "/status/source")),
        ("File", text(object, "/status/path")),
        ("Commit", text(object, "/status/observedCommit")),
        ("Generation", text(object, "/status/generation")),
    ]);
    let each = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let params = each("/spec/params");
    if !params.is_empty() {
        said.push_str("\nParams:\n");
    }
    for param in params {
        let how = match (text(&param, "/required").as_str(), text(&param, "/default")) {
            ("true", _) => "required".to_owned(),
            (_, default) => format!("default {default:?}"),
        };
        let about = text(&param, "/description");
        let about = if about.is_empty() { about } else { format!(": {}", visible(&about)) };
        let _ = writeln!(said, "  {} ({how}){about}", text(&param, "/name"));
    }
    said.push_str("\nSteps:\n");
    for step in each("/spec/steps") {
        let targets = each_text(&step, "/targets");
        let _ = writeln!(said, "  {}: {} on {}", text(&step, "/id"), text(&step, "/type"), visible(&targets));
        said.push_str(&script_and_files(&step));
        for line in text(&step, "/command").trim_end().lines() {
            let _ = writeln!(said, "    | {}", visible(line));
        }
    }
    said
}

/// The script file with its arguments, and the files that lie beside it.
fn script_and_files(step: &Value) -> String {
    let mut said = String::new();
    let file = text(step, "/script/file");
    if !file.is_empty() {
        let args = step.pointer("/script/args").and_then(Value::as_array).into_iter().flatten();
        let args: String = args.map(|arg| format!(" {arg}")).collect();
        let _ = writeln!(said, "    script {}{}", visible(&file), visible(&args));
    }
    for file in step.pointer("/files").and_then(Value::as_array).into_iter().flatten() {
        let _ = match file.as_str() {
            Some(path) => writeln!(said, "    file {}", visible(path)),
            None => writeln!(said, "    file {} from {}", visible(&text(file, "/to")), visible(&text(file, "/from"))),
        };
    }
    said
}

fn each_text(value: &Value, pointer: &str) -> String {
    let items = value.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn agent(object: &Value, now: Timestamp) -> String {
    let share = |used: &str, total: &str| {
        let bytes = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64);
        match (bytes(used), bytes(total)) {
            (Some(used), Some(total)) => format!("{} of {}", when::bytes(used), when::bytes(total)),
            _ => String::new(),
        }
    };
    let seen = time(object, "/status/lastSeen")
        .map_or_else(String::new, |seen| format!("{} ({} ago)", when::local(seen), when::age(Some(seen), now)));
    let slots = match text(object, "/status/slots") {
        slots if slots.is_empty() => slots,
        slots => format!("{} of {slots} taken", text(object, "/status/slotsTaken")),
    };
    let mut said = fields(&[
        ("Agent", text(object, "/metadata/name")),
        ("State", text(object, "/status/state")),
        ("Reason", text(object, "/status/reason")),
        ("Release", text(object, "/status/release")),
        ("Slots", slots),
        ("Last seen", seen),
        ("Enrolled", time(object, "/status/enrolledAt").map_or_else(String::new, when::local)),
        ("Labels", pairs(object, "/status/labels")),
        ("Vars", pairs(object, "/spec/vars")),
        ("Load", text(object, "/status/vitals/load1")),
        ("CPU", text(object, "/status/vitals/cpuPercent")),
        ("Memory", share("/status/vitals/memoryUsedBytes", "/status/vitals/memoryTotalBytes")),
    ]);
    if let Some(facts) = object.pointer("/status/facts").and_then(Value::as_object).filter(|facts| !facts.is_empty()) {
        said.push_str("\nFacts:\n");
        for name in facts.keys() {
            let _ = writeln!(said, "  {} = {}", visible(name), visible(facts[name].as_str().unwrap_or("")));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::workflow;

    #[test]
    fn a_step_shows_its_script_and_files() {
        let step = serde_json::json!({"id": "a", "type": "execute", "targets": ["x"],
            "script": {"file": "bin/a.sh", "args": ["--x", "{{ params.y }}"]}, "files": ["lib", {"from": "conf/c", "to": "c"}]});
        let said = workflow(&serde_json::json!({"metadata": {"name": "w"}, "spec": {"steps": [step]}}));
        let expected =
            "  a: execute on x\n    script bin/a.sh \"--x\" \"{{ params.y }}\"\n    file lib\n    file c from conf/c\n";
        assert!(said.ends_with(expected), "{said}");
    }
}
