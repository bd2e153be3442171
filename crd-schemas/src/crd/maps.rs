//! Maps of several forms. They become one map with the fields of all, beside `anyOf`, which says which of them go together.

use super::keyword;
use super::structural::structural;
use super::union::Fields;
use serde_json::{Value, json};

/// One map with the fields of all forms, and for each form what it requires, what it lacks and what it says of shared fields.
pub fn maps(variants: &[Fields]) -> Value {
    let names = field_names(variants);
    let mut properties = Fields::new();
    for name in &names {
        properties.insert(name.clone(), field(name, variants));
    }
    let everywhere = |name: &&Value| variants.iter().all(|variant| requires(variant, name));
    let required: Vec<&Value> = variants.iter().take(1).flat_map(required).filter(everywhere).collect();
    let forms: Vec<Value> = variants.iter().map(|variant| form(variant, variants, &names, &required)).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !forms.contains(&json!({})) {
        schema["anyOf"] = json!(forms);
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn required(variant: &Fields) -> impl Iterator<Item = &Value> {
    variant.get("required").and_then(Value::as_array).into_iter().flatten()
}
fn requires(variant: &Fields, name: &Value) -> bool {
    required(variant).any(|own| own == name)
}
fn own_field<'a>(variant: &'a Fields, name: &str) -> Option<&'a Value> {
    variant.get("properties")?.get(name)
}

/// In the order in which the forms name them first.
fn field_names(variants: &[Fields]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in variants.iter().filter_map(|variant| variant.get("properties")?.as_object()).flat_map(Fields::keys) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// A field of the one map: as its forms say it, or itself a value of several forms. A default that is not every form's own would
/// be written into maps that must not have the field, so it is left out.
fn field(name: &str, variants: &[Fields]) -> Value {
    let said: Vec<&Value> = variants.iter().filter_map(|variant| own_field(variant, name)).collect();
    // What a constant means is told beside it; of other values, every meaning is told.
    let constants = said.iter().all(|one| one.get("const").is_some());
    let mut kinds: Vec<Value> = Vec::new();
    for one in &said {
        let bare = without(one, if constants { &["default"] } else { &["description", "default"] });
        if !kinds.contains(&bare) {
            kinds.push(bare);
        }
    }
    let mut whole = if kinds.len() == 1 { kinds.remove(0) } else { json!({ "anyOf": kinds }) };
    let mut texts: Vec<&str> = Vec::new();
    for text in said.iter().filter_map(|one| one.get("description")?.as_str()).filter(|_| !constants) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    if !texts.is_empty() {
        whole["description"] = json!(texts.join("\n"));
    }
    let default = said.first().and_then(|one| one.get("default"));
    if let Some(default) =
        default.filter(|_| said.len() == variants.len() && said.iter().all(|one| one.get("default") == default))
    {
        whole["default"] = default.clone();
    }
    structural(&whole)
}

fn form(variant: &Fields, variants: &[Fields], names: &[String], everywhere: &[&Value]) -> Value {
    let mut own = Fields::new();
    let mut properties = Fields::new();
    for (name, said) in variant.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let rules = keyword::nested(said);
        let differs = variants.iter().filter_map(|other| own_field(other, name)).any(|other| keyword::nested(other) != rules);
        if differs && rules != json!({}) {
            properties.insert(name.clone(), rules);
        }
    }
    if !properties.is_empty() {
        own.insert("properties".into(), Value::Object(properties));
    }
    let required: Vec<&Value> = required(variant).filter(|name| !everywhere.contains(name)).collect();
    if !required.is_empty() {
        own.insert("required".into(), json!(required));
    }
    let foreign: Vec<Value> =
        names.iter().filter(|name| own_field(variant, name).is_none()).map(|name| json!({"required": [name]})).collect();
    if !foreign.is_empty() && variant.get("additionalProperties") == Some(&json!(false)) {
        own.insert("not".into(), json!({"anyOf": foreign}));
    }
    // What a form says of its fields together.
    let rules: Fields =
        variant.iter().filter(|(name, _)| is_rule(name)).map(|(name, said)| (name.clone(), said.clone())).collect();
    keyword::rules(&rules, &mut own);
    Value::Object(own)
}

fn is_rule(name: &str) -> bool {
    matches!(name, "oneOf" | "anyOf" | "allOf" | "not")
}

fn without(schema: &Value, names: &[&str]) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    fields.iter().filter(|(name, _)| !names.contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::structural;
    use serde_json::json;

    #[test]
    fn forms_of_a_map_become_one_map_and_rules_for_which_fields_go_together() {
        let two = json!({"oneOf": [
            {
                "type": "object", "additionalProperties": false, "required": ["id", "type", "command"],
                "properties": {
                    "id": {"type": "string"}, "type": {"type": "string", "const": "execute", "description": "Runs."},
                    "command": {"type": "string"}, "timeout": {"type": "string", "default": "1h", "description": "How long."},
                },
            },
            {
                "type": "object", "additionalProperties": false, "required": ["id", "type"],
                "properties": {
                    "id": {"type": "string"}, "type": {"type": "string", "const": "prompt", "description": "Asks."},
                    "timeout": {"type": "string", "description": "For an answer."},
                },
            },
        ]});
        let one = json!({
            "type": "object",
            "required": ["id", "type"],
            "properties": {
                "id": {"type": "string"},
                "type": {"type": "string", "enum": ["execute", "prompt"], "description": "- `execute`: Runs.\n- `prompt`: Asks."},
                "command": {"type": "string"}, "timeout": {"type": "string", "description": "How long.\nFor an answer."},
            },
            "anyOf": [
                {"properties": {"type": {"enum": ["execute"]}}, "required": ["command"]},
                {"properties": {"type": {"enum": ["prompt"]}}, "not": {"anyOf": [{"required": ["command"]}]}},
            ],
        });
        assert_eq!(structural(&two), one);
    }
}
