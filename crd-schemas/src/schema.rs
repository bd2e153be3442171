//! JSON Schemas of the manifests, draft-07, which editors know best. They stand in `crd-schemas/schemas/`.
//!
//! A schema accepts whatever the decoder accepts, and refuses what a schema can tell; names that must differ, most bounds of
//! durations and the like are the decoder's alone.

use crate::manifest::{API_VERSION, AccessPolicy, Agent, AgentGroup, Kind, Schedule, Workflow};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Every schema with the name of its file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("workflow.json", schema::<Workflow>(Kind::Workflow)),
        ("schedule.json", schema::<Schedule>(Kind::Schedule)),
        ("agent.json", schema::<Agent>(Kind::Agent)),
        ("agentgroup.json", schema::<AgentGroup>(Kind::AgentGroup)),
        ("accesspolicy.json", schema::<AccessPolicy>(Kind::AccessPolicy)),
    ]
}

fn schema<T: JsonSchema>(kind: Kind) -> Value {
    let generated = SchemaSettings::draft07().for_deserialize().into_generator().into_root_schema_for::<T>();
    let mut schema = generated.to_value();
    without_null(&mut schema);
    merge_step(&mut schema);
    merge_schedule(&mut schema);
    add_head(&mut schema, kind);
    schema
}

/// `apiVersion`, `kind` and `$schema`, which the typed manifests do not carry, and no further field.
fn add_head(schema: &mut Value, kind: Kind) {
    let mut properties = Map::new();
    properties.insert("$schema".into(), json!({"description": "The schema that an editor checks this file with."}));
    properties.insert("apiVersion".into(), json!({"const": API_VERSION}));
    properties.insert("kind".into(), json!({"const": kind.as_str()}));
    if let Some(Value::Object(own)) = schema.get_mut("properties").map(Value::take) {
        properties.extend(own);
    }
    if kind.is_targeted()
        && let Some(metadata) = properties.get_mut("metadata")
    {
        let not_all = json!({"properties": {"name": {"not": {"const": "all"}}}});
        *metadata = json!({"allOf": [metadata.take(), not_all]});
    }
    let mut required = vec![json!("apiVersion"), json!("kind")];
    if let Some(Value::Array(own)) = schema.get_mut("required").map(Value::take) {
        required.extend(own);
    }
    schema["properties"] = Value::Object(properties);
    schema["required"] = Value::Array(required);
    schema["additionalProperties"] = json!(false);
}

/// A step is what all steps have together with the fields of its type; one object each, so that no other field is allowed.
fn merge_step(schema: &mut Value) {
    let Some(step) = schema.pointer_mut("/definitions/Step") else { return };
    let common = step.take();
    let variants = match common.get("oneOf") {
        Some(Value::Array(variants)) => variants.clone(),
        _ => vec![json!({})],
    };
    let form = |variant: &Value| {
        let mut form = merged(schema, &common, variant);
        form["properties"]["type"]["description"] = variant["description"].clone();
        form
    };
    let mut merged: Vec<Value> = variants.iter().map(form).collect();
    schema["definitions"]["Step"] = if merged.len() == 1 { merged.remove(0) } else { json!({ "oneOf": merged }) };
    if let Some(definitions) = schema.get_mut("definitions").and_then(Value::as_object_mut) {
        definitions.retain(|name, _| !["Execute", "Prompt", "Wait", "Parse", "Route"].contains(&name.as_str()));
    }
}

/// A schedule's `spec` is one object with the fields of every rhythm and every action; which of them exclude each other is
/// said beside it.
fn merge_schedule(schema: &mut Value) {
    let Some(spec) = schema.pointer_mut("/definitions/ScheduleSpec") else { return };
    let common = spec.take();
    let groups: Vec<Vec<Value>> = flattened(&common)
        .map(|group| list(group, "anyOf").map(|variant| merged(schema, &json!({}), variant)).collect())
        .collect();
    let mut spec = merged(schema, &without_parts(&common), &json!({}));
    for part in groups.iter().flatten() {
        if let (Some(Value::Object(from)), Some(to)) = (part.get("properties"), spec["properties"].as_object_mut()) {
            to.extend(from.clone());
        }
    }
    // There is no earlier step whose targets a schedule's command could take.
    if let Some(items) = schema.pointer("/definitions/Targets/anyOf/0").cloned() {
        spec["properties"]["targets"] = items;
    }
    // What nobody counts says nothing: `catchUpLimit` goes with `catchUp: all`.
    let all = json!({"required": ["catchUp"], "properties": {"catchUp": {"const": "all"}}});
    let limit = json!({"anyOf": [{"not": {"required": ["catchUpLimit"]}}, all]});
    spec["allOf"] = groups.iter().map(|group| one_of(group)).chain([limit]).collect();
    schema["definitions"]["ScheduleSpec"] = spec;
    if let Some(definitions) = schema.get_mut("definitions").and_then(Value::as_object_mut) {
        definitions.retain(|name, _| {
            !["ScheduledWorkflow", "Execute", "Targets", "TargetsFrom", "TargetResult"].contains(&name.as_str())
        });
    }
}

/// What schemars makes of the flattened fields of a type: each a choice of variants.
fn flattened(common: &Value) -> impl Iterator<Item = &Value> {
    list(common, "allOf")
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The part of a flattened type that is its own.
fn without_parts(common: &Value) -> Value {
    let mut own = common.clone();
    if let Some(own) = own.as_object_mut() {
        own.retain(|key, _| !["allOf", "anyOf", "oneOf"].contains(&key.as_str()));
    }
    own
}

/// Exactly one of these: what it requires, and none of the fields that only the others have.
fn one_of(parts: &[Value]) -> Value {
    let names = |part: &Value| -> Vec<String> {
        part.get("properties").and_then(Value::as_object).map(|map| map.keys().cloned().collect()).unwrap_or_default()
    };
    let alternatives = parts.iter().map(|part| {
        let own = names(part);
        let foreign = parts.iter().flat_map(names).filter(|name| !own.contains(name));
        let foreign: Vec<Value> = foreign.map(|name| json!({"required": [name]})).collect();
        let mut alternative = json!({"required": part["required"], "not": {"anyOf": foreign}});
        if let Some(choice) = part.get("oneOf") {
            alternative["oneOf"] = choice.clone();
        }
        alternative
    });
    json!({"oneOf": alternatives.collect::<Vec<_>>()})
}

fn merged(schema: &Value, common: &Value, variant: &Value) -> Value {
    let mut parts = vec![common];
    collect_parts(schema, variant, &mut parts);
    let mut step = json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    for part in &parts {
        if let (Some(Value::Object(from)), Some(to)) = (part.get("properties"), step["properties"].as_object_mut()) {
            to.extend(from.clone());
        }
        if let (Some(Value::Array(from)), Some(to)) = (part.get("required"), step["required"].as_array_mut()) {
            to.extend(from.clone());
        }
    }
    // A step's type may say which of its fields go together; the choice of the type itself is what is merged here.
    for rule in ["oneOf", "anyOf", "not"] {
        if let Some(said) = parts[1..].iter().find_map(|part| part.get(rule)) {
            step[rule] = said.clone();
        }
    }
    step["description"] = common.get("description").cloned().unwrap_or_default();
    step
}

/// A part and what it refers to.
fn collect_parts<'a>(schema: &'a Value, part: &'a Value, parts: &mut Vec<&'a Value>) {
    parts.push(part);
    let path = part.get("$ref").and_then(Value::as_str).map(|path| path.trim_start_matches('#'));
    if let Some(definition) = path.and_then(|path| schema.pointer(path)) {
        collect_parts(schema, definition, parts);
    }
    for further in part.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        collect_parts(schema, further, parts);
    }
}

/// A field without a value is left out, never null.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(fields) => {
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    fields.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
                choices.retain(|choice| *choice != json!({"type": "null"}));
            }
            if fields.get("default") == Some(&Value::Null) {
                fields.remove("default");
            }
            fields.values_mut().for_each(without_null);
        }
        _ => {}
    }
}
