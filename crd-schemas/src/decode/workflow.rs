//! `kind: Workflow`: parameters, concurrency, and what all steps have.

use super::cursor::{Cursor, Fields};
use super::param::param;
use super::report::Report;
use super::retention::retention;
use super::scope::Scope;
use super::steps::{self, StepType};
use super::suggest::nearest;
use super::words::{list, unsupported as unsupported_message};
use super::{number, rules, value};
use crate::Duration;
use crate::manifest::{Concurrency, ConcurrencyPolicy, Metadata, Step, Workflow, WorkflowSpec};
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
    let timeout = fields.optional("timeout", report, |at, report| value::duration(at, Duration::from_secs(1), report));
    let retention = fields.optional("retention", report, retention);
    let steps = fields.required("steps", report, |at, report| {
        let scope = Scope::of(Some(at.node));
        named(at, 1..=1000, "step", |at, names, report| step(at, names, &scope, report), report)
    });
    fields.refuse(unsupported::WORKFLOW_FIELDS, report);
    fields.finish(report);
    Some(WorkflowSpec {
        description: description?,
        params: params?,
        concurrency: concurrency?,
        timeout: timeout?,
        retention: retention?,
        steps: steps?,
    })
}

/// A name that could be read, its place and its pointer.
pub type Name = (String, Span, String);

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
pub fn name(
    at: Cursor,
    rule: fn(&str) -> Result<(), value::Broken>,
    names: &mut Vec<Name>,
    report: &mut Report,
) -> Option<String> {
    let (place, pointer) = (at.place(), at.pointer.clone());
    let name = value::ruled(at, report, rule)?;
    names.push((name.clone(), place, pointer));
    Some(name)
}

fn concurrency(at: Cursor, report: &mut Report) -> Option<Concurrency> {
    let mut fields = Fields::of(at, report)?;
    let policies =
        [("Forbid", ConcurrencyPolicy::Forbid), ("Allow", ConcurrencyPolicy::Allow), ("Queue", ConcurrencyPolicy::Queue)];
    let policy =
        fields.or("policy", ConcurrencyPolicy::default(), report, |at, report| value::choice(&at, &policies, &[], report));
    let key = fields.optional("key", report, |at, report| {
        if policy == Some(ConcurrencyPolicy::Allow) {
            let help = Some("leave `key` out, or write `policy: Forbid` or `policy: Queue`".into());
            let message = "with `policy: Allow` no execution excludes another, so a `key` changes nothing";
            return report.error(&at, code::CONFLICTING_FIELDS, message, help);
        }
        value::short_text(at, Concurrency::MAX_KEY_CHARS, report)
    });
    let max_queued = fields.optional("maxQueued", report, |at, report| {
        if let Some(ConcurrencyPolicy::Forbid | ConcurrencyPolicy::Allow) = policy {
            let help = Some("write `policy: Queue`, or leave it out".into());
            return report.error(&at, code::CONFLICTING_FIELDS, "`maxQueued` counts with `policy: Queue` only", help);
        }
        number::whole(&at, 1..=Concurrency::HIGHEST_MAX_QUEUED, report)
    });
    fields.finish(report);
    Some(Concurrency { policy: policy?, key: key?, max_queued: max_queued? })
}

fn step(at: Cursor, names: &mut Vec<Name>, scope: &Scope, report: &mut Report) -> Option<Step> {
    let mut fields = Fields::of(at, report)?;
    let id = fields.required("id", report, |at, report| name(at, rules::step_id, names, report));
    let own_name = fields.optional("name", report, value::text);
    let when = fields.optional("when", report, condition);
    let continue_on_error = fields.or("continueOnError", false, report, value::boolean);
    let goto = fields.optional("goto", report, |at, report| scope.goto(at, report));
    let action = match fields.required("type", report, step_type) {
        Some(kind) => steps::action(kind, &mut fields, scope, report),
        None => {
            fields.leave_open();
            None
        }
    };
    fields.refuse(unsupported::STEP_FIELDS, report);
    fields.elsewhere("if", "write `when: …`");
    fields.elsewhere("condition", "write `when: …`");
    fields.elsewhere("next", "write `goto: …`");
    fields.finish_with(report, steps::belongs);
    Some(Step { id: id?, name: own_name?, when: when?, continue_on_error: continue_on_error?, goto: goto?, action: action? })
}

/// An expression, which is compiled elsewhere.
pub fn condition(at: Cursor, report: &mut Report) -> Option<String> {
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

fn step_type(at: Cursor, report: &mut Report) -> Option<StepType> {
    let Value::String(text) = &at.node.value else { return at.wrong_type("text such as `execute`", report, None) };
    if let Some((_, kind)) = StepType::ALL.into_iter().find(|(word, _)| word == text) {
        return Some(kind);
    }
    if unsupported::STEP_TYPES.contains(&text.as_str()) {
        return report.error(&at, code::UNSUPPORTED, unsupported_message(&format!("the step type `{text}`")), None);
    }
    let known = StepType::ALL.map(|(word, _)| word);
    let message = format!("unknown step type `{}`", clip(text));
    match nearest(text, known.iter().chain(unsupported::STEP_TYPES).copied()) {
        Some(near) => report.error(&at, code::UNKNOWN_STEP_TYPE, format!("{message}, did you mean `{near}`?"), None),
        None => {
            let help = format!("there are {}", list(&known));
            report.error(&at, code::UNKNOWN_STEP_TYPE, message, Some(help))
        }
    }
}
