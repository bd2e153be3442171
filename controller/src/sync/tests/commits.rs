//! Commits of one and of several sources: heads that move in every way, what is atomic, and who waits for whom.

use super::shelf::Shelf;
use super::{word, workflow};
use crate::agents::FleetHandle;
use crate::engine::Engine;
use crate::source::tree::SourceReason;
use crate::sync::{ConfirmError, Sources, Syncer};
use crd_schemas::Kind;
use pulse_core::source_status::SourceStatus;
use pulse_store::{Store, SyncOutcome, SyncRecord};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const POLL: Duration = Duration::from_secs(3600);

/// Two sources on one store.
struct Room {
    _root: tempfile::TempDir,
    store: Store,
    engine: Engine,
    shelves: [Arc<Shelf>; 2],
    sources: Sources,
}

impl Room {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", root.path().join("pulse.db").display());
        let store = Store::open(&url, "test").await.unwrap();
        let engine = Engine::new(store.clone(), FleetHandle::default());
        let shelves = [Arc::new(Shelf::default()), Arc::new(Shelf::default())];
        let sources = Sources::new([
            Syncer::new("one", shelves[0].clone(), POLL, engine.clone()),
            Syncer::new("two", shelves[1].clone(), POLL, engine.clone()),
        ]);
        Self { _root: root, store, engine, shelves, sources }
    }

    fn one(&self) -> &Syncer {
        self.sources.pick(Some("one")).unwrap()
    }

    fn two(&self) -> &Syncer {
        self.sources.pick(Some("two")).unwrap()
    }

    async fn sync(&self, expected: SyncOutcome) -> SyncRecord {
        let record = self.one().sync().await.unwrap();
        assert_eq!(record.outcome, expected, "{record:?}");
        record
    }

    /// Name and own generation of what is live of a source.
    async fn live(&self, source: &str) -> BTreeMap<String, i64> {
        let live = self.store.live(source).await.unwrap().into_iter();
        live.map(Result::unwrap).map(|row| (row.manifest.metadata().name.clone(), row.generation)).collect()
    }

    /// The command that an execution of a workflow would run.
    async fn command(&self, workflow: &str) -> Result<(String, String), String> {
        self.command_of(workflow, None).await
    }

    /// The same of one source.
    async fn command_of(&self, workflow: &str, source: Option<&str>) -> Result<(String, String), String> {
        let request = crate::engine::StartRequest {
            workflow: workflow.to_owned(),
            params: BTreeMap::new(),
            limit: None,
            source: source.map(str::to_owned),
            trigger: pulse_core::execution::Trigger::person("anna".to_owned()),
            idempotency: None,
            audit: None,
            trace: None,
        };
        let run = self.engine.dry_run(&request).await.map_err(|error| error.to_string())?;
        Ok((run.commit, run.steps[0].command.as_ref().expect("a command").script.clone()))
    }
}

/// A workflow that needs no agent to be planned: it names one that is enrolled.
async fn enrolled(room: &Room) {
    let agent = "a1".parse().unwrap();
    room.engine.fleet().lock().enrol(&agent, crate::agents::Enrolled::default(), false, crate::clock::now());
}

fn ready<T>(status: &SourceStatus<T>) -> (&'static str, &'static str) {
    (status.conditions[0].status.as_str(), status.conditions[0].reason.as_str())
}

/// Looks at every source at the same time.
async fn sync_all(room: &Room) {
    drop(futures_util::future::join_all(room.sources.iter().map(Syncer::sync)).await);
}

#[tokio::test]
async fn sources_side_by_side_leave_each_other_alone() {
    let room = Room::new().await;
    enrolled(&room).await;
    room.shelves[0].push("c1", &[("a.yaml", &workflow("a", "echo one")), ("b.yaml", &workflow("b", "echo"))]);
    room.shelves[1].push("d1", &[("a.yaml", &workflow("a", "echo two")), ("c.yaml", &workflow("c", "echo"))]);
    sync_all(&room).await;
    assert_eq!(room.live("one").await.into_keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(room.live("two").await.into_keys().collect::<Vec<_>>(), ["a", "c"]);
    assert!(room.command("a").await.unwrap_err().contains("one, two"), "equal names are told apart by their source");
    assert_eq!(room.command_of("a", Some("one")).await.unwrap(), ("c1".to_owned(), "echo one".to_owned()));
    assert_eq!(room.command_of("a", Some("two")).await.unwrap(), ("d1".to_owned(), "echo two".to_owned()));
    assert_eq!(room.command_of("c", Some("one")).await.unwrap_err(), "no workflow of source `one` is named `c`");
    // What one of them takes back stays live in the other.
    room.shelves[0].push("c2", &[("b.yaml", &workflow("b", "echo 2"))]);
    room.sync(SyncOutcome::Applied).await;
    assert_eq!(room.live("one").await, [("b".to_owned(), 2)].into());
    assert_eq!(room.live("two").await, [("a".to_owned(), 1), ("c".to_owned(), 1)].into());
    assert_eq!(room.command("a").await.unwrap(), ("d1".to_owned(), "echo two".to_owned()));
    // One is refused, the other goes on.
    room.shelves[0].push("c3", &[("b.yaml", "nonsense: [")]);
    room.shelves[1].push("d2", &[("a.yaml", &workflow("a", "echo three")), ("c.yaml", &workflow("c", "echo"))]);
    sync_all(&room).await;
    let (one, two) = (room.one().status().await.unwrap(), room.two().status().await.unwrap());
    assert_eq!((ready(&one), one.observed_commit.as_deref()), (("False", "InvalidManifests"), Some("c2")));
    assert_eq!((ready(&two), two.observed_commit.as_deref()), (("True", "Applied"), Some("d2")));
    assert_eq!(room.command("a").await.unwrap(), ("d2".to_owned(), "echo three".to_owned()));
    // A commit that leaves a workflow alone still names what new executions are pinned to.
    assert_eq!(room.command("c").await.unwrap().0, "d2");
    assert_eq!(room.store.definition("two", Kind::Workflow, "c").await.unwrap().unwrap().commit, "d1");
    assert!(room.sources.pick(None).is_err() && room.sources.pick(Some("three")).is_err());
}

#[tokio::test]
async fn a_workflow_s_name_that_another_source_has_too_is_a_warning() {
    let room = Room::new().await;
    let agent = "apiVersion: pulse.dev/v1\nkind: Agent\nmetadata: {name: web}\n";
    room.shelves[0]
        .push("c1", &[("agent.yaml", agent), ("sub/a.yaml", &workflow("a", "echo")), ("b.yaml", &workflow("b", "echo"))]);
    room.shelves[1].push("d1", &[("agent.yaml", agent), ("b.yaml", &workflow("b", "echo"))]);
    let alone = room.sync(SyncOutcome::Applied).await;
    assert_eq!(alone.problems, serde_json::json!([]), "nobody else has the names yet");
    let second = room.two().sync().await.unwrap();
    assert_eq!(second.outcome, SyncOutcome::Applied, "a warning refuses nothing");
    let warning = |record: &SyncRecord| {
        let problems = record.problems.as_array().unwrap();
        let said = problems
            .iter()
            .map(|one| ["severity", "file", "code", "message", "help"].map(|field| one[field].as_str().unwrap().to_owned()));
        (said.collect::<Vec<_>>(), problems.first().map(|one| one["line"].clone()))
    };
    let expected = |other: &str| {
        let message = format!("source `{other}` has a workflow `b`, too, so whoever starts one has to name its source");
        let help = "rename one of them, or start it by `pulse run b --source …`".to_owned();
        (vec![["warning".to_owned(), "b.yaml".to_owned(), "shared-name".to_owned(), message, help]], Some(serde_json::json!(3)))
    };
    assert_eq!(warning(&second), expected("one"));
    // The first one hears of it at its next look, which is recorded once; and of its end.
    let unchanged = room.sync(SyncOutcome::Unchanged).await;
    assert_eq!(warning(&unchanged), expected("two"));
    assert_eq!(room.sync(SyncOutcome::Unchanged).await.id, unchanged.id);
    room.shelves[1].push("d2", &[("agent.yaml", agent)]);
    room.two().sync().await.unwrap();
    assert_eq!(room.sync(SyncOutcome::Unchanged).await.problems, serde_json::json!([]));
    // A plan says the same before anything is live.
    room.shelves[1].push("d3", &[("a.yaml", &workflow("a", "echo"))]);
    let checked = room.two().check_source(None).await.unwrap();
    let planned = room.two().plan(&checked).await.unwrap();
    assert!(checked.problems.is_empty() && planned.problems[0].message.contains("source `one`"), "{:?}", planned.problems);
}

#[tokio::test]
async fn one_bad_manifest_among_500_changes_nothing_and_is_named() {
    let room = Room::new().await;
    let text: Vec<(String, String)> = (0..500).map(|n| (format!("{n}.yaml"), workflow(&format!("w{n}"), "echo"))).collect();
    let mut files: Vec<(&str, &str)> = text.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    room.shelves[0].push("c1", &files);
    room.sync(SyncOutcome::Applied).await;
    let changed: Vec<(String, String)> = (0..500).map(|n| (format!("{n}.yaml"), workflow(&format!("w{n}"), "echo 2"))).collect();
    files = changed.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let bad = workflow("bad", "echo").replace("targets", "target");
    files.push(("bad.yaml", &bad));
    room.shelves[0].push("c2", &files);
    let refused = room.sync(SyncOutcome::Refused).await;
    let problems = refused.problems.as_array().unwrap();
    assert!(problems.iter().any(|problem| problem["file"] == "bad.yaml" && problem["line"] == 8), "{problems:#?}");
    assert!(problems.iter().all(|problem| problem["file"] == "bad.yaml" || problem["severity"] == "warning"));
    assert_eq!(refused.title.as_deref(), Some("Commit c2"));
    let live = room.live("one").await;
    assert!(live.len() == 500 && live.values().all(|generation| *generation == 1));
    assert_eq!(room.store.source("one").await.unwrap().unwrap().commit, "c1");
}

#[tokio::test]
async fn an_older_commit_is_just_another_head() {
    let room = Room::new().await;
    enrolled(&room).await;
    room.shelves[0].push("c1", &[("a.yaml", &workflow("a", "echo 1"))]);
    room.sync(SyncOutcome::Applied).await;
    room.shelves[0].push("c2", &[("a.yaml", &workflow("a", "echo 2")), ("b.yaml", &workflow("b", "echo"))]);
    room.sync(SyncOutcome::Applied).await;
    room.shelves[0].force("c1");
    let back = room.sync(SyncOutcome::Applied).await;
    assert_eq!((back.commit.as_deref(), back.generation), (Some("c1"), Some(3)));
    assert_eq!(room.command("a").await.unwrap(), ("c1".to_owned(), "echo 1".to_owned()));
    assert_eq!(room.live("one").await, [("a".to_owned(), 3)].into(), "its own generation counts its own changes");
    // A retired one that comes back goes on counting: created, retired, created.
    room.shelves[0].force("c2");
    room.sync(SyncOutcome::Applied).await;
    assert_eq!(room.live("one").await, [("a".to_owned(), 4), ("b".to_owned(), 3)].into());
    let changes = back.counts["changes"].as_array().unwrap();
    let said: Vec<_> =
        changes.iter().map(|change| (change["action"].as_str().unwrap(), change["name"].as_str().unwrap())).collect();
    assert_eq!(said, [("retire", "b"), ("update", "a")]);
}

#[tokio::test]
async fn an_empty_commit_is_held_and_a_newer_head_takes_its_place() {
    let room = Room::new().await;
    let text: Vec<(String, String)> = (0..5).map(|n| (format!("{n}.yaml"), workflow(&format!("w{n}"), "echo"))).collect();
    let files: Vec<(&str, &str)> = text.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    room.shelves[0].push("c1", &files);
    room.sync(SyncOutcome::Applied).await;
    room.shelves[0].push("c2", &[]);
    let empty = room.sync(SyncOutcome::Held).await;
    assert_eq!(empty.counts["changes"].as_array().unwrap().len(), 5);
    assert_eq!(ready(&room.one().status().await.unwrap()), ("False", "Held"));
    room.shelves[0].push("c3", &files[4..]);
    let newer = room.sync(SyncOutcome::Held).await;
    let late = room.sources.confirm(word(&empty)).await;
    assert!(matches!(late, Err(ConfirmError::Moved(now)) if now.id == newer.id));
    assert_eq!(room.live("one").await.len(), 5);
    // Back to the commit before: nothing is held any more.
    room.shelves[0].force("c1");
    room.sync(SyncOutcome::Unchanged).await;
    assert_eq!(ready(&room.one().status().await.unwrap()), ("True", "Unchanged"));
    room.shelves[0].force("c3");
    let again = room.sync(SyncOutcome::Held).await;
    room.sources.confirm(word(&again)).await.unwrap();
    assert_eq!(room.live("one").await, [("w4".to_owned(), 1)].into());
}

#[tokio::test]
async fn what_another_controller_applied_is_read_again() {
    let room = Room::new().await;
    enrolled(&room).await;
    room.shelves[0].push("c1", &[("a.yaml", &workflow("a", "echo 1"))]);
    room.sync(SyncOutcome::Applied).await;
    // Another controller, with a memory of its own, was active meanwhile.
    let engine = Engine::new(room.store.clone(), FleetHandle::default());
    let other = Syncer::new("one", room.shelves[0].clone(), POLL, engine);
    room.shelves[0].push("c2", &[("a.yaml", &workflow("a", "echo 2")), ("b.yaml", &workflow("b", "echo"))]);
    assert_eq!(other.sync().await.unwrap().outcome, SyncOutcome::Applied);
    assert_eq!(room.command("a").await.unwrap().0, "c1");
    room.sync(SyncOutcome::Unchanged).await;
    assert_eq!(room.command("a").await.unwrap(), ("c2".to_owned(), "echo 2".to_owned()));
    room.shelves[0].push("c3", &[("a.yaml", &workflow("a", "echo 3"))]);
    room.sync(SyncOutcome::Applied).await;
    assert_eq!(room.live("one").await, [("a".to_owned(), 3)].into());
    assert!(room.command("b").await.is_err());
}

#[tokio::test]
async fn a_source_that_hangs_holds_up_nobody_else() {
    let room = Room::new().await;
    room.shelves[0].push("c1", &[("a.yaml", &workflow("a", "echo"))]);
    room.shelves[1].push("d1", &[("b.yaml", &workflow("b", "echo"))]);
    room.shelves[0].hang(true);
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let sources = room.sources.clone();
    let running = tokio::spawn(async move { sources.run(stopping).await });
    until(|| room.shelves[0].looks() == 1).await;
    // Hints come and come; the other source follows its own.
    for n in 2..5 {
        room.one().hint();
        room.shelves[1].push(&format!("d{n}"), &[("b.yaml", &workflow("b", &format!("echo {n}")))]);
        room.two().hint();
        let arrived = async {
            while room.two().status().await.unwrap().observed_commit != Some(format!("d{n}")) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), arrived).await.expect("the other one goes on");
    }
    let status = room.one().status().await.unwrap();
    let reconciling = &status.conditions[1];
    assert_eq!((reconciling.status.as_str(), reconciling.reason.as_str()), ("True", "Progressing"));
    assert_eq!(room.shelves[0].looks(), 1, "one look runs, however many hints come");
    stop.send_replace(true);
    tokio::time::timeout(Duration::from_secs(5), running).await.expect("the stop waits for no reading").unwrap();
    // What comes out of it now is written by nobody.
    room.shelves[0].hang(false);
    assert!(room.one().sync().await.is_err());
    assert!(room.live("one").await.is_empty());
}

#[tokio::test]
async fn failures_are_counted_and_say_who_can_mend_them() {
    let shelf = Arc::new(Shelf::default());
    let root = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", root.path().join("pulse.db").display());
    let store = Store::open(&url, "test").await.unwrap();
    let syncer = Syncer::new("one", shelf.clone(), POLL, Engine::new(store.clone(), FleetHandle::default()));
    shelf.fail(Some(SourceReason::TimedOut));
    for failures in 1..4 {
        assert_eq!(syncer.sync().await.unwrap().reason.as_deref(), Some("TimedOut"));
        let status = syncer.status().await.unwrap();
        assert_eq!((status.failures, ready(&status)), (failures, ("False", "TimedOut")));
        assert_eq!(status.conditions[1].reason.as_str(), "Retrying");
    }
    assert_eq!(store.syncs(None, 100, None).await.unwrap().len(), 1, "the same reason is one row, whatever the server says");
    shelf.fail(Some(SourceReason::Unauthorized));
    assert_eq!(syncer.sync().await.unwrap().outcome, SyncOutcome::Unreachable);
    let stalled = syncer.status().await.unwrap();
    assert_eq!((stalled.conditions[2].status.as_str(), stalled.conditions[1].status.as_str()), ("True", "False"));
    shelf.fail(None);
    shelf.push("c1", &[]);
    assert_eq!(syncer.sync().await.unwrap().commit.as_deref(), Some("c1"));
    assert_eq!(syncer.status().await.unwrap().failures, 0);
}

#[tokio::test]
async fn a_ref_is_planned_without_a_trace() {
    let room = Room::new().await;
    room.shelves[0].push("c1", &[("a.yaml", &workflow("a", "echo 1"))]);
    room.sync(SyncOutcome::Applied).await;
    room.shelves[0].push("c2", &[("a.yaml", &workflow("a", "echo 2"))]);
    room.shelves[0].force("c1");
    let checked = room.one().check_source(Some("c2".to_owned())).await.unwrap();
    let planned = room.one().plan(&checked).await.unwrap();
    assert_eq!((checked.commit.id.as_str(), planned.plan.update.len()), ("c2", 1));
    assert!(room.one().check_source(Some("nope".to_owned())).await.is_err());
    room.sync(SyncOutcome::Unchanged).await;
    assert_eq!(room.store.syncs(None, 100, None).await.unwrap().len(), 2);
}

async fn until(mut so: impl FnMut() -> bool) {
    let waited = async {
        while !so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited).await.expect("it never came");
}
