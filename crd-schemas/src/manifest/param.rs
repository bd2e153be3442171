//! Parameters of a workflow: their types, and what a value may be.

use super::param_rules;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// A parameter: its name, its type and what its value may be. Commands get it as `PULSE_PARAM_<NAME>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    deny_unknown_fields,
    extend("not" = {"required": ["required", "default"], "properties": {"required": {"const": true}}}),
    extend("allOf" = param_rules::schemas())
)]
pub struct Param {
    /// Its name, unique in the workflow; `{{ params.<name> }}` is its value.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,39}$"))]
    pub name: String,
    /// What kind of value it is.
    #[serde(rename = "type", default)]
    pub kind: ParamType,
    /// One line for people: what it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// It must be given. A required parameter has no default.
    #[serde(default)]
    pub required: bool,
    /// Its value when not given, of the parameter's type. Unless said: the empty text, 0, false, the first of `values`, `0s`, the
    /// empty list; an `agent` has none, so it is required or has a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// For `string`, and for each item of a `list`: a regular expression that the whole text matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\S"), length(max = 1024))]
    pub pattern: Option<String>,
    /// For `enum`, and for each item of a `list`: what it may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), extend("uniqueItems" = true))]
    pub values: Vec<String>,
    /// For `int` and `number`: the least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub min: Option<Number>,
    /// For `int` and `number`: the greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub max: Option<Number>,
    /// The least number of characters of a `string`, or of items of a `list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// The greatest number of characters of a `string`, or of items of a `list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
}

/// Types of parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParamType {
    /// Text of at most 64 KiB without NUL.
    #[default]
    String,
    /// A whole number of 64 bits.
    Int,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// One of `values`.
    Enum,
    /// A duration with its unit, such as `90s`.
    Duration,
    /// The name of an enrolled agent.
    Agent,
    /// A list of at most 1000 texts, together at most 64 KiB.
    List,
}

impl ParamType {
    /// The word for it in `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Enum => "enum",
            Self::Duration => "duration",
            Self::Agent => "agent",
            Self::List => "list",
        }
    }

    /// Every type, with its word in `type`.
    pub const ALL: [(&'static str, Self); 8] = [
        ("string", Self::String),
        ("int", Self::Int),
        ("number", Self::Number),
        ("bool", Self::Bool),
        ("enum", Self::Enum),
        ("duration", Self::Duration),
        ("agent", Self::Agent),
        ("list", Self::List),
    ];
}
