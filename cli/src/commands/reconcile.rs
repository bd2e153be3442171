//! `pulse reconcile`: look at the source now.

use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::views::text;
use serde_json::{Value, json};

/// Sync the source now, and say what came of it. Exits 1 when the commit was refused, is held or could not be reached
#[derive(Debug, clap::Args)]
pub struct Reconcile {}

impl Reconcile {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml])?;
        let sync = common.client()?.post("/syncs", &json!({}), &[])?;
        match format {
            Format::Json => output::print(&output::json(&sync))?,
            Format::Yaml => output::print(&output::yaml(&sync)?)?,
            _ => output::print(&said(&sync))?,
        }
        Ok(match text(&sync, "/outcome").as_str() {
            "refused" | "held" | "unreachable" => Exit::Negative,
            _ => Exit::Success,
        })
    }
}

/// The sync in one line, and each of its problems in one.
fn said(sync: &Value) -> String {
    let mut lines = vec![format!("{} {}", text(sync, "/outcome"), text(sync, "/commit"))];
    let message = text(sync, "/message");
    if !message.is_empty() {
        lines.push(format!("  {}", output::escape::visible(&message)));
    }
    for problem in sync.get("problems").and_then(Value::as_array).into_iter().flatten() {
        let line = match serde_json::from_value::<crd_schemas::Problem>(problem.clone()) {
            Ok(problem) => problem.to_string(),
            Err(_) => problem.to_string(),
        };
        lines.push(format!("  {}", output::escape::visible(&line)));
    }
    lines.join("\n")
}
