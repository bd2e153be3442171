//! `kind: Agent` and `kind: AgentGroup`.

use super::cursor::{Cursor, Fields};
use super::report::Report;
use super::{number, rules, value};
use crate::manifest::{Agent, AgentGroup, AgentGroupSpec, AgentSpec, Metadata};
use crate::problem::code;

/// The rest of an `Agent`.
pub fn agent(fields: &mut Fields, metadata: Option<Metadata>, report: &mut Report) -> Option<Agent> {
    let spec = fields.or("spec", AgentSpec::default(), report, agent_spec);
    Some(Agent { metadata: metadata?, spec: spec? })
}

fn agent_spec(at: Cursor, report: &mut Report) -> Option<AgentSpec> {
    let mut fields = Fields::of(at, report)?;
    let vars =
        fields.or("vars", Default::default(), report, |at, report| value::text_map(at, report, rules::var_name, rules::sized));
    let slots = fields.optional("slots", report, |at, report| number::whole(&at, 1..=1000, report));
    fields.elsewhere("labels", "an agent's labels stand under `metadata`");
    fields.finish(report);
    Some(AgentSpec { vars: vars?, slots: slots? })
}

/// The rest of an `AgentGroup`.
pub fn group(fields: &mut Fields, metadata: Option<Metadata>, report: &mut Report) -> Option<AgentGroup> {
    let spec = fields.required("spec", report, group_spec);
    Some(AgentGroup { metadata: metadata?, spec: spec? })
}

fn group_spec(at: Cursor, report: &mut Report) -> Option<AgentGroupSpec> {
    let mut fields = Fields::of(at, report)?;
    let agents = fields.optional("agents", report, agent_names);
    let selector = fields.optional("selector", report, value::filled_text);
    if let (Some(None), Some(None)) = (&agents, &selector) {
        let help = Some("add `agents: [name, …]` or `selector: \"role=web\"`".into());
        let _: Option<()> =
            report.error(fields.cursor(), code::MISSING_FIELD, "a group has `agents` or `selector`, or both", help);
    }
    fields.finish(report);
    Some(AgentGroupSpec { agents: agents?.unwrap_or_default(), selector: selector? })
}

fn agent_names(at: Cursor, report: &mut Report) -> Option<Vec<String>> {
    let mut seen = Vec::new();
    let names = value::items(at, 1..=10_000, report, |item, report| {
        let (place, pointer) = (item.place(), item.pointer.clone());
        let name = value::ruled(item, report, rules::agent_name)?;
        seen.push((name.clone(), place, pointer));
        Some(name)
    });
    value::unique("agent", &seen, report);
    names
}
