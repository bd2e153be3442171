//! Questions as people read them. Everything in them was written by others, so each line is made harmless.

use super::choice::numbers;
use crate::commands::fields;
use crate::output::escape::visible;
use crate::output::when;
use crate::views::{Evidence, Group, Prompt, StepPrompt, Tail};
use jiff::Timestamp;
use std::fmt::Write;

/// Agents of a group, lines of a tail and groups that are shown unless all are asked for.
const MAX_AGENTS: usize = 20;
const MAX_LINES: usize = 20;
const MAX_GROUPS: usize = 10;

/// The question and its numbered options, each line indented.
pub fn question(prompt: &StepPrompt) -> String {
    let mut said = String::new();
    for line in prompt.message.trim_end().lines() {
        let _ = writeln!(said, "  {}", visible(line));
    }
    for (number, option) in numbers(&prompt.options) {
        let _ = writeln!(said, "  {number:>3}) {}", visible(option));
    }
    said
}

/// What came of a question, in half a sentence; `None` while it is open.
pub fn outcome(prompt: &StepPrompt) -> Option<String> {
    let closed = prompt.closed_at?;
    let comment = prompt.comment.as_deref().map_or(String::new(), |comment| format!(" ({comment})"));
    let at = when::local(closed);
    Some(match (&prompt.answer, &prompt.answered_by) {
        (Some(answer), Some(by)) => format!("{answer:?} by {by} at {at}{comment}"),
        (Some(answer), None) => format!("nobody answered in time, so {answer:?} at {at}"),
        (None, _) => format!("nobody answered in time, at {at}"),
    })
}

/// How a question was closed; `None` while it is open.
pub fn closed(prompt: &Prompt) -> Option<String> {
    match prompt.status.as_str() {
        "open" => None,
        "withdrawn" => {
            let at = prompt.asked.closed_at.map_or_else(String::new, |at| format!(" at {}", when::local(at)));
            Some(format!("it was withdrawn{at}, because its execution was cancelled or ended"))
        }
        other => Some(outcome(&prompt.asked).unwrap_or_else(|| format!("it is {other}"))),
    }
}

/// Everything of a question; with `all` also what else is cut to what fits on a page.
pub fn described(prompt: &Prompt, all: bool, now: Timestamp) -> String {
    let asked = &prompt.asked;
    let at = |time: Option<Timestamp>, how: fn(Timestamp, Timestamp) -> String| {
        time.map_or_else(String::new, |time| format!("{} ({})", when::local(time), how(time, now)))
    };
    let visit = if prompt.visit > 1 { format!(" (visit {})", prompt.visit) } else { String::new() };
    let is_withdrawn = prompt.status == "withdrawn";
    let deadline = prompt.deadline.filter(|_| prompt.status == "open");
    let targets = if prompt.targets.is_empty() { String::new() } else { agents(&prompt.targets, all) };
    let mut said = fields(&[
        ("Prompt", asked.id.clone()),
        ("Execution", prompt.name.clone()),
        ("Id", prompt.execution.clone()),
        ("Source", prompt.source.clone()),
        ("Step", format!("{}{visit}", prompt.step)),
        ("Status", prompt.status.clone()),
        ("Asked", at(asked.opened_at, |time, now| format!("{} ago", when::age(Some(time), now)))),
        ("Timeout", asked.timeout.clone().unwrap_or_default()),
        ("Deadline", at(deadline, when::left)),
        ("Answer", outcome(asked).filter(|_| !is_withdrawn).unwrap_or_default()),
        ("Withdrawn", at(asked.closed_at.filter(|_| is_withdrawn), |time, now| format!("{} ago", when::age(Some(time), now)))),
        ("Targets", targets),
    ]);
    let _ = write!(said, "\n{}", question(asked));
    if let Some(evidence) = &prompt.evidence {
        said.push_str(&of_evidence(evidence, all));
    }
    if prompt.status == "open" {
        let _ = write!(said, "\n{}\n", visible(&asked.mend()));
    }
    said
}

fn of_evidence(evidence: &Evidence, all: bool) -> String {
    let visit = if evidence.visit > 1 { format!(" (visit {})", evidence.visit) } else { String::new() };
    let mut said = format!("\nStep {}{visit} before it {}: {}\n", visible(&evidence.step), evidence.status, alike(evidence));
    let most = if all { usize::MAX } else { MAX_GROUPS };
    for group in evidence.groups.iter().take(most) {
        said.push_str(&of_group(group, all));
    }
    if let Some(more) = evidence.groups.len().checked_sub(most).filter(|more| *more > 0) {
        let _ = writeln!(said, "  and {more} more groups; -o wide shows all");
    }
    said
}

/// `all 200 the same`, or `198 same, 2 differ`: how many are like the largest group.
fn alike(evidence: &Evidence) -> String {
    let largest = evidence.groups.first().map_or(0, |group| group.agents.len());
    let differ: usize = evidence.groups.iter().skip(1).map(|group| group.agents.len()).sum();
    match (largest, differ) {
        (0, _) => "it ran on no target".to_owned(),
        (1, 0) => "1 target".to_owned(),
        (all, 0) => format!("all {all} the same"),
        (same, differ) => format!("{same} same, {differ} differ"),
    }
}

fn of_group(group: &Group, all: bool) -> String {
    let code = group.exit_code.map_or(String::new(), |code| format!(", exit code {code}"));
    let mut said = format!("  {}: {}{code}\n", agents(&group.agents, all), visible(&group.status));
    for (name, tail) in [("stdout", &group.stdout), ("stderr", &group.stderr)] {
        if let Some(tail) = tail.as_ref().filter(|tail| tail.bytes > 0) {
            said.push_str(&of_tail(name, tail, all));
        }
    }
    said
}

fn of_tail(name: &str, tail: &Tail, all: bool) -> String {
    let size = when::bytes(tail.bytes);
    if tail.tail.is_empty() {
        let why = if tail.complete { "not shown" } else { "not here yet, or not shown" };
        return format!("    {name}, {size}, {why}\n");
    }
    let lines: Vec<&str> = tail.tail.lines().collect();
    let from = if all { 0 } else { lines.len().saturating_sub(MAX_LINES) };
    let cut = if from > 0 || (tail.tail.len() as u64) < tail.bytes { ", the end of it" } else { "" };
    let late = if tail.complete { "" } else { ", some of it still on its way" };
    let mut said = format!("    {name}, {size}{cut}{late}:\n");
    for line in &lines[from..] {
        let _ = writeln!(said, "    | {}", visible(line));
    }
    said
}

/// `3: a, b, c`, cut to what can be read.
fn agents(names: &[String], all: bool) -> String {
    let most = if all { usize::MAX } else { MAX_AGENTS };
    let shown: Vec<String> = names.iter().take(most).map(|name| visible(name)).collect();
    let more = names.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} ({}{more})", names.len(), shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{closed, described, outcome};
    use crate::views::Prompt;
    use serde_json::{Value, json};

    fn prompt(groups: Value) -> Prompt {
        serde_json::from_value(json!({"id": "p1", "execution": "x1", "name": "update#8", "workflow": "update", "step": "approve",
            "visit": 2, "message": "Go on \u{1b}[2J?\nSure?", "options": ["Yes", "No"], "status": "open",
            "openedAt": "2026-11-21T05:00:00Z", "timeout": "1h", "deadline": "2026-11-21T06:00:00Z", "targets": ["a1", "a2"],
            "evidence": {"step": "refresh", "visit": 1, "status": "failed", "groups": groups}}))
        .unwrap()
    }

    #[test]
    fn the_question_comes_with_what_was_seen() {
        let same: Vec<String> = (0..198).map(|at| format!("a{at}")).collect();
        let nothing = json!({"bytes": 0, "sha256": "", "tail": "", "complete": true});
        let groups = json!([
            {"agents": same, "status": "succeeded", "exitCode": 0, "stdout": nothing, "stderr": null},
            {"agents": ["b1", "b2"], "status": "failed", "exitCode": 100, "stdout": nothing,
             "stderr": {"bytes": 9000, "tail": "E: \u{1b}[31mlocked\nbye", "complete": true}},
            {"agents": ["c1"], "status": "failed", "stdout": {"bytes": 9000, "tail": "", "complete": false}, "stderr": {"bytes": 2, "tail": "x", "complete": false}}]);
        let said = described(&prompt(groups), false, "2026-11-21T05:03:00Z".parse().unwrap());
        for part in [
            "Step:        approve (visit 2)\n",
            "(in 57m00s)\n",
            "Targets:     2 (a1, a2)\n",
            "\n  Go on \\e[2J?\n  Sure?\n    1) Yes\n    2) No\n",
            "\nStep refresh before it failed: 198 same, 3 differ\n  198 (a0, a1, ",
            "a19 and 178 more): succeeded, exit code 0\n  2 (b1, b2): failed, exit code 100\n",
            "    stderr, 8.8 KiB, the end of it:\n    | E: \\e[31mlocked\n    | bye\n",
            "    stdout, 8.8 KiB, not here yet, or not shown\n    stderr, 2 B, the end of it, some of it still on its way:\n    | x\n",
            "\nto answer: pulse answer p1 Yes|No\n",
        ] {
            assert!(said.contains(part), "{part:?} is not in\n{said}");
        }
    }

    #[test]
    fn a_question_that_was_withdrawn_was_nobodys_to_answer() {
        let mut prompt = prompt(json!([]));
        assert_eq!(closed(&prompt), None);
        prompt.status = "withdrawn".into();
        prompt.asked.closed_at = "2026-11-21T05:01:00Z".parse().ok();
        let said = described(&prompt, false, "2026-11-21T05:03:00Z".parse().unwrap());
        assert!(said.contains("Status:      withdrawn\n") && said.contains("\nWithdrawn:   2026-11-21 "), "{said}");
        assert!(said.contains(" (2m00s ago)\n") && !said.contains("nobody answered") && !said.contains("to answer"), "{said}");
        let how = closed(&prompt).unwrap();
        assert!(
            how.starts_with("it was withdrawn at 2026-11-21 ") && how.ends_with("because its execution was cancelled or ended"),
            "{how}"
        );
    }

    #[test]
    fn long_evidence_is_cut_unless_all_is_asked_for() {
        let tail: String = (1..=50).map(|line| format!("line {line}\n")).collect();
        let group = |at: usize| json!({"agents": [format!("a{at}")], "status": "succeeded", "stdout": {"bytes": tail.len(), "tail": tail, "complete": true}});
        let prompt = prompt(Value::Array((0..12).map(group).collect()));
        let now = "2026-11-21T05:03:00Z".parse().unwrap();
        let short = described(&prompt, false, now);
        assert!(short.contains("1 same, 11 differ") && short.contains("and 2 more groups"), "{short}");
        assert!(short.contains("the end of it:\n    | line 31\n") && !short.contains("line 30\n"), "{short}");
        let all = described(&prompt, true, now);
        assert!(all.contains("| line 1\n") && all.contains("  1 (a11): succeeded") && !all.contains("more"), "{all}");
    }

    #[test]
    fn what_came_of_it_names_who() {
        let mut asked = prompt(json!([])).asked;
        assert_eq!(outcome(&asked), None);
        asked.closed_at = "2026-11-21T05:03:00Z".parse().ok();
        assert!(outcome(&asked).unwrap().starts_with("nobody answered in time, at "));
        (asked.answer, asked.answered_by, asked.comment) = (Some("No".into()), Some("ada".into()), Some("late".into()));
        let said = outcome(&asked).unwrap();
        assert!(said.starts_with("\"No\" by ada at ") && said.ends_with(" (late)"), "{said}");
    }
}
