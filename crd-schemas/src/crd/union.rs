//! Values that may be of several forms. A structural schema says a value's type once; what is left of the forms stands beside it.

use super::keyword;
use super::maps::maps;
use super::structural::{annotations, structural, type_of};
use serde_json::{Map, Value, json};

/// The keywords of a schema.
pub type Fields = Map<String, Value>;

/// The forms, if a schema lists forms and not only rules.
pub fn variants(fields: &Fields) -> Option<Vec<Fields>> {
    let listed = ["oneOf", "anyOf"].into_iter().find_map(|name| fields.get(name).and_then(Value::as_array))?;
    let listed: Option<Vec<Fields>> = listed.iter().map(|variant| variant.as_object().cloned()).collect();
    listed.filter(|all| !fields.contains_key("type") && !all.is_empty()).map(|all| all.into_iter().flat_map(flat).collect())
}

/// A form may list forms of its own.
fn flat(variant: Fields) -> Vec<Fields> {
    variants(&variant).unwrap_or_else(|| vec![variant])
}

/// The structural schema of a value with these forms. `fields` is the schema that lists them.
pub fn structural_of(fields: &Fields, variants: &[Fields]) -> Value {
    let mut schema = match (variants, common_type(variants)) {
        ([only], _) => structural(&Value::Object(only.clone())),
        (_, Some("object")) => maps(variants),
        (_, Some("array")) | (_, None) => several_types(variants),
        (_, Some(kind)) => scalars(kind, variants),
    };
    if let Value::Object(schema) = &mut schema {
        annotations(fields, schema);
        tell_constants(variants, schema);
        let listed = |name: &str| matches!(name, "oneOf" | "anyOf");
        let own: Fields =
            fields.iter().filter(|(name, _)| !listed(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
        keyword::rules(&own, schema);
    }
    schema
}

fn common_type(variants: &[Fields]) -> Option<&str> {
    let first = type_of(variants.first()?)?;
    variants.iter().all(|variant| type_of(variant) == Some(first)).then_some(first)
}

/// Constants become one `enum`, and what each means is told in the description; other forms stay beside each other.
fn scalars(kind: &str, variants: &[Fields]) -> Value {
    let constants: Option<Vec<Value>> = variants.iter().map(constants).collect::<Option<Vec<_>>>().map(|all| all.concat());
    match constants {
        Some(constants) => json!({"type": kind, "enum": constants}),
        None => json!({"type": kind, "anyOf": forms(variants)}),
    }
}

fn constants(variant: &Fields) -> Option<Vec<Value>> {
    variant.get("enum").and_then(Value::as_array).cloned().or_else(|| variant.get("const").map(|constant| vec![constant.clone()]))
}

/// What each constant means, for `kubectl explain`.
fn tell_constants(variants: &[Fields], schema: &mut Fields) {
    let told = variants.iter().filter_map(|variant| {
        Some(format!("- `{}`: {}", variant.get("const")?.as_str()?, variant.get("description")?.as_str()?))
    });
    let told: Vec<String> = told.collect();
    if !told.is_empty() {
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let text = [text, &told.join("\n")].join("\n").trim_start().to_owned();
        schema.insert("description".into(), json!(text));
    }
}

fn forms(variants: &[Fields]) -> Vec<Value> {
    variants.iter().map(|variant| keyword::nested(&Value::Object(variant.clone()))).collect()
}

/// Of a value whose type is not fixed, only what speaks of one type alone can be said, such as `pattern` and `items`; it says
/// nothing of a value of another type. Where two forms have one type, only texts that are constants can be told together.
fn several_types(variants: &[Fields]) -> Value {
    let kinds: Vec<Option<&str>> = variants.iter().map(type_of).collect();
    let mut schema = match kinds.iter().all(|kind| matches!(kind, Some("integer" | "string"))) {
        true => json!({"x-kubernetes-int-or-string": true}),
        false => no_other(&kinds),
    };
    for kind in ["string", "array", "object", "integer", "number"] {
        let of_kind: Vec<&Fields> = variants.iter().filter(|variant| type_of(variant) == Some(kind)).collect();
        let constants = of_kind.iter().map(|variant| constants(variant)).collect::<Option<Vec<_>>>().map(|all| all.concat());
        let Value::Object(schema) = &mut schema else { continue };
        match (of_kind.as_slice(), constants) {
            ([_, ..], Some(constants)) if kind == "string" => {
                schema.insert("pattern".into(), json!(one_of(&constants)));
            }
            ([only], None) => schema.extend(said_of_one_type(kind, only)),
            _ => {}
        }
    }
    schema
}

/// A value of none but these types, as far as they are known. A schema without a type cannot name those that it takes, so it asks
/// the impossible of every other one.
fn no_other(kinds: &[Option<&str>]) -> Value {
    let mut schema = keyword::anything();
    let other = |names: &[&str]| !kinds.iter().any(|kind| kind.is_none_or(|kind| names.contains(&kind)));
    let impossible = [
        (&["string"][..], "minLength", "maxLength"),
        (&["integer", "number"], "minimum", "maximum"),
        (&["array"], "minItems", "maxItems"),
        (&["object"], "minProperties", "maxProperties"),
    ];
    for (_, least, most) in impossible.iter().filter(|(names, ..)| other(names)) {
        schema[least] = json!(1);
        schema[most] = json!(0);
    }
    if other(&["boolean"]) {
        schema["not"] = json!({"enum": [true, false]});
    }
    schema
}

fn said_of_one_type(kind: &str, variant: &Fields) -> Fields {
    let speaks = |name: &str| match kind {
        "string" => matches!(name, "pattern" | "minLength" | "maxLength"),
        "array" => matches!(name, "items" | "minItems" | "maxItems"),
        "object" => matches!(name, "properties" | "required" | "minProperties" | "maxProperties"),
        _ => matches!(name, "minimum" | "maximum"),
    };
    let Value::Object(said) = structural(&Value::Object(variant.clone())) else { return Fields::new() };
    said.into_iter().filter(|(name, _)| speaks(name)).collect()
}

/// An expression that matches these texts and no other.
fn one_of(constants: &[Value]) -> String {
    let words: Vec<String> = constants.iter().filter_map(Value::as_str).map(escaped).collect();
    format!("^({})$", words.join("|"))
}

fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| (!c.is_alphanumeric()).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::{one_of, structural};
    use serde_json::json;

    #[test]
    fn a_value_of_several_types_keeps_what_speaks_of_one_type_alone() {
        let source = json!({"anyOf": [
            {"type": "string", "pattern": "^a"},
            {"type": "object", "properties": {"from": {"type": "string"}}, "required": ["from"], "additionalProperties": false},
        ]});
        let schema = json!({
            "x-kubernetes-preserve-unknown-fields": true,
            "minimum": 1, "maximum": 0, "minItems": 1, "maxItems": 0, "not": {"enum": [true, false]},
            "pattern": "^a",
            "properties": {"from": {"type": "string"}},
            "required": ["from"],
        });
        assert_eq!(structural(&source), schema);
        let either = json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]});
        assert_eq!(structural(&either), json!({"x-kubernetes-int-or-string": true, "minimum": 1}));
    }

    #[test]
    fn forms_of_one_type_stand_beside_each_other() {
        let source = json!({"anyOf": [{"type": "string", "const": "now"}, {"type": "string", "pattern": "^[0-9]"}]});
        assert_eq!(structural(&source), json!({"type": "string", "anyOf": [{"enum": ["now"]}, {"pattern": "^[0-9]"}]}));
        assert_eq!(one_of(&[json!("a.b"), json!("c")]), r"^(a\.b|c)$");
    }
}
