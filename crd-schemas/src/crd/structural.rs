//! A resolved JSON Schema to a structural one: every value has its type said once, outside of `anyOf`, `oneOf` and `not`.
//!
//! What is left out says less, never more: closed maps (the cluster drops unknown fields and `kubectl` refuses them), rules for
//! the keys of maps, formats that Kubernetes does not know.

use super::keyword;
use super::union;
use serde_json::{Map, Value, json};

/// The structural schema of a value.
pub fn structural(source: &Value) -> Value {
    let Value::Object(fields) = source else { return keyword::anything() };
    if let Some(variants) = union::variants(fields) {
        return union::structural_of(fields, &variants);
    }
    let mut schema = Map::new();
    annotations(fields, &mut schema);
    let Some(kind) = type_of(fields) else {
        schema.extend(keyword::anything().as_object().cloned().unwrap_or_default());
        return Value::Object(schema);
    };
    schema.insert("type".into(), json!(kind));
    match kind {
        "object" => object(fields, &mut schema),
        "array" => array(fields, &mut schema),
        _ => {}
    }
    keyword::rules(fields, &mut schema);
    Value::Object(schema)
}

/// `description` and `default`.
pub fn annotations(fields: &Map<String, Value>, schema: &mut Map<String, Value>) {
    for name in ["description", "default"] {
        if let Some(value) = fields.get(name) {
            schema.insert(name.into(), value.clone());
        }
    }
}

/// The one type of a value, said or told by its constants.
pub fn type_of(fields: &Map<String, Value>) -> Option<&str> {
    if let Some(Value::String(kind)) = fields.get("type") {
        return Some(kind);
    }
    let constants = fields.get("enum").and_then(Value::as_array).map(Vec::as_slice);
    let constants = constants.or_else(|| fields.get("const").map(std::slice::from_ref))?;
    let kind = type_of_value(constants.first()?);
    constants.iter().all(|constant| type_of_value(constant) == kind).then_some(kind)
}

fn type_of_value(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => "null",
    }
}

/// A map has either fields of its own or any keys with values of one schema.
fn object(fields: &Map<String, Value>, schema: &mut Map<String, Value>) {
    match (fields.get("properties"), fields.get("additionalProperties")) {
        (Some(Value::Object(own)), _) => {
            let own: Map<String, Value> = own.iter().map(|(name, field)| (name.clone(), structural(field))).collect();
            schema.insert("properties".into(), Value::Object(own));
        }
        (_, Some(values @ Value::Object(_))) => {
            schema.insert("additionalProperties".into(), structural(values));
        }
        (_, Some(Value::Bool(false))) => {}
        _ => {
            schema.insert("x-kubernetes-preserve-unknown-fields".into(), json!(true));
        }
    }
}

/// `uniqueItems` would cost the square of the length, so Kubernetes has lists that are sets, and lists that are maps by a key.
fn array(fields: &Map<String, Value>, schema: &mut Map<String, Value>) {
    schema.insert("items".into(), fields.get("items").map_or_else(keyword::anything, structural));
    if let Some(keys) = fields.get(keyword::LIST_KEYS) {
        schema.insert("x-kubernetes-list-type".into(), json!("map"));
        schema.insert(keyword::LIST_KEYS.into(), keys.clone());
    } else if fields.get("uniqueItems") == Some(&json!(true)) {
        schema.insert("x-kubernetes-list-type".into(), json!("set"));
    }
}
