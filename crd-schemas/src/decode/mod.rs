//! Tree to typed manifest. Every decoder goes on after a problem, so that all of a file are found at once; a decoder that
//! answers `None` has reported why.

mod access;
mod agent;
mod cursor;
mod execute;
mod files;
mod number;
mod param;
mod place;
mod prompt;
mod report;
mod retention;
mod rules;
mod schedule;
mod scope;
mod steps;
mod suggest;
mod targets;
mod value;
mod words;
mod workflow;

pub use cursor::escape;
pub use report::Report;
pub use rules::{NAME_FORM, is_name};
pub use suggest::nearest;

use crate::manifest::{API_VERSION, Execute, Kind, Manifest, Metadata};
use crate::problem::code;
use crate::tree::{Node, Value, clip};
use crate::unsupported;
use cursor::{Cursor, Fields};
use place::Place;
use suggest::suggest;

/// The manifest of a document, or its problems in `report`.
pub fn manifest(document: &Node, report: &mut Report) -> Option<Manifest> {
    let before = report.count();
    let at = Cursor::document(document);
    if !matches!(document.value, Value::Map(_)) {
        let found = document.noun(report.text());
        let help = Some(format!("begin with `apiVersion: {API_VERSION}` and `kind: Workflow`"));
        return report.error(&at, code::NOT_A_MANIFEST, format!("a manifest is a map, but this is {found}"), help);
    }
    let mut fields = Fields::of(at, report)?;
    fields.find("$schema");
    fields.required("apiVersion", report, api_version);
    let Some(kind) = fields.required("kind", report, kind) else {
        fields.leave_open();
        return None;
    };
    let metadata = fields.required("metadata", report, |at, report| metadata(at, kind, report));
    let manifest = match kind {
        Kind::Workflow => workflow::workflow(&mut fields, metadata, report).map(Manifest::Workflow),
        Kind::Schedule => schedule::schedule(&mut fields, metadata, report).map(Manifest::Schedule),
        Kind::Agent => agent::agent(&mut fields, metadata, report).map(Manifest::Agent),
        Kind::AgentGroup => agent::group(&mut fields, metadata, report).map(Manifest::AgentGroup),
        Kind::AccessPolicy => access::policy(&mut fields, metadata, report).map(Manifest::AccessPolicy),
    };
    fields.finish(report);
    manifest.filter(|_| report.count() == before)
}

/// The command of a request, which has the fields of an `execute` step and no others; or its problems in `report`.
pub fn command(request: &Node, report: &mut Report) -> Option<Execute> {
    let mut fields = Fields::of(Cursor::request(request), report)?;
    let execute = execute::execute(&mut fields, Place::Request, report);
    fields.elsewhere("argv", "write `shell: [program, argument, …]`; the command is its last argument");
    fields.elsewhere("type", "a command needs no `type`");
    fields.finish(report);
    execute.filter(|_| report.count() == 0)
}

fn api_version(at: Cursor, report: &mut Report) -> Option<()> {
    let help = Some(format!("write `apiVersion: {API_VERSION}`"));
    match &at.node.value {
        Value::String(text) if text == API_VERSION => Some(()),
        Value::String(text) => {
            report.error(&at, code::UNKNOWN_API_VERSION, format!("there is no apiVersion `{}`", clip(text)), help)
        }
        _ => at.wrong_type("text", report, help),
    }
}

fn kind(at: Cursor, report: &mut Report) -> Option<Kind> {
    let Value::String(text) = &at.node.value else { return at.wrong_type("text such as `Workflow`", report, None) };
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.as_str() == text) {
        return Some(kind);
    }
    if unsupported::KINDS.contains(&text.as_str()) {
        return report.error(&at, code::UNSUPPORTED, words::unsupported(&format!("the kind `{text}`")), None);
    }
    let known = Kind::ALL.map(Kind::as_str);
    let help = suggest(text, known.iter().chain(unsupported::KINDS).copied());
    let help = help.unwrap_or_else(|| format!("there are {}", words::list(&known)));
    report.error(&at, code::UNKNOWN_KIND, format!("unknown kind `{}`", clip(text)), Some(help))
}

fn metadata(at: Cursor, kind: Kind, report: &mut Report) -> Option<Metadata> {
    let mut fields = Fields::of(at, report)?;
    let rule = if kind.is_targeted() { rules::agent_name } else { rules::name };
    let name = fields.required("name", report, |at, report| value::ruled(at, report, rule));
    let labels = fields
        .or("labels", Default::default(), report, |at, report| value::text_map(at, report, rules::label_key, rules::label_value));
    let annotations =
        fields.or("annotations", Default::default(), report, |at, report| value::text_map(at, report, rules::any, rules::any));
    match kind {
        Kind::Workflow => fields.elsewhere("description", "a workflow's description stands under `spec`"),
        Kind::Schedule => fields.elsewhere("description", "a schedule's description stands under `spec`"),
        Kind::AccessPolicy => fields.elsewhere("description", "a policy's description stands under `spec`"),
        Kind::Agent | Kind::AgentGroup => {}
    }
    fields.finish(report);
    Some(Metadata { name: name?, labels: labels?, annotations: annotations? })
}
