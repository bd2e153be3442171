//! One file per command. Each has its arguments and `run(&self, &Common) -> Result<Exit, Failure>`.

mod agents;
mod answer;
mod audit;
mod cancel;
mod confirm;
mod describe;
mod doctor;
mod exec;
mod get;
mod import;
mod kubernetes;
mod logs;
mod once;
mod pause;
mod plan;
mod reconcile;
mod resolve;
mod retry;
mod run;
mod tokens;
mod validate;
mod version;
mod whoami;
mod why;

use crate::args::Args;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::escape::visible;
use serde_json::Value;
use std::fmt::Write;

/// What `pulse` can do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Validate(validate::Validate),
    Plan(plan::Plan),
    Get(get::Get),
    Describe(describe::Describe),
    Run(run::Run),
    Exec(exec::Exec),
    Logs(logs::Logs),
    Answer(answer::Answer),
    Cancel(cancel::Cancel),
    Retry(retry::Retry),
    Resolve(resolve::Resolve),
    Why(why::Why),
    Pause(pause::Pause),
    Resume(pause::Resume),
    Reconcile(reconcile::Reconcile),
    Confirm(confirm::Confirm),
    Agents(agents::Agents),
    Audit(audit::Audit),
    Tokens(tokens::Tokens),
    Whoami(whoami::Whoami),
    Doctor(doctor::Doctor),
    Import(import::Import),
    Kubernetes(kubernetes::Kubernetes),
    Version(version::Version),
}

/// Runs the command that was given.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let common = &args.common;
    match &args.command {
        Command::Validate(command) => command.run(common),
        Command::Plan(command) => command.run(common),
        Command::Get(command) => command.run(common),
        Command::Describe(command) => command.run(common),
        Command::Run(command) => command.run(common),
        Command::Exec(command) => command.run(common),
        Command::Logs(command) => command.run(common),
        Command::Answer(command) => command.run(common),
        Command::Cancel(command) => command.run(common),
        Command::Retry(command) => command.run(common),
        Command::Resolve(command) => command.run(common),
        Command::Why(command) => command.run(common),
        Command::Pause(command) => command.run(common),
        Command::Resume(command) => command.run(common),
        Command::Reconcile(command) => command.run(common),
        Command::Confirm(command) => command.run(common),
        Command::Agents(command) => command.run(common),
        Command::Audit(command) => command.run(common),
        Command::Tokens(command) => command.run(common),
        Command::Whoami(command) => command.run(common),
        Command::Kubernetes(command) => command.run(common),
        Command::Doctor(command) => command.run(common),
        Command::Import(command) => command.run(),
        Command::Version(command) => command.run(common),
    }
}

/// Fields under each other, those without a value left out.
pub fn fields(fields: &[(&str, String)]) -> String {
    let mut said = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(said, "{:<12} {}", format!("{name}:"), visible(value));
    }
    said
}

/// The path of an execution, by id or `workflow#number`.
fn execution_path(execution: &str) -> String {
    format!("/executions/{}", crate::client::encode(execution))
}

/// The sync of an id, or the newest one of a commit of which the beginning is given.
fn sync(client: &Client, name: &str) -> Result<Value, Failure> {
    const SHORTEST: usize = 4;
    if name.len() == 36 && !name.starts_with("folder-") {
        return client.get(&format!("/syncs/{}", crate::client::encode(name)));
    }
    let is_it = |sync: &Value| {
        let commit = crate::views::text(sync, "/commit");
        commit.starts_with(name) || commit.strip_prefix("folder-").is_some_and(|commit| commit.starts_with(name))
    };
    let found = match name.len() >= SHORTEST {
        true => client.list("/syncs?limit=500", Some(500))?.0.into_iter().find(is_it),
        false => None,
    };
    let found = found.ok_or_else(|| {
        Failure::new(format!("there is no sync {name}, and no sync of a commit that begins so"))
            .with_help("`pulse get syncs -o wide` lists their ids and commits")
    })?;
    // The list has the first of its problems and changes only.
    client.get(&format!("/syncs/{}", crate::client::encode(&crate::views::text(&found, "/id"))))
}

/// `started`, or that it waits before its first step: for its turn, or for the end of a pause.
fn begun(answer: &Value) -> &'static str {
    if crate::views::text(answer, "/status") == "waiting" { "is accepted and waits" } else { "started" }
}

/// Whether an input changed an execution; one that repeats what was said before does not.
pub fn did_change(answer: &Value) -> bool {
    answer.get("changed").and_then(Value::as_bool) != Some(false)
}
