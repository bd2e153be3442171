//! One command on a selection, without a workflow of any source: it becomes a workflow of one step on the spot, and from there on it is
//! an execution like any other.

use super::dry_run::DryRun;
use super::live::LiveWorkflow;
use super::start::{Prepared, StartRequest, Started};
use super::{Engine, StartError};
use crd_schemas::Manifest;
use crd_schemas::manifest::Workflow;
use pulse_core::decide::World;
use pulse_core::definitions::{Files, digest};
use pulse_protocol::{AgentName, ExecutionId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A command whose targets are resolved: who asks for it is judged by them before it runs.
pub struct ReadyCommand {
    prepared: Prepared,
    request: StartRequest,
}

/// An agent with its labels, as rules see it.
pub type Labelled = (AgentName, BTreeMap<String, String>);

impl Engine {
    /// Resolves a command's targets; nothing is written. `request` names the workflow as the source would, and the source: its groups
    /// are the ones that targets can name, and its commit is the one that the execution is pinned to.
    pub fn ready(&self, workflow: Workflow, request: StartRequest) -> Result<ReadyCommand, StartError> {
        let digest = digest(&Manifest::Workflow(workflow.clone()), &Files::new());
        let source = request.source.clone().unwrap_or_default();
        let (commit, path, files) = (String::new(), String::new(), Files::new());
        let made = Arc::new(LiveWorkflow { source, commit, path, digest, manifest: workflow, files });
        Ok(ReadyCommand { prepared: self.prepare_workflow(&self.live(), &made, &request)?, request })
    }

    /// Starts it.
    pub async fn run_command(&self, ready: ReadyCommand) -> Result<Started, StartError> {
        self.launch(ready.prepared, ready.request, None).await
    }

    /// What it would do.
    pub fn dry_command(&self, ready: ReadyCommand) -> Result<DryRun, StartError> {
        self.dry(ready.prepared, &ready.request)
    }

    /// The agents that a command selects.
    pub fn targets_of_command(&self, ready: &ReadyCommand) -> Vec<Labelled> {
        self.labelled(ready.prepared.selections.iter().flat_map(|selection| &selection.agents))
    }

    /// The agents that an execution selected when it was made, with the labels that they have now.
    pub async fn targets_of(&self, id: ExecutionId) -> Result<Vec<Labelled>, super::EngineError> {
        let created = self.created(id).await?;
        Ok(self.labelled(created.selections.iter().flat_map(|selection| &selection.agents)))
    }

    fn labelled<'a>(&self, names: impl Iterator<Item = &'a AgentName>) -> Vec<Labelled> {
        let fleet = self.inner.fleet.lock();
        let labels = |name: &AgentName| fleet.agent(name).map(|view| (*view.value.labels).clone()).unwrap_or_default();
        names.collect::<BTreeSet<_>>().into_iter().map(|name| (name.clone(), labels(name))).collect()
    }
}
