//! A step as it goes: a line when it begins, one when it ends, and what belongs to it.

use super::values;
use crate::output::escape::visible;
use crate::output::when;
use crate::prompts;
use crate::views::{Route, Step};
use jiff::Timestamp;

/// That a step has begun. A question is told apart from this, with everything that belongs to it; `parse` and `route` are over
/// as soon as they begin.
pub fn began(step: &Step, now: Timestamp) -> Option<String> {
    match (step.kind.as_str(), step.until) {
        ("prompt" | "parse" | "route", _) => None,
        ("wait", Some(until)) => {
            Some(format!("step {} waits until {} ({})", step.id, when::local(until), when::left(until, now)))
        }
        ("wait", None) => Some(format!("step {} waits", step.id)),
        _ => {
            let targets = if step.targets.len() == 1 { "1 target".to_owned() } else { format!("{} targets", step.targets.len()) };
            Some(format!("step {} is {} on {targets}", step.id, step.status))
        }
    }
}

/// How a step has ended.
pub fn ended(step: &Step) -> String {
    let why = step.message.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
    if step.carried {
        let what = what_came(step).map_or_else(String::new, |what| format!(": {what}"));
        return format!("step {} {}, taken over from the execution before{what}", step.id, step.status);
    }
    match (what_came(step), step.status.as_str()) {
        (Some(what), "succeeded") => format!("step {}: {what}", step.id),
        (Some(what), status) => format!("step {} {status}{why} ({what})", step.id),
        (None, status) => format!("step {} {status}{why}", step.id),
    }
}

/// What belongs to a step, beside its targets: question and answer, the end of a wait, what was read, where it led.
pub fn lines(step: &Step, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(prompt) = &step.prompt {
        lines.extend(prompts::question(prompt).lines().map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned()));
        if prompt.closed_at.is_none() && !step.is_over() {
            lines.push(visible(&prompt.mend()));
        }
    }
    if let (Some(until), false) = (step.until, step.is_over()) {
        lines.push(format!("until {} ({})", when::local(until), when::left(until, now)));
    }
    lines.extend(what_came(step).map(|what| visible(&what)));
    lines
}

/// The result that the step's type has, where it has one by now.
fn what_came(step: &Step) -> Option<String> {
    let prompt = step.prompt.as_ref().and_then(prompts::outcome);
    let answer = || step.answer.as_ref().map(|answer| format!("answer {answer:?}"));
    let route = || step.route.as_ref().map(|route| led(route, step.carried));
    let parsed = || step.parsed.is_object().then(|| format!("read {}", values(&step.parsed)));
    prompt.or_else(answer).or_else(route).or_else(parsed)
}

/// Which route was taken. Of one that was taken over only its end is known.
fn led(route: &Route, carried: bool) -> String {
    let to = match route.goto.as_deref() {
        None => "to the next step".to_owned(),
        Some("end") => "to the end".to_owned(),
        Some(step) => format!("to step {step}"),
    };
    let label = route.label.as_deref().map_or(String::new(), |label| format!(" ({label})"));
    match route.place {
        Some(place) => format!("route {}{label} leads {to}", place + 1),
        None if carried => format!("leads {to}"),
        None => format!("no route held, which leads {to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{began, ended, lines};
    use crate::views::Step;
    use serde_json::{Value, json};

    fn step(kind: &str, status: &str, more: Value) -> Step {
        let mut step = json!({"id": "s", "type": kind, "visit": 1, "status": status});
        step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(step).unwrap()
    }

    #[test]
    fn steps_of_every_type_are_told_in_a_line() {
        let now = "2026-11-21T05:00:00Z".parse().unwrap();
        let wait = step("wait", "waiting", json!({"until": "2026-11-21T05:10:00Z"}));
        let said = began(&wait, now).unwrap();
        assert!(said.starts_with("step s waits until 2026-11-2") && said.ends_with("(in 10m00s)"), "{said}");
        assert!(lines(&wait, now)[0].starts_with("until 2026-11-2"));
        let took = |place: Value, goto: Value| {
            ended(&step("route", "succeeded", json!({"route": {"place": place, "label": null, "goto": goto}})))
        };
        assert_eq!(took(json!(1), json!("clean")), "step s: route 2 leads to step clean");
        assert_eq!(took(Value::Null, Value::Null), "step s: no route held, which leads to the next step");
        let labelled = step("route", "succeeded", json!({"route": {"place": 0, "label": "Full", "goto": "end"}}));
        assert_eq!(ended(&labelled), "step s: route 1 (Full) leads to the end");
        assert_eq!(ended(&step("parse", "succeeded", json!({"parsed": {"used": "41"}}))), "step s: read used=41");
        assert_eq!(ended(&step("parse", "failed", json!({"message": "no JSON", "parsed": null}))), "step s failed: no JSON");
        let carried = |kind: &str, more: Value| {
            let mut carried = step(kind, "succeeded", more);
            carried.carried = true;
            ended(&carried).replace("step s succeeded, taken over from the execution before", "…")
        };
        assert_eq!(carried("route", json!({"route": {"place": null, "label": null, "goto": "clean"}})), "…: leads to step clean");
        assert_eq!(carried("prompt", json!({"answer": "Yes"})), "…: answer \"Yes\"");
        assert_eq!(
            ended(&step("execute", "succeeded", json!({"carried": true}))),
            "step s succeeded, taken over from the execution before"
        );
    }

    #[test]
    fn a_question_is_told_with_its_answer() {
        let prompt = json!({"id": "p1", "message": "Go?", "options": ["Yes", "No"], "answer": "Yes", "answeredBy": "ada",
            "comment": "fine", "closedAt": "2026-11-21T05:00:00Z"});
        let now = "2026-11-21T05:00:00Z".parse().unwrap();
        let answered = step("prompt", "succeeded", json!({"prompt": prompt}));
        assert!(began(&answered, now).is_none());
        assert!(ended(&answered).starts_with("step s: \"Yes\" by ada at ") && ended(&answered).ends_with("(fine)"));
        let shown = lines(&answered, now);
        assert_eq!(shown[..3], ["Go?", "  1) Yes", "  2) No"]);
        let mut open = answered;
        (open.status, open.prompt.as_mut().unwrap().closed_at) = ("waiting".to_owned(), None);
        assert_eq!(lines(&open, now)[3], "to answer: pulse answer p1 Yes|No");
    }
}
