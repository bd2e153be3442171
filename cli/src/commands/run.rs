//! `pulse run NAME`: start an execution, and follow it if asked.

pub(super) mod dry;
mod params;

use super::agents::pair;
use super::begun;
use super::once::Once;
use crate::args::Common;
use crate::client::view;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Follow, Selection};
use crate::output::{self, Format};
use crate::views::text;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Start a workflow. With --follow exits 0 succeeded, 1 failed, 3 cancelled, 5 waiting for a person
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The workflow
    name: String,
    /// A parameter; the value is taken as it stands. A list is written as JSON: -p packages='["a", "b"]'
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = pair)]
    params: Vec<(String, String)>,
    /// A file with parameters, YAML or JSON, or - for stdin; -p goes before it
    #[arg(long = "params", value_name = "FILE")]
    params_file: Option<PathBuf>,
    /// The workflow's source; needed only where several have one of the name. The execution is then told by its id
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only on agents that match, such as role=web; narrows every step
    #[arg(long, value_name = "SELECTOR")]
    limit: Option<String>,
    /// Say targets and commands, and start nothing
    #[arg(long, conflicts_with_all = ["follow", "idempotency_key"])]
    dry_run: bool,
    /// Show the output as it comes, until the end
    #[arg(short, long)]
    follow: bool,
    /// Show terminal control sequences of the output as they are
    #[arg(long, requires = "follow")]
    raw: bool,
    #[command(flatten)]
    once: Once,
}

impl Run {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let known: &[Format] = match (self.follow, self.dry_run) {
            (true, _) => &[Format::Table],
            (_, true) => &[Format::Table, Format::Json, Format::Yaml],
            _ => &[Format::Table, Format::Json, Format::Yaml, Format::Name],
        };
        let format = common.format_of(known)?;
        let body = self.body()?;
        let client = common.client()?;
        let answer = if self.dry_run {
            client.post("/executions", &body, &[])?
        } else {
            self.once.start(&client, "/executions", &body)?
        };
        // A number counts within its source, so that where there are several only the id surely means this one.
        let name = text(&answer, if self.source.is_some() { "/id" } else { "/name" });
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            Format::Name => output::print(&name)?,
            _ if self.dry_run => output::print(&dry::dry_run(&view(answer)?))?,
            _ if self.follow => {
                output::message(&format!("{name} {}", begun(&answer)));
                return Follow::new(&client, &name, Selection::default(), self.raw).known().until_settled();
            }
            _ => {
                output::print(&name)?;
                output::message(&format!("{} {}; `pulse logs -f '{name}'` follows it", self.name, begun(&answer)));
            }
        }
        Ok(Exit::Success)
    }

    fn body(&self) -> Result<Value, Failure> {
        let params = params::gathered(&self.params, self.params_file.as_deref())?;
        let mut body = json!({ "workflow": self.name, "params": params });
        for (field, given) in [("source", &self.source), ("limit", &self.limit)] {
            if let Some(given) = given {
                body[field] = Value::from(given.as_str());
            }
        }
        if self.dry_run {
            body["dryRun"] = Value::from(true);
        }
        Ok(body)
    }
}
