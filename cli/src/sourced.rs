//! What is said of sources, syncs and webhooks, the same in every command.

use crate::exit::Exit;
use crate::output::escape::visible;
use crate::output::when;
use crate::views::{text, time};
use jiff::Timestamp;
use serde_json::Value;

/// Enough of a commit to tell two apart by eye: of `folder-0123456789ab` the digits.
pub fn short_commit(commit: &str) -> String {
    commit.strip_prefix("folder-").unwrap_or(commit).chars().take(8).collect()
}

/// `+1 ~2 -0` of a sync; nothing where it did not come to a plan.
pub fn counts(sync: &Value) -> String {
    let count = |name: &str| sync.pointer(&format!("/counts/{name}")).and_then(Value::as_u64);
    match (count("create"), count("update"), count("retire")) {
        (Some(create), Some(update), Some(retire)) => format!("+{create} ~{update} -{retire}"),
        _ => String::new(),
    }
}

/// The author's name without the address.
pub fn author(sync: &Value) -> String {
    let author = text(sync, "/author");
    author.split(" <").next().unwrap_or_default().trim().to_owned()
}

/// How long a sync took.
pub fn duration(sync: &Value) -> String {
    sync.get("durationMs").and_then(Value::as_i64).map_or_else(String::new, when::milliseconds)
}

/// A field of a source's condition.
pub fn condition(source: &Value, kind: &str, field: &str) -> String {
    let mut all = source.get("conditions").and_then(Value::as_array).into_iter().flatten();
    all.find(|one| one.get("type").and_then(Value::as_str) == Some(kind))
        .map_or_else(String::new, |one| text(one, &format!("/{field}")))
}

/// The first line about a sync: outcome, commit, who made it.
pub fn headline(sync: &Value) -> String {
    let mut line = format!("{} {}", text(sync, "/outcome"), text(sync, "/commit"));
    let (title, author) = (text(sync, "/title"), author(sync));
    for (before, part) in [(" ", format!("{title:?}")), (" by ", author)] {
        if !part.is_empty() && part != "\"\"" {
            line.push_str(before);
            line.push_str(&part);
        }
    }
    visible(line.trim_end())
}

/// Each problem of a sync in a line, with file, line and column.
pub fn problems(sync: &Value) -> Vec<String> {
    let listed = sync.get("problems").and_then(Value::as_array).into_iter().flatten();
    let one = |problem: &Value| match serde_json::from_value::<crd_schemas::Problem>(problem.clone()) {
        Ok(problem) => visible(&problem.to_string()),
        Err(_) => visible(&problem.to_string()),
    };
    listed.map(one).collect()
}

/// Each change of a sync in a line, and one more where not all of them are listed.
pub fn changes(sync: &Value) -> Vec<String> {
    let listed: Vec<&Value> = sync.get("changes").and_then(Value::as_array).into_iter().flatten().collect();
    let sign = |change: &Value| match text(change, "/action").as_str() {
        "create" => "+",
        "update" => "~",
        "retire" => "-",
        _ => "?",
    };
    let one = |change: &&Value| {
        let path = text(change, "/path");
        let path = if path.is_empty() { path } else { format!(" ({path})") };
        visible(&format!("{} {:<10} {}{path}", sign(change), text(change, "/kind"), text(change, "/name")))
    };
    let mut lines: Vec<String> = listed.iter().map(one).collect();
    let count = |name: &str| sync.pointer(&format!("/counts/{name}")).and_then(Value::as_u64).unwrap_or(0);
    let all = usize::try_from(count("create") + count("update") + count("retire")).unwrap_or(usize::MAX);
    if let Some(more) = all.checked_sub(lines.len()).filter(|more| *more > 0 && !lines.is_empty()) {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// What a person does about a sync that was not applied.
pub fn mend(sync: &Value) -> Option<String> {
    let id = text(sync, "/id");
    match text(sync, "/outcome").as_str() {
        "held" => Some(format!("look at it with `pulse describe sync {id}`, then: pulse confirm {id}")),
        "refused" => Some("mend the files, and push; what was live stays live".to_owned()),
        "unreachable" => Some("`pulse describe source` says what the controller tries; what was live stays live".to_owned()),
        _ => None,
    }
}

/// What scripts are told of a sync.
pub fn exit(sync: &Value) -> Exit {
    match text(sync, "/outcome").as_str() {
        "applied" | "unchanged" => Exit::Success,
        _ => Exit::Negative,
    }
}

/// The last webhook in one line: when, what of, why it was refused and what to do.
pub fn last_webhook(webhook: Option<&Value>, now: Timestamp) -> String {
    let Some(webhook) = webhook.filter(|webhook| webhook.is_object()) else {
        return "last webhook: none has come yet".to_owned();
    };
    let ago = when::age(time(webhook, "/receivedAt"), now);
    if webhook.get("accepted").and_then(Value::as_bool) == Some(true) {
        return visible(&format!("last webhook: accepted {ago} ago{}", about(webhook)));
    }
    let said = |pointer: &str| text(webhook, pointer);
    let why = Some(said("/message")).filter(|why| !why.is_empty()).unwrap_or_else(|| said("/reason"));
    let help = Some(said("/help")).filter(|help| !help.is_empty()).map_or_else(String::new, |help| format!("; {help}"));
    visible(&format!("last webhook: refused {ago} ago: {why}{help}"))
}

/// `: push of ops/runbooks, refs/heads/main at 3f9c2d1a, by ada`.
fn about(webhook: &Value) -> String {
    let [event, repository, reference, after, pusher] =
        ["/event", "/repository", "/ref", "/after", "/pusher"].map(|pointer| text(webhook, pointer));
    if event.is_empty() {
        return String::new();
    }
    let parts = [(" of ", repository), (", ", reference), (" at ", short_commit(&after)), (", by ", pusher)];
    let said: String =
        parts.iter().filter(|(_, part)| !part.is_empty()).map(|(before, part)| format!("{before}{part}")).collect();
    format!(": {event}{said}")
}

#[cfg(test)]
mod tests {
    use super::{changes, counts, headline, last_webhook};
    use serde_json::json;

    #[test]
    fn a_webhook_is_one_line_with_the_remedy() {
        let now = "2026-11-21T05:00:12Z".parse().unwrap();
        assert_eq!(last_webhook(None, now), "last webhook: none has come yet");
        let refused = json!({"receivedAt": "2026-11-21T05:00:00Z", "accepted": false, "reason": "WrongSignature",
            "message": "its signature does not match", "help": "set the same secret"});
        let said = last_webhook(Some(&refused), now);
        assert_eq!(said, "last webhook: refused 12s ago: its signature does not match; set the same secret");
        let newer = json!({"receivedAt": "2026-11-21T05:00:00Z", "accepted": false, "reason": "Novel", "message": null});
        assert_eq!(last_webhook(Some(&newer), now), "last webhook: refused 12s ago: Novel");
        let accepted = json!({"receivedAt": "2026-11-21T05:00:00Z", "accepted": true, "event": "push", "repository": "ops/\u{1b}[2J",
            "ref": "refs/heads/main", "after": "0123456789abcdef", "pusher": "ada"});
        let said = last_webhook(Some(&accepted), now);
        assert_eq!(said, "last webhook: accepted 12s ago: push of ops/\\e[2J, refs/heads/main at 01234567, by ada");
    }

    #[test]
    fn a_sync_is_said_shortly() {
        let sync = json!({"outcome": "applied", "commit": "abc", "title": "Say \"hi\"", "author": "Ada <ada@example.org>",
            "counts": {"create": 1, "update": 2, "retire": 0, "unchanged": 9},
            "changes": [{"action": "create", "kind": "Workflow", "name": "a", "path": "a.yaml"}, {"action": "update", "kind": "Agent", "name": "b"}]});
        assert_eq!(headline(&sync), "applied abc \"Say \\\"hi\\\"\" by Ada");
        assert_eq!(counts(&sync), "+1 ~2 -0");
        assert_eq!(changes(&sync), ["+ Workflow   a (a.yaml)", "~ Agent      b", "and 1 more"]);
        assert_eq!(
            (headline(&json!({"outcome": "unreachable"})), counts(&json!({"counts": {}}))),
            ("unreachable".into(), String::new())
        );
    }
}
