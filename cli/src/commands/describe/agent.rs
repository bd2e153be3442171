//! An agent as people read it: how it stands, its labels, load and facts.

use crate::commands::fields;
use crate::output::escape::visible;
use crate::output::when;
use crate::views::{pairs, text, time};
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write;

/// Since when, by whom, why, and whether anything is left to end; empty where it is not cordoned.
fn cordon(object: &Value) -> String {
    let Some(since) = time(object, "/status/cordon/since") else { return String::new() };
    let drained = object.pointer("/status/cordon/drained").and_then(Value::as_bool).unwrap_or_default();
    let running = object.pointer("/status/attempts").and_then(Value::as_array).map_or(0, Vec::len);
    let left = if drained { "drained".to_owned() } else { format!("{running} may still run") };
    let (by, reason) = (text(object, "/status/cordon/by"), text(object, "/status/cordon/reason"));
    format!("since {} by {by}: {reason} ({left})", when::local(since))
}

/// All of it.
pub(super) fn agent(object: &Value, now: Timestamp) -> String {
    let share = |used: &str, total: &str| {
        let bytes = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64);
        match (bytes(used), bytes(total)) {
            (Some(used), Some(total)) => format!("{} of {}", when::bytes(used), when::bytes(total)),
            _ => String::new(),
        }
    };
    let seen = time(object, "/status/lastSeen")
        .map_or_else(String::new, |seen| format!("{} ({} ago)", when::local(seen), when::age(Some(seen), now)));
    let slots = match text(object, "/status/slots") {
        slots if slots.is_empty() => slots,
        slots => format!("{} of {slots} taken", text(object, "/status/slotsTaken")),
    };
    let mut said = fields(&[
        ("Agent", text(object, "/metadata/name")),
        ("State", text(object, "/status/state")),
        ("Reason", text(object, "/status/reason")),
        ("Cordoned", cordon(object)),
        ("Release", text(object, "/status/release")),
        ("Slots", slots),
        ("Last seen", seen),
        ("Enrolled", time(object, "/status/enrolledAt").map_or_else(String::new, when::local)),
        ("Labels", pairs(object, "/status/labels")),
        ("Vars", pairs(object, "/spec/vars")),
        ("Load", text(object, "/status/vitals/load1")),
        ("CPU", text(object, "/status/vitals/cpuPercent")),
        ("Memory", share("/status/vitals/memoryUsedBytes", "/status/vitals/memoryTotalBytes")),
    ]);
    if let Some(facts) = object.pointer("/status/facts").and_then(Value::as_object).filter(|facts| !facts.is_empty()) {
        said.push_str("\nFacts:\n");
        for name in facts.keys() {
            let _ = writeln!(said, "  {} = {}", visible(name), visible(facts[name].as_str().unwrap_or("")));
        }
    }
    said
}
