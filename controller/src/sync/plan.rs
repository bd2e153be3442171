//! A checked set against what is live: the plan, and what applying it writes.

use super::check::set_digest;
use super::heads::Heads;
use super::{Checked, SyncError, Syncer};
use crate::audit::fresh;
use crd_schemas::{Kind, Problem};
use pulse_core::Timestamp;
use pulse_core::audit::{Object, Outcome, Record, Who};
use pulse_core::plan::{Change, LiveObject, Plan, WantedObject};
use pulse_store::{Apply, DefinitionKey, NewDefinition, SyncOutcome, SyncRecord};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// A plan and what it was made against.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What would change.
    pub plan: Plan,
    /// The generation of the source that it was made against; 0 for one that was never applied.
    pub generation: i64,
    /// The commit that is live.
    pub live_commit: Option<String>,
    /// What there is to say of the set: its own problems, and what what is live of other sources gives rise to.
    pub problems: Vec<Problem>,
    /// Objects that stay as they are, but stand in another file now.
    pub(super) moved: Vec<Change>,
    pub(super) heads: Arc<Heads>,
    wanted: Vec<WantedObject>,
}

impl Syncer {
    /// What a checked set would change of what is live; nothing is applied or recorded.
    pub async fn plan(&self, checked: &Checked) -> Result<Planned, SyncError> {
        let heads = self.heads().await?;
        let wanted = checked.wanted();
        let plan = Plan::between(heads.objects.values(), &wanted);
        let elsewhere = |change: &&Change| {
            let live = heads.objects.get(&(change.kind, change.name.clone()));
            live.is_some_and(|live| Some(&live.path) != change.path.as_ref())
        };
        let moved = plan.unchanged.iter().filter(elsewhere).cloned().collect();
        let problems = checked.problems_beside(&self.inner.engine.workflows_beside(self.name()));
        Ok(Planned { problems, plan, generation: heads.generation, live_commit: heads.commit.clone(), moved, heads, wanted })
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

    /// What is written of what is wanted.
    fn written(&self) -> impl Iterator<Item = &Change> {
        self.plan.create.iter().chain(&self.plan.update).chain(&self.moved)
    }

    /// Each object that an apply changes, as it is afterwards.
    pub(super) fn after(&self) -> impl Iterator<Item = LiveObject> {
        let live = |retired: bool| {
            move |change: &Change| LiveObject {
                kind: change.kind,
                name: change.name.clone(),
                digest: change.to.clone().or_else(|| change.from.clone()).unwrap_or_default(),
                path: change.path.clone().unwrap_or_default(),
                retired,
                unreadable: false,
                generation: change.generation,
            }
        };
        self.written().map(live(false)).chain(self.plan.retire.iter().map(live(true)))
    }

    /// Everything that the store has to write.
    pub(super) fn apply(&self, source: &str, checked: &Checked, sync: SyncRecord, now: Timestamp) -> Apply {
        let generations: HashMap<(Kind, &str), i64> =
            self.written().map(|change| ((change.kind, change.name.as_str()), change.generation)).collect();
        let upserted = checked.declared.iter().filter_map(|declared| {
            let manifest = declared.manifest();
            let generation = *generations.get(&(manifest.kind(), manifest.metadata().name.as_str()))?;
            Some(NewDefinition {
                manifest: manifest.clone(),
                path: declared.path().to_owned(),
                digest: declared.digest.clone(),
                files: declared.files.clone(),
                generation,
            })
        });
        let retired = self.plan.retire.iter().map(|change| DefinitionKey { kind: change.kind, name: change.name.clone() });
        let digest = set_digest(&self.wanted);
        let audit = Some(self.audit(source, &sync, &digest, now));
        Apply {
            source: source.to_owned(),
            parent_generation: self.generation,
            commit: checked.commit.id.clone(),
            digest,
            upserted: upserted.collect(),
            retired: retired.collect(),
            sync,
            now,
            audit,
        }
    }

    /// What the audit log says of it. No person changes what is live: the repository does, and whoever confirmed it stands beside.
    fn audit(&self, source: &str, sync: &SyncRecord, digest: &str, now: Timestamp) -> Record {
        let kept = ["create", "update", "retire", "planDigest", "confirmedBy"];
        let counts = kept.into_iter().filter_map(|name| Some((name.to_owned(), sync.counts.get(name)?.clone())));
        let mut details: Map<String, Value> = counts.collect();
        details.insert("sync".to_owned(), json!(sync.id));
        details.insert("commit".to_owned(), json!(sync.commit));
        details.insert("generation".to_owned(), json!(sync.generation));
        Record {
            id: fresh(now),
            at: now,
            principal: Some(Who { name: format!("source:{source}"), kind: "source".to_owned(), means: "sync".to_owned() }),
            peer: None,
            request_id: None,
            action: "source.apply".to_owned(),
            object: Some(Object { kind: "source".to_owned(), id: source.to_owned() }),
            outcome: Outcome::Done,
            status: None,
            code: None,
            before: self.heads.digest.clone(),
            after: Some(digest.to_owned()),
            details,
        }
    }
}
