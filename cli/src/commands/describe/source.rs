//! A source as people read it: where it is, how it stands, what came last.

use crate::commands::fields;
use crate::output::table::Table;
use crate::output::when;
use crate::sourced;
use crate::views::{text, time};
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write;

/// All of it.
pub(super) fn source(source: &Value, now: Timestamp) -> String {
    let mut said = fields(&[
        ("Source", text(source, "/name")),
        ("Kind", text(source, "/kind")),
        ("URL", text(source, "/url")),
        ("Branch", text(source, "/branch")),
        ("Path", text(source, "/path")),
        ("Live commit", text(source, "/observedCommit")),
        ("Generation", text(source, "/generation")),
        ("Last look", ago(source, "/lastLook", now)),
        ("Next look", ahead(source, now)),
        ("Failures", Some(text(source, "/failures")).filter(|count| count != "0").unwrap_or_default()),
        ("Webhook", webhook(source)),
    ]);
    let _ = writeln!(said, "{}", sourced::last_webhook(source.get("lastWebhook"), now).replacen('l', "L", 1));
    if text(source, "/lastWebhook/accepted") == "false" && source.pointer("/lastAcceptedWebhook/receivedAt").is_some() {
        let last = sourced::last_webhook(source.get("lastAcceptedWebhook"), now);
        let _ = writeln!(said, "{}", last.replacen("last webhook: accepted", "Last accepted:", 1));
    }
    let others = source.get("refusedWebhooks").and_then(Value::as_array).into_iter().flatten();
    for refused in others.filter(|refused| source.get("lastWebhook") != Some(refused)) {
        let last = sourced::last_webhook(Some(refused), now);
        let _ = writeln!(said, "{}", last.replacen("last webhook: refused", "Also refused:", 1));
    }
    let _ = write!(said, "\nConditions:\n{}\n", conditions(source, now));
    if let Some(sync) = source.get("lastSync").filter(|sync| sync.is_object()) {
        let _ = write!(said, "\nLast sync ({}):\n  {}\n", text(sync, "/id"), sourced::headline(sync));
        for line in sourced::problems(sync) {
            let _ = writeln!(said, "  {line}");
        }
    }
    said
}

fn ago(source: &Value, pointer: &str, now: Timestamp) -> String {
    let at = time(source, pointer);
    at.map_or_else(String::new, |at| format!("{} ({} ago)", when::local(at), when::age(Some(at), now)))
}

/// The next look that needs no hint.
fn ahead(source: &Value, now: Timestamp) -> String {
    let at = time(source, "/nextLook");
    at.map_or_else(String::new, |at| format!("{} (in {}), or at once on a webhook", when::local(at), when::age(Some(now), at)))
}

fn webhook(source: &Value) -> String {
    match text(source, "/webhook/enabled").as_str() {
        "true" => text(source, "/webhook/url"),
        "false" => "off; set PULSE_WEBHOOK_SECRET".to_owned(),
        _ => String::new(),
    }
}

fn conditions(source: &Value, now: Timestamp) -> String {
    let mut table = Table::new(&["TYPE", "STATUS", "REASON", "SINCE", "MESSAGE"]);
    for condition in source.get("conditions").and_then(Value::as_array).into_iter().flatten() {
        let since = when::age(time(condition, "/lastTransitionTime"), now);
        let [kind, status, reason, message] = ["/type", "/status", "/reason", "/message"].map(|field| text(condition, field));
        table.row(vec![kind, status, reason, since, message]);
    }
    table.render(true).lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
