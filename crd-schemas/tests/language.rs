//! What is written is what is read: every form of steps, parameters and concurrency, as the store and the API see it.

use crd_schemas::manifest::{Action, OnTimeout, Param, Targets};
use crd_schemas::{Document, Manifest, parse_file};
use serde_json::{Value, json};

const HEAD: &str = "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: w}\nspec:\n";
const RUN: &str = "  steps:\n    - {id: run, type: execute, targets: [all], command: x}\n";

fn read(text: &str) -> Document {
    let mut parsed = parse_file("w.yaml", text.as_bytes());
    assert_eq!(parsed.problems, [], "{text}");
    parsed.documents.remove(0)
}

fn spec(text: &str) -> Value {
    let document = read(text);
    serde_json::to_value(&document.manifest).expect("JSON")["spec"].take()
}

/// The step as JSON, without what all steps have; and as a manifest of its own that survives JSON.
fn step(written: &str) -> Value {
    let text = format!("{HEAD}{RUN}    - {{id: a, {written}}}\n");
    let manifest = read(&text).manifest;
    let json = serde_json::to_value(&manifest).expect("JSON");
    assert_eq!(serde_json::from_value::<Manifest>(json).expect("a manifest"), manifest);
    let mut step = spec(&text)["steps"][1].take();
    let fields = step.as_object_mut().expect("a map");
    for (name, value) in [("id", json!("a")), ("continueOnError", json!(false))] {
        assert_eq!(fields.remove(name), Some(value), "{written}");
    }
    step
}

#[test]
fn prompts() {
    let plain = step("type: prompt, message: Go on?, options: [Yes, No]");
    assert_eq!(plain, json!({"type": "prompt", "message": "Go on?", "options": ["Yes", "No"]}));
    let whole = "type: prompt, message: x, options: [\"Yes\", {value: \"No\", goto: end}, {value: Later, goto: run}], timeout: 90m, \
                 onTimeout: {answer: \"No\"}, goto: run, when: \"true\"";
    let options = json!(["Yes", {"value": "No", "goto": "end"}, {"value": "Later", "goto": "run"}]);
    let expected = json!({
        "type": "prompt", "message": "x", "options": options, "timeout": "90m", "onTimeout": {"answer": "No"}, "goto": "run",
        "when": "true",
    });
    assert_eq!(step(whole), expected);
    let Manifest::Workflow(workflow) = read(&format!("{HEAD}{RUN}    - {{id: a, {whole}}}\n")).manifest else {
        panic!("a workflow")
    };
    let Action::Prompt(prompt) = &workflow.spec.steps[1].action else { panic!("a prompt") };
    assert_eq!((prompt.options[1].value.as_str(), prompt.options[1].goto.as_deref()), ("No", Some("end")));
    assert_eq!(prompt.on_timeout, OnTimeout::Answer("No".into()));
    let fails = "type: prompt, message: x, options: [a], timeout: 1h";
    assert_eq!(step(fails), step(&format!("{fails}, onTimeout: fail")), "`fail` is what need not be said");
}

#[test]
fn waits() {
    assert_eq!(step("type: wait, duration: 90s"), json!({"type": "wait", "duration": "90s"}));
    let until = json!({"type": "wait", "until": "02:00", "timeZone": "Europe/Berlin"});
    assert_eq!(step("type: wait, until: 02:00, timeZone: Europe/Berlin"), until);
    let instant = step("type: wait, until: 2026-11-22T02:00:00Z");
    assert_eq!(instant, json!({"type": "wait", "until": "2026-11-22T02:00:00Z"}));
}

#[test]
fn parsing() {
    assert_eq!(step("type: parse"), json!({"type": "parse", "format": "keyvalue", "each": false}));
    let json = step("type: parse, from: run, into: disk, format: json, agent: web-1");
    assert_eq!(json, json!({"type": "parse", "from": "run", "into": "disk", "format": "json", "agent": "web-1", "each": false}));
    let regex = step(r"type: parse, format: regex, pattern: '(?<used>\d+)%', each: true");
    assert_eq!(regex, json!({"type": "parse", "format": "regex", "pattern": r"(?<used>\d+)%", "each": true}));
}

#[test]
fn routes() {
    let routes = step("type: route, routes: [{if: a == 1, goto: run, label: One}, {if: b}, {default: true, goto: end}]");
    let expected = json!([{"if": "a == 1", "goto": "run", "label": "One"}, {"if": "b"}, {"default": true, "goto": "end"}]);
    assert_eq!(routes, json!({"type": "route", "routes": expected}));
}

#[test]
fn targets_of_an_earlier_step() {
    let text = format!(
        "{HEAD}{RUN}    - {{id: a, type: execute, targets: {{from: run, result: failed}}, command: x, expectDisconnect: true}}\n"
    );
    let spec = spec(&text);
    assert_eq!(spec["steps"][1]["targets"], json!({"from": "run", "result": "failed"}));
    assert_eq!((&spec["steps"][1]["expectDisconnect"], &spec["steps"][0]["expectDisconnect"]), (&json!(true), &Value::Null));
    let Manifest::Workflow(workflow) = read(&text).manifest else { panic!("a workflow") };
    let Action::Execute(execute) = &workflow.spec.steps[1].action else { panic!("a command") };
    assert!(matches!(&execute.targets, Targets::From(from) if from.from == "run"), "{:?}", execute.targets);
}

#[test]
fn a_step_can_go_to_any_step_of_its_workflow() {
    let steps = "    - {id: a, type: wait, duration: 1s, goto: later}\n    - {id: later, type: wait, duration: 1s, goto: a}\n";
    assert_eq!(spec(&format!("{HEAD}{RUN}{steps}"))["steps"][1]["goto"], "later");
}

#[test]
fn concurrency_and_time() {
    let text = format!("{HEAD}  timeout: 6h\n  concurrency: {{policy: Queue, key: \"{{{{ params.x }}}}\", maxQueued: 5}}\n{RUN}");
    let spec = spec(&text);
    assert_eq!((&spec["timeout"], &spec["concurrency"]["maxQueued"]), (&json!("6h"), &json!(5)));
    assert_eq!((&spec["concurrency"]["policy"], &spec["concurrency"]["key"]), (&json!("Queue"), &json!("{{ params.x }}")));
    let unsaid = self::spec(&format!("{HEAD}{RUN}"));
    assert_eq!((&unsaid["timeout"], &unsaid["concurrency"]), (&Value::Null, &json!({"policy": "Forbid"})));
}

fn param(written: &str) -> Param {
    let text = format!("{HEAD}  params: [{{name: a, {written}}}]\n{RUN}");
    let Manifest::Workflow(mut workflow) = read(&text).manifest else { panic!("a workflow") };
    let param = workflow.spec.params.remove(0);
    let json = serde_json::to_string(&param).expect("JSON");
    assert_eq!(serde_json::from_str::<Param>(&json).expect("a parameter"), param, "{json}");
    param
}

#[test]
fn a_default_has_the_type_of_its_parameter() {
    let cases = [
        ("default: \"5\"", json!("5")),
        ("type: string, default: yes", json!("yes")),
        ("type: int, default: -5", json!(-5)),
        ("type: int, default: 9223372036854775807", json!(i64::MAX)),
        ("type: int, default: -9223372036854775808", json!(i64::MIN)),
        ("type: number, default: 5", json!(5)),
        ("type: number, default: -0.25", json!(-0.25)),
        ("type: number, default: 123456.789012345", json!(123456.789012345)),
        ("type: number, default: 1.5e3", json!(1500.0)),
        ("type: bool, default: true", json!(true)),
        ("type: enum, values: [no, yes], default: yes", json!("yes")),
        ("type: duration, default: 90s", json!("90s")),
        ("type: agent, default: web-1", json!("web-1")),
        ("type: list, default: []", json!([])),
        ("type: list, values: [a, b], default: [b, b]", json!(["b", "b"])),
    ];
    for (written, expected) in cases {
        assert_eq!(param(written).default, Some(expected), "{written}");
    }
    assert_eq!(param("type: int, min: -3, max: 9").default, None);
}

#[test]
fn bounds_are_kept_as_they_are_written() {
    let text = param("pattern: 'OPS-\\d+', minLength: 0, maxLength: 9");
    assert_eq!((text.pattern.as_deref(), text.min_length, text.max_length), (Some(r"OPS-\d+"), Some(0), Some(9)));
    let number = param("type: number, min: 0.5, max: 18446744073709551615, required: true");
    assert_eq!((number.min, number.max), (Some(serde_json::Number::from_f64(0.5).expect("finite")), Some(u64::MAX.into())));
    assert_eq!(param("type: enum, values: [a, b]").values, ["a", "b"]);
}

/// Every example of the page that people read: a whole manifest, parameters, steps, or fields of a command.
#[test]
fn the_examples_of_the_page_are_read() {
    let page = include_str!("../../docs/workflows.md");
    let examples: Vec<&str> = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    let others = ["check", "clean", "warn"].map(|id| format!("    - {{id: {id}, type: wait, duration: 1s}}\n")).concat();
    let indented = |text: &str, by: &str| text.lines().map(|line| format!("{by}{line}\n")).collect::<String>();
    let mut kinds = [0; 4];
    for example in examples {
        let (kind, text) = match example {
            whole if whole.contains("apiVersion") => (0, format!("{whole}\n")),
            params if params.starts_with("params:") => (1, format!("{HEAD}{}{RUN}", indented(params, "  "))),
            steps if steps.starts_with("- ") => (2, format!("{HEAD}{RUN}{}{others}", indented(steps, "    "))),
            fields => {
                let step = "    - id: a\n      type: execute\n      targets: [all]\n";
                (3, format!("{HEAD}  steps:\n{step}{}", indented(fields, "      ")))
            }
        };
        read(&text);
        kinds[kind] += 1;
    }
    assert!(kinds.iter().all(|count| *count > 0) && kinds[2] >= 6, "{kinds:?}");
}
