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
    let properties = |pointer: &str| workflow.pointer(pointer).and_then(Value::as_object).expect("properties");
    let steps = workflow.pointer("/definitions/Step/oneOf").and_then(Value::as_array).expect("one form for each type");
    let types: Vec<&str> = steps.iter().filter_map(|step| step.pointer("/properties/type/const")?.as_str()).collect();
    assert_eq!(types, ["execute", "prompt", "wait", "parse", "route"]);
    for (index, kind) in types.iter().enumerate() {
        let own = properties(&format!("/definitions/Step/oneOf/{index}/properties"));
        for name in unsupported::STEP_FIELDS {
            assert!(!own.contains_key(*name), "{kind} has {name}");
        }
    }
    let spec = properties("/definitions/WorkflowSpec/properties");
    assert!(unsupported::WORKFLOW_FIELDS.iter().all(|name| !spec.contains_key(*name)));
    let words = schema_of("Workflow").pointer("/definitions/ParamType").expect("types").to_string();
    assert!(unsupported::PARAM_TYPES.iter().all(|name| !words.contains(&format!("\"{name}\""))));
    assert!(unsupported::STEP_TYPES.iter().all(|name| !types.contains(name)));
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
                "targets": ["all", "role=web,env!=dev"], "command": "echo", "env": {"A": "b"}, "shell": "bash", "cwd": "/", "user": "postgres",
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
    for field in
        ["name", "when", "continueOnError", "env", "shell", "cwd", "user", "successExitCodes", "timeout", "killGrace", "retry"]
    {
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
    good.extend(good_steps().into_iter().chain(good_params()));
    good.extend(["1s", "1000ms", "1m", "9d"].map(|text| with(workflow(), "/spec/timeout", json!(text))));
    for concurrency in
        [json!({"key": "{{ params.a }}"}), json!({"policy": "Queue"}), json!({"policy": "Queue", "key": "x", "maxQueued": 10000})]
    {
        good.push(with(workflow(), "/spec/concurrency", concurrency));
    }
    for document in good {
        assert!(decoder_accepts(&document), "decoder: {document}");
        let schema = schema_of(document["kind"].as_str().expect("a kind"));
        let said =
            jsonschema::draft7::validate(&schema, &document).err().map(|error| format!("{error} at {}", error.instance_path()));
        assert_eq!(said, None, "schema: {document}");
    }
}

/// Steps of the other types, in every form that they may have.
fn good_steps() -> Vec<Value> {
    let steps = json!([
        {"type": "prompt", "message": "Go on?", "options": ["Yes", {"value": "No", "goto": "end"}]},
        {"type": "prompt", "message": "x", "options": [{"value": "a"}], "timeout": "1h"},
        {"type": "prompt", "message": "x", "options": ["a"], "timeout": "1h", "onTimeout": "fail"},
        {"type": "prompt", "message": "x", "options": ["a"], "timeout": "1h", "onTimeout": {"answer": "a"}},
        {"type": "wait", "duration": "0s"},
        {"type": "wait", "until": "02:00"},
        {"type": "wait", "until": "{{ params.a }}", "timeZone": "Europe/Berlin", "when": "true", "goto": "s"},
        {"type": "parse"},
        {"type": "parse", "from": "s", "into": "disk", "format": "keyvalue", "each": true},
        {"type": "parse", "format": "json", "agent": "a", "each": false},
        {"type": "parse", "format": "regex", "pattern": "(?<a>.)", "agent": "{{ params.a }}"},
        {"type": "route", "routes": [{"if": "true", "goto": "end", "label": ""}, {"default": true, "goto": "s"}]},
        {"type": "route", "routes": [{"if": "true", "default": false}], "continueOnError": true, "name": "x"},
        {"type": "execute", "targets": {"from": "s", "result": "failed"}, "command": "x", "expectDisconnect": true},
        {"type": "execute", "targets": ["{{ params.a }}"], "command": "x", "expectDisconnect": false},
    ]);
    steps.as_array().into_iter().flatten().map(second_step).collect()
}

/// The sample with one more step.
fn second_step(step: &Value) -> Value {
    let mut document = workflow();
    let mut step = step.clone();
    step["id"] = json!("t");
    document["spec"]["steps"].as_array_mut().expect("a list").push(step);
    document
}

fn bad_other_steps() -> Vec<Value> {
    let prompt = json!({"type": "prompt", "message": "x", "options": ["a"], "timeout": "1h"});
    let cases = json!([
        [prompt, {
            "message": ["", 5, null], "options": [[], "a", [5], [true], [""], [{}], [{"value": "a", "goto": 5}], [{"value": "a", "x": 1}],
            null], "timeout": [5, "x", null], "onTimeout": ["a", {}, {"answer": 5}, {"answer": "a", "x": 1}, null], "retry": [{"attempts": 2}],
            "who": [["x"]], "command": ["x"], "targets": [["all"]],
        }],
        [{"type": "wait", "duration": "1s"}, {
            "duration": [5, "1w", null], "until": ["02:00"], "timeZone": ["UTC"], "timeout": ["1s"], "retry": [{"attempts": 2}],
        }],
        [{"type": "wait", "until": "02:00"}, {"until": ["", 5, null], "timeZone": ["", 5, null]}],
        [{"type": "parse"}, {
            "from": ["", 5, "A", null], "into": ["", "a-b", "1", 5, null], "format": ["yaml", "regex", null], "pattern": ["x"],
            "agent": ["", "all", "A", 5, null], "each": ["yes", null], "timeout": ["1s"], "retry": [{"attempts": 2}],
        }],
        [{"type": "parse", "format": "regex", "pattern": "x"}, {"pattern": ["", 5, null], "format": ["json"]}],
        [{"type": "parse", "agent": "a"}, {"each": [true]}],
        [{"type": "route", "routes": [{"if": "true"}]}, {
            "routes": [[], {}, [{}], [{"if": ""}], [{"if": true}], [{"default": false}], [{"if": "true", "default": true}],
            [{"if": "true", "goto": ""}], [{"if": "true", "label": 5}], [{"if": "true", "x": 1}], [{"goto": "end"}], null],
            "timeout": ["1s"], "retry": [{"attempts": 2}], "goto": [5, null], "default": [true],
        }],
    ]);
    let mut documents = Vec::new();
    for case in cases.as_array().into_iter().flatten() {
        for (field, values) in case[1].as_object().expect("a map") {
            documents.extend(values.as_array().into_iter().flatten().map(|value| {
                let mut step = case[0].clone();
                step[field] = value.clone();
                second_step(&step)
            }));
        }
    }
    for step in [
        json!({"type": "prompt", "options": ["a"]}),
        json!({"type": "prompt", "message": "x"}),
        json!({"type": "prompt", "message": "x", "options": ["a"], "onTimeout": "fail"}),
        json!({"type": "wait"}),
        json!({"type": "wait", "timeZone": "UTC"}),
        json!({"type": "route"}),
    ] {
        documents.push(second_step(&step));
    }
    documents
}

fn good_params() -> Vec<Value> {
    let params = json!([
        {"type": "string", "pattern": "a+", "minLength": 0, "maxLength": 5, "default": "aaa"},
        {"pattern": "a+", "minLength": 1, "required": true},
        {"type": "int", "min": -5, "max": 5, "default": -5},
        {"type": "int", "required": true, "min": 1},
        {"type": "number", "min": 0.5, "default": 1e3},
        {"type": "number", "max": 1},
        {"type": "bool", "default": false},
        {"type": "enum", "values": ["a", ""]},
        {"type": "enum", "values": ["a", "b"], "default": "b"},
        {"type": "duration", "default": "90s"},
        {"type": "agent", "required": true},
        {"type": "agent", "default": "web-1"},
        {"type": "list", "values": ["a", "b"], "minLength": 1, "maxLength": 2, "pattern": ".", "default": ["a"]},
        {"type": "list"},
    ]);
    params.as_array().into_iter().flatten().map(third_param).collect()
}

fn third_param(param: &Value) -> Value {
    let mut document = workflow();
    let mut param = param.clone();
    param["name"] = json!("c");
    document["spec"]["params"].as_array_mut().expect("a list").push(param);
    document
}

fn bad_params() -> Vec<Value> {
    let params = json!([
        {"type": "secret"}, {"type": "text"}, {"type": null}, {"type": "string", "min": 1}, {"min": 1}, {"values": ["a"]},
        {"type": "int", "pattern": "a"}, {"type": "int", "min": 0.5}, {"type": "int", "default": "5"}, {"type": "int", "default": 1.5},
        {"type": "int", "minLength": 1}, {"type": "number", "default": "1"}, {"type": "number", "values": ["1"]},
        {"type": "bool", "default": "yes"}, {"type": "bool", "max": 1}, {"type": "enum"}, {"type": "enum", "values": []},
        {"type": "enum", "values": ["a", "a"]}, {"type": "enum", "values": [true]}, {"type": "enum", "values": ["a"], "default": 1},
        {"type": "duration", "default": 90}, {"type": "duration", "default": "90"}, {"type": "duration", "min": 1},
        {"type": "agent"}, {"type": "agent", "default": "all"}, {"type": "agent", "default": "A"}, {"type": "agent", "required": false},
        {"type": "list", "default": "a"}, {"type": "list", "default": [5]}, {"type": "list", "min": 1}, {"type": "list", "items": {}},
        {"minLength": -1}, {"maxLength": "5"}, {"pattern": 5}, {"type": "int", "min": null},
    ]);
    params.as_array().into_iter().flatten().map(third_param).collect()
}

#[test]
fn schema_and_decoder_refuse_the_same() {
    let documents = [bad_steps(), bad_other_steps(), bad_heads(), bad_params(), bad_schedules()].concat();
    for document in documents {
        assert!(!decoder_accepts(&document), "decoder: {document}");
        assert!(!schema_accepts(&document), "schema: {document}");
    }
}

fn bad_steps() -> Vec<Value> {
    let cases = json!({
        "id": ["end", "A", "", 5, null],
        "name": [5, null],
        "type": ["prompt", "approval", "exectue", null],
        "when": ["", " ", true, null],
        "continueOnError": ["yes", 1, null],
        "targets": [
            "all", [], [""], [5], [{"from": "a"}], {}, {"from": "s"}, {"result": "failed"}, {"from": "s", "result": "skipped"},
            {"from": "s", "result": "failed", "x": 1}, {"from": "", "result": "failed"}, {"from": ["s"], "result": "failed"}, null,
        ],
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
        "goto": ["End!", "", 5, null], "expectDisconnect": ["yes", null],
        "script": [{"file": "a.sh"}], "user": ["", "0", "Root", "a b", "{{ params.a }}", 0, null, "abcdefghijklmnopqrstuvwxyz0123456"], "needs": [[]], "message": ["x"], "zzz": [1],
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
        ("/spec/targets", json!({"from": "a", "result": "failed"})),
        ("/spec/goto", json!("end")),
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
        ("/spec/timeout", json!("0s")),
        ("/spec/timeout", json!("999ms")),
        ("/spec/timeout", json!(60)),
        ("/spec/timeout", Value::Null),
        ("/spec/onFailure", json!([])),
        ("/spec/concurrency", json!({"policy": "queue"})),
        ("/spec/concurrency", json!({"policy": "Allow", "key": "x"})),
        ("/spec/concurrency", json!({"key": ""})),
        ("/spec/concurrency", json!({"key": 5})),
        ("/spec/concurrency", json!({"maxQueued": 5})),
        ("/spec/concurrency", json!({"policy": "Allow", "maxQueued": 5})),
        ("/spec/concurrency", json!({"policy": "Queue", "maxQueued": 0})),
        ("/spec/concurrency", json!({"policy": "Queue", "maxQueued": 10001})),
        ("/spec/params/0/name", json!("a-b")),
        ("/spec/params/0/type", json!("int")),
        ("/spec/params/0/default", json!(5)),
        ("/spec/params/0/required", json!(true)),
        ("/spec/params/0/pattern", json!("")),
        ("/spec/params/0/values", json!(["x"])),
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
