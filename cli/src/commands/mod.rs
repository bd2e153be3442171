//! One file per command. Each has its arguments and `run(&self, &Common) -> Result<Exit, Failure>`.

mod agents;
mod cancel;
mod describe;
mod get;
mod logs;
mod plan;
mod reconcile;
mod resolve;
mod run;
mod validate;
mod version;
mod why;

use crate::args::Args;
use crate::exit::Exit;
use crate::failure::Failure;

/// What `pulse` can do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Validate(validate::Validate),
    Plan(plan::Plan),
    Get(get::Get),
    Describe(describe::Describe),
    Run(run::Run),
    Logs(logs::Logs),
    Cancel(cancel::Cancel),
    Resolve(resolve::Resolve),
    Why(why::Why),
    Reconcile(reconcile::Reconcile),
    Agents(agents::Agents),
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
        Command::Logs(command) => command.run(common),
        Command::Cancel(command) => command.run(common),
        Command::Resolve(command) => command.run(common),
        Command::Why(command) => command.run(common),
        Command::Reconcile(command) => command.run(common),
        Command::Agents(command) => command.run(common),
        Command::Version(command) => command.run(common),
    }
}

/// The path of an execution, by id or `workflow#number`.
fn execution_path(execution: &str) -> String {
    format!("/executions/{}", crate::client::encode(execution))
}

/// Whether an input changed an execution; one that repeats what was said before does not.
fn did_change(answer: &serde_json::Value) -> bool {
    answer.get("changed").and_then(serde_json::Value::as_bool) != Some(false)
}
