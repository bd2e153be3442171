//! The columns of each kind.

use super::Kind;
use crate::output::when;
use crate::views::{pairs, text, time};
use crate::{scheduled, sourced};
use jiff::Timestamp;
use serde_json::Value;

/// A column: its header, whether only `-o wide` has it, and its cell.
pub(in crate::commands) type Column = (&'static str, bool, fn(&Value, Timestamp) -> String);

/// Characters of a question that a table shows.
const MAX_MESSAGE: usize = 60;

impl Kind {
    /// The columns; with `all` also those that say what came of an object that is over.
    pub(super) fn columns(self, all: bool) -> Vec<&'static Column> {
        let (columns, over): (&[Column], &[Column]) = match self {
            Self::Workflows => (WORKFLOWS, &[]),
            Self::Schedules => (SCHEDULES, &[]),
            Self::Executions => (EXECUTIONS, &[]),
            Self::Prompts => (PROMPTS, PROMPTS_OVER),
            Self::Agents => (AGENTS, &[]),
            Self::Groups => (GROUPS, &[]),
            Self::Pauses => (PAUSES, PAUSES_OVER),
            Self::Sources => (SOURCES, &[]),
            Self::Syncs => (SYNCS, &[]),
            Self::Tokens => (TOKENS, &[]),
            Self::Users => (USERS, &[]),
        };
        columns.iter().chain(if all { over } else { &[] }).collect()
    }
}

fn age(item: &Value, pointer: &str, now: Timestamp) -> String {
    when::age(time(item, pointer), now)
}

/// Enough of a commit or id to tell two apart by eye.
fn short(text: String) -> String {
    text.chars().take(12).collect()
}

fn listed(item: &Value, pointer: &str) -> String {
    crate::views::listed(item, pointer, ",")
}

fn count(item: &Value, pointer: &str) -> String {
    item.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len).to_string()
}

const WORKFLOWS: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/metadata/name")),
    ("STEPS", false, |item, _| count(item, "/spec/steps")),
    ("PARAMS", false, |item, _| {
        let params = item.pointer("/spec/params").and_then(Value::as_array).into_iter().flatten();
        params.map(|param| text(param, "/name")).collect::<Vec<_>>().join(",")
    }),
    ("LABELS", true, |item, _| pairs(item, "/metadata/labels")),
    ("SOURCE", true, |item, _| text(item, "/status/source")),
    ("COMMIT", true, |item, _| short(text(item, "/status/observedCommit"))),
    ("DESCRIPTION", false, |item, _| text(item, "/spec/description")),
];

const SCHEDULES: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/metadata/name")),
    ("WHEN", false, |item, _| text(item, "/status/when")),
    ("NEXT", false, scheduled::next),
    ("LAST", false, scheduled::last),
    ("WHAT", false, |item, _| scheduled::what(item)),
    ("POLICY", true, |item, _| text(item, "/spec/concurrencyPolicy")),
    ("LABELS", true, |item, _| pairs(item, "/metadata/labels")),
    ("SOURCE", true, |item, _| text(item, "/status/source")),
    ("COMMIT", true, |item, _| short(text(item, "/status/observedCommit"))),
    ("WAITS FOR", true, |item, _| text(item, "/status/waitsFor")),
];

const EXECUTIONS: &[Column] = &[
    ("NAME", false, |item, _| Kind::Executions.name_of(item)),
    ("STATUS", false, |item, _| text(item, "/status")),
    ("WAITS FOR", false, |item, _| text(item, "/waits/for")),
    ("STARTED BY", false, |item, _| text(item, "/startedBy")),
    ("AGE", false, |item, now| age(item, "/createdAt", now)),
    ("DURATION", false, |item, now| when::between(time(item, "/startedAt"), time(item, "/endedAt"), now)),
    ("ID", true, |item, _| text(item, "/id")),
    ("SOURCE", true, |item, _| text(item, "/source")),
    ("COMMIT", true, |item, _| short(text(item, "/commit"))),
    ("CREATED", true, |item, _| time(item, "/createdAt").map_or_else(String::new, when::local)),
    ("MESSAGE", false, |item, _| text(item, "/message")),
];

const AGENTS: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/metadata/name")),
    ("STATE", false, |item, _| agent_state(item)),
    ("SLOTS", false, |item, _| match text(item, "/status/slots") {
        slots if slots.is_empty() => slots,
        slots => format!("{}/{slots}", text(item, "/status/slotsTaken")),
    }),
    ("LAST SEEN", false, |item, now| age(item, "/status/lastSeen", now)),
    ("RELEASE", true, |item, _| text(item, "/status/release")),
    ("ENROLLED", true, |item, now| age(item, "/status/enrolledAt", now)),
    ("LABELS", false, |item, _| pairs(item, "/status/labels")),
    ("REASON", true, |item, _| text(item, "/status/reason")),
];

/// `online`, `online,cordoned`, `offline,drained`.
fn agent_state(item: &Value) -> String {
    let state = text(item, "/status/state");
    match item.pointer("/status/cordon/drained").and_then(Value::as_bool) {
        Some(true) => format!("{state},drained"),
        Some(false) => format!("{state},cordoned"),
        None => state,
    }
}

const GROUPS: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/metadata/name")),
    ("SOURCE", true, |item, _| text(item, "/status/source")),
    ("AGENTS", true, |item, _| listed(item, "/spec/agents")),
    ("MEMBERS", false, |item, _| listed(item, "/status/members")),
    ("SELECTOR", false, |item, _| text(item, "/spec/selector")),
    ("COMMIT", true, |item, _| short(text(item, "/status/observedCommit"))),
];

const SOURCES: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/name")),
    ("READY", false, |item, _| sourced::condition(item, "Ready", "status")),
    ("REASON", false, |item, _| sourced::condition(item, "Ready", "reason")),
    ("COMMIT", false, |item, _| sourced::short_commit(&text(item, "/observedCommit"))),
    ("LAST LOOK", false, |item, now| age(item, "/lastLook", now)),
    ("KIND", true, |item, _| text(item, "/kind")),
    ("BRANCH", false, |item, _| text(item, "/branch")),
    ("PATH", true, |item, _| text(item, "/path")),
    ("URL", false, |item, _| text(item, "/url")),
    ("MESSAGE", true, |item, _| sourced::condition(item, "Ready", "message")),
];

const SYNCS: &[Column] = &[
    ("AGE", false, |item, now| age(item, "/finishedAt", now)),
    ("SOURCE", false, |item, _| text(item, "/source")),
    ("COMMIT", false, |item, _| sourced::short_commit(&text(item, "/commit"))),
    ("AUTHOR", false, |item, _| sourced::author(item)),
    ("OUTCOME", false, |item, _| text(item, "/outcome")),
    ("CHANGES", false, |item, _| sourced::counts(item)),
    ("DURATION", false, |item, _| sourced::duration(item)),
    ("PROBLEMS", true, |item, _| text(item, "/problemCount")),
    ("ID", true, |item, _| text(item, "/id")),
    ("TITLE", true, |item, _| text(item, "/title")),
    ("MESSAGE", false, |item, _| text(item, "/message")),
];

const TOKENS: &[Column] = &[
    ("ID", false, |item, _| text(item, "/id")),
    ("USES LEFT", false, |item, _| text(item, "/usesLeft")),
    ("EXPIRES", false, |item, _| time(item, "/expiresAt").map_or_else(String::new, when::local)),
    ("LABELS", false, |item, _| pairs(item, "/labels")),
    ("NAMES", false, |item, _| listed(item, "/names")),
];

const USERS: &[Column] = &[
    ("NAME", false, |item, _| text(item, "/name")),
    ("CALLED", false, |item, _| text(item, "/displayName")),
    ("GROUPS", false, |item, _| listed(item, "/groups")),
    ("LAST SEEN", false, |item, now| age(item, "/lastSeenAt", now)),
    ("MAIL", true, |item, _| text(item, "/email")),
    ("PROVIDER", true, |item, _| text(item, "/provider")),
    ("FIRST SEEN", true, |item, _| local(item, "/firstSeenAt")),
];

const PROMPTS: &[Column] = &[
    ("EXECUTION", false, |item, _| text(item, "/name")),
    ("STEP", false, |item, _| text(item, "/step")),
    ("MESSAGE", false, |item, _| brief(&text(item, "/message"))),
    ("OPTIONS", false, |item, _| listed(item, "/options")),
    ("WAITING SINCE", false, |item, _| local(item, "/openedAt")),
    ("TIME LEFT", false, |item, now| match text(item, "/status").as_str() {
        "open" => time(item, "/deadline").map_or_else(String::new, |at| scheduled::ahead(at, now)),
        _ => String::new(),
    }),
    ("ID", true, |item, _| text(item, "/id")),
    ("SOURCE", true, |item, _| text(item, "/source")),
];

const PROMPTS_OVER: &[Column] = &[
    ("STATUS", false, |item, _| text(item, "/status")),
    ("ANSWER", false, |item, _| text(item, "/answer")),
    ("BY", false, |item, _| text(item, "/answeredBy")),
    ("COMMENT", true, |item, _| text(item, "/comment")),
];

const PAUSES: &[Column] = &[
    ("SCOPE", false, |item, _| text(item, "/scope")),
    ("HOLDS", false, |item, _| holds(item)),
    ("REASON", false, |item, _| text(item, "/reason")),
    ("BY", false, |item, _| text(item, "/createdBy")),
    ("AGE", false, |item, now| age(item, "/createdAt", now)),
    ("EXPIRES", false, |item, _| local(item, "/expiresAt")),
    ("CREATED", true, |item, _| local(item, "/createdAt")),
    ("ID", false, |item, _| text(item, "/id")),
];

const PAUSES_OVER: &[Column] = &[
    ("STATUS", false, |item, _| text(item, "/status")),
    ("ENDED", false, |item, _| local(item, "/endedAt")),
    ("ENDED BY", false, |item, _| text(item, "/endedBy")),
];

/// `2 workflows, 1 agent`, or `nothing`; of a pause that is over nothing is said.
fn holds(item: &Value) -> String {
    let Some(counts) = item.get("holds").and_then(Value::as_object) else { return String::new() };
    let counted = ["workflow", "schedule", "agent"].iter().filter_map(|noun| {
        match counts.get(&format!("{noun}s")).and_then(Value::as_u64)? {
            0 => None,
            1 => Some(format!("1 {noun}")),
            count => Some(format!("{count} {noun}s")),
        }
    });
    let held = counted.collect::<Vec<_>>().join(", ");
    if held.is_empty() { "nothing".to_owned() } else { held }
}

fn local(item: &Value, pointer: &str) -> String {
    time(item, pointer).map_or_else(String::new, when::local)
}

/// The first line of a question, as far as a table has room.
fn brief(message: &str) -> String {
    let mut lines = message.trim().lines();
    let first = lines.next().unwrap_or_default();
    let cut: String = first.chars().take(MAX_MESSAGE).collect();
    if lines.next().is_some() || cut.len() < first.len() { format!("{} …", cut.trim_end()) } else { cut }
}

#[cfg(test)]
mod tests {
    use super::{brief, holds};
    use serde_json::{Value, json};

    #[test]
    fn what_a_pause_holds_is_counted_in_words() {
        let said = |counts: Value| holds(&json!({ "holds": counts }));
        assert_eq!(said(json!({"workflows": 2, "schedules": 0, "agents": 1})), "2 workflows, 1 agent");
        assert_eq!(said(json!({"workflows": 0, "schedules": 0, "agents": 0})), "nothing");
        assert_eq!(said(Value::Null), "");
    }

    #[test]
    fn a_question_is_cut_to_its_first_line() {
        assert_eq!((brief("Go?"), brief("Go?\nSure?")), ("Go?".to_owned(), "Go? …".to_owned()));
        assert_eq!(brief(&"é".repeat(80)).chars().count(), 62);
    }
}
