//! JSON Schemas of the manifests, draft-07, which editors know best. They stand in `crd-schemas/schemas/`.
//!
//! A schema accepts whatever the decoder accepts, and refuses what a schema can tell; names that must differ, the bounds of
//! durations and the like are the decoder's alone.

use crate::manifest::{API_VERSION, Agent, AgentGroup, Kind, Workflow};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Every schema with the name of its file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("workflow.json", schema::<Workflow>(Kind::Workflow)),
        ("agent.json", schema::<Agent>(Kind::Agent)),
        ("agentgroup.json", schema::<AgentGroup>(Kind::AgentGroup)),
    ]
}

fn schema<T: JsonSchema>(kind: Kind) -> Value {
    let generated = SchemaSettings::draft07().for_deserialize().into_generator().into_root_schema_for::<T>();
    let mut schema = generated.to_value();
    without_null(&mut schema);
    merge_step(&mut schema);
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
    if kind != Kind::Workflow
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
    let mut merged: Vec<Value> = variants.iter().map(|variant| merged(schema, &common, variant)).collect();
    schema["definitions"]["Step"] = if merged.len() == 1 { merged.remove(0) } else { json!({ "oneOf": merged }) };
    if let Some(definitions) = schema.get_mut("definitions").and_then(Value::as_object_mut) {
        definitions.remove("Execute");
    }
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
    // A step's type may say that it has exactly one of some fields; the choice of the type itself is what is merged here.
    if let Some(choice) = parts[1..].iter().find_map(|part| part.get("oneOf")) {
        step["oneOf"] = choice.clone();
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
