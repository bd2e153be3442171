//! What one manifest can be asked by itself: its answer depends on nothing but its own text, so that it can be kept as long as
//! the text stays the same.

use super::access::check_own_policy;
use super::command::{COMMAND, reserved};
use super::flow::Flow;
use super::schedule::{check_own_schedule, command};
use super::{Finding, Program};
use crate::selector::{InvalidTarget, Selector, TargetItem};
use crate::values::Lone;
use crd_schemas::manifest::{Action, AgentGroup, Execute, Param, ParamType, Workflow};
use crd_schemas::{Kind, Manifest};

/// Every finding about a manifest by itself.
pub fn check_own(manifest: &Manifest) -> Vec<Finding> {
    let mut findings: Vec<Finding> = check_name(manifest).into_iter().collect();
    match manifest {
        Manifest::Workflow(workflow) => findings.extend(check_workflow(workflow)),
        Manifest::Schedule(schedule) => {
            findings.extend(check_own_schedule(schedule));
            let targets = |(execute, pointer)| check_targets(execute, pointer, Err(Lone::Schedule));
            findings.extend(command(schedule).into_iter().flat_map(targets));
        }
        Manifest::AgentGroup(group) => findings.extend(check_group(group)),
        Manifest::AccessPolicy(policy) => findings.extend(check_own_policy(policy)),
        Manifest::Agent(_) => {}
    }
    findings
}

fn check_name(manifest: &Manifest) -> Option<Finding> {
    let (kind, name) = (manifest.kind(), manifest.metadata().name.as_str());
    if kind == Kind::Workflow && name == COMMAND {
        return Some(reserved("Workflow"));
    }
    (matches!(kind, Kind::Agent | Kind::AgentGroup) && name == "all").then(|| {
        let message = format!("the {kind} is named `all`, which in `targets` means every agent");
        Finding::error("/metadata/name", "reserved-name", message).with_help("choose another name")
    })
}

fn check_workflow(workflow: &Workflow) -> Vec<Finding> {
    let mut findings = Program::compile(workflow).err().unwrap_or_default();
    let params = Ok(workflow.spec.params.as_slice());
    for (index, step) in workflow.spec.steps.iter().enumerate() {
        if let Action::Execute(execute) = &step.action {
            findings.extend(check_targets(execute, &format!("/spec/steps/{index}"), params));
        }
    }
    findings.extend(Flow::of(&workflow.spec.steps).unreachable());
    findings
}

/// The targets of a step; or of a command that stands alone, which has no parameters.
pub(super) fn check_targets(execute: &Execute, pointer: &str, params: Result<&[Param], Lone>) -> Vec<Finding> {
    let wrong = execute.targets.items().iter().enumerate().filter_map(|(index, item)| {
        let pointer = format!("{pointer}/targets/{index}");
        match item.parse::<TargetItem>() {
            Err(InvalidTarget { message, help }) => Some(Finding::error(pointer, "bad-value", message).with_help(help)),
            Ok(TargetItem::Param(name)) => check_target_param(&name, params)
                .map(|(message, help)| Finding::error(pointer, "bad-value", message).with_help(help)),
            Ok(_) => None,
        }
    });
    wrong.collect()
}

/// A target can be a parameter of the type `agent` only: its value is a name, and never a selector or `all`.
fn check_target_param(name: &str, params: Result<&[Param], Lone>) -> Option<(String, String)> {
    let params = match params {
        Ok(params) => params,
        Err(lone) => {
            let message = format!("{} has no parameters, so `params.{name}` names nothing", lone.label());
            let elsewhere = match lone {
                Lone::Schedule => "let the schedule start a Workflow: `workflow: …`",
                Lone::Request => "make it a step of a Workflow",
            };
            return Some((message, format!("write the agent's name itself, or {elsewhere}")));
        }
    };
    let declare = format!("declare it: `params: [{{name: {name}, type: agent, required: true}}]`");
    match params.iter().find(|param| param.name == name) {
        None => Some((format!("the workflow has no parameter `{name}`"), declare)),
        Some(param) if param.kind != ParamType::Agent => {
            let kind = param.kind.as_str();
            let message = format!("`{name}` is a parameter of the type `{kind}`; a target can be one of the type `agent` only");
            Some((message, "declare it with `type: agent`, or write a selector".to_owned()))
        }
        Some(_) => None,
    }
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
