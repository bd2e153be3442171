//! `pulse describe KIND NAME`: one object as people read it.

mod agent;
mod execution;
mod schedule;
mod source;
mod sync;
mod workflow;

use super::execution_path;
use crate::args::Common;
use crate::client::{Client, encode, query, view};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::escape::visible;
use crate::output::{self, Format};
use crate::prompts::{self, Wanted};
use crate::views::text;
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::Value;

/// Slots of a schedule that are shown.
const LAST_SLOTS: u8 = 10;

/// Show everything about an execution, a prompt, a workflow, a schedule, an agent, a source or a sync
#[derive(Debug, clap::Args)]
pub struct Describe {
    /// What it is (execution, prompt, workflow, schedule, agent, source or sync), or at once an execution's id or workflow#number
    what: String,
    /// Its name; for an execution its id or workflow#number; for a prompt its id or its execution; for a sync its id or the beginning of its commit
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
    #[value(alias = "prompts")]
    Prompt,
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
            Format::Table | Format::Wide => output::print(&kind.said(object, format == Format::Wide, Timestamp::now())?)?,
        }
        Ok(Exit::Success)
    }
}

impl Kind {
    fn object(self, client: &Client, name: &str, source: Option<&str>) -> Result<Value, Failure> {
        match self {
            Self::Execution => client.get(&execution_path(name)),
            Self::Prompt => prompts::find(client, name, Wanted::Last),
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
            Self::Prompt | Self::Sync => text(object, "/id"),
        }
    }

    fn said(self, object: Value, all: bool, now: Timestamp) -> Result<String, Failure> {
        Ok(match self {
            Self::Execution => execution::execution(&view(object)?, now),
            Self::Prompt => prompts::described(&view(object)?, all, now),
            Self::Workflow => workflow::workflow(&object),
            Self::Schedule => schedule::schedule(&object, now),
            Self::Agent => agent::agent(&object, now),
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
                "`{}` is no kind that can be described; write `execution`, `prompt`, `workflow`, `schedule`, `agent`, `source` or `sync` and a name",
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

fn each_text(value: &Value, pointer: &str) -> String {
    let items = value.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}
