//! `pulse reconcile`: look at the source now.

use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::sourced;
use crate::views::text;
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// A look at a large repository far away takes its time; the controller bounds it by itself.
const PATIENCE: Duration = Duration::from_secs(300);

/// Sync the source now, and say what came of it. Exits 1 when the commit was refused, is held or could not be reached
#[derive(Debug, clap::Args)]
pub struct Reconcile {
    /// The source; needed only where there are several
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

impl Reconcile {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(Format::value_variants())?;
        let body = self.source.as_ref().map_or_else(|| json!({}), |source| json!({ "source": source }));
        let sync = common.client()?.with_patience(PATIENCE).post("/syncs", &body, &[])?;
        match format {
            Format::Json => output::print(&output::json(&sync))?,
            Format::Yaml => output::print(&output::yaml(&sync)?)?,
            Format::Name => output::print(&text(&sync, "/id"))?,
            Format::Table | Format::Wide => {
                output::print(&said(&sync, format == Format::Wide))?;
                output::message(&sourced::last_webhook(sync.get("lastWebhook"), Timestamp::now()));
                sourced::mend(&sync).iter().for_each(|mend| output::message(mend));
            }
        }
        Ok(sourced::exit(&sync))
    }
}

/// The sync in one line, what is to say of it in another, and each of its problems in one; `wide` shows the changes, too.
fn said(sync: &Value, wide: bool) -> String {
    let mut lines = vec![sourced::headline(sync)];
    let message = text(sync, "/message");
    lines.extend((!message.is_empty()).then(|| format!("  {}", output::escape::visible(&message))));
    let changes = if wide { sourced::changes(sync) } else { Vec::new() };
    lines.extend(sourced::problems(sync).into_iter().chain(changes).map(|line| format!("  {line}")));
    lines.join("\n")
}
