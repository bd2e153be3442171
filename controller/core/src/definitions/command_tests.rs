//! The command of a request: made into a workflow, and checked as a step is.

use super::tests::{manifest, said, workflow};
use super::*;
use serde_json::{Value, json};

#[test]
fn a_command_of_a_request_is_a_workflow_of_one_step_with_the_checks_of_one() {
    let command = |fields: Value| {
        let Value::Object(fields) = fields else { unreachable!("an object was made") };
        command_workflow(crd_schemas::decode_command(&fields).expect("a command"))
    };
    let workflow =
        command(json!({"targets": ["role=web"], "command": "df {{ agent.name }}", "env": {"A": "{{ execution.id }}"}}));
    assert_eq!((workflow.metadata.name.as_str(), workflow.spec.steps[0].id.as_str()), (COMMAND, COMMAND));
    assert_eq!(check_command(&workflow), []);
    let program = Program::compile(&workflow).expect("a program");
    assert_eq!((program.concurrency, program.steps.len()), (crd_schemas::manifest::ConcurrencyPolicy::Allow, 1));
    let wrong = json!({
        "targets": ["ro le", "{{ params.host }}"], "command": "echo '{{ agent.name }}' {{ params.x }} {{ steps.a.stdout }}", "env": {"B": "{{ no }}"},
    });
    let found: Vec<_> = check_command(&command(wrong)).into_iter().map(|found| (0, found)).collect();
    insta::assert_snapshot!(said(&found));
}

#[test]
fn the_name_of_commands_is_no_name_of_a_source() {
    let step = json!([{"id": "a", "type": "execute", "targets": ["all"], "command": "df"}]);
    let schedule = |spec: Value| manifest(json!({"kind": "Schedule", "metadata": {"name": COMMAND}, "spec": spec}));
    let set = [
        workflow(COMMAND, json!([]), step.clone()),
        schedule(json!({"every": "1h", "targets": ["all"], "command": "df"})),
        workflow("other", json!([]), step),
        manifest(json!({"kind": "AccessPolicy", "metadata": {"name": "p"}, "spec": {
            "effect": "deny", "subjects": ["everyone"], "verbs": ["view"], "workflows": [COMMAND]}})),
    ];
    let mut found: Vec<_> =
        set.iter().enumerate().flat_map(|(index, one)| check_own(one).into_iter().map(move |found| (index, found))).collect();
    found.extend(check_set(&set.iter().collect::<Vec<_>>(), |_| FileRef { path: String::new(), line: 1 }));
    insta::assert_snapshot!(said(&found));
    let starts_one = schedule(json!({"every": "1h", "workflow": "other"}));
    assert_eq!(
        check_set(&[&set[2], &starts_one], |_| FileRef { path: String::new(), line: 1 }),
        [],
        "its executions have the workflow's name"
    );
}
