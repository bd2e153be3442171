//! Live schedules, and the start of the execution of a slot.

use super::live::LiveWorkflow;
use super::start::{Firing, StartRequest, Started};
use super::{Engine, StartError};
use crate::reconcile::Queue;
use crd_schemas::manifest::{Kind, Schedule, ScheduledAction};
use pulse_core::definitions::{Files, schedule_workflow};
use pulse_core::schedule::{CompiledSchedule, Fire};
use pulse_store::Advance;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// Which schedule: the queue's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleKey {
    /// The source of its manifest.
    pub source: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ScheduleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.name)
    }
}

/// A live schedule.
#[derive(Debug)]
pub struct LiveSchedule {
    /// Which one.
    pub key: ScheduleKey,
    /// Its manifest.
    pub manifest: Schedule,
    /// It, ready for decisions; or why this release cannot read its timing, which an older one accepted.
    pub compiled: Result<CompiledSchedule, String>,
    /// The workflow that its command makes, under its own name.
    command: Option<Arc<LiveWorkflow>>,
}

impl LiveSchedule {
    pub(crate) fn new(source: String, commit: String, path: String, digest: String, manifest: Schedule, files: Files) -> Self {
        let compiled = CompiledSchedule::compile(&source, &manifest).map_err(|errors| {
            let said = errors.into_iter().map(|wrong| format!("`{}`: {}", wrong.field, wrong.error.message));
            said.collect::<Vec<_>>().join("; ")
        });
        let key = ScheduleKey { source: source.clone(), name: manifest.metadata.name.clone() };
        let command = schedule_workflow(&manifest);
        let command = command.map(|manifest| Arc::new(LiveWorkflow { source, commit, path, digest, manifest, files }));
        Self { key, manifest, compiled, command }
    }
}

impl Engine {
    /// The live schedule of a key.
    pub fn schedule(&self, key: &ScheduleKey) -> Option<Arc<LiveSchedule>> {
        self.live().schedules.get(key).cloned()
    }

    /// Every live schedule.
    pub fn schedules(&self) -> Vec<Arc<LiveSchedule>> {
        self.live().schedules.values().cloned().collect()
    }

    /// A schedule that is live and cannot be read: it fires nothing, and it is not retired either.
    pub fn is_unreadable(&self, key: &ScheduleKey) -> bool {
        self.unreadable(&key.source).contains(&(Kind::Schedule, key.name.clone()))
    }

    /// Schedules to look at: those whose manifest changed, and those of which an execution ended.
    pub fn scheduled(&self) -> &Queue<ScheduleKey> {
        &self.inner.scheduled
    }

    /// Counts troubles: the database was away, this process stood still, its clock was stepped.
    pub fn unsteady(&self) -> watch::Receiver<u64> {
        self.inner.troubles.subscribe()
    }

    /// Starts the execution of a slot, in one commit with the step of its schedule. `step` is that step without the slot's own
    /// record.
    pub async fn fire(&self, schedule: &LiveSchedule, fire: &Fire, step: &Advance) -> Result<Started, StartError> {
        let (workflow, params, limit) = match &schedule.manifest.spec.action {
            ScheduledAction::Workflow(started) => (started.workflow.clone(), started.params.clone(), started.limit.clone()),
            ScheduledAction::Command(_) => (schedule.key.name.clone(), BTreeMap::new(), None),
        };
        let params = params.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
        let source = Some(schedule.key.source.clone());
        let (trigger, trace) = (fire.trigger(), None);
        let request = StartRequest { workflow, source, params, limit, trigger, idempotency: None, audit: None, trace };
        let prepared = match &schedule.command {
            Some(command) => self.prepare_workflow(&self.live(), command, &request)?,
            None => self.prepare(&request)?,
        };
        let firing = Firing { fire: fire.clone(), step: step.clone() };
        self.launch(prepared, request, Some(firing)).await
    }
}
