//! Checks of the whole set of a commit: what no manifest can be asked by itself.

use super::schedule::{check_schedule, command};
use super::{Finding, Program};
use crate::selector::{Selector, TargetItem};
use crd_schemas::manifest::{Action, AgentGroup, Execute, Schedule, Workflow};
use crd_schemas::{Kind, Manifest};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where a manifest stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRef {
    /// The file, relative to the source's root.
    pub path: String,
    /// The line of the document's beginning, from 1.
    pub line: u32,
}

impl fmt::Display for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// Every finding about the set, each with the index of its manifest.
pub fn check(manifests: &[(FileRef, Manifest)]) -> Vec<(usize, Finding)> {
    let names = Names::of(manifests);
    let mut findings = duplicates(manifests);
    for (index, (_, manifest)) in manifests.iter().enumerate() {
        let mut found = check_name(manifest, &names);
        match manifest {
            Manifest::Workflow(workflow) => found.extend(check_workflow(workflow, &names)),
            Manifest::Schedule(schedule) => found.extend(check_whole_schedule(schedule, &names)),
            Manifest::AgentGroup(group) => found.extend(check_group(group, &names)),
            Manifest::Agent(_) => {}
        }
        findings.extend(found.into_iter().map(|finding| (index, finding)));
    }
    findings.sort_by_key(|(index, _)| *index);
    findings
}

/// The names of the set that others refer to.
struct Names<'a> {
    workflows: BTreeMap<&'a str, &'a Workflow>,
    agents: BTreeSet<&'a str>,
    groups: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(manifests: &'a [(FileRef, Manifest)]) -> Self {
        let of = |kind: Kind| {
            let named = manifests.iter().filter(move |(_, manifest)| manifest.kind() == kind);
            named.map(|(_, manifest)| manifest.metadata().name.as_str()).collect()
        };
        let workflows = manifests.iter().filter_map(|(_, manifest)| match manifest {
            Manifest::Workflow(workflow) => Some((workflow.metadata.name.as_str(), workflow)),
            _ => None,
        });
        Self { workflows: workflows.collect(), agents: of(Kind::Agent), groups: of(Kind::AgentGroup) }
    }
}

fn duplicates(manifests: &[(FileRef, Manifest)]) -> Vec<(usize, Finding)> {
    let mut first: BTreeMap<(Kind, &str), &FileRef> = BTreeMap::new();
    let mut findings = Vec::new();
    for (index, (file, manifest)) in manifests.iter().enumerate() {
        let (kind, name) = (manifest.kind(), manifest.metadata().name.as_str());
        match first.get(&(kind, name)) {
            None => drop(first.insert((kind, name), file)),
            Some(other) => {
                let message = format!("the {kind} `{name}` is declared twice; the other one is {other}");
                findings.push((
                    index,
                    Finding::error("/metadata/name", "duplicate-name", message).with_help("rename or remove one of the two"),
                ));
            }
        }
    }
    findings
}

fn check_name(manifest: &Manifest, names: &Names) -> Vec<Finding> {
    let name = manifest.metadata().name.as_str();
    let error = |message: String, help: &str| vec![Finding::error("/metadata/name", "reserved-name", message).with_help(help)];
    match manifest.kind() {
        Kind::Workflow | Kind::Schedule => Vec::new(),
        kind if name == "all" => {
            error(format!("the {kind} is named `all`, which in `targets` means every agent"), "choose another name")
        }
        Kind::Agent if names.groups.contains(name) => error(
            format!("the Agent `{name}` is named like an AgentGroup, and `targets` could mean either"),
            "rename one of the two",
        ),
        Kind::Agent | Kind::AgentGroup => Vec::new(),
    }
}

fn check_workflow(workflow: &Workflow, names: &Names) -> Vec<Finding> {
    let mut findings = Program::compile(workflow).err().unwrap_or_default();
    for (index, step) in workflow.spec.steps.iter().enumerate() {
        let Action::Execute(execute) = &step.action;
        findings.extend(check_targets(execute, &format!("/spec/steps/{index}"), names));
    }
    findings
}

fn check_whole_schedule(schedule: &Schedule, names: &Names) -> Vec<Finding> {
    let mut findings = check_schedule(schedule, &names.workflows);
    findings.extend(command(schedule).into_iter().flat_map(|(execute, pointer)| check_targets(execute, pointer, names)));
    findings
}

fn check_targets(execute: &Execute, pointer: &str, names: &Names) -> Vec<Finding> {
    let targets = execute.targets.iter().enumerate();
    targets.filter_map(|(position, item)| check_target(item, &format!("{pointer}/targets/{position}"), names)).collect()
}

/// An unknown name is a warning only: targets are resolved when an execution starts, and the agent may be enrolled by then.
fn check_target(item: &str, pointer: &str, names: &Names) -> Option<Finding> {
    match item.parse::<TargetItem>() {
        Err(error) => Some(Finding::error(pointer, "bad-value", error.message).with_help(error.help)),
        Ok(TargetItem::Name(name)) if !names.agents.contains(name.as_str()) && !names.groups.contains(name.as_str()) => {
            let message = format!("no Agent and no AgentGroup of this source is named `{name}`");
            Some(
                Finding::warning(pointer, "unknown-target", message)
                    .with_help("an agent that is enrolled without a manifest is found when an execution starts"),
            )
        }
        Ok(_) => None,
    }
}

fn check_group(group: &AgentGroup, names: &Names) -> Vec<Finding> {
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
        let pointer = format!("/spec/agents/{index}");
        if names.groups.contains(agent.as_str()) {
            let message = format!("`{agent}` is an AgentGroup; a group holds agents only");
            findings.push(Finding::error(pointer, "nested-group", message).with_help("name its agents, or use a selector"));
        } else if agent.parse::<pulse_protocol::AgentName>().is_err() {
            let message = format!("`{}` is no agent's name", agent.chars().take(80).collect::<String>());
            findings.push(Finding::error(pointer, "bad-value", message).with_help("a selector stands under `selector`"));
        } else if !names.agents.contains(agent.as_str()) {
            let message = format!("no Agent of this source is named `{agent}`");
            findings.push(
                Finding::warning(pointer, "unknown-target", message)
                    .with_help("an agent that is enrolled without a manifest is found when an execution starts"),
            );
        }
    }
    findings
}
