//! What has happened in a run so far, told by everybody who takes part.

use crate::harness::Resources;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What it asked for.
    pub body: serde_json::Value,
    /// The execution that it was told.
    pub execution: String,
    /// When.
    pub at: Instant,
}

/// The counts.
#[derive(Default)]
pub struct Counts {
    /// Faults, by kind.
    pub faults: BTreeMap<&'static str, u32>,
    /// Requests that were answered, by their key.
    pub accepted: BTreeMap<u64, Accepted>,
    /// Answers to prompts that were taken: the prompt, and what was answered.
    pub answers: Vec<(String, String)>,
    /// Answers that were refused, because there was one.
    pub refused_answers: u32,
    /// Executions that have ended: status, and when; as they were seen first.
    pub ended: BTreeMap<String, (String, String)>,
    /// Executions that are known and have not ended.
    pub open: usize,
    /// How often an execution that had ended was looked at again.
    pub looked_again: u32,
    /// Attempts that somebody had to settle.
    pub settled: BTreeMap<String, &'static str>,
    /// Controllers and agents that ended by themselves: who, and how.
    pub ends: BTreeMap<(String, Option<i32>), u32>,
    /// The most that each process held.
    pub peak: BTreeMap<String, Resources>,
    /// What must not be, by invariant.
    pub broken: BTreeMap<&'static str, Vec<String>>,
    /// Faults of the database, and of the networks before it, that have not healed.
    pub database_faults: usize,
    /// Faults of controllers that have not healed.
    pub controller_faults: usize,
    /// The longest that no controller was ready though controllers and database were whole.
    pub recovery: Duration,
    /// How long a controller was ready and the database whole while faults came.
    pub up: Duration,
}

/// Everybody's counts, and how far the run is.
pub struct Tally {
    counts: Mutex<Counts>,
    /// When the first fault may come.
    pub faults_begin: Mutex<Option<Instant>>,
    lanes: AtomicUsize,
    closing: AtomicBool,
    over: AtomicBool,
}

impl Tally {
    /// Nothing has happened.
    pub fn new() -> Self {
        let (counts, faults_begin) = (Mutex::default(), Mutex::default());
        Self { counts, faults_begin, lanes: AtomicUsize::new(0), closing: AtomicBool::new(false), over: AtomicBool::new(false) }
    }

    /// The counts.
    pub fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that must not be.
    pub fn broken(&self, invariant: &'static str, what: String) {
        self.counts().broken.entry(invariant).or_default().push(what);
    }

    /// A process holds so much.
    pub fn holds(&self, who: &str, resources: Option<Resources>) {
        let Some(now) = resources else { return };
        let mut counts = self.counts();
        let peak = counts.peak.entry(who.to_owned()).or_default();
        peak.memory_kib = peak.memory_kib.max(now.memory_kib);
        if now.files.len() > peak.files.len() {
            peak.files = now.files;
        }
    }

    /// A lane has done all its faults.
    pub fn lane_done(&self) {
        self.lanes.fetch_add(1, Ordering::Relaxed);
    }

    /// How many lanes have.
    pub fn lanes_done(&self) -> usize {
        self.lanes.load(Ordering::Relaxed)
    }

    /// Nothing new is asked for.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether nothing new is asked for.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Everybody goes home.
    pub fn end(&self) {
        self.close();
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether everybody goes home.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}
