//! Parameters of a start: what was given, checked against what the workflow declares.

use super::param_value::value_text;
use crate::values::MAX_VALUE_BYTES;
use crd_schemas::manifest::Param;
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
    match (given, &param.default) {
        (Some(given), _) => value_text(param, given),
        (None, _) if param.required => Err("it is required".to_owned()),
        (None, Some(default)) => value_text(param, default),
        (None, None) => match param.implied() {
            Some(value) => value_text(param, &value).map_err(|error| format!("it is required: without a value, {error}")),
            None => Err("it is required".to_owned()),
        },
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
