//! Git as a source, against real remotes on loopback.

#[path = "../support/remotes/mod.rs"]
mod remotes;

mod files;
mod http;
mod local;
mod mirror;
mod serve;
mod ssh;
mod stall;

use pulse_controller::config::Secret;
use pulse_controller::source::git::{Credentials, GitSource, GitTree, Limits, Location, Remote};
use pulse_controller::source::tree::{SourceError, SourceReason, Tree};
use std::time::Duration;

/// Short enough for tests of silence, long enough for a busy machine.
const SHORT: Limits = Limits {
    connect: Duration::from_millis(800),
    idle: Duration::from_millis(800),
    total: Duration::from_secs(3),
    received_bytes: 10_000_000,
    mirror_bytes: 1_000_000_000,
    mirror_packs: 50,
};

/// A remote without credentials, on `main`.
fn remote(url: &str) -> Remote {
    Remote {
        location: Location::parse(url).unwrap(),
        branch: "main".to_owned(),
        path: String::new(),
        credentials: Credentials::None,
        ca: None,
        known_hosts: None,
        limits: Limits::default(),
    }
}

fn token(user: &str, token: &str) -> Credentials {
    Credentials::UserToken { user: user.to_owned(), token: Secret::new(token) }
}

/// A source with a mirror of its own.
struct Source {
    source: GitSource,
    folder: tempfile::TempDir,
}

impl Source {
    fn new(remote: Remote) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { source: GitSource::new(remote, folder.path().join("source")), folder }
    }

    /// The controller starts anew.
    fn restart(self) -> Self {
        let remote = self.source.remote().clone();
        Self { source: GitSource::new(remote, self.folder.path().join("source")), folder: self.folder }
    }

    fn look(&self) -> GitTree {
        self.source.look().unwrap_or_else(|error| panic!("{:?}: {error}", error.reason))
    }

    fn fails(&self, reason: SourceReason) -> String {
        told(self.source.look(), reason)
    }
}

fn told(looked: Result<GitTree, SourceError>, reason: SourceReason) -> String {
    let error = looked.expect_err("this look fails");
    assert_eq!(error.reason, reason, "{error}");
    error.message
}

/// Paths and contents.
fn contents(tree: &GitTree) -> Vec<(String, String)> {
    let text = |entry| String::from_utf8(tree.read(entry).unwrap()).unwrap();
    tree.manifests().iter().map(|entry| (entry.path.clone(), text(entry))).collect()
}

fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect()
}

/// Text that cannot be made much smaller: so many hex digits of a generator's numbers.
fn noise(digits: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut text = String::with_capacity(digits + 16);
    while text.len() < digits {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}"));
    }
    text
}
