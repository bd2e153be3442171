//! `pulse get KIND [NAME]`: lists and single objects, in every format.

use super::{execution_path, sync};
use crate::args::Common;
use crate::client::{Client, Listed, encode, query};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table::Table;
use crate::output::{self, Format, when};
use crate::views::{pairs, text, time};
use crate::{scheduled, sourced};
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Executions and syncs listed unless said.
const DEFAULT_LIMIT: u16 = 50;
/// Items asked for at once.
const MAX_PAGE: u16 = 500;

/// List workflows, schedules, executions, agents, groups, sources, syncs or enrolment tokens, or show one of them
#[derive(Debug, clap::Args)]
pub struct Get {
    /// What to list
    kind: Kind,
    /// Only the one of this name
    name: Option<String>,
    /// Executions of this workflow only
    #[arg(long, conflicts_with = "name")]
    workflow: Option<String>,
    /// Executions in this state only, such as `running`
    #[arg(long, conflicts_with = "name")]
    status: Option<String>,
    /// Of this source only: executions and syncs; or which of several workflows or schedules of the same name is meant
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
    #[value(alias = "agent")]
    Agents,
    #[value(alias = "group", alias = "agentgroups")]
    Groups,
    #[value(alias = "source")]
    Sources,
    #[value(alias = "sync")]
    Syncs,
    #[value(alias = "token")]
    Tokens,
}

impl Get {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(Format::value_variants())?;
        if self.kind != Kind::Executions && (self.workflow.is_some() || self.status.is_some()) {
            return Err(
                Failure::new("--workflow and --status select executions").with_help("use them with `pulse get executions`")
            );
        }
        self.check_source()?;
        let client = common.client()?;
        let (items, document) = match &self.name {
            Some(name) => {
                let object = self.one(&client, name)?;
                (vec![object.clone()], object)
            }
            None => {
                let Listed { items, more, beside } = self.all(&client)?;
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
                output::print(&self.kind.table(&items, format, Timestamp::now()).render(common.headers()))?
            }
        }
        if self.kind == Kind::Syncs && self.name.is_none() && matches!(format, Format::Table | Format::Wide) {
            output::message(&sourced::last_webhook(document.get("lastWebhook"), Timestamp::now()));
        }
        Ok(Exit::Success)
    }

    /// `--source` where it says something: of a list, or of a name that several sources may have.
    fn check_source(&self) -> Result<(), Failure> {
        let listed = matches!(self.kind, Kind::Executions | Kind::Syncs) && self.name.is_none();
        let named = matches!(self.kind, Kind::Workflows | Kind::Schedules) && self.name.is_some();
        if self.source.is_none() || listed || named {
            return Ok(());
        }
        let help = "use it with `get executions`, `get syncs`, `get workflow NAME` or `get schedule NAME`; `-o wide` shows each object's source";
        Err(Failure::new("--source selects executions or syncs, or says which workflow or schedule is meant").with_help(help))
    }

    fn all(&self, client: &Client) -> Result<Listed, Failure> {
        let newest = matches!(self.kind, Kind::Executions | Kind::Syncs);
        let limit = self.limit.or(newest.then_some(DEFAULT_LIMIT));
        let text = limit.map(|limit| limit.min(MAX_PAGE).to_string());
        // What says nothing of a kind is not given.
        let path = query(&[
            ("workflow", self.workflow.as_deref()),
            ("status", self.status.as_deref()),
            ("source", self.source.as_deref()),
            ("limit", text.as_deref()),
        ]);
        client.listed(&format!("{}{path}", self.kind.path()), limit.map(usize::from))
    }

    fn say_more(&self, items: &[Value], more: bool) {
        if more {
            let count = items.len();
            output::message(&format!("there are more {} than these {count}; --limit shows more", self.kind.plural()));
        }
    }

    fn one(&self, client: &Client, name: &str) -> Result<Value, Failure> {
        match self.kind {
            Kind::Executions => client.get(&execution_path(name)),
            Kind::Syncs => sync(client, name),
            Kind::Workflows | Kind::Schedules | Kind::Agents | Kind::Sources => {
                let source = query(&[("source", self.source.as_deref())]);
                client.get(&format!("{}/{}{source}", self.kind.path(), encode(name)))
            }
            // These have no path of their own.
            kind => {
                let found = client.list(kind.path(), None)?.0.into_iter().find(|item| kind.name_of(item) == name);
                found.ok_or_else(|| {
                    let help = format!("`pulse get {}` lists those there are", kind.plural());
                    Failure::new(format!("there is no {name} among the {}", kind.plural())).with_help(help)
                })
            }
        }
    }
}

/// A column: its header, whether only `-o wide` has it, and its cell.
type Column = (&'static str, bool, fn(&Value, Timestamp) -> String);

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Workflows => "/workflows",
            Self::Schedules => "/schedules",
            Self::Executions => "/executions",
            Self::Agents => "/agents",
            Self::Groups => "/groups",
            Self::Sources => "/sources",
            Self::Syncs => "/syncs",
            Self::Tokens => "/agents/tokens",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Workflows => "workflows",
            Self::Schedules => "schedules",
            Self::Executions => "executions",
            Self::Agents => "agents",
            Self::Groups => "groups",
            Self::Sources => "sources",
            Self::Syncs => "syncs",
            Self::Tokens => "tokens",
        }
    }

    /// What other commands take for the object.
    fn name_of(self, item: &Value) -> String {
        match self {
            Self::Workflows | Self::Schedules | Self::Agents | Self::Groups => text(item, "/metadata/name"),
            // A row that the server cannot read has its id only.
            Self::Executions => Some(text(item, "/name")).filter(|name| !name.is_empty()).unwrap_or_else(|| text(item, "/id")),
            Self::Sources => text(item, "/name"),
            Self::Syncs | Self::Tokens => text(item, "/id"),
        }
    }

    fn columns(self) -> &'static [Column] {
        match self {
            Self::Workflows => WORKFLOWS,
            Self::Schedules => SCHEDULES,
            Self::Executions => EXECUTIONS,
            Self::Agents => AGENTS,
            Self::Groups => GROUPS,
            Self::Sources => SOURCES,
            Self::Syncs => SYNCS,
            Self::Tokens => TOKENS,
        }
    }

    fn table(self, items: &[Value], format: Format, now: Timestamp) -> Table {
        let columns: Vec<&Column> = self.columns().iter().filter(|(_, wide, _)| !wide || format == Format::Wide).collect();
        let mut table = Table::new(&columns.iter().map(|(header, _, _)| *header).collect::<Vec<_>>());
        for item in items {
            table.row(columns.iter().map(|(_, _, cell)| cell(item, now)).collect());
        }
        table
    }
}

fn age(item: &Value, pointer: &str, now: Timestamp) -> String {
    when::age(time(item, pointer), now)
}

/// Enough of a commit or id to tell two apart by eye.
fn short(text: String) -> String {
    text.chars().take(12).collect()
}

fn listed(item: &Value, pointer: &str) -> String {
    let texts = item.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    texts.collect::<Vec<_>>().join(",")
}

fn count(item: &Value, pointer: &str) -> String {
    item.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len).to_string()
}

const WORKFLOWS: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/metadata/name")),
    ("STEPS", false, |item, _| count(item, "/spec/steps")),
    ("PARAMS", false, |item, _| {
        let params = item.pointer("/spec/params").and_then(Value::as_array).into_iter().flatten();
        params.map(|param| text(param, "/name")).collect::<Vec<_>>().join(",")
    }),
    ("LABELS", true, |item, _| pairs(item, "/metadata/labels")),
    ("SOURCE", true, |item, _| text(item, "/status/source")),
    ("COMMIT", true, |item, _| short(text(item, "/status/observedCommit"))),
    ("DESCRIPTION", false, |item, _| text(item, "/spec/description")),
];

const SCHEDULES: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/metadata/name")),
    ("WHEN", false, |item, _| text(item, "/status/when")),
    ("NEXT", false, scheduled::next),
    ("LAST", false, scheduled::last),
    ("WHAT", false, |item, _| scheduled::what(item)),
    ("POLICY", true, |item, _| text(item, "/spec/concurrencyPolicy")),
    ("LABELS", true, |item, _| pairs(item, "/metadata/labels")),
    ("SOURCE", true, |item, _| text(item, "/status/source")),
    ("COMMIT", true, |item, _| short(text(item, "/status/observedCommit"))),
    ("WAITS FOR", true, |item, _| text(item, "/status/waitsFor")),
];

const EXECUTIONS: &[Column] = &[
    ("NAME", false, |item, _| Kind::Executions.name_of(item)),
    ("STATUS", false, |item, _| text(item, "/status")),
    ("STARTED BY", false, |item, _| text(item, "/startedBy")),
    ("AGE", false, |item, now| age(item, "/createdAt", now)),
    ("DURATION", false, |item, now| when::between(time(item, "/startedAt"), time(item, "/endedAt"), now)),
    ("ID", true, |item, _| text(item, "/id")),
    ("SOURCE", true, |item, _| text(item, "/source")),
    ("COMMIT", true, |item, _| short(text(item, "/commit"))),
    ("CREATED", true, |item, _| time(item, "/createdAt").map_or_else(String::new, when::local)),
    ("MESSAGE", false, |item, _| text(item, "/message")),
];

const AGENTS: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/metadata/name")),
    ("STATE", false, |item, _| text(item, "/status/state")),
    ("SLOTS", false, |item, _| match text(item, "/status/slots") {
        slots if slots.is_empty() => slots,
        slots => format!("{}/{slots}", text(item, "/status/slotsTaken")),
    }),
    ("LAST SEEN", false, |item, now| age(item, "/status/lastSeen", now)),
    ("RELEASE", true, |item, _| text(item, "/status/release")),
    ("ENROLLED", true, |item, now| age(item, "/status/enrolledAt", now)),
    ("LABELS", false, |item, _| pairs(item, "/status/labels")),
    ("REASON", true, |item, _| text(item, "/status/reason")),
];

const GROUPS: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/metadata/name")),
    ("SOURCE", true, |item, _| text(item, "/status/source")),
    ("AGENTS", true, |item, _| listed(item, "/spec/agents")),
    ("MEMBERS", false, |item, _| listed(item, "/status/members")),
    ("SELECTOR", false, |item, _| text(item, "/spec/selector")),
    ("COMMIT", true, |item, _| short(text(item, "/status/observedCommit"))),
];

const SOURCES: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/name")),
    ("READY", false, |item, _| sourced::condition(item, "Ready", "status")),
    ("REASON", false, |item, _| sourced::condition(item, "Ready", "reason")),
    ("COMMIT", false, |item, _| sourced::short_commit(&text(item, "/observedCommit"))),
    ("LAST LOOK", false, |item, now| age(item, "/lastLook", now)),
    ("KIND", true, |item, _| text(item, "/kind")),
    ("BRANCH", false, |item, _| text(item, "/branch")),
    ("PATH", true, |item, _| text(item, "/path")),
    ("URL", false, |item, _| text(item, "/url")),
    ("MESSAGE", true, |item, _| sourced::condition(item, "Ready", "message")),
];

const SYNCS: &[Column] = &[
    ("AGE", false, |item, now| age(item, "/finishedAt", now)),
    ("SOURCE", false, |item, _| text(item, "/source")),
    ("COMMIT", false, |item, _| sourced::short_commit(&text(item, "/commit"))),
    ("AUTHOR", false, |item, _| sourced::author(item)),
    ("OUTCOME", false, |item, _| text(item, "/outcome")),
    ("CHANGES", false, |item, _| sourced::counts(item)),
    ("DURATION", false, |item, _| sourced::duration(item)),
    ("PROBLEMS", true, |item, _| text(item, "/problemCount")),
    ("ID", true, |item, _| text(item, "/id")),
    ("TITLE", true, |item, _| text(item, "/title")),
    ("MESSAGE", false, |item, _| text(item, "/message")),
];

const TOKENS: &[Column] = &[
    ("ID", false, |item, _| text(item, "/id")),
    ("USES LEFT", false, |item, _| text(item, "/usesLeft")),
    ("EXPIRES", false, |item, _| time(item, "/expiresAt").map_or_else(String::new, when::local)),
    ("LABELS", false, |item, _| pairs(item, "/labels")),
    ("NAMES", false, |item, _| listed(item, "/names")),
];
