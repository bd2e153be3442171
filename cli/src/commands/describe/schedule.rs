//! A schedule as people read it: what it starts and when, what comes next, what became of its last slots.

use super::each_text;
use crate::commands::fields;
use crate::output::table::Table;
use crate::output::when;
use crate::scheduled;
use crate::views::{text, time};
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write;

/// All of it. `status.slots` holds the last slots.
pub(super) fn schedule(schedule: &Value, now: Timestamp) -> String {
    let spec = |name: &str| text(schedule, &format!("/spec/{name}"));
    let catch_up = match (spec("catchUp").as_str(), spec("catchUpLimit").as_str()) {
        ("all", "") => "all, 100 at most".to_owned(),
        ("all", limit) => format!("all, {limit} at most"),
        (other, _) => other.to_owned(),
    };
    let mut said = fields(&[
        ("Schedule", text(schedule, "/metadata/name")),
        ("Description", spec("description")),
        ("When", text(schedule, "/status/when")),
        ("What", scheduled::what(schedule)),
        ("Targets", each_text(schedule, "/spec/targets")),
        ("Limit", spec("limit")),
        ("Policy", spec("concurrencyPolicy")),
        ("Deadline", spec("startingDeadline")),
        ("Catch-up", catch_up),
        ("Jitter", Some(spec("jitter")).filter(|jitter| jitter != "0s").unwrap_or_default()),
        ("Source", text(schedule, "/status/source")),
        ("File", text(schedule, "/status/path")),
        ("Commit", text(schedule, "/status/observedCommit")),
        ("Waits for", text(schedule, "/status/waitsFor")),
        ("Open", open(schedule)),
        ("Last fired", last_fired(schedule, now)),
    ]);
    let _ = write!(said, "\nNext:\n{}\n", next(schedule, now));
    let _ = write!(said, "\nLast slots:\n{}\n", slots(schedule, now));
    said
}

fn open(schedule: &Value) -> String {
    let open = schedule.pointer("/status/open").and_then(Value::as_array).into_iter().flatten();
    open.map(|execution| text(execution, "/name")).collect::<Vec<_>>().join(", ")
}

fn last_fired(schedule: &Value, now: Timestamp) -> String {
    let at = time(schedule, "/status/lastFired/at");
    at.map_or_else(String::new, |at| {
        format!(
            "{} at {} ({} ago)",
            text(schedule, "/status/lastFired/execution/name"),
            when::local(at),
            when::age(Some(at), now)
        )
    })
}

fn list<'a>(schedule: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    schedule.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn next(schedule: &Value, now: Timestamp) -> String {
    let mut table = Table::new(&["  SLOT", "HERE", "IN"]);
    for upcoming in list(schedule, "/status/next") {
        let at = time(upcoming, "/at");
        let here = at.map_or_else(String::new, when::local);
        table.row(vec![
            format!("  {}", text(upcoming, "/local")),
            here,
            at.map_or_else(String::new, |at| scheduled::ahead(at, now)),
        ]);
    }
    match list(schedule, "/status/next").next() {
        Some(_) => table.render(true),
        None => "  none".to_owned(),
    }
}

fn slots(schedule: &Value, now: Timestamp) -> String {
    let mut table = Table::new(&["  SLOT", "OUTCOME", "AGE", "MESSAGE"]);
    for slot in list(schedule, "/status/slots") {
        let at = |pointer: &str| time(slot, pointer).map_or_else(String::new, when::local);
        let run = if text(slot, "/slots") == "1" { at("/slot") } else { format!("{} … {}", at("/slot"), at("/lastSlot")) };
        let age = when::age(time(slot, "/decidedAt"), now);
        table.row(vec![format!("  {run}"), scheduled::outcome(slot), age, text(slot, "/message")]);
    }
    match list(schedule, "/status/slots").next() {
        Some(_) => table.render(true),
        None => "  none yet".to_owned(),
    }
}
