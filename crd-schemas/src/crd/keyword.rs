//! The rules of a JSON Schema as Kubernetes' schemas say them: no `const`, no patterns that look ahead, its own formats.

use serde_json::{Map, Value, json};

/// The fields by which the items of a list differ; in the types as in the definitions.
pub const LIST_KEYS: &str = "x-kubernetes-list-map-keys";

/// A value of any type.
pub fn anything() -> Value {
    json!({"x-kubernetes-preserve-unknown-fields": true})
}

/// Adds the rules for a value of one type. They may also stand inside `not`, `anyOf` and the like, as they say no types.
pub fn rules(fields: &Map<String, Value>, to: &mut Map<String, Value>) {
    for (name, value) in fields {
        match name.as_str() {
            "required" | "enum" | "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
            | "minimum" | "maximum" | "multipleOf" => {
                to.insert(name.clone(), value.clone());
            }
            "const" => {
                to.insert("enum".into(), json!([value]));
            }
            "pattern" => pattern(value.as_str().unwrap_or_default(), to),
            "format" => format(value.as_str().unwrap_or_default(), fields, to),
            // What is left out of a rule makes it weaker, and its contrary stronger: an empty one would refuse everything.
            "not" => and_not(nested(value), to),
            "anyOf" | "oneOf" | "allOf" => {
                let parts: Vec<Value> = value.as_array().into_iter().flatten().map(nested).collect();
                and(name, json!(parts), to);
            }
            _ => {}
        }
    }
}

/// A schema as it may stand inside `not`, `anyOf`, `oneOf` and `allOf`: rules, of fields and items, too; no types, no texts.
pub fn nested(schema: &Value) -> Value {
    let Value::Object(fields) = schema else { return json!({}) };
    let mut to = Map::new();
    rules(fields, &mut to);
    if let Some(Value::Object(own)) = fields.get("properties") {
        let own: Map<String, Value> =
            own.iter().map(|(name, field)| (name.clone(), nested(field))).filter(|(_, field)| *field != json!({})).collect();
        if !own.is_empty() {
            to.insert("properties".into(), Value::Object(own));
        }
    }
    if let Some(items) = fields.get("items").map(nested).filter(|items| *items != json!({})) {
        to.insert("items".into(), items);
    }
    Value::Object(to)
}

/// A rule beside others: a second one of the same name goes into `allOf`.
fn and(name: &str, value: Value, to: &mut Map<String, Value>) {
    if name != "allOf" && !to.contains_key(name) {
        to.insert(name.into(), value);
        return;
    }
    let further = if name == "allOf" { value.as_array().cloned().unwrap_or_default() } else { vec![json!({ name: value })] };
    if let Value::Array(all) = to.entry("allOf").or_insert_with(|| json!([])) {
        all.extend(further);
    }
}

fn and_not(value: Value, to: &mut Map<String, Value>) {
    if value != json!({}) {
        and("not", value, to);
    }
}

/// Go's expressions do not look ahead, so that a pattern that begins with `^(?!x)` becomes the rest and `not: {pattern: ^(x)}`.
fn pattern(pattern: &str, to: &mut Map<String, Value>) {
    let Some((ahead, rest)) = pattern.strip_prefix("^(?!").and_then(split_group) else {
        return and("pattern", json!(pattern), to);
    };
    and("pattern", json!(format!("^{rest}")), to);
    and_not(json!({"pattern": format!("^({ahead})")}), to);
}

/// The inside of a group whose opening is gone, and what follows it.
fn split_group(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1usize;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

/// schemars names Rust's integers. Kubernetes knows two; a bound that the name alone carries is written out.
fn format(format: &str, fields: &Map<String, Value>, to: &mut Map<String, Value>) {
    let (known, largest) = match format {
        "uint8" => ("int32", Some(u64::from(u8::MAX))),
        "uint16" => ("int32", Some(u64::from(u16::MAX))),
        "uint32" => ("int64", Some(u64::from(u32::MAX))),
        "int8" | "int16" | "int32" => ("int32", None),
        "int64" => ("int64", None),
        "float" | "double" | "date-time" | "date" => (format, None),
        _ => return,
    };
    to.insert("format".into(), json!(known));
    if let (Some(largest), None) = (largest, fields.get("maximum")) {
        to.insert("maximum".into(), json!(largest));
    }
}

#[cfg(test)]
mod tests {
    use super::rules;
    use serde_json::{Map, Value, json};

    fn said(schema: &Value) -> Value {
        let mut to = Map::new();
        rules(schema.as_object().expect("a map"), &mut to);
        Value::Object(to)
    }

    #[test]
    fn what_go_cannot_match_is_said_in_two_rules() {
        let said_twice = said(&json!({"pattern": r"^(?!(a\)|b)$)[a-z]+$", "not": {"const": "end"}}));
        let both = json!({"pattern": "^[a-z]+$", "not": {"pattern": r"^((a\)|b)$)"}, "allOf": [{"not": {"enum": ["end"]}}]});
        assert_eq!(said_twice, both);
    }

    #[test]
    fn a_contrary_that_says_nothing_any_more_is_left_out() {
        assert_eq!(said(&json!({"not": {"type": "string"}})), json!({}));
    }

    #[test]
    fn the_bound_of_an_integer_is_written_out() {
        assert_eq!(said(&json!({"format": "uint32"})), json!({"format": "int64", "maximum": 4294967295u32}));
        assert_eq!(said(&json!({"format": "uint8", "maximum": 9})), json!({"format": "int32", "maximum": 9}));
        assert_eq!(said(&json!({"format": "uint64"})), json!({}));
    }
}
