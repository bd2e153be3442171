//! Looks that do not come back: told as such, given up, never doubled, and well again by themselves.

use super::shelf::Shelf;
use super::workflow;
use crate::agents::FleetHandle;
use crate::engine::Engine;
use crate::source::git::{Credentials, GitSource, Limits, Location, Remote};
use crate::source::tree::{SourceError, Tree};
use crate::source::{Place, Source, Watch};
use crate::sync::{SyncError, Syncer};
use pulse_core::source_status::{SourceAddress, SourceStatus};
use pulse_store::{Store, SyncOutcome, SyncRecord};
use rustix::fs::{CWD, Mode};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// So rarely that what becomes live in these tests does so without it.
const POLL: Duration = Duration::from_secs(3600);
/// What hangs is given up after so long.
const SOON: Option<Duration> = Some(Duration::from_millis(50));

struct Room {
    root: tempfile::TempDir,
    store: Store,
    syncer: Syncer,
}

impl Room {
    async fn with<S: Source>(make: impl FnOnce(&Path) -> Arc<S>) -> (Self, Arc<S>) {
        let root = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", root.path().join("pulse.db").display());
        let store = Store::open(&url, "test").await.unwrap();
        let source = make(root.path());
        let syncer = Syncer::new("one", Arc::clone(&source) as _, POLL, Engine::new(store.clone(), FleetHandle::default()));
        (Self { root, store, syncer }, source)
    }

    async fn status(&self) -> SourceStatus<SyncRecord> {
        self.syncer.status().await.unwrap()
    }

    async fn until_live(&self, commit: &str) {
        let live = async {
            while self.status().await.observed_commit.as_deref() != Some(commit) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), live).await.expect("it becomes live");
    }
}

/// A look that hangs, at its end.
async fn hung(syncer: &Syncer) -> SyncRecord {
    let record = syncer.sync().await.unwrap();
    assert_eq!((record.outcome, record.reason.as_deref()), (SyncOutcome::Unreachable, Some("TimedOut")), "{record:?}");
    assert!(record.message.as_deref().unwrap().contains("hangs since"), "{record:?}");
    record
}

#[tokio::test]
async fn a_look_that_hangs_is_given_up_told_and_never_doubled() {
    let (room, shelf) = Room::with(|_| Arc::<Shelf>::default()).await;
    shelf.push("c1", &[("a.yaml", &workflow("a", "echo"))]);
    shelf.hang(true);
    shelf.give_up_after(SOON);
    let first = hung(&room.syncer).await;
    // From here on nothing is read that could end in time.
    shelf.give_up_after(None);
    for _ in 0..12 {
        assert_eq!(hung(&room.syncer).await.id, first.id, "it is one sync, as long as it hangs");
    }
    let planned = room.syncer.check_source(None).await;
    let at = room.syncer.check_source(Some("c1".to_owned())).await;
    assert!(matches!((&planned, &at), (Err(SyncError::Hangs { .. }), Err(SyncError::Hangs { .. }))), "{planned:?} {at:?}");
    assert_eq!(shelf.looks(), 1, "no other thread was put beside it");
    let status = room.status().await;
    let said: Vec<_> = status.conditions.iter().map(|condition| condition.status.as_str()).collect();
    assert_eq!((said, status.failures), (vec!["False", "True", "False"], 13));
    assert_eq!(Some(&status.conditions[0].message), first.message.as_ref());
    assert_eq!(room.store.syncs(None, 100, None).await.unwrap().len(), 1);

    // After so many failures the next look by itself is an hour away: it is the end of the one that hung that makes it look again.
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let syncer = room.syncer.clone();
    let running = tokio::spawn(async move { syncer.run(stopping).await });
    let waits = async {
        while room.status().await.next_look.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waits).await.expect("the loop waits");
    shelf.hang(false);
    room.until_live("c1").await;
    assert_eq!(room.status().await.failures, 0);
    // Another time is another sync, though it ends alike.
    shelf.hang(true);
    shelf.give_up_after(SOON);
    assert_ne!(hung(&room.syncer).await.id, first.id);
    stop.send_replace(true);
    running.await.unwrap();
    shelf.hang(false);
}

#[tokio::test]
async fn what_hangs_is_known_though_whoever_asked_for_it_has_gone() {
    let (room, shelf) = Room::with(|_| Arc::<Shelf>::default()).await;
    shelf.push("c1", &[]);
    shelf.hang(true);
    shelf.give_up_after(SOON);
    let syncer = room.syncer.clone();
    let asked = tokio::spawn(async move { syncer.check_source(None).await });
    while shelf.looks() == 0 {
        tokio::task::yield_now().await;
    }
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    shelf.give_up_after(None);
    hung(&room.syncer).await;
    assert_eq!(shelf.looks(), 1);
    shelf.hang(false);
}

/// A shelf that a folder stands for; to watch that hangs.
struct Watched {
    shelf: Shelf,
    folder: PathBuf,
    set_ups: AtomicUsize,
    hangs: Mutex<mpsc::Receiver<()>>,
}

impl Source for Watched {
    fn address(&self) -> SourceAddress {
        self.shelf.address()
    }

    fn look(&self) -> Result<Box<dyn Tree>, SourceError> {
        self.shelf.look()
    }

    fn look_at(&self, reference: &str) -> Result<Box<dyn Tree>, SourceError> {
        self.shelf.look_at(reference)
    }

    fn is_watched(&self) -> bool {
        true
    }

    fn watch(&self, known: Option<Place>) -> Option<Watch> {
        self.set_ups.fetch_add(1, Ordering::SeqCst);
        // It comes back once the other end is dropped.
        assert!(self.hangs.lock().unwrap().recv().is_err());
        Watch::unless(&self.folder, known)
    }
}

#[tokio::test]
async fn a_watch_that_hangs_holds_up_no_look_and_is_set_up_once_it_can_be() {
    let (go_on, hangs) = mpsc::channel();
    let (room, source) = Room::with(|root| {
        let (folder, hangs) = (root.join("ops"), Mutex::new(hangs));
        fs::create_dir(&folder).unwrap();
        Arc::new(Watched { shelf: Shelf::default(), folder, set_ups: AtomicUsize::new(0), hangs })
    })
    .await;
    source.shelf.push("c1", &[]);
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let syncer = room.syncer.clone();
    let running = tokio::spawn(async move { syncer.run(stopping).await });
    room.until_live("c1").await;
    for commit in ["c2", "c3", "c4"] {
        source.shelf.push(commit, &[]);
        room.syncer.hint();
        room.until_live(commit).await;
    }
    assert_eq!(source.set_ups.load(Ordering::SeqCst), 1, "no other one is begun beside it");
    source.shelf.push("c5", &[]);
    drop(go_on);
    room.until_live("c5").await;
    source.shelf.push("c6", &[]);
    fs::write(source.folder.join("a.yaml"), "").unwrap();
    room.until_live("c6").await;
    stop.send_replace(true);
    running.await.unwrap();
}

/// A bare repository of one commit, whose id is answered.
fn repository(path: &Path) -> String {
    let repository = git2::Repository::init_bare(path).unwrap();
    let who = git2::Signature::new("Anna", "anna@example.org", &git2::Time::new(0, 0)).unwrap();
    let tree = repository.treebuilder(None).unwrap().write().unwrap();
    let tree = repository.find_tree(tree).unwrap();
    repository.commit(Some("refs/heads/main"), &who, &who, "one", &tree, &[]).unwrap().to_string()
}

#[tokio::test]
async fn a_file_system_that_hangs_holds_its_source_only_as_long_as_it_does() {
    let mut head = String::new();
    let (room, _) = Room::with(|root| {
        head = repository(&root.join("ops.git"));
        let remote = Remote {
            location: Location::File(root.join("ops.git")),
            branch: "main".to_owned(),
            path: String::new(),
            credentials: Credentials::None,
            ca: None,
            known_hosts: None,
            limits: Limits { total: Duration::from_secs(2), ..Limits::default() },
        };
        Arc::new(GitSource::new(remote, root.join("mirror")))
    })
    .await;
    // Opening a pipe hangs until somebody writes to it, as a file of a server does that is away.
    let main = room.root.path().join("ops.git/refs/heads/main");
    fs::remove_file(&main).unwrap();
    rustix::fs::mkfifoat(CWD, &main, Mode::RUSR | Mode::WUSR).unwrap();
    let first = hung(&room.syncer).await;
    assert_eq!(hung(&room.syncer).await.id, first.id);
    let pipe = fs::OpenOptions::new().write(true).open(&main).unwrap();
    let whole = main.with_extension("new");
    fs::write(&whole, format!("{head}\n")).unwrap();
    fs::rename(&whole, &main).unwrap();
    let (_stop, stopping) = tokio::sync::watch::channel(false);
    let syncer = room.syncer.clone();
    let running = tokio::spawn(async move { syncer.run(stopping).await });
    drop(pipe);
    room.until_live(&head).await;
    running.abort();
}
