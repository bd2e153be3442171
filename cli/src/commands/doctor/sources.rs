//! Sources and the webhooks that tell of their commits.

use super::check::Check;
use crate::client::Client;
use crate::output::when;
use crate::views::text;
use jiff::Timestamp;
use serde_json::Value;

/// Each source with its last sync and its last webhook.
pub fn check(client: &Client, now: Timestamp) -> Vec<Check> {
    let sources = match client.list("/sources", None) {
        Ok((sources, _)) => sources,
        Err(failure) => return vec![Check::of("source", &failure)],
    };
    if sources.is_empty() {
        return vec![Check::warn(
            "source",
            "the server has no source, so that no workflow can be live",
            "set PULSE_SOURCE_URL at the controller to a repository or a folder (docs/sources.md)",
        )];
    }
    sources.iter().flat_map(|source| [synced(source, now), webhook(source, now)]).collect()
}

fn time(source: &Value, pointer: &str) -> Option<Timestamp> {
    text(source, pointer).parse().ok()
}

fn synced(source: &Value, now: Timestamp) -> Check {
    let name = text(source, "/name");
    let conditions = source.get("conditions").and_then(Value::as_array).into_iter().flatten();
    let ready = conditions.into_iter().find(|condition| text(condition, "/type") == "Ready");
    let status = ready.map(|ready| text(ready, "/status")).unwrap_or_default();
    let (reason, message) = ready.map(|ready| (text(ready, "/reason"), text(ready, "/message"))).unwrap_or_default();
    let looked = when::age(time(source, "/lastLook"), now);
    match status.as_str() {
        "True" => Check::ok("source", format!("{name}: the head of {} is live, looked at {looked} ago", text(source, "/url"))),
        "Unknown" | "" => Check::warn("source", format!("{name}: no look has ended yet"), "wait a moment, or `pulse reconcile`"),
        _ => Check::fail("source", format!("{name}: {reason}: {message}"), remedy(&reason)),
    }
}

fn remedy(reason: &str) -> &'static str {
    match reason {
        "InvalidManifests" => "`pulse describe sync` shows each error with its line; what was live stays live",
        "Held" => "`pulse confirm SYNC` shows what would be retired, and releases it",
        _ => {
            "PULSE_SOURCE_URL, its token or key, and the network between; `pulse-controller doctor` on the server tries it by itself"
        }
    }
}

/// Gitea calls no private address unless it is told to, which is the commonest reason why nothing comes.
const NEVER: &str = "set the webhook in Gitea to this URL, with the secret of PULSE_WEBHOOK_SECRET, and use its `Test delivery`; where nothing comes, \
    Gitea's app.ini needs [webhook] ALLOWED_HOST_LIST = private (or this host), because it calls no private address otherwise";

fn webhook(source: &Value, now: Timestamp) -> Check {
    let (name, url) = (text(source, "/name"), text(source, "/webhook/url"));
    if source.pointer("/webhook/enabled").and_then(Value::as_bool) != Some(true) {
        return Check::warn(
            "webhook",
            format!("{name}: webhooks are off, so that commits are found by the poll only"),
            "set PULSE_WEBHOOK_SECRET at the controller, and a webhook in Gitea (docs/webhooks.md)",
        );
    }
    let accepted = source.get("lastAcceptedWebhook").filter(|last| !last.is_null());
    let last = source.get("lastWebhook").filter(|last| !last.is_null());
    match (accepted, last) {
        (_, Some(last)) if last.get("accepted").and_then(Value::as_bool) == Some(false) => {
            let age = when::age(time(last, "/receivedAt"), now);
            let message = format!("{name}: the last webhook was refused {age} ago: {}", text(last, "/message"));
            Check::warn("webhook", message, text(last, "/help"))
        }
        (Some(accepted), _) => {
            Check::ok("webhook", format!("{name}: the last one was let in {} ago", when::age(time(accepted, "/receivedAt"), now)))
        }
        _ => Check::warn("webhook", format!("{name}: none has ever come to {url}"), NEVER),
    }
}
