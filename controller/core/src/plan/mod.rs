//! The plan: what a commit would change of what is live, as a pure diff.

mod display;

use crd_schemas::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// An object of the store, retired or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveObject {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The digest of its manifest.
    pub digest: String,
    /// The file, within its repository.
    pub path: String,
    /// Its manifest was deleted; its history stays.
    pub retired: bool,
    /// It is stored in a way that this release cannot read, so whatever its digest says it is not known to be what is wanted.
    pub unreadable: bool,
    /// How often it was changed.
    pub generation: i64,
}

/// An object that a commit declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedObject {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The digest of its manifest.
    pub digest: String,
    /// The file, within its repository.
    pub path: String,
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// The object's kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The file it comes from; absent when it is retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The digest it has now; absent when it is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The digest it will have; absent when it is retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The generation it will have.
    pub generation: i64,
}

/// What a commit would change. Each list is sorted by kind and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// New objects, and retired ones that come back.
    pub create: Vec<Change>,
    /// Objects whose manifest changes, or that are written anew because they cannot be read.
    pub update: Vec<Change>,
    /// Objects that stay as they are.
    pub unchanged: Vec<Change>,
    /// Objects whose manifest is gone.
    pub retire: Vec<Change>,
}

impl LiveObject {
    /// It is live just as it is wanted.
    fn is(&self, wanted: &WantedObject) -> bool {
        !self.retired && !self.unreadable && self.digest == wanted.digest
    }
}

impl Plan {
    /// The difference between what is live and what is wanted.
    pub fn between<'a>(live: impl IntoIterator<Item = &'a LiveObject>, wanted: &[WantedObject]) -> Self {
        let live: BTreeMap<_, _> = live.into_iter().map(|object| ((object.kind, &object.name), object)).collect();
        let wanted: BTreeMap<_, _> = wanted.iter().map(|object| ((object.kind, &object.name), object)).collect();
        let mut plan = Self::default();
        for (key, object) in &wanted {
            match live.get(key) {
                Some(now) if now.is(object) => plan.unchanged.push(change(Some(now), Some(object))),
                Some(now) if !now.retired => plan.update.push(change(Some(now), Some(object))),
                now => plan.create.push(change(now.copied(), Some(object))),
            }
        }
        let gone = live.iter().filter(|(key, now)| !now.retired && !wanted.contains_key(*key));
        plan.retire.extend(gone.map(|(_, now)| change(Some(now), None)));
        plan
    }

    /// Nothing would change.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.update.is_empty() && self.retire.is_empty()
    }

    /// So much would go that a person must confirm it: more than 3 objects and more than 10 % of what is live.
    pub fn needs_confirmation(&self) -> bool {
        let live = self.update.len() + self.unchanged.len() + self.retire.len();
        self.retire.len() > 3 && self.retire.len() * 10 > live
    }

    /// What a person confirms: SHA-256, in hex, of every change.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (word, changes) in [("create", &self.create), ("update", &self.update), ("retire", &self.retire)] {
            for Change { kind, name, path, from, to, generation } in changes {
                let digest = |digest: &Option<String>| digest.clone().unwrap_or_default();
                // No part holds a newline but a path, which is quoted.
                let (from, to, path) = (digest(from), digest(to), path.clone().unwrap_or_default());
                hash.update(format!("{word} {kind} {name} {from} {to} {generation} {path:?}\n"));
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The change of one object; one of the two is there.
fn change(now: Option<&LiveObject>, wanted: Option<&WantedObject>) -> Change {
    let key = now.map(|now| (now.kind, now.name.clone())).or_else(|| wanted.map(|object| (object.kind, object.name.clone())));
    let (kind, name) = key.unwrap_or((Kind::Workflow, String::new()));
    let from = now.filter(|now| !now.retired).map(|now| now.digest.clone());
    let to = wanted.map(|object| object.digest.clone());
    let changed = from != to || now.is_some_and(|now| now.unreadable);
    let generation = now.map_or(0, |now| now.generation) + i64::from(changed);
    Change { kind, name, path: wanted.map(|object| object.path.clone()), from, to, generation }
}

#[cfg(test)]
mod tests;
