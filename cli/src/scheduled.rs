//! Schedules as people read them: when, what, what comes, what came of it.

use crate::output::when;
use crate::views::{text, time};
use jiff::Timestamp;
use serde_json::Value;

/// What it starts: a workflow with its parameters, or the command's first line.
pub fn what(schedule: &Value) -> String {
    let workflow = text(schedule, "/spec/workflow");
    if !workflow.is_empty() {
        let params = schedule.pointer("/spec/params").and_then(Value::as_object).into_iter().flatten();
        let params: String = params.map(|(name, value)| format!(" {name}={}", value.as_str().unwrap_or_default())).collect();
        return format!("workflow {workflow}{params}");
    }
    let command = text(schedule, "/spec/command");
    let first = command.trim().lines().next().unwrap_or_default();
    match (first, text(schedule, "/spec/script/file")) {
        ("", file) => format!("script {file}"),
        (line, _) => format!("command {line}"),
    }
}

/// The next fire time, and how far it is; or why there is none.
pub fn next(schedule: &Value, now: Timestamp) -> String {
    match (time(schedule, "/status/next/0/at"), text(schedule, "/status/suspendedBy").as_str()) {
        (Some(at), _) => format!("{} (in {})", when::local(at), ahead(at, now)),
        (None, "") => String::new(),
        (None, "manifest") => "suspended".to_owned(),
        (None, by) => format!("suspended ({by})"),
    }
}

/// How far a time is, to the second.
pub fn ahead(at: Timestamp, now: Timestamp) -> String {
    when::milliseconds(at.as_millisecond().saturating_sub(now.as_millisecond()).max(0) / 1000 * 1000)
}

/// What became of the last slot.
pub fn last(schedule: &Value, now: Timestamp) -> String {
    let Some(slot) = schedule.pointer("/status/last").filter(|slot| slot.is_object()) else { return String::new() };
    format!("{}, {} ago", outcome(slot), when::age(time(slot, "/decidedAt"), now))
}

/// `fired work#3`, `skipped: still_running`, `12 missed: too_late`.
pub fn outcome(slot: &Value) -> String {
    let (word, reason) = (text(slot, "/outcome"), text(slot, "/reason"));
    let started = match (text(slot, "/execution/name"), text(slot, "/execution/id")) {
        (name, id) if name.is_empty() => id,
        (name, _) => name,
    };
    match (started.as_str(), reason.as_str()) {
        ("", "") => word,
        ("", reason) => {
            let count =
                Some(text(slot, "/slots")).filter(|count| count != "1").map_or_else(String::new, |count| format!("{count} "));
            format!("{count}{word}: {reason}")
        }
        (started, _) => format!("{word} {started}"),
    }
}
