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
            let mut own: Map<String, Value> = own.iter().map(|(name, field)| (name.clone(), structural(field))).collect();
            without_refused_defaults(&mut own, fields);
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

/// The cluster writes a default before it looks. Where a rule refuses a field beside others, its default would make that rule
/// refuse what nobody wrote, so it is left out.
fn without_refused_defaults(own: &mut Map<String, Value>, rules: &Map<String, Value>) {
    let mut refused = Vec::new();
    for (name, rule) in rules.iter().filter(|(name, _)| matches!(name.as_str(), "not" | "allOf" | "anyOf" | "oneOf")) {
        collect_refused(rule, name == "not", &mut refused);
    }
    for name in refused {
        if let Some(Value::Object(field)) = own.get_mut(name) {
            field.remove("default");
        }
    }
}

/// The fields that a rule names as `required` within a `not`.
fn collect_refused<'a>(rule: &'a Value, inside_not: bool, refused: &mut Vec<&'a str>) {
    match rule {
        Value::Object(parts) => {
            if let (true, Some(Value::Array(names))) = (inside_not, parts.get("required")) {
                refused.extend(names.iter().filter_map(Value::as_str));
            }
            for (name, part) in parts.iter().filter(|(name, _)| matches!(name.as_str(), "not" | "allOf" | "anyOf" | "oneOf")) {
                collect_refused(part, inside_not || name == "not", refused);
            }
        }
        Value::Array(parts) => parts.iter().for_each(|part| collect_refused(part, inside_not, refused)),
        _ => {}
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

#[cfg(test)]
mod tests {
    use super::structural;
    use serde_json::json;

    #[test]
    fn no_default_is_written_where_a_rule_would_refuse_it() {
        let source = json!({
            "type": "object", "additionalProperties": false,
            "properties": {
                "cron": {"type": "string"},
                "zone": {"type": "string", "default": "UTC"},
                "every": {"type": "string"},
                "suspend": {"type": "boolean", "default": false},
            },
            "oneOf": [{"required": ["cron"]}, {"required": ["every"], "not": {"anyOf": [{"required": ["zone"]}]}}],
        });
        let schema = structural(&source);
        assert_eq!(schema["properties"]["zone"], json!({"type": "string"}));
        assert_eq!(schema["properties"]["suspend"]["default"], json!(false));
        assert_eq!(schema["oneOf"], source["oneOf"]);
    }
}
