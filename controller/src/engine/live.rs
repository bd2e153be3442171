//! The definitions that are live, in memory. Read again whenever a sync says so; the database is what is true.

use super::{Engine, EngineError, StartError};
use crate::agents::Declared;
use crd_schemas::manifest::{AgentGroupSpec, Kind, Manifest, Workflow};
use pulse_core::definitions::Files;
use pulse_protocol::AgentName;
use pulse_store::Definition;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

/// What is live.
#[derive(Debug, Default)]
pub struct Live {
    /// Workflows by name; one for each source that has the name.
    pub(super) workflows: BTreeMap<String, Vec<LiveWorkflow>>,
    /// Groups of each source, by name.
    pub(super) groups: BTreeMap<String, BTreeMap<String, AgentGroupSpec>>,
}

/// A live workflow.
#[derive(Debug, Clone)]
pub(super) struct LiveWorkflow {
    pub(super) source: String,
    pub(super) commit: String,
    pub(super) path: String,
    pub(super) digest: String,
    pub(super) manifest: Workflow,
    pub(super) files: Files,
}

impl Live {
    /// The only workflow of this name.
    pub(super) fn workflow(&self, name: &str) -> Result<&LiveWorkflow, StartError> {
        match self.workflows.get(name).map(Vec::as_slice) {
            None | Some([]) => Err(StartError::NoSuchWorkflow(name.to_owned())),
            Some([workflow]) => Ok(workflow),
            Some(several) => {
                let sources = several.iter().map(|workflow| workflow.source.as_str()).collect::<Vec<_>>().join(", ");
                Err(StartError::Ambiguous { name: name.to_owned(), sources })
            }
        }
    }
}

impl Engine {
    /// What is live now.
    pub(super) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.inner.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads what is live again, after a sync and at the start.
    pub async fn definitions_changed(&self) -> Result<(), EngineError> {
        let mut live = Live::default();
        let mut commits: BTreeMap<String, String> = BTreeMap::new();
        for definition in self.readable(Kind::Workflow).await? {
            let Manifest::Workflow(manifest) = definition.manifest else { continue };
            let commit = match commits.get(&definition.source) {
                Some(commit) => commit.clone(),
                None => {
                    let state = self.inner.store.source(&definition.source).await?;
                    let commit = state.map_or(definition.commit, |state| state.commit);
                    commits.insert(definition.source.clone(), commit.clone());
                    commit
                }
            };
            let name = manifest.metadata.name.clone();
            let (source, path, digest, files) = (definition.source, definition.path, definition.digest, definition.files);
            live.workflows.entry(name).or_default().push(LiveWorkflow { source, commit, path, digest, manifest, files });
        }
        for definition in self.readable(Kind::AgentGroup).await? {
            let Manifest::AgentGroup(group) = definition.manifest else { continue };
            live.groups.entry(definition.source).or_default().insert(group.metadata.name, group.spec);
        }
        let mut declared: BTreeMap<AgentName, Declared> = BTreeMap::new();
        for definition in self.readable(Kind::Agent).await? {
            let Manifest::Agent(agent) = definition.manifest else { continue };
            let Ok(name) = agent.metadata.name.parse() else { continue };
            let (labels, vars, slots) = (agent.metadata.labels, agent.spec.vars, agent.spec.slots);
            declared.insert(name, Declared { labels, vars, slots });
        }
        self.inner.fleet.lock().declare(declared);
        *self.inner.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
        Ok(())
    }

    /// What is live of a kind; a row that cannot be read is said and left out, and stops no other.
    async fn readable(&self, kind: Kind) -> Result<Vec<Definition>, EngineError> {
        let rows = self.inner.store.definitions(kind).await?;
        let readable = rows.into_iter().filter_map(|row| match row {
            Ok(definition) => Some(definition),
            Err(error) => {
                tracing::error!(%kind, %error, "a live definition cannot be read");
                None
            }
        });
        Ok(readable.collect())
    }
}
