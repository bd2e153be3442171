//! From what failed to a reason of the closed set and a sentence for people. What a server says is shortened, cleaned of control
//! characters and of our own secrets, because a server may send back what it was sent.

use super::Remote;
use super::limits::TooMuch;
use crate::source::tree::{SourceError, SourceReason};
use std::io;

/// Most characters of what a server says.
const MAX_SAID: usize = 300;

pub(super) fn fail(reason: SourceReason, message: impl Into<String>) -> SourceError {
    SourceError { reason, message: message.into() }
}

/// This machine's own trouble with a file or folder.
pub(super) fn local(path: &std::path::Path, error: &dyn std::fmt::Display) -> SourceError {
    fail(SourceReason::Local, format!("{} cannot be used for the mirror: {error}; check space and permissions", path.display()))
}

impl Remote {
    /// What the server said, fit for people's eyes.
    pub(super) fn said(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.credentials.secrets() {
            text = text.replace(&secret, "[redacted]");
        }
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SAID).collect();
        line.trim().to_owned()
    }

    /// A connection that failed while it was used.
    pub(super) fn broken_off(&self, error: &io::Error) -> SourceError {
        if let Some(inner) = error.get_ref() {
            if inner.is::<TooMuch>() {
                return self.too_large();
            }
            if let Some(error) = inner.downcast_ref::<ureq::Error>() {
                return super::http::failed(self, error);
            }
        }
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => self.timed_out(),
            io::ErrorKind::InvalidData => self.no_git(),
            io::ErrorKind::UnexpectedEof => fail(
                SourceReason::Unreachable,
                format!("{} ended the connection in the middle; it is tried again", self.location),
            ),
            _ => self.unreachable(&error.to_string()),
        }
    }

    pub(super) fn unreachable(&self, why: &str) -> SourceError {
        let why = self.said(why);
        fail(
            SourceReason::Unreachable,
            format!("{} cannot be reached: {why}; check PULSE_SOURCE_URL, the network and the server", self.location),
        )
    }

    pub(super) fn timed_out(&self) -> SourceError {
        let limits = &self.limits;
        let message = format!(
            "{} did not answer in time (a connection may take {} s, a silence {} s, all of it {} s); check the server and the network",
            self.location,
            limits.connect.as_secs_f32(),
            limits.idle.as_secs_f32(),
            limits.total.as_secs_f32()
        );
        fail(SourceReason::TimedOut, message)
    }

    pub(super) fn too_large(&self) -> SourceError {
        let message = format!(
            "{} sends more than {} MB for one commit; keep large files out of the repository",
            self.location,
            self.limits.received_bytes / 1_000_000
        );
        fail(SourceReason::TooLarge, message)
    }

    pub(super) fn no_git(&self) -> SourceError {
        let message =
            format!("{} answers, but not as a Git server; set PULSE_SOURCE_URL to the repository's clone URL", self.location);
        fail(SourceReason::Corrupt, message)
    }

    pub(super) fn damaged(&self, why: &str) -> SourceError {
        let why = self.said(why);
        fail(SourceReason::Corrupt, format!("what {} sent is damaged: {why}; run `git fsck` there", self.location))
    }

    pub(super) fn unsupported(&self, why: &str) -> SourceError {
        fail(SourceReason::Corrupt, format!("{} cannot be used: {}", self.location, self.said(why)))
    }

    /// The server hands out no pack, and says why.
    pub(super) fn refused(&self, id: git2::Oid, said: &str) -> SourceError {
        let (at, gone) = (&self.location, said.contains("not our ref"));
        let said = self.said(said);
        match gone {
            true => fail(
                SourceReason::BranchMissing,
                format!("{at} does not hand out commit {id} (it says: {said}); name a branch or tag that it has"),
            ),
            false => {
                fail(SourceReason::Unreachable, format!("{at} could not send commit {id} (it says: {said}); it is tried again"))
            }
        }
    }

    pub(super) fn repository_missing(&self, said: &str) -> SourceError {
        let said = self.said(said);
        let said = if said.is_empty() { String::new() } else { format!(" (it says: {said})") };
        let message = format!(
            "there is no repository at {}, or the user may not read it{said}; check PULSE_SOURCE_URL and the user's right",
            self.location
        );
        fail(SourceReason::RepositoryMissing, message)
    }
}

#[cfg(test)]
mod tests {
    use crate::source::git::{Credentials, Limits, Location, Remote};
    use crate::source::tree::SourceReason;

    #[test]
    fn only_a_commit_that_is_gone_is_told_as_such() {
        let remote = Remote {
            location: Location::parse("https://git.example.org/ops.git").unwrap(),
            branch: "main".to_owned(),
            path: String::new(),
            credentials: Credentials::None,
            ca: None,
            known_hosts: None,
            limits: Limits::default(),
        };
        let refused = |said: &str| remote.refused(git2::Oid::ZERO_SHA1, said);
        assert_eq!(refused("upload-pack: not our ref 1111").reason, SourceReason::BranchMissing);
        let busy = refused("maintenance, come back\nlater");
        assert_eq!(busy.reason, SourceReason::Unreachable);
        assert!(busy.message.contains("maintenance, come back later"), "{busy}");
        let other = remote.unsupported("the repository's object format is sha256; only sha1 is supported");
        assert!(other.reason == SourceReason::Corrupt && other.message.contains("sha256"), "{other}");
    }
}
