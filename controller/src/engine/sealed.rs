//! What executions of a live workflow are pinned to, made once: written as JSON, hashed and compiled when the first one starts, and kept as
//! long as the workflow and its source's groups stay what they are.

use super::live::{Live, LiveWorkflow};
use crd_schemas::manifest::AgentGroupSpec;
use pulse_core::definitions::{Program, Snapshot};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// A snapshot, ready to be pinned.
#[derive(Debug)]
pub(super) struct Sealed {
    /// What it holds. Its commit is left out: executions name their own, and a hundred commits that leave a workflow alone share one snapshot.
    pub(super) snapshot: Snapshot,
    /// SHA-256 of the body, hex.
    pub(super) digest: String,
    /// The snapshot as JSON.
    pub(super) body: Arc<str>,
    /// The snapshot, compiled.
    pub(super) program: Arc<Program>,
}

/// Bytes of the largest body that is kept; one with large files is made anew each time.
const KEPT: usize = 256 * 1024;

type Groups = Option<Arc<BTreeMap<String, AgentGroupSpec>>>;

/// The snapshots of live workflows that were started lately.
#[derive(Debug, Default)]
pub(super) struct Seals(Mutex<HashMap<(String, String), Entry>>);

#[derive(Debug)]
struct Entry {
    workflow: Arc<LiveWorkflow>,
    groups: Groups,
    sealed: Arc<Sealed>,
}

impl Entry {
    fn is_of(&self, workflow: &Arc<LiveWorkflow>, groups: &Groups) -> bool {
        let same_groups = match (&self.groups, groups) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            _ => false,
        };
        Arc::ptr_eq(&self.workflow, workflow) && same_groups
    }
}

impl Seals {
    /// The workflow's snapshot; `compile` is asked where it is a new one.
    pub(super) fn of(
        &self,
        live: &Live,
        workflow: &Arc<LiveWorkflow>,
        compile: impl FnOnce(&str, &Snapshot) -> Result<Arc<Program>, String>,
    ) -> Result<Arc<Sealed>, String> {
        let groups = live.groups.get(&workflow.source).cloned();
        let key = (workflow.source.clone(), workflow.manifest.metadata.name.clone());
        let mut seals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = seals.get(&key).filter(|entry| entry.is_of(workflow, &groups)) {
            return Ok(Arc::clone(&entry.sealed));
        }
        let snapshot = Snapshot {
            source: workflow.source.clone(),
            commit: String::new(),
            path: workflow.path.clone(),
            digest: workflow.digest.clone(),
            workflow: workflow.manifest.clone(),
            groups: groups.as_deref().cloned().unwrap_or_default(),
            files: workflow.files.clone(),
        };
        let body = serde_json::json!(snapshot).to_string();
        let digest = Sha256::digest(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let program = compile(&digest, &snapshot)?;
        let sealed = Arc::new(Sealed { snapshot, digest, body: body.into(), program });
        // What is not live any more has no other owner.
        seals.retain(|_, entry| Arc::strong_count(&entry.workflow) > 1);
        if sealed.body.len() <= KEPT {
            seals.insert(key, Entry { workflow: Arc::clone(workflow), groups, sealed: Arc::clone(&sealed) });
        }
        Ok(sealed)
    }
}
