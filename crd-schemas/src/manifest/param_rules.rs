//! Which fields belong to which type of parameter, and which values are within a parameter's bounds. `pattern` is judged where
//! regular expressions are compiled.

use super::{Param, ParamType};
use serde_json::{Number, Value, json};

/// The fields that bound a value, and the types that have them.
const FIELDS: [(&str, &[ParamType]); 6] = [
    ("pattern", &[ParamType::String, ParamType::List]),
    ("values", &[ParamType::Enum, ParamType::List]),
    ("min", &[ParamType::Int, ParamType::Number]),
    ("max", &[ParamType::Int, ParamType::Number]),
    ("minLength", &[ParamType::String, ParamType::List]),
    ("maxLength", &[ParamType::String, ParamType::List]),
];

impl ParamType {
    /// Most items of a list.
    pub const MAX_ITEMS: usize = 1000;

    /// The fields that bound a value of some type, each with the types that have it.
    pub const fn bounds() -> &'static [(&'static str, &'static [Self])] {
        &FIELDS
    }
}

impl Param {
    /// Its value when it is neither given nor has a default. None for an `agent`, and for an `enum` without values.
    pub fn implied(&self) -> Option<Value> {
        match self.kind {
            ParamType::String => Some(json!("")),
            ParamType::Int | ParamType::Number => Some(json!(0)),
            ParamType::Bool => Some(json!(false)),
            ParamType::Enum => self.values.first().map(|first| json!(first)),
            ParamType::Duration => Some(json!("0s")),
            ParamType::Agent => None,
            ParamType::List => Some(json!([])),
        }
    }

    /// Why a value of its type is outside its bounds, as what follows the value's name: `must be at least 1, but this is 0`.
    pub fn outside(&self, value: &Value) -> Option<String> {
        match (self.kind, value) {
            (ParamType::Int | ParamType::Number, Value::Number(number)) => self.beyond(number),
            (ParamType::String, Value::String(text)) => self.length(text.chars().count(), "character"),
            (ParamType::Enum, Value::String(text)) => self.unlisted(text),
            (ParamType::List, Value::Array(items)) => {
                let unlisted = || items.iter().filter_map(Value::as_str).find_map(|item| self.unlisted(item));
                self.length(items.len(), "item").or_else(unlisted)
            }
            _ => None,
        }
    }

    fn beyond(&self, number: &Number) -> Option<String> {
        if let Some(min) = self.min.as_ref().filter(|min| is_less(number, min)) {
            return Some(format!("must be at least {min}, but this is {number}"));
        }
        let max = self.max.as_ref().filter(|max| is_less(max, number))?;
        Some(format!("must be at most {max}, but this is {number}"))
    }

    fn length(&self, length: usize, unit: &str) -> Option<String> {
        let bound = |word: &str, bound: u32| {
            let plural = if bound == 1 { "" } else { "s" };
            format!("must have at {word} {bound} {unit}{plural}, but this has {length}")
        };
        let few = self.min_length.filter(|least| length < *least as usize).map(|least| bound("least", least));
        few.or_else(|| self.max_length.filter(|most| length > *most as usize).map(|most| bound("most", most)))
    }

    /// A text that is none of the values, where values are said.
    fn unlisted(&self, text: &str) -> Option<String> {
        if self.values.is_empty() || self.values.iter().any(|value| value == text) {
            return None;
        }
        Some(format!("cannot be `{}`", crate::tree::clip(text)))
    }
}

/// Whole numbers are compared as such; a double does not hold all of them.
pub(crate) fn is_less(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a < b,
        _ => a.as_f64() < b.as_f64(),
    }
}

/// The same rules for the JSON Schema.
pub(super) fn schemas() -> Vec<Value> {
    let of = |kinds: &[ParamType]| {
        let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let mut is = json!({"properties": {"type": {"enum": words}}});
        // A parameter that does not say its type is a text.
        if !kinds.contains(&ParamType::String) {
            is["required"] = json!(["type"]);
        }
        is
    };
    let is_not = |kind: ParamType| json!({"properties": {"type": {"not": {"const": kind.as_str()}}}});
    let without = |field: &str| json!({"not": {"required": [field]}});
    let default = |kinds: &[ParamType], value: Value| {
        let mut rule = of(kinds);
        rule["properties"]["default"] = value;
        rule
    };
    let mut rules: Vec<Value> = FIELDS.iter().map(|(field, kinds)| json!({"anyOf": [without(field), of(kinds)]})).collect();
    rules.push(json!({"anyOf": [is_not(ParamType::Enum), {"required": ["values"]}]}));
    let given = json!({"required": ["required"], "properties": {"required": {"const": true}}});
    rules.push(json!({"anyOf": [is_not(ParamType::Agent), {"required": ["default"]}, given]}));
    let whole = json!({"properties": {"min": {"type": "integer"}, "max": {"type": "integer"}}});
    rules.push(json!({"anyOf": [is_not(ParamType::Int), whole]}));
    let text = json!({"type": "string"});
    let agent = json!({"type": "string", "pattern": r"^(?!all$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"});
    rules.push(json!({"anyOf": [
        without("default"),
        default(&[ParamType::String, ParamType::Enum], text.clone()),
        default(&[ParamType::Int], json!({"type": "integer"})),
        default(&[ParamType::Number], json!({"type": "number"})),
        default(&[ParamType::Bool], json!({"type": "boolean"})),
        default(&[ParamType::Duration], json!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"})),
        default(&[ParamType::Agent], agent),
        default(&[ParamType::List], json!({"type": "array", "items": text, "maxItems": ParamType::MAX_ITEMS})),
    ]}));
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(said: Value) -> Param {
        serde_json::from_value(said).expect("a parameter")
    }

    #[test]
    fn a_value_outside_its_bounds_is_told_and_one_within_is_not() {
        let big = u64::MAX;
        let cases = [
            (json!({"name": "a", "minLength": 1}), json!(""), Some("must have at least 1 character, but this has 0")),
            (json!({"name": "a", "maxLength": 2}), json!("éé"), None),
            (json!({"name": "a", "maxLength": 2}), json!("ééé"), Some("must have at most 2 characters, but this has 3")),
            (json!({"name": "a", "type": "int", "min": -1}), json!(-1), None),
            (json!({"name": "a", "type": "int", "min": -1}), json!(-2), Some("must be at least -1, but this is -2")),
            (json!({"name": "a", "type": "number", "max": big - 1}), json!(big), Some("must be at most")),
            (json!({"name": "a", "type": "number", "max": 0.5}), json!(1), Some("must be at most 0.5, but this is 1")),
            (json!({"name": "a", "type": "enum", "values": ["x"]}), json!("y"), Some("cannot be `y`")),
            (json!({"name": "a", "type": "list", "values": ["x"]}), json!(["x", "z"]), Some("cannot be `z`")),
            (json!({"name": "a", "type": "list", "maxLength": 1}), json!(["x", "z"]), Some("must have at most 1 item,")),
            (json!({"name": "a", "type": "list"}), json!(["x", "z"]), None),
        ];
        for (declared, value, expected) in cases {
            let said = param(declared.clone()).outside(&value);
            match expected {
                None => assert_eq!(said, None, "{declared} {value}"),
                Some(part) => assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{declared} {value}: {said:?}"),
            }
        }
    }

    #[test]
    fn every_type_but_agent_has_an_implied_value_of_its_own() {
        for (word, kind) in ParamType::ALL {
            assert_eq!(kind.as_str(), word);
            let implied = param(json!({"name": "a", "type": word, "values": ["x"]})).implied();
            assert_eq!(implied.is_none(), kind == ParamType::Agent, "{word}");
        }
    }
}
