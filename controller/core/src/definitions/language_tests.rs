//! What programs make of `goto`, prompts, parsing, state, keys and targets, and what they refuse.

use super::tests::{check, command, manifest, program, said, workflow};
use super::*;
use crate::values::{Context, StateValue, StepValue};
use crd_schemas::Manifest;
use serde_json::{Value, json};

fn run(id: &str, text: &str) -> Value {
    json!({"id": id, "type": "execute", "targets": ["a"], "command": text})
}

fn ask(id: &str, options: Value) -> Value {
    json!({"id": id, "type": "prompt", "message": "Go on?", "options": options})
}

/// Ids of the steps whose stdout is captured.
fn captured(steps: Value) -> Vec<String> {
    let program = program(steps).expect("a program");
    let commands = program.steps.iter().filter(|step| step.command().is_some_and(|command| command.capture_stdout));
    commands.map(|step| step.spec.id.clone()).collect()
}

/// The agent that the steps run on.
fn agent() -> Manifest {
    manifest(json!({"kind": "Agent", "metadata": {"name": "a"}}))
}

fn findings(steps: Value) -> String {
    let params = json!([{"name": "x"}, {"name": "host", "type": "agent", "required": true}]);
    said(&check(&[workflow("w", params, steps), agent()]))
}

#[test]
fn a_goto_back_lets_a_step_name_later_ones() {
    let steps = |last: Value| {
        json!([
            {"id": "first", "type": "execute", "targets": ["a"], "when": "steps.check.status != \"failed\"", "command": "true"},
            last,
            run("after", "true"),
        ])
    };
    let mut back = run("check", "true");
    assert!(program(steps(back.clone())).is_err());
    back["goto"] = json!("first");
    back["when"] = json!("steps.first.status == \"failed\"");
    assert!(program(steps(back)).is_ok());
}

#[test]
fn answers_state_and_typed_params_reach_every_place() {
    let params = json!([{"name": "limit", "type": "int", "default": 80}]);
    let steps = json!([
        run("df", "df"),
        {"id": "read", "type": "parse", "into": "disk"},
        {"id": "ask", "type": "prompt", "when": "int(state.disk.used) > params.limit", "message": "{{ state.disk.used }} %",
         "options": ["Yes", "No"]},
        {"id": "clean", "type": "execute", "targets": ["a"], "when": "promptResponse == \"Yes\" && steps.ask.answer == \"Yes\"",
         "command": "clean {{ promptResponse }}", "env": {"HOW": "{{ steps.ask.answer }}"}},
    ]);
    let Manifest::Workflow(workflow) = workflow("w", params, steps) else { unreachable!("a workflow was made") };
    let program = Program::compile(&workflow).expect("a program");
    assert!(command(&program.steps[0]).capture_stdout);
    let answered = StepValue { status: "succeeded".into(), answer: Some("Yes".into()), ..StepValue::default() };
    let disk = StateValue::Map([("used".to_owned(), StateValue::Text("9".to_owned()))].into());
    let mut context = Context {
        params: [("limit".to_owned(), "10".to_owned())].into(),
        param_types: program.param_types.clone(),
        steps: [("ask".to_owned(), answered.into())].into(),
        state: [("disk".to_owned(), disk)].into(),
        ..Context::default()
    };
    let when = |index: usize, context: &Context| {
        let when: &crate::expression::Expression = program.steps[index].when.as_ref().expect("a condition");
        when.evaluate(context)
    };
    // As texts, 9 would be more than 10.
    assert_eq!((when(2, &context), when(3, &context)), (Ok(false), Ok(true)));
    context.params.insert("limit".to_owned(), "8".to_owned());
    assert_eq!(when(2, &context), Ok(true));
    let CompiledAction::Prompt(message) = &program.steps[2].action else { panic!("a prompt") };
    assert_eq!(message.render(&context), Ok("9 %".to_owned()));
    let clean = command(&program.steps[3]);
    assert_eq!(clean.env["HOW"].render(&context), Ok("Yes".to_owned()));
    let CompiledRun::Command(text) = &clean.run else { panic!("a command") };
    assert_eq!(text.environment(&context).map(|env| env.into_values().collect::<Vec<_>>()), Ok(vec!["Yes".to_owned()]));
}

#[test]
fn a_step_keeps_its_stdout_where_a_parse_may_read_it_and_nowhere_else() {
    let read = |more: Value| {
        let mut step = json!({"id": "read", "type": "parse"});
        step.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        step
    };
    let three = |parse: Value| json!([run("a", "true"), run("b", "true"), parse, run("c", "true")]);
    assert_eq!(captured(three(read(json!({"from": "a"})))), ["a"]);
    // Which of them ran last is known only when it runs: `b` may be skipped.
    assert_eq!(captured(three(read(json!({})))), ["a", "b"]);
    let mut back = run("c", "true");
    back["goto"] = json!("a");
    assert_eq!(captured(json!([run("a", "true"), read(json!({})), back])), ["a", "c"]);
    assert_eq!(captured(json!([run("a", "true"), ask("ask", json!(["Yes"]))])), Vec::<String>::new());
}

#[test]
fn what_cannot_have_come_before_is_refused_with_what_can() {
    let from =
        |from: &str| json!({"id": "late", "type": "execute", "targets": {"from": from, "result": "failed"}, "command": "true"});
    let mut said = Vec::new();
    for steps in [
        json!([{"id": "read", "type": "parse"}, run("a", "true")]),
        json!([{"id": "read", "type": "parse", "from": "a"}, run("a", "true")]),
        json!([run("a", "true"), {"id": "read", "type": "parse", "from": "b"}, run("b", "true")]),
        json!([from("late")]),
        json!([run("a", "true"), run("b", "true"), from("c"), run("c", "true")]),
        json!([ask("ask", json!(["Yes"])), from("ask")]),
        json!([run("a", "echo {{ state.x }} {{ promptResponse }} {{ steps.a.answer }} {{ item.x }}")]),
        json!([
            ask("one", json!(["Yes"])),
            ask("two", json!(["Yes"])),
            run("a", "echo {{ promptResponse }} {{ steps.one.stdout }}")
        ]),
        json!([{"id": "r", "type": "route", "routes": [{"if": "state.x == \"1\"", "goto": "end"}, {"if": "promptResponse === 'Yes'"}]}]),
        json!([{"id": "nap", "type": "wait", "until": "{{ state.time }}"}, {"id": "p", "type": "prompt", "message": "{{ agent.name }}", "options": ["a"]}]),
    ] {
        said.push(findings(steps));
    }
    insta::assert_snapshot!(said.join("\n\n"));
}

#[test]
fn a_condition_asks_a_steps_agents_and_an_error_names_its_place() {
    let with = |when: &str| {
        let mut step = run("b", "true");
        step["when"] = json!(when);
        findings(json!([run("a", "true"), ask("ask", json!(["Yes"])), step]))
    };
    for when in ["len(steps.a.agents) == 1", "\"a\" in steps.a.agents && !is_empty(steps.a.agents)"] {
        assert_eq!(with(when), "", "{when}");
    }
    insta::assert_snapshot!(with("true && len(steps.ask.agents) == 1"));
}

#[test]
fn a_step_that_no_way_leads_to_is_a_warning() {
    let mut first = run("a", "true");
    first["goto"] = json!("c");
    insta::assert_snapshot!(findings(json!([first, run("b", "echo {{ steps.a.stdout }}"), run("c", "true")])), @"
    0 /spec/steps/1 None warning[unreachable-step]: no way leads to this step: every step that could come before it goes elsewhere
        mend: let a `goto`, an option or a route name it, or remove it
    ");
}

#[test]
fn a_key_is_made_of_params_only() {
    let with = |key: &str| {
        let spec =
            json!({"params": [{"name": "env"}], "concurrency": {"policy": "Queue", "key": key}, "steps": [run("a", "true")]});
        manifest(json!({"kind": "Workflow", "metadata": {"name": "w"}, "spec": spec}))
    };
    let Manifest::Workflow(workflow) = with("on-{{ params.env }}") else { unreachable!("a workflow was made") };
    let key = Program::compile(&workflow).expect("a program").concurrency_key.expect("a key");
    let context = Context { params: [("env".to_owned(), "prod".to_owned())].into(), ..Context::default() };
    assert_eq!(key.render(&context), Ok("on-prod".to_owned()));
    let texts =
        ["{{ params.evn }}", "{{ execution.id }} {{ steps.a.status }}", "{{ item }}", "{{ agent.name }}", "{{ params.env"];
    let said: Vec<_> = texts.iter().map(|text| said(&check(&[with(text), agent()]))).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_target_can_be_a_param_of_the_type_agent() {
    let on = |targets: Value| json!([{"id": "a", "type": "execute", "targets": targets, "command": "true"}]);
    assert_eq!(findings(on(json!(["{{ params.host }}", "{{params.host}}", "role=web"]))), "");
    let wrong = on(json!([
        "{{ params.x }}",
        "{{ params.hots }}",
        "web-{{ params.host }}",
        "{{ steps.a.stdout }}",
        "role={{ params.x }}"
    ]));
    let spec = json!({"every": "1h", "targets": ["{{ params.host }}"], "command": "true"});
    let schedule = manifest(json!({"kind": "Schedule", "metadata": {"name": "hourly"}, "spec": spec}));
    insta::assert_snapshot!(format!("{}\n{}", findings(wrong), said(&check(&[schedule]))));
}

#[test]
fn a_snapshot_with_a_goto_to_nowhere_is_refused() {
    let wrong = [
        json!([{"id": "a", "type": "wait", "duration": "1s", "goto": "nowhere"}]),
        json!([ask("a", json!([{"value": "Yes", "goto": "nowhere"}]))]),
        json!([{"id": "a", "type": "route", "routes": [{"default": true, "goto": "nowhere"}]}]),
    ];
    for steps in wrong {
        assert!(findings(steps).contains("there is no step `nowhere`"));
    }
}
