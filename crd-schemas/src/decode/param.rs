//! Parameters: their types, the fields that belong to each type, and defaults.

use super::cursor::{Cursor, Fields};
use super::report::Report;
use super::suggest::nearest;
use super::words::{clipped_list, list};
use super::workflow::{Name, name};
use super::{number, rules, value};
use crate::Duration;
use crate::manifest::param_rules::is_less;
use crate::manifest::steps::MAX_PATTERN_CHARS;
use crate::manifest::{Param, ParamType};
use crate::problem::code;
use crate::tree::{Value as Yaml, clip};
use crate::unsupported;
use serde_json::{Number, Value};

/// Values of an `enum` that are looked at for a near one.
const MAX_COMPARED: usize = 100;
/// Values of an `enum` that a sentence lists.
const MAX_LISTED: usize = 10;

/// One parameter; its name goes to `names`.
pub fn param(at: Cursor, names: &mut Vec<Name>, report: &mut Report) -> Option<Param> {
    let before = report.count();
    let mut fields = Fields::of(at, report)?;
    let own_name = fields.required("name", report, |at, report| name(at, rules::param_name, names, report));
    let kind = fields.or("type", ParamType::default(), report, |at, report| param_type(&at, report));
    let description = fields.optional("description", report, value::text);
    let required = fields.or("required", false, report, value::boolean);
    let mut param = Param {
        name: own_name.unwrap_or_default(),
        kind: kind.unwrap_or_default(),
        description: description.flatten(),
        required: required.unwrap_or_default(),
        default: None,
        pattern: None,
        values: Vec::new(),
        min: None,
        max: None,
        min_length: None,
        max_length: None,
    };
    bounds(&mut fields, &mut param, report);
    let default_at = fields.find("default");
    if let Some(kind) = kind {
        foreign(&fields, kind, report);
        default(default_at, &mut param, &fields, required, report);
    }
    other_words(&mut fields);
    fields.finish(report);
    (report.count() == before).then_some(param)
}

/// What other tools call the types.
const OTHER_TYPES: [(&str, &str); 9] = [
    ("integer", "int"),
    ("float", "number"),
    ("boolean", "bool"),
    ("text", "string"),
    ("str", "string"),
    ("array", "list"),
    ("choice", "enum"),
    ("select", "enum"),
    ("host", "agent"),
];

fn param_type(at: &Cursor, report: &mut Report) -> Option<ParamType> {
    if let Some((word, ours)) = OTHER_TYPES.iter().find(|(word, _)| at.node.text() == Some(word)) {
        let help = Some(format!("write `{ours}`"));
        return report.error(at, code::BAD_VALUE, format!("`type` cannot be `{word}`"), help);
    }
    value::choice(at, &ParamType::ALL, unsupported::PARAM_TYPES, report)
}

/// What other tools call the fields.
fn other_words(fields: &mut Fields) {
    fields.elsewhere("items", "a list holds texts; `pattern` and `values` say what each may be");
    fields.elsewhere("options", "write `type: enum` and `values: […]`");
    fields.elsewhere("enum", "write `type: enum` and `values: […]`");
    fields.elsewhere("choices", "write `type: enum` and `values: […]`");
    fields.elsewhere("minimum", "write `min`");
    fields.elsewhere("maximum", "write `max`");
    fields.elsewhere("regex", "write `pattern`");
}

/// The fields that bound a value. A problem of theirs leaves the bound out.
fn bounds(fields: &mut Fields, param: &mut Param, report: &mut Report) {
    let kind = param.kind;
    let pattern = |at, report: &mut Report| value::short_text(at, MAX_PATTERN_CHARS, report);
    param.pattern = fields.optional("pattern", report, pattern).flatten();
    param.values = fields.or("values", Vec::new(), report, values).unwrap_or_default();
    let bound = |at: Cursor, report: &mut Report| match kind {
        ParamType::Int => number::integer(&at, report).map(Number::from),
        _ => number::number(&at, report),
    };
    param.min = fields.optional("min", report, bound).flatten();
    param.max = fields.optional("max", report, bound).flatten();
    let length = |at: Cursor, report: &mut Report| number::whole(&at, 0..=u32::MAX, report);
    param.min_length = fields.optional("minLength", report, length).flatten();
    param.max_length = fields.optional("maxLength", report, length).flatten();
    if let (Some(min), Some(max)) = (&param.min, &param.max) {
        ordered(fields, ("min", min.to_string()), ("max", max.to_string()), is_less(max, min), report);
    }
    if let (Some(min), Some(max)) = (param.min_length, param.max_length) {
        ordered(fields, ("minLength", min.to_string()), ("maxLength", max.to_string()), max < min, report);
    }
}

fn ordered(fields: &Fields, min: (&str, String), max: (&str, String), is_wrong: bool, report: &mut Report) {
    if let (true, Some(at)) = (is_wrong, fields.get(min.0)) {
        let message = format!("`{}` is {}, more than `{}`, which is {}", min.0, min.1, max.0, max.1);
        let help = Some("no value could be within both".into());
        let _: Option<()> = report.error(&at, code::CONFLICTING_FIELDS, message, help);
    }
}

fn values(at: Cursor, report: &mut Report) -> Option<Vec<String>> {
    let mut seen = Vec::new();
    let values = value::items(at, 1..=1000, report, |at, report| {
        let (place, pointer) = (at.place(), at.pointer.clone());
        let value = value::ruled(at, report, rules::sized)?;
        seen.push((value.clone(), place, pointer));
        Some(value)
    });
    value::unique("value", &seen, report).and(values)
}

/// Refuses the bounds of other types, and an `enum` without values.
fn foreign(fields: &Fields, kind: ParamType, report: &mut Report) {
    for (field, kinds) in ParamType::bounds().iter().filter(|(_, kinds)| !kinds.contains(&kind)) {
        let Some(at) = fields.get(field) else { continue };
        let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let said = if fields.has("type") { "leave it out" } else { "say the `type`" };
        let message = format!("a parameter of the type `{}` has no `{field}`", kind.as_str());
        let help = format!("`{field}` belongs to {}; {said}", list(&words));
        let _: Option<()> = report.error(&at, code::CONFLICTING_FIELDS, message, Some(help));
    }
    if kind == ParamType::Enum && !fields.has("values") {
        let message = format!("{} is an `enum` without `values`", fields.cursor().label());
        let _: Option<()> = report.error(fields.cursor(), code::MISSING_FIELD, message, Some("add `values: [a, b]`".into()));
    }
}

/// The default, of the type and within the bounds; without one, the value that the type implies is within them.
fn default(at: Option<Cursor>, param: &mut Param, fields: &Fields, required: Option<bool>, report: &mut Report) {
    let Some(at) = at else {
        if required == Some(false) {
            implied(param, fields, report);
        }
        return;
    };
    if required == Some(true) {
        let message = "a required parameter is always given, so it has no `default`";
        let _: Option<()> = report.error(&at, code::CONFLICTING_FIELDS, message, Some("leave one of the two out".into()));
    }
    let (place, pointer) = (at.place(), at.pointer.clone());
    let Some(default) = typed(at, param.kind, report) else { return };
    if let Some(outside) = param.outside(&default) {
        let code = if outside.starts_with("must") { code::OUT_OF_RANGE } else { code::BAD_VALUE };
        let help = unlisted_help(param, &default);
        let _: Option<()> = report.error_at(place, &pointer, code, format!("`default` {outside}"), help);
    }
    param.default = Some(default);
}

fn unlisted_help(param: &Param, default: &Value) -> Option<String> {
    let listed = || param.values.iter().map(String::as_str);
    let near = default.as_str().and_then(|text| nearest(text, listed().take(MAX_COMPARED)));
    match near {
        Some(near) => Some(format!("did you mean `{}`?", clip(near))),
        None if param.values.is_empty() => None,
        None => Some(format!("it can be {}", clipped_list(listed().take(MAX_LISTED)))),
    }
}

fn implied(param: &Param, fields: &Fields, report: &mut Report) {
    let wrong = match param.implied() {
        None if param.kind == ParamType::Agent => "no agent is meant unless one is named".to_owned(),
        None => return,
        Some(value) => match param.outside(&value) {
            Some(outside) => format!("what it is when not given {outside}"),
            None => return,
        },
    };
    let message = format!("{} is neither required nor has it a `default`, and {wrong}", fields.cursor().label());
    let help = Some("add `required: true`, or `default: …`".into());
    let _: Option<()> = report.error(fields.cursor(), code::MISSING_FIELD, message, help);
}

/// A value of a type.
fn typed(at: Cursor, kind: ParamType, report: &mut Report) -> Option<Value> {
    match kind {
        ParamType::String | ParamType::Enum => value::ruled(at, report, rules::sized).map(Value::from),
        ParamType::Int => number::integer(&at, report).map(Value::from),
        ParamType::Number => number::number(&at, report).map(Value::Number),
        ParamType::Bool => value::boolean(at, report).map(Value::from),
        ParamType::Agent => value::ruled(at, report, rules::agent_name).map(Value::from),
        ParamType::Duration => {
            let written = match &at.node.value {
                Yaml::String(text) => text.clone(),
                _ => String::new(),
            };
            value::duration(at, Duration::default(), report).map(|_| Value::from(written))
        }
        ParamType::List => list_of_texts(at, report),
    }
}

fn list_of_texts(at: Cursor, report: &mut Report) -> Option<Value> {
    let (place, pointer) = (at.place(), at.pointer.clone());
    let items = value::items(at, 0..=ParamType::MAX_ITEMS, report, |at, report| value::ruled(at, report, rules::sized))?;
    let list = Value::from(items);
    match rules::sized(&list.to_string()) {
        Ok(()) => Some(list),
        Err(broken) => {
            broken.report(place, &pointer, report);
            None
        }
    }
}
