//! Parameters of a start: what was given, checked against what the workflow declares.

use crate::values::MAX_VALUE_BYTES;
use crd_schemas::manifest::{Param, ParamType};
use serde_json::Value;
use std::collections::BTreeMap;

/// Resolves parameters.
#[derive(Debug)]
pub struct Params;

/// Why a parameter is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{name}`: {message}")]
pub struct ParamError {
    /// The parameter.
    pub name: String,
    /// Why, in a sentence.
    pub message: String,
}

impl Params {
    /// The value of every declared parameter, or every error at once.
    pub fn resolve(declared: &[Param], given: BTreeMap<String, Value>) -> Result<BTreeMap<String, String>, Vec<ParamError>> {
        let (mut values, mut errors) = (BTreeMap::new(), Vec::new());
        for name in given.keys().filter(|name| !declared.iter().any(|param| param.name == **name)) {
            errors.push(ParamError { name: name.chars().take(80).collect(), message: unknown(declared) });
        }
        for param in declared {
            match value_of(param, given.get(&param.name)) {
                Ok(value) => drop(values.insert(param.name.clone(), value)),
                Err(message) => errors.push(ParamError { name: param.name.clone(), message }),
            }
        }
        if errors.is_empty() { Ok(values) } else { Err(errors) }
    }
}

fn unknown(declared: &[Param]) -> String {
    match declared {
        [] => "the workflow has no parameters".to_owned(),
        _ => format!(
            "the workflow has no such parameter; it has {}",
            crate::values::listed(declared.iter().map(|p| p.name.as_str()))
        ),
    }
}

fn value_of(param: &Param, given: Option<&Value>) -> Result<String, String> {
    match (given, param.kind) {
        (Some(Value::String(text)), ParamType::String) => checked(text.clone()),
        (Some(other), ParamType::String) => Err(format!("it must be a text, such as \"5\", not {}", kind_of(other))),
        (None, _) if param.required => Err("it is required".to_owned()),
        (None, _) => checked(param.default.clone().unwrap_or_default()),
    }
}

/// A value that a command can be given.
pub(super) fn checked(text: String) -> Result<String, String> {
    if text.len() > MAX_VALUE_BYTES {
        return Err(format!("it is {} bytes long; at most 64 KiB", text.len()));
    }
    if text.contains('\0') {
        return Err("it holds a NUL byte, which no environment variable can".to_owned());
    }
    Ok(text)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
