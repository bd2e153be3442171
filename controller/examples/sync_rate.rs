//! How long a sync takes, from a commit at hand to what the engine knows: all manifests new, nothing changed, one changed.
//!
//! ```text
//! cargo run --release -p pulse-controller --example sync_rate -- [MANIFESTS] [DATABASE-URL]
//! ```
//!
//! 10,000 manifests on SQLite in a temporary folder unless said. The manifests are made in memory: reading Git is not part of the
//! figures.

#[path = "support/manifests.rs"]
mod manifests;

use anyhow::ensure;
use pulse_controller::agents::FleetHandle;
use pulse_controller::engine::Engine;
use pulse_controller::source::tree::{Commit, SourceError, Tree};
use pulse_controller::source::{Given, Source, SourceFile};
use pulse_controller::sync::{Cache, Syncer, check};
use pulse_core::source_status::{SourceAddress, SourceKind};
use pulse_store::{Store, SyncOutcome};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Limits for 10,000 manifests.
const ALL_NEW: Duration = Duration::from_secs(3);
const ONE_CHANGED: Duration = Duration::from_millis(300);
/// Syncs of one changed manifest.
const ROUNDS: usize = 20;

/// A source whose head is in memory.
#[derive(Debug, Clone)]
struct Memory(Arc<Mutex<Given>>);

impl Memory {
    fn head(&self) -> Given {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, tree: Given) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tree;
    }
}

impl Source for Memory {
    fn address(&self) -> SourceAddress {
        SourceAddress { kind: SourceKind::Git, url: "memory:".to_owned(), branch: None, path: None }
    }

    fn look(&self) -> Result<Box<dyn Tree>, SourceError> {
        Ok(Box::new(self.head()))
    }

    fn look_at(&self, _reference: &str) -> Result<Box<dyn Tree>, SourceError> {
        self.look()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let manifests: usize = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    ensure!(manifests > 0, "at least one manifest");
    let folder = tempfile::tempdir()?;
    let url = arguments.next().unwrap_or_else(|| format!("sqlite://{}", folder.path().join("pulse.db").display()));
    let store = Store::open(&url, "sync_rate").await?;
    let engine = Engine::new(store.clone(), FleetHandle::default());
    engine.boot().await?;
    let source = Memory(Arc::new(Mutex::new(commit(manifests, 0, manifests))));
    // A name of its own, so that a database that is not new has nothing live of it.
    let name = format!("sync-rate-{}", uuid::Uuid::now_v7());
    let syncer = Syncer::new(name, Arc::new(source.clone()), Duration::from_secs(3600), engine);

    println!("{:<34} {:>10}   limit for 10,000", format!("{manifests} manifests"), "time");
    parts(&source.head())?;
    let begun = Instant::now();
    ensure!(syncer.sync().await?.outcome == SyncOutcome::Applied, "the first commit was not applied");
    said("all new", begun.elapsed(), Some(ALL_NEW));
    let begun = Instant::now();
    syncer.sync().await?;
    said("nothing changed", begun.elapsed(), None);
    let mut times = Vec::new();
    for round in 1..=ROUNDS {
        source.push(commit(manifests, round, 7 % manifests));
        let begun = Instant::now();
        ensure!(syncer.sync().await?.outcome == SyncOutcome::Applied, "a change was not applied");
        times.push(begun.elapsed());
    }
    times.sort();
    said("one changed, median", times[ROUNDS / 2], Some(ONE_CHANGED));
    said("one changed, slowest", times[ROUNDS - 1], Some(ONE_CHANGED));
    store.close().await;
    Ok(())
}

/// The check by itself, with nothing and with everything kept.
fn parts(tree: &Given) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (checked, kept) = check(tree, &Cache::default())?;
    said("the check alone, nothing kept", begun.elapsed(), None);
    ensure!(checked.errors() == 0, "the manifests have errors: {:#?}", checked.problems.first());
    let begun = Instant::now();
    check(tree, &kept)?;
    said("the check alone, all kept", begun.elapsed(), None);
    Ok(())
}

fn said(what: &str, time: Duration, limit: Option<Duration>) {
    let limit = limit.map_or(String::new(), |limit| format!("   < {:.0} ms", limit.as_secs_f64() * 1000.0));
    println!("{what:<34} {:>7.1} ms{limit}", time.as_secs_f64() * 1000.0);
}

/// A commit of so many manifests; `changed` is another one in each round.
fn commit(manifests: usize, round: usize, changed: usize) -> Given {
    let file = |index: usize| {
        let round = if index == changed { round } else { 0 };
        SourceFile { path: manifests::path(index), bytes: manifests::text(index, round).into_bytes(), executable: false }
    };
    Given::new((0..manifests).map(file).collect()).at(Commit { id: format!("{round:040x}"), ..Commit::default() })
}
