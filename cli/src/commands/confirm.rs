//! `pulse confirm SYNC`: release what a sync held.

use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::sourced;
use crate::views::text;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::io::IsTerminal;

/// Apply a commit that was held because it retires much. Exits 0 when it is live, 1 when you say no, 2 when it cannot be confirmed
#[derive(Debug, clap::Args)]
pub struct Confirm {
    /// The sync's id, or the beginning of its commit
    sync: String,
    /// Do not ask; --commit or --plan-digest says what is confirmed
    #[arg(long)]
    yes: bool,
    /// Only if this is the commit that is held
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// Only if this is the digest of the plan that is held
    #[arg(long, value_name = "DIGEST")]
    plan_digest: Option<String>,
}

impl Confirm {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(Format::value_variants())?;
        let client = common.client()?;
        let held = super::sync(&client, &self.sync)?;
        self.check(&held)?;
        show(&held);
        if !self.yes && !ask(&held)? {
            output::message("nothing was confirmed");
            return Ok(Exit::Negative);
        }
        let word = json!({ "commit": text(&held, "/commit"), "planDigest": text(&held, "/planDigest") });
        let path = format!("/syncs/{}/confirm", crate::client::encode(&text(&held, "/id")));
        let sync = client.post(&path, &word, &[])?;
        match format {
            Format::Json => output::print(&output::json(&sync))?,
            Format::Yaml => output::print(&output::yaml(&sync)?)?,
            Format::Name => output::print(&text(&sync, "/id"))?,
            Format::Table | Format::Wide => output::print(&sourced::headline(&sync))?,
        }
        Ok(sourced::exit(&sync))
    }

    /// It is held, and it is what is meant.
    fn check(&self, held: &Value) -> Result<(), Failure> {
        let (id, outcome) = (text(held, "/id"), text(held, "/outcome"));
        if outcome != "held" {
            let message = format!("sync {id} is {outcome}, not held, so there is nothing to confirm");
            return Err(Failure::new(message).with_help("`pulse get syncs` shows whether one is held"));
        }
        for (flag, field, meant) in [("--commit", "/commit", &self.commit), ("--plan-digest", "/planDigest", &self.plan_digest)] {
            let holds = text(held, field);
            if let Some(meant) = meant.as_ref().filter(|meant| **meant != holds) {
                let message = format!("sync {id} does not hold {flag} {meant}, but {holds}");
                return Err(Failure::new(message).with_help(format!("`pulse describe sync {id}` shows what it would do")));
            }
        }
        if self.yes && self.commit.is_none() && self.plan_digest.is_none() {
            let help = format!("add --commit {}, or --plan-digest {}", text(held, "/commit"), text(held, "/planDigest"));
            return Err(Failure::new("--yes alone does not say what is confirmed").with_help(help));
        }
        Ok(())
    }
}

/// What would be done, on stderr: stdout has what came of it.
fn show(held: &Value) {
    output::message(&format!("{}\n  {}", sourced::headline(held), text(held, "/message")));
    for change in sourced::changes(held) {
        output::message(&format!("  {change}"));
    }
}

/// A person's word. Without a terminal there is nobody to ask.
fn ask(held: &Value) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let (id, commit) = (text(held, "/id"), text(held, "/commit"));
        return Err(Failure::new("there is no terminal to ask on")
            .with_help(format!("if this is what you want: pulse confirm {id} --yes --commit {commit}")));
    }
    output::cue(&format!("Apply it, and retire {} objects? [y/N] ", text(held, "/counts/retire")));
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    read.map_err(|error| Failure::new(format!("cannot read your answer: {error}")).with_help("use --yes with --commit"))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes" | "Yes"))
}
