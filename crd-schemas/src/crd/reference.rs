//! A JSON Schema without `$ref` and without `allOf`: what they name stands in place, merged with what stands beside them.

use serde_json::{Map, Value, json};

/// A part of a schema with everything in place. `root` holds the definitions. The manifests' types are not recursive; a
/// definition that contained itself would have no structural schema either.
pub fn resolved(part: &Value, root: &Value) -> Value {
    match part {
        Value::Object(fields) => Value::Object(resolved_fields(fields, root)),
        Value::Array(items) => items.iter().map(|item| resolved(item, root)).collect(),
        other => other.clone(),
    }
}

fn resolved_fields(fields: &Map<String, Value>, root: &Value) -> Map<String, Value> {
    let mut whole = Map::new();
    if let Some(named) = fields.get("$ref").and_then(Value::as_str).and_then(|path| root.pointer(path.trim_start_matches('#'))) {
        merge(&mut whole, resolved(named, root));
    }
    for part in fields.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        merge(&mut whole, resolved(part, root));
    }
    let own = fields.iter().filter(|(name, _)| !matches!(name.as_str(), "$ref" | "allOf" | "definitions"));
    let own: Map<String, Value> = own.map(|(name, value)| (name.clone(), in_place(name, value, root))).collect();
    merge(&mut whole, Value::Object(own));
    whole
}

/// Values that a schema only quotes hold no schema.
fn in_place(name: &str, value: &Value, root: &Value) -> Value {
    if matches!(name, "default" | "const" | "enum" | "examples") { value.clone() } else { resolved(value, root) }
}

/// Adds what another schema says of the same value. Texts and defaults are replaced by the later ones, all else is joined; two
/// different rules of one name both hold, the later one in `allOf`.
pub fn merge(whole: &mut Map<String, Value>, part: Value) {
    let Value::Object(part) = part else { return };
    for (name, value) in part {
        match (name.as_str(), whole.get_mut(&name)) {
            ("properties", Some(Value::Object(known))) => merge_properties(known, value),
            ("required", Some(Value::Array(known))) => {
                let new: Vec<Value> = value.as_array().into_iter().flatten().filter(|v| !known.contains(v)).cloned().collect();
                known.extend(new);
            }
            ("allOf", Some(Value::Array(known))) => known.extend(value.as_array().into_iter().flatten().cloned()),
            ("not" | "pattern" | "anyOf" | "oneOf" | "enum" | "const", Some(known)) if *known != value => {
                let further = json!([{ name: value }]);
                merge(whole, json!({"allOf": further}));
            }
            _ => {
                whole.insert(name, value);
            }
        }
    }
}

fn merge_properties(known: &mut Map<String, Value>, further: Value) {
    let Value::Object(further) = further else { return };
    for (name, schema) in further {
        match known.get_mut(&name) {
            Some(Value::Object(own)) => merge(own, schema),
            _ => {
                known.insert(name, schema);
            }
        }
    }
}
