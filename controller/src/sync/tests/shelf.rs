//! A source for tests: commits on a shelf, one of which is the head; it can fail, and it can hang.

use crate::source::tree::{Commit, SourceError, SourceReason, Tree};
use crate::source::{Given, Source, SourceFile};
use pulse_core::source_status::{SourceAddress, SourceKind};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Commits by id.
#[derive(Default)]
pub(super) struct Shelf {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    commits: BTreeMap<String, Vec<(String, String)>>,
    head: String,
    fault: Option<SourceError>,
    hangs: bool,
    longest: Option<Duration>,
    looks: usize,
}

impl Shelf {
    /// Makes a commit and moves the head to it.
    pub(super) fn push(&self, id: &str, files: &[(&str, &str)]) {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        self.state.lock().unwrap().commits.insert(id.to_owned(), files);
        self.force(id);
    }

    /// Moves the head to a commit that there was.
    pub(super) fn force(&self, id: &str) {
        self.state.lock().unwrap().head = id.to_owned();
    }

    pub(super) fn fail(&self, reason: Option<SourceReason>) {
        let fault = reason.map(|reason| SourceError { reason, message: format!("it is {}", reason.as_str()) });
        self.state.lock().unwrap().fault = fault;
    }

    /// Looks hang until this is taken back.
    pub(super) fn hang(&self, hangs: bool) {
        self.state.lock().unwrap().hangs = hangs;
        self.moved.notify_all();
    }

    /// After how long looks are given up; for ever unless said.
    pub(super) fn give_up_after(&self, longest: Option<Duration>) {
        self.state.lock().unwrap().longest = longest;
    }

    /// Those at a branch, tag or commit included.
    pub(super) fn looks(&self) -> usize {
        self.state.lock().unwrap().looks
    }
}

impl Source for Shelf {
    fn address(&self) -> SourceAddress {
        SourceAddress { kind: SourceKind::Git, url: "shelf://".into(), branch: Some("main".into()), path: None }
    }

    fn look(&self) -> Result<Box<dyn Tree>, SourceError> {
        let state = self.begin();
        let (head, fault, number) = (state.head.clone(), state.fault.clone(), state.looks);
        drop(state);
        match fault {
            // In a server's own words, which are others each time.
            Some(fault) => Err(SourceError { message: format!("{} (request {number})", fault.message), ..fault }),
            None => self.tree(&head),
        }
    }

    fn look_at(&self, reference: &str) -> Result<Box<dyn Tree>, SourceError> {
        drop(self.begin());
        self.tree(reference)
    }

    fn longest_look(&self) -> Duration {
        self.state.lock().unwrap().longest.unwrap_or(Duration::from_secs(3600))
    }
}

impl Shelf {
    /// Counts a look, and waits as long as looks hang.
    fn begin(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        state.looks += 1;
        self.moved.wait_while(state, |state| state.hangs).unwrap()
    }

    fn tree(&self, reference: &str) -> Result<Box<dyn Tree>, SourceError> {
        let missing = || SourceError { reason: SourceReason::BranchMissing, message: format!("there is no `{reference}`") };
        let files = self.state.lock().unwrap().commits.get(reference).cloned().ok_or_else(missing)?;
        let file = |(path, text): (String, String)| SourceFile { path, bytes: text.into_bytes(), executable: false };
        let commit = Commit {
            id: reference.to_owned(),
            author: Some("Anna <anna@example.org>".to_owned()),
            title: Some(format!("Commit {reference}")),
            at: None,
        };
        Ok(Box::new(Given::new(files.into_iter().map(file).collect()).at(commit)))
    }
}
