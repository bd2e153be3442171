//! A checked set against what is live: the plan, and what applying it writes.

use super::check::set_digest;
use super::{Checked, SyncError, Syncer};
use crd_schemas::Kind;
use pulse_core::Timestamp;
use pulse_core::definitions::Files;
use pulse_core::plan::{LiveObject, Plan};
use pulse_store::{Apply, Definition, DefinitionKey, NewDefinition, SyncOutcome, SyncRecord};
use std::collections::BTreeSet;

/// A plan and what it was made against.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What would change.
    pub plan: Plan,
    /// The generation of the source that it was made against; 0 for one that was never applied.
    pub generation: i64,
    /// The commit that is live.
    pub live_commit: Option<String>,
    /// Objects that stay as they are, but stand in another file now.
    pub(super) moved: BTreeSet<(Kind, String)>,
}

impl Syncer {
    /// What a checked set would change of what is live; nothing is applied or recorded.
    pub async fn plan(&self, checked: &Checked) -> Result<Planned, SyncError> {
        let state = self.inner.store.source(self.name()).await?;
        let live = self.live().await?;
        let objects: Vec<LiveObject> = live.iter().map(live_object).collect();
        let wanted = checked.wanted();
        let moved = wanted.iter().filter(|object| {
            let same = |definition: &&Definition| {
                definition.manifest.kind() == object.kind && definition.manifest.metadata().name == object.name
            };
            live.iter().find(same).is_some_and(|definition| definition.path != object.path)
        });
        let moved = moved.map(|object| (object.kind, object.name.clone())).collect();
        Ok(Planned {
            plan: Plan::between(&objects, &wanted),
            generation: state.as_ref().map_or(0, |state| state.generation),
            live_commit: state.map(|state| state.commit),
            moved,
        })
    }

    /// What is live. A row that cannot be read counts as absent, so that the next commit mends it.
    async fn live(&self) -> Result<Vec<Definition>, SyncError> {
        let rows = self.inner.store.live(self.name()).await?;
        let readable = rows.into_iter().filter_map(|row| {
            row.inspect_err(|error| tracing::error!(%error, "a live definition cannot be read; it is planned anew")).ok()
        });
        Ok(readable.collect())
    }
}

fn live_object(definition: &Definition) -> LiveObject {
    LiveObject {
        kind: definition.manifest.kind(),
        name: definition.manifest.metadata().name.clone(),
        digest: definition.digest.clone(),
        retired: definition.retired_at.is_some(),
        generation: definition.generation,
    }
}

impl Planned {
    /// Neither the objects nor their files nor the commit differ from what is live.
    pub(super) fn is_live(&self, checked: &Checked) -> bool {
        self.plan.is_empty() && self.moved.is_empty() && self.live_commit.as_ref() == Some(&checked.commit.id)
    }

    /// The source's generation once the commit is live; `None` where it does not become so.
    pub(super) fn generation_after(&self, outcome: SyncOutcome, checked: &Checked) -> Option<i64> {
        match outcome {
            SyncOutcome::Applied | SyncOutcome::Unchanged => {
                Some(self.generation.saturating_add(i64::from(!self.is_live(checked))))
            }
            SyncOutcome::Refused | SyncOutcome::Held | SyncOutcome::Unreachable => None,
        }
    }

    /// Everything that the store has to write.
    pub(super) fn apply(&self, source: &str, checked: &Checked, sync: SyncRecord, now: Timestamp) -> Apply {
        let mut changed: BTreeSet<(Kind, String)> = self.moved.clone();
        changed.extend(self.plan.create.iter().chain(&self.plan.update).map(|change| (change.kind, change.name.clone())));
        let wanted = checked.wanted();
        let upserted =
            checked.documents.iter().zip(&wanted).filter(|(_, object)| changed.contains(&(object.kind, object.name.clone())));
        let upserted = upserted.map(|(document, object)| NewDefinition {
            manifest: document.manifest.clone(),
            path: object.path.clone(),
            digest: object.digest.clone(),
            files: Files::new(),
        });
        let retired = self.plan.retire.iter().map(|change| DefinitionKey { kind: change.kind, name: change.name.clone() });
        Apply {
            source: source.to_owned(),
            parent_generation: self.generation,
            commit: checked.commit.id.clone(),
            digest: set_digest(&wanted),
            upserted: upserted.collect(),
            retired: retired.collect(),
            sync,
            now,
        }
    }
}
