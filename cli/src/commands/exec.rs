//! `pulse exec TARGETS… -- COMMAND…`: one command on agents, without a workflow.

mod words;

use super::agents::pair;
use super::begun;
use super::once::Once;
use super::run::dry;
use crate::args::Common;
use crate::client::{Client, view};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Follow, Selection, groups};
use crate::output::{self, Format};
use crate::views::text;
use serde_json::{Map, Value, json};
use words::joined;

/// Run one command on agents, and show what came of it: equal answers together. Exits as `run --follow` does
#[derive(Debug, clap::Args)]
pub struct Exec {
    /// Where: agents, groups, `all`, selectors such as role=web,env!=dev
    #[arg(required = true, value_name = "TARGET")]
    targets: Vec<String>,
    /// The program and its arguments, which reach it as they are
    #[arg(last = true, value_name = "COMMAND", required_unless_present = "text")]
    words: Vec<String>,
    /// The command as text for the shell, in place of COMMAND
    #[arg(short = 'c', long = "command", value_name = "TEXT", conflicts_with = "words")]
    text: Option<String>,
    /// Which shell reads it: sh (unless said) or bash
    #[arg(long, value_name = "SHELL")]
    shell: Option<String>,
    /// A variable of its environment
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// As whom it runs; the agent's own user unless said. The host's own file must allow it
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only on agents that match, such as role=web
    #[arg(long, value_name = "SELECTOR")]
    limit: Option<String>,
    /// How long it may run on an agent; 1h unless said
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// Agents side by side; 50 unless said
    #[arg(long, value_name = "COUNT")]
    max_parallel: Option<u32>,
    /// Once more agents than this have failed, no further one starts
    #[arg(long, value_name = "COUNT")]
    max_failures: Option<u32>,
    /// Of an agent that is offline: fail (unless said), skip, or \"wait 10m\"
    #[arg(long, value_name = "WHAT")]
    on_offline: Option<String>,
    /// An exit code that counts as success; 0 unless said
    #[arg(long = "success-exit-code", value_name = "CODE")]
    success_exit_codes: Vec<u8>,
    /// Running it twice does no harm, so it may run again where nobody knows whether it ran
    #[arg(long)]
    idempotent: bool,
    /// Why, for everyone who reads the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The source whose groups are meant; needed only where there are several
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Say agents and command, and start nothing
    #[arg(long, conflicts_with_all = ["no_follow", "each", "raw", "idempotency_key"])]
    dry_run: bool,
    /// Only start it, and print its name
    #[arg(long, conflicts_with_all = ["each", "raw"])]
    no_follow: bool,
    /// Show each agent's output as it comes
    #[arg(long)]
    each: bool,
    /// Show terminal control sequences of the output as they are
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    once: Once,
}

impl Exec {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let known: &[Format] = match (self.dry_run, self.no_follow) {
            (true, _) => &[Format::Table, Format::Json, Format::Yaml],
            (_, true) => &[Format::Table, Format::Json, Format::Yaml, Format::Name],
            _ => &[Format::Table],
        };
        let format = common.format_of(known)?;
        let body = self.body();
        let client = common.client()?;
        let answer =
            if self.dry_run { client.post("/commands", &body, &[])? } else { self.once.start(&client, "/commands", &body)? };
        let name = text(&answer, if self.source.is_some() { "/id" } else { "/name" });
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            Format::Name => output::print(&name)?,
            _ if self.dry_run => output::print(&dry::dry_run(&view(answer)?))?,
            _ if self.no_follow => {
                output::print(&name)?;
                output::message(&format!("{name} {}; `pulse logs -f '{name}'` follows it", begun(&answer)));
            }
            _ => return self.follow(&client, &name),
        }
        Ok(Exit::Success)
    }

    fn follow(&self, client: &Client, name: &str) -> Result<Exit, Failure> {
        let mut follow = Follow::new(client, name, Selection::default(), self.raw).known();
        if self.each {
            return follow.until_settled();
        }
        follow = follow.silent();
        let exit = follow.until_settled()?;
        if let Some(execution) = follow.last() {
            groups::show(client, execution, self.raw)?;
        }
        Ok(exit)
    }

    /// Only what was said is sent; what it is unless said is the server's to know.
    fn body(&self) -> Value {
        let command = self.text.clone().unwrap_or_else(|| joined(&self.words));
        let mut body = json!({ "targets": self.targets, "command": command });
        let texts = [
            ("shell", &self.shell),
            ("user", &self.user),
            ("limit", &self.limit),
            ("timeout", &self.timeout),
            ("onOffline", &self.on_offline),
            ("reason", &self.reason),
            ("source", &self.source),
        ];
        for (field, given) in texts {
            if let Some(given) = given {
                body[field] = Value::from(given.as_str());
            }
        }
        for (field, given) in [("maxParallel", self.max_parallel), ("maxFailures", self.max_failures)] {
            if let Some(given) = given {
                body[field] = Value::from(given);
            }
        }
        for (field, given) in [("idempotent", self.idempotent), ("dryRun", self.dry_run)] {
            if given {
                body[field] = Value::from(true);
            }
        }
        if !self.env.is_empty() {
            body["env"] =
                self.env.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>().into();
        }
        if !self.success_exit_codes.is_empty() {
            body["successExitCodes"] = json!(self.success_exit_codes);
        }
        body
    }
}
