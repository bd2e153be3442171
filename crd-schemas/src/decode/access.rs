//! `kind: AccessPolicy`, and the subjects that a prompt's `who` names.

use super::cursor::{Cursor, Fields};
use super::report::Report;
use super::{rules, value};
use crate::manifest::{AccessPolicy, AccessPolicySpec, Effect, Metadata, Verb};
use crate::problem::code;
use crate::tree::Span;

/// What is done to workflows.
const OF_WORKFLOWS: [Verb; 6] = [Verb::View, Verb::Run, Verb::Answer, Verb::Cancel, Verb::Resolve, Verb::Pause];
/// Items of each list.
const MOST: usize = 1000;

/// The rest of an `AccessPolicy`.
pub fn policy(fields: &mut Fields, metadata: Option<Metadata>, report: &mut Report) -> Option<AccessPolicy> {
    let spec = fields.required("spec", report, spec);
    Some(AccessPolicy { metadata: metadata?, spec: spec? })
}

fn spec(at: Cursor, report: &mut Report) -> Option<AccessPolicySpec> {
    let mut fields = Fields::of(at, report)?;
    let description = fields.optional("description", report, |at, report| value::short_text(at, 4000, report));
    let effect = fields.or("effect", Effect::Allow, report, |at, report| {
        value::choice(&at, &[Effect::Allow, Effect::Deny].map(|effect| (effect.as_str(), effect)), &[], report)
    });
    let subjects = fields.required("subjects", report, subjects);
    let verbs = fields.required("verbs", report, verbs);
    let workflows = fields.optional("workflows", report, |at, report| texts(at, "workflow", value::filled_text, report));
    let steps = fields.optional("steps", report, |at, report| texts(at, "step", step, report));
    let agents = fields.optional("agents", report, |at, report| texts(at, "agent", value::filled_text, report));
    fields.elsewhere("allow", "write `effect: allow` and `verbs: […]`");
    fields.elsewhere("deny", "write `effect: deny` and `verbs: […]`");
    fields.elsewhere("roles", "write `subjects: [\"role:operator\"]`");
    fields.elsewhere("groups", "write `subjects: [\"group:…\"]`");
    fields.elsewhere("users", "write `subjects: [\"user:…\"]`");
    fields.elsewhere("actions", "write `verbs`");
    if let Some(verbs) = &verbs {
        only_beside(&mut fields, "steps", &[Verb::View, Verb::Answer], verbs, report);
        only_beside(&mut fields, "agents", &[Verb::Pause, Verb::Command], verbs, report);
        only_beside(&mut fields, "workflows", &OF_WORKFLOWS, verbs, report);
    }
    if let (Some(at), true) = (fields.get("agents"), fields.has("workflows")) {
        let message = "nothing is a workflow and an agent, so a policy with both means nothing";
        let help = Some("write a policy for the workflows and one for the agents".to_owned());
        let _: Option<()> = report.error(&at, code::CONFLICTING_FIELDS, message, help);
    }
    fields.finish(report);
    Some(AccessPolicySpec {
        description: description?,
        effect: effect?,
        subjects: subjects?,
        verbs: verbs?,
        workflows: workflows?.unwrap_or_default(),
        steps: steps?.unwrap_or_default(),
        agents: agents?.unwrap_or_default(),
    })
}

/// A list that narrows verbs which never meet such an object would look like a rule and be none.
fn only_beside(fields: &mut Fields, name: &'static str, fitting: &[Verb], verbs: &[Verb], report: &mut Report) {
    let Some(at) = fields.get(name) else { return };
    if let Some(other) = verbs.iter().find(|verb| !fitting.contains(verb)) {
        let words = fitting.iter().map(|verb| format!("`{}`", verb.as_str())).collect::<Vec<_>>().join(", ");
        let message = format!("`{name}` narrows {words}; `{}` is never about one of them", other.as_str());
        let help = Some(format!("write `{}` in a policy of its own", other.as_str()));
        let _: Option<()> = report.error(&at, code::CONFLICTING_FIELDS, message, help);
    }
}

/// A list of subjects, each once.
pub fn subjects(at: Cursor, report: &mut Report) -> Option<Vec<String>> {
    texts(at, "subject", |at, report| value::ruled(at, report, rules::subject), report)
}

fn step(at: Cursor, report: &mut Report) -> Option<String> {
    value::ruled(at, report, rules::step_id)
}

fn verbs(at: Cursor, report: &mut Report) -> Option<Vec<Verb>> {
    let mut seen = Vec::new();
    let verbs = value::items(at, 1..=Verb::ALL.len(), report, |item, report| {
        let (place, pointer) = (item.place(), item.pointer.clone());
        let verb = value::choice(&item, &Verb::ALL.map(|verb| (verb.as_str(), verb)), &[], report)?;
        seen.push((verb.as_str().to_owned(), place, pointer));
        Some(verb)
    });
    value::unique("verb", &seen, report).and(verbs)
}

fn texts<'a>(
    at: Cursor<'a>,
    what: &str,
    read: impl Fn(Cursor<'a>, &mut Report) -> Option<String>,
    report: &mut Report,
) -> Option<Vec<String>> {
    let mut seen: Vec<(String, Span, String)> = Vec::new();
    let found = value::items(at, 1..=MOST, report, |item, report| {
        let (place, pointer) = (item.place(), item.pointer.clone());
        let text = read(item, report)?;
        seen.push((text.clone(), place, pointer));
        Some(text)
    });
    value::unique(what, &seen, report).and(found)
}
