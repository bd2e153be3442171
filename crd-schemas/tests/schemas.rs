//! The kept JSON Schemas are those of the types, and say the same as the decoder. `UPDATE_SCHEMAS=1` rewrites them.

use crd_schemas::{parse_file, schemas, unsupported};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

#[test]
fn the_kept_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for (name, schema) in schemas() {
        let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        let path = folder.join(name);
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::create_dir_all(&folder).expect("the folder is made");
            fs::write(&path, &text).expect("the schema is written");
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "{name} is stale; run the tests with UPDATE_SCHEMAS=1");
    }
}

#[test]
fn no_schema_names_what_does_not_run_yet() {
    let workflow = schema_of("Workflow");
    let lists = [
        ("/definitions/WorkflowSpec/properties", unsupported::WORKFLOW_FIELDS),
        ("/definitions/Param/properties", unsupported::PARAM_FIELDS),
        ("/definitions/Concurrency/properties", unsupported::CONCURRENCY_FIELDS),
        ("/definitions/Step/properties", unsupported::STEP_FIELDS),
        ("/definitions/Step/properties", unsupported::EXECUTE_FIELDS),
    ];
    for (pointer, names) in lists {
        let properties = workflow.pointer(pointer).and_then(Value::as_object).expect(pointer);
        for name in names {
            assert!(!properties.contains_key(*name), "{pointer} has {name}");
        }
    }
}

fn schema_of(kind: &str) -> Value {
    let name = format!("{}.json", kind.to_lowercase());
    schemas().into_iter().find(|(file, _)| *file == name).expect("a schema for each kind").1
}

fn schema_accepts(document: &Value) -> bool {
    let schema = schema_of(document["kind"].as_str().expect("a kind"));
    jsonschema::draft7::new(&schema).expect("a valid schema").is_valid(document)
}

/// JSON is YAML, so the decoder reads it.
fn decoder_accepts(document: &Value) -> bool {
    parse_file("x.yaml", document.to_string().as_bytes()).problems.is_empty()
}

fn workflow() -> Value {
    json!({
        "apiVersion": "pulse.dev/v1",
        "kind": "Workflow",
        "metadata": {"name": "w", "labels": {"team": "infra"}, "annotations": {"any thing": ""}},
        "spec": {
            "description": "x",
            "params": [{"name": "a", "type": "string", "default": ""}, {"name": "b", "required": true}],
            "concurrency": {"policy": "Allow"},
            "steps": [{
                "id": "s", "name": "S", "type": "execute", "when": "true", "continueOnError": true,
                "targets": ["all", "role=web,env!=dev"], "command": "echo", "env": {"A": "b"}, "shell": "bash", "cwd": "/",
                "successExitCodes": [0, 255], "timeout": "1s", "killGrace": "0s",
                "retry": {"attempts": 3, "backoff": "5s", "maxBackoff": "1m"}, "maxParallel": 1, "maxFailures": 0,
                "onOffline": "wait 5m", "onUnknown": "fail", "idempotent": true,
            }],
        },
    })
}
fn schedule() -> Value {
    json!({
        "apiVersion": "pulse.dev/v1", "kind": "Schedule", "metadata": {"name": "s"},
        "spec": {
            "description": "x", "cron": "0 2 * * *", "timeZone": "UTC", "workflow": "w", "params": {"a": "b"}, "limit": "a=b",
            "concurrencyPolicy": "Allow", "startingDeadline": "10s", "catchUp": "all", "catchUpLimit": 5, "jitter": "0s",
            "suspend": false,
        },
    })
}
fn command_schedule() -> Value {
    json!({
        "apiVersion": "pulse.dev/v1", "kind": "Schedule", "metadata": {"name": "all"},
        "spec": {"every": "1s", "targets": ["all"], "command": "true", "timeout": "1m", "retry": {"attempts": 2}},
    })
}
fn agent() -> Value {
    json!({
        "apiVersion": "pulse.dev/v1", "kind": "Agent", "metadata": {"name": "a"},
        "spec": {"vars": {"x": "y"}, "slots": 5},
    })
}
fn group() -> Value {
    json!({
        "$schema": "x", "apiVersion": "pulse.dev/v1", "kind": "AgentGroup", "metadata": {"name": "g"},
        "spec": {"agents": ["a"], "selector": "role=web"},
    })
}

/// A document with one value replaced, or with one more.
fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    match document.pointer_mut(parent).expect("a parent") {
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
        parent => parent[key] = value,
    }
    document
}
fn without(mut document: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    document.pointer_mut(parent).and_then(Value::as_object_mut).and_then(|map| map.remove(key)).expect("a field");
    document
}

#[test]
fn schema_and_decoder_accept_the_same() {
    let step = "/spec/steps/0";
    let at = |field: &str, value: Value| with(workflow(), &format!("{step}/{field}"), value);
    let mut good = vec![workflow(), agent(), group(), without(agent(), "/spec"), without(group(), "/spec/selector")];
    good.extend([without(group(), "/spec/agents"), at("shell", json!(["python3", "-c"])), at("onOffline", json!("skip"))]);
    for field in ["name", "when", "continueOnError", "env", "shell", "cwd", "successExitCodes", "timeout", "killGrace", "retry"] {
        good.push(without(workflow(), &format!("{step}/{field}")));
    }
    let script = |script: Value| without(at("script", script), &format!("{step}/command"));
    good.extend([
        script(json!({"file": "a.sh"})),
        script(json!({"file": "..a/.b/c d.sh", "args": ["", "-x", "{{ params.a }}"]})),
    ]);
    good.push(at("files", json!(["a.conf", "é/...", {"from": "x/.env"}, {"from": "b", "to": "c/d"}])));
    let with_script = with(without(command_schedule(), "/spec/command"), "/spec/script", json!({"file": "a.sh"}));
    good.extend([
        schedule(),
        with(with_script, "/spec/files", json!(["a.conf"])),
        command_schedule(),
        without(command_schedule(), "/spec/retry"),
    ]);
    for field in ["startingDeadline", "jitter"] {
        good.extend(["10s", "0010s", "10000ms", "1m", "1h", "01d"].map(|text| {
            let at = format!("/spec/{field}");
            with(schedule(), &at, json!(text))
        }));
    }
    good.extend(["1s", "1000ms", "01500ms", "09s", "1m", "1d"].map(|text| with(command_schedule(), "/spec/every", json!(text))));
    good.push(with(without(schedule(), "/spec/catchUpLimit"), "/spec/catchUp", json!("latest")));
    for field in ["description", "timeZone", "params", "limit", "concurrencyPolicy", "catchUpLimit", "jitter", "suspend"] {
        good.push(without(schedule(), &format!("/spec/{field}")));
    }
    for document in good {
        assert!(decoder_accepts(&document), "decoder: {document}");
        let schema = schema_of(document["kind"].as_str().expect("a kind"));
        let said =
            jsonschema::draft7::validate(&schema, &document).err().map(|error| format!("{error} at {}", error.instance_path()));
        assert_eq!(said, None, "schema: {document}");
    }
}

#[test]
fn schema_and_decoder_refuse_the_same() {
    for document in bad_steps().into_iter().chain(bad_heads()).chain(bad_schedules()) {
        assert!(!decoder_accepts(&document), "decoder: {document}");
        assert!(!schema_accepts(&document), "schema: {document}");
    }
}

fn bad_steps() -> Vec<Value> {
    let cases = json!({
        "id": ["end", "A", "", 5, null],
        "name": [5, null],
        "type": ["prompt", "exectue", null],
        "when": ["", " ", true, null],
        "continueOnError": ["yes", 1, null],
        "targets": ["all", [], [""], [5], [{"from": "a"}], null],
        "command": ["", 5, ["a"], null],
        "env": [{"PULSE_X": "a"}, {"1": "a"}, {"A": 5}, ["A=b"], null],
        "shell": ["zsh", [], [5], {}, null],
        "cwd": ["tmp", "", null],
        "successExitCodes": [[], 0, [256], [-1], ["0"], null],
        "timeout": [90, "90", "5 s", "", null],
        "killGrace": [true, "1w"],
        "retry": [3, {}, {"attempts": 0}, {"attempts": 101}, {"attempts": 1, "x": 1}, {"attempts": 1, "backoff": 5}, null],
        "maxParallel": [0, 10001, "5", 1.5, null],
        "maxFailures": [-1, null],
        "onOffline": ["wait", "wait 5", "wait  5m", "Skip", 5, null],
        "onUnknown": ["retry", null],
        "idempotent": ["true", null],
        "files": [
            [], "a", [5], [""], ["/a"], ["../a"], ["a/./b"], ["a/"], ["a//b"], ["a\nb"], [{}], [{"from": "a", "mode": 5}],
            [{"to": "a"}], [{"from": "a", "to": "/etc/x"}], [{"from": "a", "to": null}], null,
        ],
        "goto": ["end"], "script": [{"file": "a.sh"}], "user": ["root"], "expectDisconnect": [true], "needs": [[]], "zzz": [1],
    });
    let mut documents = Vec::new();
    for (field, values) in cases.as_object().expect("a map") {
        for value in values.as_array().expect("a list") {
            documents.push(with(workflow(), &format!("/spec/steps/0/{field}"), value.clone()));
        }
    }
    for script in
        json!([{}, {"file": ""}, {"file": "/a"}, {"file": "a/../b"}, {"file": "a", "args": "x"}, {"file": "a", "args": [5]},
        {"file": "a", "x": 1}, "a.sh", null])
        .as_array()
        .expect("a list")
    {
        documents.push(without(with(workflow(), "/spec/steps/0/script", script.clone()), "/spec/steps/0/command"));
    }
    documents.extend(["id", "type", "targets", "command"].map(|field| without(workflow(), &format!("/spec/steps/0/{field}"))));
    documents
}

fn bad_schedules() -> Vec<Value> {
    let cases = json!({
        "cron": ["", 5, null], "timeZone": ["", 5, null], "every": ["1h"], "workflow": ["W", 5, null],
        "params": [{"A": "b"}, {"a": 5}, ["a"], null], "limit": ["", 5, null], "concurrencyPolicy": ["forbid", "Queue", null],
        "startingDeadline": [5, "5", null, "0s", "1s", "9s", "09s", "9999ms", "0m", "10w"],
        "catchUp": ["All", true, null, "none", "latest"], "catchUpLimit": [0, 1001, "5", null],
        "jitter": [5, "1w", null], "suspend": ["no", null], "targets": [["all"]], "command": ["true"], "timeout": ["5m"],
        "env": [{}], "schedule": ["0 2 * * *"], "steps": [[]], "concurrency": [{}],
    });
    let mut documents = Vec::new();
    for (field, values) in cases.as_object().expect("a map") {
        for value in values.as_array().expect("a list") {
            documents.push(with(schedule(), &format!("/spec/{field}"), value.clone()));
        }
    }
    let command = [
        ("/spec/cron", json!("0 2 * * *")),
        ("/spec/timeZone", json!("UTC")),
        ("/spec/every", json!(5)),
        ("/spec/every", json!("0s")),
        ("/spec/every", json!("500ms")),
        ("/spec/every", json!("0999ms")),
        ("/spec/every", json!("0d")),
        ("/spec/catchUpLimit", json!(5)),
        ("/spec/params", json!({})),
        ("/spec/limit", json!("a=b")),
        ("/spec/workflow", json!("w")),
        ("/spec/targets", json!([])),
        ("/spec/command", json!("")),
        ("/spec/script", json!({"file": "a.sh"})),
        ("/spec/type", json!("execute")),
        ("/spec/when", json!("true")),
        ("/metadata/name", json!("A")),
    ];
    documents.extend(command.map(|(pointer, value)| with(command_schedule(), pointer, value)));
    documents.extend(["cron", "workflow"].map(|field| without(schedule(), &format!("/spec/{field}"))));
    documents.extend(["every", "targets", "command"].map(|field| without(command_schedule(), &format!("/spec/{field}"))));
    documents
}

fn bad_heads() -> Vec<Value> {
    let mut documents: Vec<Value> =
        ["/apiVersion", "/metadata", "/metadata/name", "/spec", "/spec/steps"].map(|field| without(workflow(), field)).into();
    let workflows = [
        ("/apiVersion", json!("v1")),
        ("/status", json!({})),
        ("/metadata/name", json!("W")),
        ("/metadata/labels", json!({"self/os": "x"})),
        ("/metadata/labels", json!({"a": "b c"})),
        ("/metadata/labels", json!({"a": 5})),
        ("/metadata/namespace", json!("x")),
        ("/spec/steps", json!([])),
        ("/spec/timeout", json!("1h")),
        ("/spec/concurrency", json!({"policy": "Queue"})),
        ("/spec/concurrency", json!({"key": "x"})),
        ("/spec/params/0/name", json!("a-b")),
        ("/spec/params/0/type", json!("int")),
        ("/spec/params/0/default", json!(5)),
        ("/spec/params/0/required", json!(true)),
        ("/spec/params/0/pattern", json!("x")),
        ("/spec/description", Value::Null),
    ];
    documents.extend(workflows.map(|(pointer, value)| with(workflow(), pointer, value)));
    let agents =
        [("/metadata/name", json!("all")), ("/spec/slots", json!(0)), ("/spec/vars", json!({"a b": "c"})), ("/spec/x", json!(1))];
    documents.extend(agents.map(|(pointer, value)| with(agent(), pointer, value)));
    let groups = [
        ("/metadata/name", json!("all")),
        ("/spec", json!({})),
        ("/spec/agents", json!([])),
        ("/spec/agents", json!(["all"])),
        ("/spec/agents", json!(["a", "a"])),
        ("/spec/agents", json!(["B"])),
        ("/spec/selector", json!("")),
    ];
    documents.extend(groups.map(|(pointer, value)| with(group(), pointer, value)));
    documents
}
