//! The definitions that are live, in memory: read at the start, and then kept by what each sync changes. The database is what is
//! true; wherever its generation is another one than expected, everything is read again.

use super::schedule::{LiveSchedule, ScheduleKey};
use super::{Engine, EngineError, StartError};
use crate::agents::Declared;
use crd_schemas::manifest::{AgentGroupSpec, Kind, Manifest, Workflow};
use pulse_core::access::{Access, Policy, PolicyOrigin};
use pulse_core::definitions::Files;
use pulse_core::retention::Override;
use pulse_protocol::AgentName;
use pulse_store::{Apply, Definition, DefinitionKey};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLockWriteGuard};

/// What is live. Cheap to clone: what it holds is shared.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Workflows by name; one for each source that has the name.
    pub(super) workflows: BTreeMap<String, Vec<Arc<LiveWorkflow>>>,
    /// Schedules.
    pub(super) schedules: BTreeMap<ScheduleKey, Arc<LiveSchedule>>,
    /// Groups of each source, by name.
    pub(super) groups: BTreeMap<String, Arc<BTreeMap<String, AgentGroupSpec>>>,
    /// Who may do what.
    pub(super) access: Arc<Access>,
    /// What each source declares of agents.
    agents: BTreeMap<AgentName, BTreeMap<String, Arc<Declared>>>,
    /// Where each source stands.
    sources: BTreeMap<String, Standing>,
    /// Rows that cannot be read, by source.
    unreadable: BTreeMap<String, BTreeSet<(Kind, String)>>,
}

#[derive(Debug, Clone, Default)]
struct Standing {
    generation: i64,
    commit: String,
}

/// A live workflow.
#[derive(Debug, Clone)]
pub(super) struct LiveWorkflow {
    pub(super) source: String,
    /// The commit that changed it last.
    pub(super) commit: String,
    pub(super) path: String,
    pub(super) digest: String,
    pub(super) manifest: Workflow,
    pub(super) files: Files,
}

/// An object that becomes live.
struct Object {
    source: String,
    commit: String,
    path: String,
    digest: String,
    manifest: Manifest,
    files: Files,
}

impl Live {
    /// The only workflow of this name, or that of a source.
    pub(super) fn workflow(&self, name: &str, source: Option<&str>) -> Result<&Arc<LiveWorkflow>, StartError> {
        let all = self.workflows.get(name).into_iter().flatten();
        let found: Vec<_> = all.filter(|workflow| source.is_none_or(|source| workflow.source == source)).collect();
        match found.as_slice() {
            [] => Err(StartError::NoSuchWorkflow { name: name.to_owned(), of: source.map(str::to_owned) }),
            [workflow] => Ok(workflow),
            several => {
                let sources = several.iter().map(|workflow| workflow.source.clone()).collect();
                Err(StartError::Ambiguous { name: name.to_owned(), sources })
            }
        }
    }

    /// The commit of its source that is live: what an execution that starts now is pinned to.
    pub(super) fn commit<'a>(&'a self, workflow: &'a LiveWorkflow) -> &'a str {
        self.sources.get(&workflow.source).map_or(&workflow.commit, |source| &source.commit)
    }

    fn generation(&self, source: &str) -> i64 {
        self.sources.get(source).map_or(0, |source| source.generation)
    }

    /// Puts an object in; answers the agent that it says something of.
    fn put(&mut self, object: Object) -> Option<AgentName> {
        let Object { source, commit, path, digest, manifest, files } = object;
        match manifest {
            Manifest::Workflow(manifest) => {
                let several = self.workflows.entry(manifest.metadata.name.clone()).or_default();
                several.retain(|workflow| workflow.source != source);
                several.push(Arc::new(LiveWorkflow { source, commit, path, digest, manifest, files }));
                several.sort_by(|a, b| a.source.cmp(&b.source));
                None
            }
            Manifest::AgentGroup(group) => {
                Arc::make_mut(self.groups.entry(source).or_default()).insert(group.metadata.name, group.spec);
                None
            }
            Manifest::AccessPolicy(policy) => {
                let origin = PolicyOrigin { source, name: policy.metadata.name };
                Arc::make_mut(&mut self.access).put(Policy::of(origin, &policy.spec));
                None
            }
            Manifest::Agent(agent) => {
                let name: AgentName = agent.metadata.name.parse().ok()?;
                let declared = Declared { labels: agent.metadata.labels, vars: agent.spec.vars, slots: agent.spec.slots };
                self.agents.entry(name.clone()).or_default().insert(source, Arc::new(declared));
                Some(name)
            }
            Manifest::Schedule(manifest) => {
                let schedule = LiveSchedule::new(source, commit, path, digest, manifest, files);
                self.schedules.insert(schedule.key.clone(), Arc::new(schedule));
                None
            }
        }
    }

    /// Takes an object out; answers the agent of which nothing is said any more by this source.
    fn remove(&mut self, source: &str, key: &DefinitionKey) -> Option<AgentName> {
        match key.kind {
            Kind::Workflow => {
                if let Some(several) = self.workflows.get_mut(&key.name) {
                    several.retain(|workflow| workflow.source != source);
                    if several.is_empty() {
                        self.workflows.remove(&key.name);
                    }
                }
                None
            }
            Kind::AgentGroup => {
                if let Some(groups) = self.groups.get_mut(source) {
                    Arc::make_mut(groups).remove(&key.name);
                }
                None
            }
            Kind::AccessPolicy => {
                Arc::make_mut(&mut self.access).remove(&PolicyOrigin { source: source.to_owned(), name: key.name.clone() });
                None
            }
            Kind::Agent => {
                let name: AgentName = key.name.parse().ok()?;
                if let Some(declared) = self.agents.get_mut(&name) {
                    declared.remove(source);
                    if declared.is_empty() {
                        self.agents.remove(&name);
                    }
                }
                Some(name)
            }
            Kind::Schedule => {
                self.schedules.remove(&ScheduleKey { source: source.to_owned(), name: key.name.clone() });
                None
            }
        }
    }

    /// What counts of an agent: of several sources that declare it, the last one by name.
    fn declared(&self, name: &AgentName) -> Option<Declared> {
        Some(self.agents.get(name)?.values().next_back()?.as_ref().clone())
    }
}

impl Engine {
    /// What is live now.
    pub(super) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.inner.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many workflows and schedules are live.
    pub fn live_counts(&self) -> (usize, usize) {
        let live = self.live();
        (live.workflows.values().map(Vec::len).sum(), live.schedules.len())
    }

    /// Who may do what, as the live policies say.
    pub fn access(&self) -> Arc<Access> {
        Arc::clone(&self.live().access)
    }

    /// The sources that have a workflow of this name, with its labels.
    pub fn labels_of(&self, name: &str, source: Option<&str>) -> Vec<(String, BTreeMap<String, String>)> {
        let live = self.live();
        let all = live.workflows.get(name).into_iter().flatten();
        let meant = all.filter(|workflow| source.is_none_or(|source| workflow.source == source));
        meant.map(|workflow| (workflow.source.clone(), workflow.manifest.metadata.labels.clone())).collect()
    }

    /// What a live workflow says of how long it is kept; nothing for one that is not live.
    pub fn retention_of(&self, source: &str, name: &str) -> Override {
        let live = self.live();
        let workflow = live.workflows.get(name).into_iter().flatten().find(|workflow| workflow.source == source);
        workflow.map(|workflow| Override::of(&workflow.manifest.spec)).unwrap_or_default()
    }

    /// Workflows of other sources, by name, with the sources that have them.
    pub fn workflows_beside(&self, source: &str) -> BTreeMap<String, Vec<String>> {
        let live = self.live();
        let others = live.workflows.iter().map(|(name, all)| {
            (name, all.iter().map(|workflow| &workflow.source).filter(|other| *other != source).cloned().collect::<Vec<_>>())
        });
        others.filter(|(_, sources)| !sources.is_empty()).map(|(name, sources)| (name.clone(), sources)).collect()
    }

    /// Objects of a source that are live and cannot be read.
    pub fn unreadable(&self, source: &str) -> BTreeSet<(Kind, String)> {
        self.live().unreadable.get(source).cloned().unwrap_or_default()
    }

    /// Makes sure that what is in memory is what the database said at this generation of a source; another controller may have
    /// changed it.
    pub async fn definitions_at(&self, source: &str, generation: i64) -> Result<(), EngineError> {
        match self.live().generation(source) == generation {
            true => Ok(()),
            false => self.definitions_changed().await,
        }
    }

    /// Takes in a plan that was applied and is the source's `generation` now.
    pub async fn definitions_applied(&self, apply: Apply, generation: i64) -> Result<(), EngineError> {
        let turn = self.inner.defining.lock().await;
        let known = self.live().generation(&apply.source);
        if known != apply.parent_generation {
            drop(turn);
            // It was read after the apply, or something before it was missed.
            return self.definitions_at(&apply.source, generation).await;
        }
        let mut changed = BTreeMap::new();
        let mut shared = self.live_mut();
        let live = Arc::make_mut(&mut *shared);
        let Apply { source, commit, upserted, retired, .. } = apply;
        let written = upserted.iter().map(|new| (new.manifest.kind(), new.manifest.metadata().name.clone()));
        let touched: BTreeSet<_> = written.chain(retired.iter().map(|key| (key.kind, key.name.clone()))).collect();
        if let Some(unreadable) = live.unreadable.get_mut(&source) {
            unreadable.retain(|key| !touched.contains(key));
        }
        let schedules = touched.into_iter().filter(|(kind, _)| *kind == Kind::Schedule);
        let schedules: Vec<_> = schedules.map(|(_, name)| ScheduleKey { source: source.clone(), name }).collect();
        let new = upserted.into_iter().map(|new| Object {
            source: source.clone(),
            commit: commit.clone(),
            path: new.path,
            digest: new.digest,
            manifest: new.manifest,
            files: new.files,
        });
        let mut agents: BTreeSet<AgentName> = new.filter_map(|object| live.put(object)).collect();
        agents.extend(retired.iter().filter_map(|key| live.remove(&source, key)));
        changed.extend(agents.into_iter().map(|name| (name.clone(), live.declared(&name))));
        live.sources.insert(source, Standing { generation, commit });
        drop(shared);
        schedules.into_iter().for_each(|key| self.inner.scheduled.add(key));
        self.inner.fleet.lock().declare(changed);
        Ok(())
    }

    /// Reads everything that is live.
    pub async fn definitions_changed(&self) -> Result<(), EngineError> {
        let _turn = self.inner.defining.lock().await;
        let mut live = Live::default();
        let set = self.inner.store.live_set().await?;
        for state in set.sources.into_iter().flatten() {
            live.sources.insert(state.source, Standing { generation: state.generation, commit: state.commit });
        }
        for (kind, row) in set.definitions {
            match row {
                Ok(definition) => drop(live.put(definition.into())),
                // It stops no other.
                Err(error) => {
                    tracing::error!(%kind, %error, "a live definition cannot be read");
                    if let Some((source, name)) = error.key.as_deref().and_then(source_and_name) {
                        live.unreadable.entry(source.to_owned()).or_default().insert((kind, name.to_owned()));
                    }
                }
            }
        }
        let mut shared = self.live_mut();
        let names: BTreeSet<&AgentName> = shared.agents.keys().chain(live.agents.keys()).collect();
        let declared = names.into_iter().map(|name| (name.clone(), live.declared(name))).collect();
        let schedules: BTreeSet<ScheduleKey> = shared.schedules.keys().chain(live.schedules.keys()).cloned().collect();
        *shared = Arc::new(live);
        drop(shared);
        schedules.into_iter().for_each(|key| self.inner.scheduled.add(key));
        self.inner.fleet.lock().declare(declared);
        Ok(())
    }

    fn live_mut(&self) -> RwLockWriteGuard<'_, Arc<Live>> {
        self.inner.live.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Definition> for Object {
    fn from(definition: Definition) -> Self {
        let Definition { source, commit, path, digest, manifest, files, .. } = definition;
        Self { source, commit, path, digest, manifest, files }
    }
}

/// Source and name of a row that cannot be read, from its key `source/kind/name`.
fn source_and_name(key: &str) -> Option<(&str, &str)> {
    let (rest, name) = key.rsplit_once('/')?;
    Some((rest.rsplit_once('/')?.0, name))
}
