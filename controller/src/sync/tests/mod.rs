//! A source's changes and what they do to what is live.

mod commits;
mod hung;
mod shelf;
mod unreadable;

use super::{ConfirmError, Confirmation, DEFAULT_SOURCE as SOURCE, Sources, Syncer};
use crate::agents::FleetHandle;
use crate::engine::Engine;
use crate::source::Folder;
use pulse_store::{Store, SyncOutcome, SyncRecord};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

struct Room {
    root: tempfile::TempDir,
    store: Store,
    syncer: Syncer,
}

impl Room {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("ops")).unwrap();
        let url = format!("sqlite://{}", root.path().join("pulse.db").display());
        let store = Store::open(&url, "test").await.unwrap();
        let engine = Engine::new(store.clone(), FleetHandle::default());
        let folder = Arc::new(Folder::new(root.path().join("ops")));
        let syncer = Syncer::new(SOURCE, folder, Duration::from_secs(60), engine);
        Self { root, store, syncer }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root.path().join("ops").join(file)
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    async fn sync(&self, expected: SyncOutcome) -> SyncRecord {
        let record = self.syncer.sync().await.unwrap();
        assert_eq!(record.outcome, expected, "{record:?}");
        record
    }

    async fn live(&self) -> Vec<String> {
        let live = self.store.live(SOURCE).await.unwrap();
        live.into_iter().map(|row| row.unwrap().manifest.metadata().name.clone()).collect()
    }

    /// Waits until just these are live, without asking for a sync.
    async fn until_live(&self, expected: &[&str]) {
        let so = async {
            while self.live().await != expected {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), so).await.unwrap_or_else(|_| panic!("{expected:?} never became live"));
    }

    async fn confirm(&self, word: Confirmation) -> Result<SyncRecord, ConfirmError> {
        Sources::new([self.syncer.clone()]).confirm(word).await
    }

    async fn rows(&self) -> usize {
        self.store.syncs(Some(SOURCE), 100, None).await.unwrap().len()
    }
}

/// What a person says of a held sync.
fn word(held: &SyncRecord) -> Confirmation {
    Confirmation {
        sync: held.id,
        commit: held.commit.clone().unwrap(),
        plan_digest: held.counts["planDigest"].as_str().unwrap().to_owned(),
        by: "anna".to_owned(),
    }
}

fn workflow(name: &str, command: &str) -> String {
    format!(
        "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n  steps:\n    - id: go\n      type: execute\n      targets: [all]\n      command: {command}\n"
    )
}

#[tokio::test]
async fn a_folder_becomes_live_and_an_edit_updates_it() {
    let room = Room::new().await;
    room.write("a.yaml", &workflow("a", "echo 1"));
    let first = room.sync(SyncOutcome::Applied).await;
    assert_eq!(first.message.as_deref(), Some("1 created, 0 updated, 0 retired, 0 unchanged"));
    room.write("a.yaml", &workflow("a", "echo 2"));
    room.write("b.yaml", &workflow("b", "echo 2"));
    let second = room.sync(SyncOutcome::Applied).await;
    assert_eq!(second.message.as_deref(), Some("1 created, 1 updated, 0 retired, 0 unchanged"));
    assert!(first.commit != second.commit);
    assert_eq!(room.store.source(SOURCE).await.unwrap().unwrap().commit, second.commit.unwrap());
    std::fs::remove_file(room.path("a.yaml")).unwrap();
    room.sync(SyncOutcome::Applied).await;
    assert_eq!(room.live().await, ["b"]);
}

#[tokio::test]
async fn a_broken_file_changes_nothing_live_and_every_problem_is_told() {
    let room = Room::new().await;
    room.write("a.yaml", &workflow("a", "echo 1"));
    let good = room.sync(SyncOutcome::Applied).await;
    // One good change, three bad files: a commit applies as a whole or not at all.
    room.write("a.yaml", &workflow("a", "echo 2"));
    room.write("b.yaml", "kind: Workflow\n");
    room.write("c.yaml", &workflow("c", "'{{ params.nope }}'"));
    room.write("d.yaml", "a: [\n");
    let bad = room.sync(SyncOutcome::Refused).await;
    let mut files: Vec<&str> = bad.problems.as_array().unwrap().iter().map(|problem| problem["file"].as_str().unwrap()).collect();
    files.dedup();
    assert_eq!(files, ["b.yaml", "c.yaml", "d.yaml"], "{}", bad.problems);
    assert!(bad.problems.as_array().unwrap().iter().all(|problem| problem["line"].as_u64() >= Some(1)));
    assert!(bad.message.unwrap().contains("in 3 files; what was live stays live"));
    let live = room.store.live(SOURCE).await.unwrap().remove(0).unwrap();
    assert!(serde_json::to_string(&live.manifest).unwrap().contains("echo 1"), "{live:?}");
    assert_eq!(room.store.source(SOURCE).await.unwrap().unwrap().commit, good.commit.unwrap());
}

#[tokio::test]
async fn what_says_the_same_again_is_one_row() {
    let room = Room::new().await;
    room.write("a.yaml", &workflow("a", "echo 1"));
    room.sync(SyncOutcome::Applied).await;
    let unchanged = room.sync(SyncOutcome::Unchanged).await;
    assert_eq!(room.sync(SyncOutcome::Unchanged).await.id, unchanged.id);
    assert_eq!(room.rows().await, 2);
    room.write("a.yaml", "nonsense");
    let refused = room.sync(SyncOutcome::Refused).await;
    assert_eq!(room.sync(SyncOutcome::Refused).await.id, refused.id);
    assert_eq!(room.rows().await, 3);
}

#[tokio::test]
async fn a_comment_moves_the_commit_and_a_moved_file_its_path() {
    let room = Room::new().await;
    room.write("a.yaml", &workflow("a", "echo 1"));
    let first = room.sync(SyncOutcome::Applied).await;
    room.write("a.yaml", &format!("# a comment\n{}", workflow("a", "echo 1")));
    let second = room.sync(SyncOutcome::Unchanged).await;
    assert!(first.commit != second.commit);
    assert_eq!(room.store.source(SOURCE).await.unwrap().unwrap().commit, second.commit.unwrap());
    std::fs::rename(room.path("a.yaml"), room.path("b.yaml")).unwrap();
    room.sync(SyncOutcome::Unchanged).await;
    assert_eq!(room.store.live(SOURCE).await.unwrap().remove(0).unwrap().path, "b.yaml");
}

#[tokio::test]
async fn rows_of_an_older_release_get_their_path_within_the_repository_and_stay_as_they_are() {
    let mut room = Room::new().await;
    room.write("a.yaml", &workflow("a", "echo 1"));
    // As they were written: the path below the source's own.
    room.sync(SyncOutcome::Applied).await;
    let row = async |room: &Room| room.store.live(SOURCE).await.unwrap().remove(0).unwrap();
    let before = row(&room).await;
    let folder = Arc::new(Folder::new(room.root.path()).below("ops"));
    room.syncer = Syncer::new(SOURCE, folder, Duration::from_secs(60), room.syncer.inner.engine.clone());
    let synced = room.sync(SyncOutcome::Unchanged).await;
    assert_eq!(synced.message.as_deref(), Some("nothing to change: 1 unchanged"));
    let after = row(&room).await;
    assert_eq!((before.path.as_str(), after.path.as_str()), ("a.yaml", "ops/a.yaml"));
    assert_eq!((before.digest, before.generation), (after.digest, after.generation));
    // Problems and plans say it alike.
    room.write("bad.yaml", "kind: Nonsense\n");
    let refused = room.sync(SyncOutcome::Refused).await;
    assert_eq!(refused.problems[0]["file"], "ops/bad.yaml");
    room.write("bad.yaml", &workflow("b", "echo 1"));
    let planned = room.syncer.plan(&room.syncer.check_source(None).await.unwrap()).await.unwrap();
    assert!(planned.plan.to_string().contains("(ops/bad.yaml)"), "{}", planned.plan);
}

#[tokio::test]
async fn a_folder_that_vanishes_is_unreachable_and_retires_nothing() {
    let room = Room::new().await;
    room.write("a.yaml", &workflow("a", "echo 1"));
    room.sync(SyncOutcome::Applied).await;
    std::fs::rename(room.root.path().join("ops"), room.root.path().join("away")).unwrap();
    let gone = room.sync(SyncOutcome::Unreachable).await;
    assert!(gone.commit.is_none() && gone.message.unwrap().contains("cannot be read"));
    assert_eq!(room.live().await, ["a"]);
    std::fs::rename(room.root.path().join("away"), room.root.path().join("ops")).unwrap();
    room.sync(SyncOutcome::Unchanged).await;
}

#[tokio::test]
async fn retiring_much_is_held_until_a_person_confirms_just_that() {
    let room = Room::new().await;
    for name in ["a", "b", "c", "d", "e"] {
        room.write(&format!("{name}.yaml"), &workflow(name, "echo"));
    }
    room.sync(SyncOutcome::Applied).await;
    for name in ["a", "b", "c", "d"] {
        std::fs::remove_file(room.path(&format!("{name}.yaml"))).unwrap();
    }
    let held = room.sync(SyncOutcome::Held).await;
    assert_eq!(room.live().await.len(), 5);
    let word = word(&held);

    let other = Confirmation { plan_digest: "0".repeat(64), ..word.clone() };
    assert!(matches!(room.confirm(other).await, Err(ConfirmError::Another { .. })));
    room.write("f.yaml", &workflow("f", "echo"));
    let moved = room.confirm(word.clone()).await;
    assert!(matches!(moved, Err(ConfirmError::Moved(_))), "the head has moved");
    assert_eq!(room.live().await.len(), 5);

    std::fs::remove_file(room.path("f.yaml")).unwrap();
    // Not the person's doing: the confirmation is told so, and holds good.
    room.write("g.yaml", "nonsense");
    let refused = room.confirm(word.clone()).await;
    assert!(matches!(&refused, Err(ConfirmError::Refused(now)) if now.outcome == SyncOutcome::Refused), "{refused:?}");
    std::fs::remove_file(room.path("g.yaml")).unwrap();
    std::fs::rename(room.root.path().join("ops"), room.root.path().join("away")).unwrap();
    let gone = room.confirm(word.clone()).await;
    assert!(matches!(&gone, Err(ConfirmError::Unreachable(now)) if now.reason.as_deref() == Some("Unreachable")), "{gone:?}");
    assert_eq!(room.live().await.len(), 5);
    std::fs::rename(room.root.path().join("away"), room.root.path().join("ops")).unwrap();

    let applied = room.confirm(word.clone()).await.unwrap();
    assert_eq!(applied.outcome, SyncOutcome::Applied);
    let kept = room.store.sync(applied.id).await.unwrap().unwrap();
    assert_eq!(
        (kept.counts["confirmedBy"].as_str(), kept.counts["confirms"].as_str()),
        (Some("anna"), Some(&*held.id.to_string()))
    );
    assert_eq!(room.live().await, ["e"]);
    let again = room.confirm(word.clone()).await.unwrap();
    assert_eq!(again.outcome, SyncOutcome::Unchanged, "confirmed twice is confirmed");
    let refused = room.confirm(Confirmation { sync: again.id, ..word }).await;
    assert!(matches!(refused, Err(ConfirmError::NotHeld { outcome: "unchanged", .. })));
}

#[tokio::test]
async fn planning_changes_nothing() {
    let room = Room::new().await;
    room.write("a.yaml", &workflow("a", "echo 1"));
    let checked = room.syncer.check_source(None).await.unwrap();
    let planned = room.syncer.plan(&checked).await.unwrap();
    assert_eq!((checked.errors(), planned.plan.create.len()), (0, 1));
    assert!(room.live().await.is_empty() && room.rows().await == 0);
}

#[tokio::test]
async fn the_loop_follows_edits_and_a_folder_that_is_replaced() {
    let room = Room::new().await;
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let syncer = room.syncer.clone();
    let running = tokio::spawn(async move { syncer.run(stopping).await });
    room.write("a.yaml", &workflow("a", "echo"));
    room.until_live(&["a"]).await;
    // Another folder takes the path in one move, as a deployment does it; then it is edited.
    let at = |name: &str| room.root.path().join(name);
    std::fs::create_dir(at("new")).unwrap();
    std::fs::write(at("new/b.yaml"), workflow("b", "echo")).unwrap();
    std::fs::rename(at("ops"), at("old")).unwrap();
    std::fs::rename(at("new"), at("ops")).unwrap();
    room.until_live(&["b"]).await;
    room.write("c.yaml", &workflow("c", "echo"));
    room.until_live(&["b", "c"]).await;
    stop.send_replace(true);
    tokio::time::timeout(Duration::from_secs(10), running).await.expect("it stops").unwrap();
}

#[tokio::test]
async fn asking_while_a_look_runs_is_answered_by_one_more_look() {
    let room = Room::new().await;
    room.write("a.yaml", &workflow("a", "echo"));
    room.sync(SyncOutcome::Applied).await;
    let begun = room.syncer.inner.begun.load(std::sync::atomic::Ordering::SeqCst);
    let held = std::sync::Arc::clone(&room.syncer.inner.turn).lock_owned().await;
    let asked: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let syncer = room.syncer.clone();
                async move { syncer.sync().await }
            })
        })
        .collect();
    // On this one thread all of them have asked by now.
    tokio::task::yield_now().await;
    room.write("a.yaml", &workflow("a", "echo 2"));
    drop(held);
    let mut ids = std::collections::BTreeSet::new();
    for answer in asked {
        ids.insert(answer.await.unwrap().unwrap().id);
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(room.syncer.inner.begun.load(std::sync::atomic::Ordering::SeqCst), begun + 1);
}

#[tokio::test]
async fn the_status_says_how_the_source_stands() {
    let room = Room::new().await;
    let ready = |status: &pulse_core::source_status::SourceStatus<SyncRecord>| {
        let ready = &status.conditions[0];
        (ready.status.as_str(), ready.reason.as_str())
    };
    let before = room.syncer.status().await.unwrap();
    assert_eq!((ready(&before), before.generation), (("Unknown", "NeverSynced"), 0));
    room.write("a.yaml", &workflow("a", "echo"));
    let applied = room.sync(SyncOutcome::Applied).await;
    let status = room.syncer.status().await.unwrap();
    assert_eq!((ready(&status), status.generation, status.failures), (("True", "Applied"), 1, 0));
    assert_eq!((status.observed_commit, status.last_sync.as_ref()), (applied.commit.clone(), Some(&applied)));
    assert_eq!((applied.generation, applied.reason.as_deref()), (Some(1), Some("Applied")));
    room.write("b.yaml", "nonsense");
    room.sync(SyncOutcome::Refused).await;
    let refused = room.syncer.status().await.unwrap();
    assert_eq!((ready(&refused), refused.observed_commit), (("False", "InvalidManifests"), applied.commit));
    assert_eq!(refused.conditions[2].status.as_str(), "True", "a person must mend it");
    std::fs::rename(room.root.path().join("ops"), room.root.path().join("away")).unwrap();
    room.sync(SyncOutcome::Unreachable).await;
    room.sync(SyncOutcome::Unreachable).await;
    let gone = room.syncer.status().await.unwrap();
    assert_eq!((ready(&gone), gone.failures), (("False", "Unreachable"), 2));
    // Another process knows what was written down.
    let other = Syncer::new(SOURCE, Arc::new(Folder::new("/")), Duration::from_secs(60), room.syncer.inner.engine.clone());
    assert_eq!(ready(&other.status().await.unwrap()), ("False", "Unreachable"));
}
