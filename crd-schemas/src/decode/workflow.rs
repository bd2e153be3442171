//! `kind: Workflow`: parameters, concurrency, and what all steps have.

use super::cursor::{Cursor, Fields, unsupported as unsupported_message};
use super::report::Report;
use super::suggest::nearest;
use super::{execute, rules, value};
use crate::manifest::{Action, Concurrency, ConcurrencyPolicy, Metadata, Param, ParamType, Step, Workflow, WorkflowSpec};
use crate::problem::code;
use crate::tree::{Span, Value, clip};
use crate::unsupported;

/// The rest of a `Workflow`.
pub fn workflow(fields: &mut Fields, metadata: Option<Metadata>, report: &mut Report) -> Option<Workflow> {
    let spec = fields.required("spec", report, spec);
    Some(Workflow { metadata: metadata?, spec: spec? })
}

fn spec(at: Cursor, report: &mut Report) -> Option<WorkflowSpec> {
    let mut fields = Fields::of(at, report)?;
    let description = fields.optional("description", report, value::text);
    let params = fields.or("params", Vec::new(), report, |at, report| named(at, 0..=100, "parameter", param, report));
    let concurrency = fields.or("concurrency", Concurrency::default(), report, concurrency);
    let steps = fields.required("steps", report, |at, report| named(at, 1..=1000, "step", step, report));
    fields.refuse(unsupported::WORKFLOW_FIELDS, report);
    fields.finish(report);
    Some(WorkflowSpec { description: description?, params: params?, concurrency: concurrency?, timeout: None, steps: steps? })
}

/// A name that could be read, its place and its pointer.
type Name = (String, Span, String);

/// A list whose items have names of their own.
fn named<T>(
    at: Cursor,
    bounds: std::ops::RangeInclusive<usize>,
    what: &str,
    read: impl Fn(Cursor, &mut Vec<Name>, &mut Report) -> Option<T>,
    report: &mut Report,
) -> Option<Vec<T>> {
    let mut names = Vec::new();
    let items = value::items(at, bounds, report, |item, report| read(item, &mut names, report));
    value::unique(what, &names, report);
    items
}

/// A field that holds the item's name.
fn name(at: Cursor, rule: fn(&str) -> Result<(), value::Broken>, names: &mut Vec<Name>, report: &mut Report) -> Option<String> {
    let (place, pointer) = (at.place(), at.pointer.clone());
    let name = value::ruled(at, report, rule)?;
    names.push((name.clone(), place, pointer));
    Some(name)
}

fn param(at: Cursor, names: &mut Vec<Name>, report: &mut Report) -> Option<Param> {
    let mut fields = Fields::of(at, report)?;
    let own_name = fields.required("name", report, |at, report| name(at, rules::param_name, names, report));
    let kind = fields.or("type", ParamType::default(), report, |at, report| {
        value::choice(&at, &[("string", ParamType::String)], unsupported::PARAM_TYPES, report)
    });
    let description = fields.optional("description", report, value::text);
    let required = fields.or("required", false, report, value::boolean);
    let default_at = fields.find("default");
    if let (Some(true), Some(default)) = (required, &default_at) {
        let help = Some("leave one of the two out".into());
        let _: Option<()> =
            report.error(default, code::CONFLICTING_FIELDS, "a required parameter is always given, so it has no `default`", help);
    }
    // A default has the type of its parameter, so it says nothing where that type is not known.
    let default = match (default_at, kind) {
        (Some(default), Some(ParamType::String)) => value::ruled(default, report, rules::sized).map(Some),
        _ => Some(None),
    };
    fields.refuse(unsupported::PARAM_FIELDS, report);
    fields.finish(report);
    Some(Param {
        name: own_name?,
        kind: kind?,
        description: description?,
        required: required?,
        default: default?.map(serde_json::Value::from),
        pattern: None,
        values: Vec::new(),
        min: None,
        max: None,
        min_length: None,
        max_length: None,
    })
}

fn concurrency(at: Cursor, report: &mut Report) -> Option<Concurrency> {
    let mut fields = Fields::of(at, report)?;
    let policies = [("Forbid", ConcurrencyPolicy::Forbid), ("Allow", ConcurrencyPolicy::Allow)];
    let policy = fields.or("policy", ConcurrencyPolicy::default(), report, |at, report| {
        value::choice(&at, &policies, unsupported::CONCURRENCY_POLICIES, report)
    });
    fields.refuse(unsupported::CONCURRENCY_FIELDS, report);
    fields.finish(report);
    Some(Concurrency { policy: policy?, key: None, max_queued: None })
}

fn step(at: Cursor, names: &mut Vec<Name>, report: &mut Report) -> Option<Step> {
    let mut fields = Fields::of(at, report)?;
    let id = fields.required("id", report, |at, report| name(at, rules::step_id, names, report));
    let own_name = fields.optional("name", report, value::text);
    let when = fields.optional("when", report, condition);
    let continue_on_error = fields.or("continueOnError", false, report, value::boolean);
    let action = match fields.required("type", report, step_type) {
        Some(StepType::Execute) => execute::execute(&mut fields, report).map(|execute| Action::Execute(Box::new(execute))),
        None => {
            fields.leave_open();
            None
        }
    };
    fields.refuse(unsupported::STEP_FIELDS, report);
    fields.finish(report);
    Some(Step { id: id?, name: own_name?, when: when?, continue_on_error: continue_on_error?, goto: None, action: action? })
}

/// An expression, which is compiled elsewhere.
fn condition(at: Cursor, report: &mut Report) -> Option<String> {
    if let Some(inside) = at.braces() {
        let help = Some(format!("write it without braces: {inside}"));
        return report.error(
            &at,
            code::WRONG_TYPE,
            format!("{} is an expression, so `{{{{ … }}}}` has no place in it", at.label()),
            help,
        );
    }
    value::filled_text(at, report)
}

enum StepType {
    Execute,
}

fn step_type(at: Cursor, report: &mut Report) -> Option<StepType> {
    let Value::String(text) = &at.node.value else { return at.wrong_type("text such as `execute`", report, None) };
    match text.as_str() {
        "execute" => Some(StepType::Execute),
        later if unsupported::STEP_TYPES.contains(&later) => {
            report.error(&at, code::UNSUPPORTED, unsupported_message(&format!("the step type `{later}`")), None)
        }
        _ => {
            let near = nearest(text, ["execute"].into_iter().chain(unsupported::STEP_TYPES.iter().copied()));
            let message = format!("unknown step type `{}`", clip(text));
            match near {
                Some(near) => report.error(&at, code::UNKNOWN_STEP_TYPE, format!("{message}, did you mean `{near}`?"), None),
                None => report.error(&at, code::UNKNOWN_STEP_TYPE, message, Some("there is `execute`".into())),
            }
        }
    }
}
