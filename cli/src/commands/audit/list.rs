//! `pulse audit list`: the newest first.

use crate::args::Common;
use crate::client::{Listed, query};
use crate::commands::get::{Column, Moment, table};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format, when};
use crate::views::{text, time};
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Who changed what, or was refused: the newest first
#[derive(Debug, clap::Args)]
pub struct List {
    /// What this principal asked for only, such as `anna` or `token:ci`
    #[arg(long, value_name = "WHO")]
    principal: Option<String>,
    /// This action only, such as `execution.start`
    #[arg(long)]
    action: Option<String>,
    /// What was asked for on this object only: its id or name
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    /// What came to this only
    #[arg(long, value_parser = ["begun", "done", "unchanged", "refused", "failed", "unknown"])]
    outcome: Option<String>,
    /// Since then only: how long ago (2h), or a time such as 2026-11-21T05:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// Before then only
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
}

/// Rows asked for at once.
const MAX_PAGE: u16 = 500;

const COLUMNS: &[Column] = &[
    ("SEQ", true, |row, _| text(row, "/seq")),
    ("WHEN", false, |row, _| time(row, "/at").map_or_else(String::new, when::local)),
    ("WHO", false, |row, _| text(row, "/principal/name")),
    ("MEANS", true, |row, _| text(row, "/principal/means")),
    ("FROM", true, |row, _| text(row, "/peer")),
    ("ACTION", false, |row, _| text(row, "/action")),
    ("OBJECT", false, |row, _| object(row)),
    ("OUTCOME", false, |row, _| text(row, "/outcome")),
    ("CODE", false, |row, _| text(row, "/code")),
    ("REQUEST", true, |row, _| text(row, "/requestId")),
];

impl List {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(Format::value_variants())?;
        let now = Timestamp::now();
        let (since, until) = (self.since.map(|moment| moment.at(now)), self.until.map(|moment| moment.at(now)));
        let page = self.limit.min(MAX_PAGE).to_string();
        let parts = [
            ("principal", self.principal.as_deref()),
            ("action", self.action.as_deref()),
            ("object", self.object.as_deref()),
            ("outcome", self.outcome.as_deref()),
            ("since", since.as_deref()),
            ("until", until.as_deref()),
            ("limit", Some(page.as_str())),
        ];
        let Listed { items, more, .. } = common.client()?.listed(&format!("/audit{}", query(&parts)), Some(self.limit.into()))?;
        if more {
            output::message(&format!("there are more rows, the newest {} are shown; --limit shows more", items.len()));
        }
        let document = json!({ "items": items });
        match format {
            Format::Json => output::print(&output::json(&document))?,
            Format::Yaml => output::print(&output::yaml(&document)?)?,
            Format::Name | Format::Table | Format::Wide if items.is_empty() => output::message("no rows found"),
            Format::Name => output::print(&items.iter().map(|row| text(row, "/id")).collect::<Vec<_>>().join("\n"))?,
            Format::Table | Format::Wide => {
                let columns: Vec<&Column> = COLUMNS.iter().collect();
                output::print(&table(&columns, &items, format, now).render(common.headers()))?;
            }
        }
        Ok(Exit::Success)
    }
}

fn object(row: &Value) -> String {
    match (text(row, "/object/kind"), text(row, "/object/id")) {
        (kind, id) if kind.is_empty() => id,
        (kind, id) => format!("{kind}/{id}"),
    }
}
