//! What only the whole set of a commit can say: names, and what they refer to. Nothing is compiled here, so that it costs little
//! for a large set of which hardly anything changed.

use super::Finding;
use super::access::check_policy;
use super::schedule::{check_schedule_in_set, command};
use crate::selector::TargetItem;
use crd_schemas::manifest::{Action, AgentGroup, Execute, Workflow};
use crd_schemas::{Kind, Manifest};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// Where a manifest stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRef {
    /// The file, within its repository.
    pub path: String,
    /// The line of the document's beginning, from 1.
    pub line: u32,
}

impl fmt::Display for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// Every finding that the set gives rise to, each with the index of its manifest. `place` says where one of them stands.
pub fn check_set(manifests: &[&Manifest], place: impl Fn(usize) -> FileRef) -> Vec<(usize, Finding)> {
    let names = Names::of(manifests);
    let mut findings = duplicates(manifests, place);
    for (index, manifest) in manifests.iter().enumerate() {
        let found = match manifest {
            Manifest::Workflow(workflow) => check_workflow(workflow, &names),
            Manifest::Schedule(schedule) => {
                let mut found = check_schedule_in_set(schedule, &names.workflows);
                found
                    .extend(command(schedule).into_iter().flat_map(|(execute, pointer)| check_targets(execute, pointer, &names)));
                found
            }
            Manifest::AgentGroup(group) => check_group(group, &names),
            Manifest::AccessPolicy(policy) => check_policy(policy, |name| names.workflows.contains_key(name)),
            Manifest::Agent(agent) => check_agent(&agent.metadata.name, &names).into_iter().collect(),
        };
        findings.extend(found.into_iter().map(|finding| (index, finding)));
    }
    findings.sort_by_key(|(index, _)| *index);
    findings
}

/// The names of the set that others refer to.
struct Names<'a> {
    workflows: BTreeMap<&'a str, &'a Workflow>,
    agents: HashSet<&'a str>,
    groups: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(manifests: &[&'a Manifest]) -> Self {
        let mut names = Self { workflows: BTreeMap::new(), agents: HashSet::new(), groups: HashSet::new() };
        for manifest in manifests {
            let name = manifest.metadata().name.as_str();
            match manifest {
                Manifest::Workflow(workflow) => drop(names.workflows.insert(name, workflow)),
                Manifest::Agent(_) => drop(names.agents.insert(name)),
                Manifest::AgentGroup(_) => drop(names.groups.insert(name)),
                Manifest::Schedule(_) | Manifest::AccessPolicy(_) => {}
            }
        }
        names
    }
}

fn duplicates(manifests: &[&Manifest], place: impl Fn(usize) -> FileRef) -> Vec<(usize, Finding)> {
    let mut first: HashMap<(Kind, &str), usize> = HashMap::new();
    let mut findings = Vec::new();
    for (index, manifest) in manifests.iter().enumerate() {
        let (kind, name) = (manifest.kind(), manifest.metadata().name.as_str());
        match first.entry((kind, name)) {
            Entry::Vacant(free) => drop(free.insert(index)),
            Entry::Occupied(other) => {
                let message = format!("the {kind} `{name}` is declared twice; the other one is {}", place(*other.get()));
                let finding = Finding::error("/metadata/name", "duplicate-name", message);
                findings.push((index, finding.with_help("rename or remove one of the two")));
            }
        }
    }
    findings
}

fn check_agent(name: &str, names: &Names) -> Option<Finding> {
    // What is wrong with `all` is said of each by itself.
    (name != "all" && names.groups.contains(name)).then(|| {
        let message = format!("the Agent `{name}` is named like an AgentGroup, and `targets` could mean either");
        Finding::error("/metadata/name", "reserved-name", message).with_help("rename one of the two")
    })
}

fn check_workflow(workflow: &Workflow, names: &Names) -> Vec<Finding> {
    let steps = workflow.spec.steps.iter().enumerate();
    let found = steps.flat_map(|(index, step)| match &step.action {
        Action::Execute(execute) => check_targets(execute, &format!("/spec/steps/{index}"), names),
        _ => Vec::new(),
    });
    found.collect()
}

/// An unknown name is a warning only: targets are resolved when an execution starts, and the agent may be enrolled by then.
fn check_targets(execute: &Execute, pointer: &str, names: &Names) -> Vec<Finding> {
    let unknown = execute.targets.items().iter().enumerate().filter_map(|(index, item)| match item.parse::<TargetItem>() {
        Ok(TargetItem::Name(name)) if !names.agents.contains(name.as_str()) && !names.groups.contains(name.as_str()) => {
            let message = format!("no Agent and no AgentGroup of this source is named `{name}`");
            Some(unknown_target(format!("{pointer}/targets/{index}"), message))
        }
        _ => None,
    });
    unknown.collect()
}

fn check_group(group: &AgentGroup, names: &Names) -> Vec<Finding> {
    let found = group.spec.agents.iter().enumerate().filter_map(|(index, agent)| {
        let pointer = format!("/spec/agents/{index}");
        if names.groups.contains(agent.as_str()) {
            let message = format!("`{agent}` is an AgentGroup; a group holds agents only");
            return Some(Finding::error(pointer, "nested-group", message).with_help("name its agents, or use a selector"));
        }
        let unknown = !names.agents.contains(agent.as_str()) && agent.parse::<pulse_protocol::AgentName>().is_ok();
        unknown.then(|| unknown_target(pointer, format!("no Agent of this source is named `{agent}`")))
    });
    found.collect()
}

fn unknown_target(pointer: String, message: String) -> Finding {
    Finding::warning(pointer, "unknown-target", message)
        .with_help("an agent that is enrolled without a manifest is found when an execution starts")
}
