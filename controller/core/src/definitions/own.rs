//! What one manifest can be asked by itself: its answer depends on nothing but its own text, so that it can be kept as long as
//! the text stays the same.

use super::schedule::{check_own_schedule, command};
use super::{Finding, Program};
use crate::selector::{InvalidTarget, Selector, TargetItem};
use crd_schemas::manifest::{Action, AgentGroup, Execute, Workflow};
use crd_schemas::{Kind, Manifest};

/// Every finding about a manifest by itself.
pub fn check_own(manifest: &Manifest) -> Vec<Finding> {
    let mut findings: Vec<Finding> = check_name(manifest).into_iter().collect();
    match manifest {
        Manifest::Workflow(workflow) => findings.extend(check_workflow(workflow)),
        Manifest::Schedule(schedule) => {
            findings.extend(check_own_schedule(schedule));
            findings.extend(command(schedule).into_iter().flat_map(|(execute, pointer)| check_targets(execute, pointer)));
        }
        Manifest::AgentGroup(group) => findings.extend(check_group(group)),
        Manifest::Agent(_) => {}
    }
    findings
}

fn check_name(manifest: &Manifest) -> Option<Finding> {
    let (kind, name) = (manifest.kind(), manifest.metadata().name.as_str());
    (matches!(kind, Kind::Agent | Kind::AgentGroup) && name == "all").then(|| {
        let message = format!("the {kind} is named `all`, which in `targets` means every agent");
        Finding::error("/metadata/name", "reserved-name", message).with_help("choose another name")
    })
}

fn check_workflow(workflow: &Workflow) -> Vec<Finding> {
    let mut findings = Program::compile(workflow).err().unwrap_or_default();
    for (index, step) in workflow.spec.steps.iter().enumerate() {
        if let Action::Execute(execute) = &step.action {
            findings.extend(check_targets(execute, &format!("/spec/steps/{index}")));
        }
    }
    findings
}

fn check_targets(execute: &Execute, pointer: &str) -> Vec<Finding> {
    let wrong =
        execute.targets.items().iter().enumerate().filter_map(|(index, item)| Some((index, item.parse::<TargetItem>().err()?)));
    let finding = |(index, error): (usize, InvalidTarget)| {
        Finding::error(format!("{pointer}/targets/{index}"), "bad-value", error.message).with_help(error.help)
    };
    wrong.map(finding).collect()
}

fn check_group(group: &AgentGroup) -> Vec<Finding> {
    let mut findings = Vec::new();
    if group.spec.agents.is_empty() && group.spec.selector.is_none() {
        let finding = Finding::error("/spec", "empty", "the group names nobody");
        findings.push(finding.with_help("give it `agents: [name]` or `selector: role=web`"));
    }
    if let Some(Err(error)) = group.spec.selector.as_ref().map(|selector| selector.parse::<Selector>()) {
        findings.push(
            Finding::error("/spec/selector", "bad-value", error.message).with_help("write labels, such as `role=web,env!=dev`"),
        );
    }
    for (index, agent) in group.spec.agents.iter().enumerate() {
        if agent.parse::<pulse_protocol::AgentName>().is_err() {
            let message = format!("`{}` is no agent's name", agent.chars().take(80).collect::<String>());
            let finding = Finding::error(format!("/spec/agents/{index}"), "bad-value", message);
            findings.push(finding.with_help("a selector stands under `selector`"));
        }
    }
    findings
}
