//! What can be said of a workflow's parameters before anybody gives them a value.

use super::Finding;
use super::param_value::value_text;
use crate::pattern::Pattern;
use crd_schemas::manifest::Param;

/// Every finding about the parameters.
pub(super) fn check(params: &[Param]) -> Vec<Finding> {
    params.iter().enumerate().filter_map(|(index, param)| check_param(param, &format!("/spec/params/{index}"))).collect()
}

fn check_param(param: &Param, pointer: &str) -> Option<Finding> {
    if let Some(Err(error)) = param.pattern.as_deref().map(Pattern::compile_whole) {
        let message = format!("this is no regular expression: {error}");
        let help = r"write one such as `OPS-\d+`; the whole value has to match";
        return Some(Finding::error(format!("{pointer}/pattern"), "bad-pattern", message).with_help(help));
    }
    let name = &param.name;
    let help = "give it a `default` or `required: true`";
    match (&param.default, param.implied()) {
        (Some(default), _) => {
            let error = value_text(param, default).err()?;
            let finding = Finding::error(format!("{pointer}/default"), "bad-value", format!("the default of `{name}`: {error}"));
            Some(finding.with_help("write a default that a start could give, too"))
        }
        (None, _) if param.required => None,
        (None, Some(implied)) => {
            let error = value_text(param, &implied).err()?;
            let message = format!("`{name}` is neither required nor has it a default, and without a value {error}");
            Some(Finding::error(pointer, "missing-field", message).with_help(help))
        }
        (None, None) => {
            let message = format!("`{name}` is neither required nor has it a default, and no value is meant unless one is given");
            Some(Finding::error(pointer, "missing-field", message).with_help(help))
        }
    }
}
