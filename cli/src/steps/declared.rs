//! A step as its manifest declares it, and as a dry run tells it: both have the same fields. What an `execute` step runs is
//! shown by who shows the step, since a dry run has it rendered.

use crate::output::escape::visible;
use crate::views::text;
use serde_json::Value;
use std::fmt::Write;

/// What a step does, in half a sentence, and what belongs to it, a line each.
pub fn declared(step: &Value) -> (String, Vec<String>) {
    let (head, mut lines) = match text(step, "/type").as_str() {
        "prompt" => prompt(step),
        "wait" => (wait(step), Vec::new()),
        "parse" => (parse(step), Vec::new()),
        "route" => ("takes a route".to_owned(), list(step, "/routes").map(route).collect()),
        _ => (execute(step), Vec::new()),
    };
    let when = text(step, "/when");
    if !when.is_empty() {
        lines.insert(0, format!("when {}", visible(&when)));
    }
    (visible(&head), lines)
}

/// Where a step leads that does not lead to the next one.
pub fn then(step: &Value) -> Option<String> {
    let goto = text(step, "/goto");
    (!goto.is_empty()).then(|| format!("then {}", place(&goto)))
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn place(goto: &str) -> String {
    if goto == "end" { "the end".to_owned() } else { format!("step {}", visible(goto)) }
}

/// The targets: of an earlier step, or by name. A dry run has both fields, and names only where it knows them.
fn execute(step: &Value) -> String {
    let from =
        step.get("targetsFrom").filter(|from| from.is_object()).or_else(|| step.get("targets").filter(|from| from.is_object()));
    if let Some(from) = from {
        return format!("on those that {} in step {}", text(from, "/result"), text(from, "/from"));
    }
    let names: Vec<&str> = list(step, "/targets").filter_map(Value::as_str).collect();
    let count = if step.get("argv").is_some() { format!("{}: ", names.len()) } else { String::new() };
    format!("on {count}{}", names.join(", "))
}

fn prompt(step: &Value) -> (String, Vec<String>) {
    let answer = text(step, "/onTimeout/answer");
    let after = match (text(step, "/timeout"), answer.as_str()) {
        (timeout, _) if timeout.is_empty() => String::new(),
        (timeout, "") => format!(", and fails after {timeout}"),
        (timeout, answer) => format!(", and takes {answer:?} after {timeout}"),
    };
    let message = text(step, "/message");
    let mut lines: Vec<String> = message.trim_end().lines().map(visible).collect();
    for (place, option) in list(step, "/options").enumerate() {
        let value = option.as_str().map_or_else(|| text(option, "/value"), str::to_owned);
        let mut line = format!("  {}) {}", place + 1, visible(&value));
        let goto = text(option, "/goto");
        if !goto.is_empty() {
            let _ = write!(line, " → {}", self::place(&goto));
        }
        lines.push(line);
    }
    (format!("asks a person{after}"), lines)
}

fn wait(step: &Value) -> String {
    match (text(step, "/duration"), text(step, "/until"), text(step, "/timeZone")) {
        (duration, until, _) if until.is_empty() => format!("waits for {duration}"),
        (_, until, zone) if zone.is_empty() => format!("waits until {until}"),
        (_, until, zone) => format!("waits until {until} {zone}"),
    }
}

fn parse(step: &Value) -> String {
    let from = match text(step, "/from") {
        from if from.is_empty() => "the step before".to_owned(),
        from => format!("step {from}"),
    };
    let of = match (text(step, "/agent"), text(step, "/each").as_str()) {
        (_, "true") => " on each agent".to_owned(),
        (agent, _) if agent.is_empty() => String::new(),
        (agent, _) => format!(" on {agent}"),
    };
    let into = match text(step, "/into") {
        into if into.is_empty() => "state".to_owned(),
        into => format!("state.{into}"),
    };
    let how = match (text(step, "/format"), text(step, "/pattern")) {
        (format, pattern) if format == "regex" => format!("regex {pattern}"),
        (format, _) if format.is_empty() => "keyvalue".to_owned(),
        (format, _) => format,
    };
    format!("reads the stdout of {from}{of} into {into} ({how})")
}

fn route(route: &Value) -> String {
    let condition = match text(route, "/if") {
        condition if condition.is_empty() => "otherwise".to_owned(),
        condition => format!("if {}", visible(&condition)),
    };
    let goto = match text(route, "/goto") {
        goto if goto.is_empty() => "the next step".to_owned(),
        goto => place(&goto),
    };
    let label = text(route, "/label");
    let label = if label.is_empty() { label } else { format!(" ({})", visible(&label)) };
    format!("{condition} → {goto}{label}")
}

#[cfg(test)]
mod tests {
    use super::{declared, then};
    use serde_json::{Value, json};

    fn said(step: Value) -> String {
        let (head, lines) = declared(&step);
        std::iter::once(head).chain(lines).chain(then(&step)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_type_says_what_it_does() {
        let prompt = json!({"type": "prompt", "when": "params.ask == true", "message": "Go?\n\u{1b}", "timeout": "1h",
            "options": ["Yes", {"value": "No", "goto": "end"}], "onTimeout": {"answer": "No"}, "goto": "a"});
        let expected = "asks a person, and takes \"No\" after 1h\nwhen params.ask == true\nGo?\n\\e\n  1) Yes\n  2) No → the end\nthen step a";
        assert_eq!(said(prompt), expected);
        assert_eq!(
            said(json!({"type": "prompt", "message": "Go?", "options": [], "timeout": "1h", "onTimeout": "fail"})),
            "asks a person, and fails after 1h\nGo?"
        );
        assert_eq!(said(json!({"type": "wait", "duration": "10m"})), "waits for 10m");
        assert_eq!(
            said(json!({"type": "wait", "until": "02:00", "timeZone": "Europe/Berlin"})),
            "waits until 02:00 Europe/Berlin"
        );
        let parse =
            json!({"type": "parse", "from": "df", "into": "disk", "format": "regex", "pattern": "(?<used>\\d+)", "each": true});
        assert_eq!(said(parse), "reads the stdout of step df on each agent into state.disk (regex (?<used>\\d+))");
        assert_eq!(
            said(json!({"type": "parse", "agent": "a"})),
            "reads the stdout of the step before on a into state (keyvalue)"
        );
        let route = json!({"type": "route", "routes": [{"if": "x > 1", "goto": "b", "label": "Full"}, {"if": "y"}, {"default": true, "goto": "end"}]});
        assert_eq!(said(route), "takes a route\nif x > 1 → step b (Full)\nif y → the next step\notherwise → the end");
        assert_eq!(
            said(json!({"type": "execute", "targets": {"from": "up", "result": "failed"}})),
            "on those that failed in step up"
        );
        let dry = json!({"type": "execute", "targets": [], "targetsFrom": {"from": "up", "result": "failed"}, "argv": []});
        assert_eq!(said(dry), "on those that failed in step up");
    }
}
