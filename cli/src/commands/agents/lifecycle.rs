//! `pulse agents replace`, `cordon`, `uncordon` and `drain`: hosts that are installed anew, and hosts that are to be worked on.

use super::line;
use crate::args::Common;
use crate::client::{Client, encode};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::views::text;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Between two looks at an agent that is being drained.
const LOOK: Duration = Duration::from_secs(1);

/// Make a token by which a host that was installed anew takes its name again; at that moment the old key is refused for good
#[derive(Debug, clap::Args)]
pub(super) struct Replace {
    /// The agent
    name: String,
    /// How long the token works, such as 1h
    #[arg(long, default_value = "1h")]
    expires: crd_schemas::Duration,
}

impl Replace {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml])?;
        let client = common.client()?;
        let body = json!({ "expires": self.expires.to_string() });
        let answer = client.post(&format!("/agents/{}/replace", encode(&self.name)), &body, &[])?;
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            _ => {
                output::print(&line(&client, &answer, Some(&self.name))?)?;
                output::message(&format!(
                    "the token works once, for {}, and is not shown again; until it is used, the agent that has the name now keeps it",
                    self.expires
                ));
            }
        }
        Ok(Exit::Success)
    }
}

/// Start nothing new on an agent; what it runs goes on
#[derive(Debug, clap::Args)]
pub(super) struct Cordon {
    /// The agent
    name: String,
    /// Why, for everyone who waits because of it
    #[arg(long)]
    reason: String,
}

impl Cordon {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        hold(&common.client()?, "cordon", &self.name, &self.reason)?;
        output::message(&format!("agent {0} is cordoned; to end it: pulse agents uncordon {0}", self.name));
        Ok(Exit::Success)
    }
}

/// Let an agent have work again
#[derive(Debug, clap::Args)]
pub(super) struct Uncordon {
    /// The agent
    name: String,
}

impl Uncordon {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        let agent = common.client()?.post(&format!("/agents/{}/uncordon", encode(&self.name)), &json!({}), &[])?;
        output::message(&format!("agent {} is cordoned no more; it is {}", self.name, text(&agent, "/status/state")));
        Ok(Exit::Success)
    }
}

/// Cordon an agent, and wait until nothing runs on it any more
#[derive(Debug, clap::Args)]
pub(super) struct Drain {
    /// The agent
    name: String,
    /// Why, for everyone who waits because of it
    #[arg(long)]
    reason: String,
    /// How long to wait; it stays cordoned in any case
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    timeout: crd_schemas::Duration,
}

impl Drain {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        let client = common.client()?;
        let mut agent = hold(&client, "drain", &self.name, &self.reason)?;
        let (begun, patience) = (Instant::now(), Duration::from_millis(self.timeout.as_millis()));
        let mut told = usize::MAX;
        while agent.pointer("/status/cordon/drained") != Some(&Value::Bool(true)) {
            let running = agent.pointer("/status/attempts").and_then(Value::as_array).map_or(0, Vec::len);
            if std::mem::replace(&mut told, running) != running {
                output::message(&format!("agent {} is cordoned; it still has {running} to end", self.name));
            }
            if begun.elapsed() >= patience {
                return Err(Failure::new(format!(
                    "agent {} is not drained after {}: {running} may still run",
                    self.name, self.timeout
                ))
                .with_help(format!("it stays cordoned; `pulse get agents {} -o yaml` says what runs", self.name)));
            }
            std::thread::sleep(LOOK);
            agent = client.get(&format!("/agents/{}", encode(&self.name)))?;
            if agent.pointer("/status/cordon").is_none_or(Value::is_null) {
                return Err(Failure::new(format!("somebody has uncordoned agent {} meanwhile", self.name)));
            }
        }
        output::message(&format!("agent {0} is drained; to end it: pulse agents uncordon {0}", self.name));
        Ok(Exit::Success)
    }
}

fn hold(client: &Client, verb: &str, name: &str, reason: &str) -> Result<Value, Failure> {
    client.post(&format!("/agents/{}/{verb}", encode(name)), &json!({ "reason": reason }), &[])
}
