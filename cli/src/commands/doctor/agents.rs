//! Agents: are they there, do they work, do their clocks go right, have they room.

use super::check::Check;
use crate::client::Client;
use crate::views::text;
use jiff::Timestamp;
use serde_json::Value;

/// Names that are told; of more, how many.
const TOLD: usize = 5;

/// A clock that is so many seconds away, and less free space than this.
const APART: i64 = 20;
const LITTLE: u64 = 100 << 20;

fn is_online(agent: &Value) -> bool {
    text(agent, "/status/state") == "online"
}

/// Its heartbeat says its time and its room; the server's word of it came with that, or a report shortly after.
fn is_off(agent: &Value) -> bool {
    let said = agent.pointer("/status/vitals/clockUs").and_then(Value::as_i64);
    let seen = text(agent, "/status/lastSeen").parse::<Timestamp>().ok();
    let apart = said.zip(seen).map(|(said, seen)| said.saturating_sub(seen.as_microsecond()).abs() / 1_000_000);
    is_online(agent) && apart.is_some_and(|apart| apart > APART)
}

fn is_full(agent: &Value) -> bool {
    let free = agent.pointer("/status/vitals/diskFreeBytes").and_then(Value::as_u64);
    is_online(agent) && free.is_some_and(|free| free < LITTLE)
}

/// All of them in one check: the worst that is to be said.
pub fn check(client: &Client) -> Check {
    let agents = match client.list("/agents", None) {
        Ok((agents, _)) => agents,
        Err(failure) => return Check::of("agents", &failure),
    };
    let state = |agent: &Value| text(agent, "/status/state");
    let in_state = |wanted: &str| named(&agents, |agent| state(agent) == wanted);
    if let Some(names) = in_state("quarantined") {
        let remedy = "`pulse describe agent NAME` says why; usually two hosts have one data folder: give one of them a new one";
        return Check::fail("agents", format!("quarantined: {names}"), remedy);
    }
    if let Some(names) = in_state("offline") {
        let remedy = "is pulse-agent running there, and does it reach the server? Its log says; `pulse agents revoke NAME` for one that is gone";
        return Check::warn("agents", format!("offline: {names}"), remedy);
    }
    if let Some(names) = named(&agents, is_full) {
        let remedy = "make room where the agent keeps its journal (PULSE_AGENT_DATA_DIR): without it no command starts, and output is lost";
        return Check::fail("agents", format!("less than {} MiB are free on {names}", LITTLE >> 20), remedy);
    }
    if let Some(names) = named(&agents, is_off) {
        let message = format!("the clock is more than {APART} s away from the server's on {names}");
        return Check::warn("agents", message, "set it by NTP; times that commands print are not comparable until then");
    }
    let online = agents.iter().filter(|agent| state(agent) == "online").count();
    if online == 0 {
        let remedy = "`pulse agents token` makes the line to paste on a server";
        return Check::warn("agents", "no agent is online, so that no command can run", remedy);
    }
    Check::ok("agents", format!("{online} online"))
}

/// The names of those, if there are any.
fn named(agents: &[Value], is: impl Fn(&Value) -> bool) -> Option<String> {
    let found: Vec<String> = agents.iter().filter(|agent| is(agent)).map(|agent| text(agent, "/metadata/name")).collect();
    let told = found.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    match found.len() {
        0 => None,
        count if count > TOLD => Some(format!("{told} and {} more", count - TOLD)),
        _ => Some(told),
    }
}
