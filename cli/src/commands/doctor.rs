//! `pulse doctor`: is everything as it should be, seen from here? Each check is ok, a warning or a failure, and says what to do.

mod agents;
mod check;
mod server;
mod sources;
mod work;

use crate::args::Common;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use check::{Check, Outcome};
use jiff::Timestamp;
use serde_json::json;

/// Check the server, its database, sources, webhooks and agents, and say what to do
#[derive(Debug, clap::Args)]
pub struct Doctor {}

impl Doctor {
    /// Runs it. A warning is no failure.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml])?;
        let checks = examine(&common.client()?, Timestamp::now());
        let worst = checks.iter().map(|check| check.outcome).max().unwrap_or(Outcome::Ok);
        let answer = json!({ "outcome": worst.as_str(), "checks": checks.iter().map(Check::view).collect::<Vec<_>>() });
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            _ => output::print(&check::text(&checks))?,
        }
        Ok(if worst == Outcome::Fail { Exit::Negative } else { Exit::Success })
    }
}

/// Every check. What needs the server is left out where there is none, and what needs a token where there is no good one.
fn examine(client: &Client, now: Timestamp) -> Vec<Check> {
    let (mut checks, met) = server::met(client, now);
    let Some(met) = met else { return checks };
    checks.extend(server::certificate(client, now));
    let (token, is_known) = server::token(client);
    checks.push(token);
    if is_known && met {
        checks.extend(sources::check(client, now));
        checks.push(agents::check(client));
        checks.push(work::check(client));
    }
    checks
}
