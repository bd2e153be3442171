//! `pulse get KIND [NAME]`: lists and single objects, in every format.

mod columns;
mod filters;

use super::{execution_path, sync};
use crate::args::Common;
use crate::client::{Client, Listed, encode, query};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table::Table;
use crate::output::{self, Format};
use crate::prompts::{self, Wanted};
use crate::sourced;
use crate::views::text;
use clap::ValueEnum;
pub(super) use columns::Column;
use filters::Filters;
pub(super) use filters::Moment;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Executions and syncs listed unless said.
const DEFAULT_LIMIT: u16 = 50;
/// Items asked for at once.
const MAX_PAGE: u16 = 500;

/// List workflows, schedules, executions, prompts, agents, groups, pauses, sources, syncs, enrolment tokens or users, or show one of them
#[derive(Debug, clap::Args)]
pub struct Get {
    /// What to list
    kind: Kind,
    /// Only the one of this name; of prompts also the execution that asks
    name: Option<String>,
    #[command(flatten)]
    filters: Filters,
    /// Also prompts that are closed, and pauses that are over
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// Of this source only: executions, prompts and syncs; or which of several workflows or schedules of the same name is meant
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// At most so many; 50 unless said for executions and syncs, of which the newest are shown
    #[arg(long, conflicts_with = "name", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: Option<u16>,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    #[value(alias = "workflow", alias = "wf")]
    Workflows,
    #[value(alias = "schedule")]
    Schedules,
    #[value(alias = "execution", alias = "ex")]
    Executions,
    #[value(alias = "prompt")]
    Prompts,
    #[value(alias = "agent")]
    Agents,
    #[value(alias = "group", alias = "agentgroups")]
    Groups,
    #[value(alias = "pause")]
    Pauses,
    #[value(alias = "source")]
    Sources,
    #[value(alias = "sync")]
    Syncs,
    #[value(alias = "token")]
    Tokens,
    #[value(alias = "user")]
    Users,
}

impl Get {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(Format::value_variants())?;
        let known: &[&str] = if self.kind == Kind::Prompts { &["workflow"] } else { &[] };
        if self.kind != Kind::Executions && self.filters.are_given(known) {
            return Err(Failure::new("filters select executions").with_help("use them with `pulse get executions`"));
        }
        if self.all && !matches!(self.kind, Kind::Prompts | Kind::Pauses) {
            return Err(Failure::new("--all shows closed prompts and pauses that are over").with_help("leave it out here"));
        }
        self.check_source()?;
        let client = common.client()?;
        let (items, document) = match &self.name {
            Some(name) => {
                let object = self.one(&client, name)?;
                (vec![object.clone()], object)
            }
            None => {
                let Listed { items, more, beside } = self.listed(&client)?;
                self.say_more(&items, more);
                let mut document = json!({ "items": items });
                document.as_object_mut().into_iter().for_each(|fields| fields.extend(beside.clone()));
                (items, document)
            }
        };
        match format {
            Format::Json => output::print(&output::json(&document))?,
            Format::Yaml => output::print(&output::yaml(&document)?)?,
            Format::Name if items.is_empty() => {}
            Format::Name => output::print(&items.iter().map(|item| self.kind.name_of(item)).collect::<Vec<_>>().join("\n"))?,
            Format::Table | Format::Wide if items.is_empty() => output::message(&format!("no {} found", self.kind.plural())),
            Format::Table | Format::Wide => {
                // One that was named may be over.
                let columns = self.kind.columns(self.all || self.name.is_some());
                output::print(&table(&columns, &items, format, Timestamp::now()).render(common.headers()))?
            }
        }
        if self.kind == Kind::Syncs && self.name.is_none() && matches!(format, Format::Table | Format::Wide) {
            output::message(&sourced::last_webhook(document.get("lastWebhook"), Timestamp::now()));
        }
        Ok(Exit::Success)
    }

    /// `--source` where it says something: of a list, or of a name that several sources may have.
    fn check_source(&self) -> Result<(), Failure> {
        let listed = matches!(self.kind, Kind::Executions | Kind::Prompts | Kind::Syncs) && self.name.is_none();
        let named = matches!(self.kind, Kind::Workflows | Kind::Schedules) && self.name.is_some();
        if self.source.is_none() || listed || named {
            return Ok(());
        }
        let help = "use it with `get executions`, `get prompts`, `get syncs`, `get workflow NAME` or `get schedule NAME`; `-o wide` shows each object's source";
        Err(Failure::new("--source selects executions, prompts or syncs, or says which workflow or schedule is meant")
            .with_help(help))
    }

    fn listed(&self, client: &Client) -> Result<Listed, Failure> {
        let newest = matches!(self.kind, Kind::Executions | Kind::Syncs) || (self.kind == Kind::Prompts && self.all);
        let limit = self.limit.or(newest.then_some(DEFAULT_LIMIT));
        let text = limit.map(|limit| limit.min(MAX_PAGE).to_string());
        let filters = self.filters.parts(Timestamp::now());
        // What says nothing of a kind is not given.
        let mut parts: Vec<(&str, Option<&str>)> = filters.iter().map(|(name, value)| (*name, Some(value.as_str()))).collect();
        parts.push(("source", self.source.as_deref()));
        parts.push(match self.kind {
            Kind::Pauses => ("all", self.all.then_some("true")),
            _ => ("status", self.all.then_some("all")),
        });
        parts.push(("limit", text.as_deref()));
        client.listed(&format!("{}{}", self.kind.path(), query(&parts)), limit.map(usize::from))
    }

    fn say_more(&self, items: &[Value], more: bool) {
        if more {
            let count = items.len();
            output::message(&format!("there are more {}, at most {count} are shown; --limit shows more", self.kind.plural()));
        }
    }

    fn one(&self, client: &Client, name: &str) -> Result<Value, Failure> {
        match self.kind {
            Kind::Executions => client.get(&execution_path(name)),
            Kind::Syncs => sync(client, name),
            Kind::Prompts => prompts::find(client, name, Wanted::Last),
            Kind::Workflows | Kind::Schedules | Kind::Agents | Kind::Sources => {
                let source = query(&[("source", self.source.as_deref())]);
                client.get(&format!("{}/{}{source}", self.kind.path(), encode(name)))
            }
            // These have no path of their own.
            kind => {
                let path = if kind == Kind::Pauses { "/pauses?all=true" } else { kind.path() };
                let found = client.list(path, None)?.0.into_iter().find(|item| kind.name_of(item) == name);
                found.ok_or_else(|| {
                    let help = format!("`pulse get {}` lists those there are", kind.plural());
                    Failure::new(format!("there is no {name} among the {}", kind.plural())).with_help(help)
                })
            }
        }
    }
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Workflows => "/workflows",
            Self::Schedules => "/schedules",
            Self::Executions => "/executions",
            Self::Prompts => "/prompts",
            Self::Agents => "/agents",
            Self::Groups => "/groups",
            Self::Pauses => "/pauses",
            Self::Sources => "/sources",
            Self::Syncs => "/syncs",
            Self::Tokens => "/agents/tokens",
            Self::Users => "/users",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Workflows => "workflows",
            Self::Schedules => "schedules",
            Self::Executions => "executions",
            Self::Prompts => "prompts",
            Self::Agents => "agents",
            Self::Groups => "groups",
            Self::Pauses => "pauses",
            Self::Sources => "sources",
            Self::Syncs => "syncs",
            Self::Tokens => "tokens",
            Self::Users => "users",
        }
    }

    /// What other commands take for the object.
    fn name_of(self, item: &Value) -> String {
        match self {
            Self::Workflows | Self::Schedules | Self::Agents | Self::Groups => text(item, "/metadata/name"),
            // A row that the server cannot read has its id only.
            Self::Executions => Some(text(item, "/name")).filter(|name| !name.is_empty()).unwrap_or_else(|| text(item, "/id")),
            Self::Sources | Self::Users => text(item, "/name"),
            Self::Prompts | Self::Pauses | Self::Syncs | Self::Tokens => text(item, "/id"),
        }
    }
}

/// The rows of a list under the columns that a format has.
pub(super) fn table(columns: &[&Column], items: &[Value], format: Format, now: Timestamp) -> Table {
    let columns: Vec<&&Column> = columns.iter().filter(|(_, wide, _)| !wide || format == Format::Wide).collect();
    let mut table = Table::new(&columns.iter().map(|(header, _, _)| *header).collect::<Vec<_>>());
    for item in items {
        table.row(columns.iter().map(|(_, _, cell)| cell(item, now)).collect());
    }
    table
}
