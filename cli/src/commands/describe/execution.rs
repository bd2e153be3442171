//! An execution as people read it: its steps with what came of them, its targets and attempts, and what holds it.

use crate::commands::fields;
use crate::output::escape::visible;
use crate::output::when;
use crate::steps;
use crate::views::{Attempt, Execution, Step};
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write;

/// All of it.
pub(super) fn execution(execution: &Execution, now: Timestamp) -> String {
    let at = |time: Option<Timestamp>| time.map_or_else(String::new, when::local);
    let params = execution.params.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    });
    let mut said = fields(&[
        ("Execution", execution.name.clone()),
        ("Id", execution.id.clone()),
        ("Workflow", execution.workflow.clone()),
        ("Source", execution.source.clone()),
        ("Commit", execution.commit.clone()),
        ("Status", execution.status.clone()),
        ("Message", execution.message.clone().unwrap_or_default()),
        ("Waits for", waits(execution, now)),
        ("Params", params.collect::<Vec<_>>().join(", ")),
        ("Limit", execution.limit.clone().unwrap_or_default()),
        ("Queue key", execution.concurrency_key.clone().unwrap_or_default()),
        ("Repeats", execution.retry_of.clone().unwrap_or_default()),
        ("Started by", execution.started_by.clone()),
        ("Created", at(execution.created_at)),
        ("Started", at(execution.started_at)),
        ("Ended", at(execution.ended_at)),
        ("Duration", when::between(execution.started_at, execution.ended_at, now)),
        ("State", state(execution)),
    ]);
    for step in &execution.steps {
        said.push_str(&of_step(step, now));
    }
    if !execution.reasons.is_empty() {
        said.push_str("\nWhy it stands where it stands:\n");
        for reason in &execution.reasons {
            let _ = writeln!(said, "  {}", visible(&reason.said(now)));
        }
    }
    let mends = execution.mend();
    // Without reasons these would look like a part of the last step.
    if execution.reasons.is_empty() && !mends.is_empty() {
        said.push('\n');
    }
    for mend in mends {
        let _ = writeln!(said, "  {}", visible(&mend));
    }
    said
}

fn waits(execution: &Execution, now: Timestamp) -> String {
    let Some(waits) = &execution.waits else { return String::new() };
    let since = waits
        .since
        .map_or_else(String::new, |since| format!(", since {} ({} ago)", when::local(since), when::age(Some(since), now)));
    format!("{}{since}", waits.reason)
}

/// What `parse` steps have read.
fn state(execution: &Execution) -> String {
    match execution.state.as_object() {
        Some(state) if !state.is_empty() => steps::values(&execution.state),
        _ => String::new(),
    }
}

fn of_step(step: &Step, now: Timestamp) -> String {
    let visit = if step.visit > 1 { format!(" (visit {})", step.visit) } else { String::new() };
    let when = step.condition.map_or(String::new(), |held| format!(", when was {held}"));
    let why = step.message.as_deref().map_or(String::new(), |message| format!(": {}", visible(message)));
    // Most steps run commands; any other type is worth a word.
    let kind = if matches!(step.kind.as_str(), "" | "execute") { String::new() } else { format!(", {}", step.kind) };
    let carried = if step.carried { ", taken over from the execution that this one repeats" } else { "" };
    let mut said = format!("\nStep {}{visit}{kind}: {}{when}{carried}{why}\n", step.id, step.status);
    for line in steps::lines(step, now) {
        let _ = writeln!(said, "  {line}");
    }
    for target in &step.targets {
        let why = target.reason.as_deref().map_or(String::new(), |reason| format!(": {}", visible(reason)));
        let _ = writeln!(said, "  {:<20} {}{why}", visible(&target.agent), target.status);
        for attempt in &target.attempts {
            let _ = writeln!(said, "    {}", of_attempt(attempt, now));
        }
    }
    said
}

fn of_attempt(attempt: &Attempt, now: Timestamp) -> String {
    let mut said = format!("try {} {}: {}", attempt.number, attempt.id, attempt.state);
    if let Some(code) = attempt.exit_code {
        let _ = write!(said, ", exit code {code}");
    }
    if let Some(signal) = attempt.signal {
        let _ = write!(said, ", signal {signal}");
    }
    if let Some(why) = &attempt.reason {
        let _ = write!(said, ", {}", visible(why));
    }
    let took = match attempt.duration_ms {
        Some(duration) => when::milliseconds(duration),
        None => when::between(attempt.started_at, attempt.ended_at, now),
    };
    if !took.is_empty() {
        let _ = write!(said, ", {took}");
    }
    for (name, stream) in [("stdout", &attempt.stdout), ("stderr", &attempt.stderr)] {
        if let Some(stream) = stream.as_ref().filter(|stream| stream.bytes > 0) {
            let _ = write!(said, ", {name} {}", when::bytes(stream.bytes));
        }
    }
    said
}
