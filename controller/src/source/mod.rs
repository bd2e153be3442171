//! Where manifests come from. Every kind of source answers one look as a [`Tree`]: everything in it is of one commit. A watcher
//! only hints that it is time to look.

mod folder;
pub mod git;
mod given;
pub mod tree;
mod watch;

pub use folder::Folder;
pub use given::{Given, SourceFile};
pub use watch::{Place, Watch};

use pulse_core::source_status::SourceAddress;
use std::time::Duration;
use tree::{SourceError, Tree};

/// How long reading a source may take that has no deadline of its own.
const LONGEST_LOOK: Duration = Duration::from_secs(150);

/// A place that holds manifests. Its calls block; looks come one at a time, those of [`Source::look`] and [`Source::look_at`]
/// together.
pub trait Source: Send + Sync + 'static {
    /// Where it is, without secrets.
    fn address(&self) -> SourceAddress;

    /// What it holds now.
    fn look(&self) -> Result<Box<dyn Tree>, SourceError>;

    /// What it holds at a branch, tag or commit.
    fn look_at(&self, reference: &str) -> Result<Box<dyn Tree>, SourceError>;

    /// After how long a look hangs: longer than any takes that ends by a deadline of its own, what is read of its tree included.
    fn longest_look(&self) -> Duration {
        LONGEST_LOOK
    }

    /// Whether it is a repository that is reached just so. What is none is never exchanged.
    fn is_reached_so(&self, _remote: &git::Remote) -> bool {
        true
    }

    /// Whether [`Source::watch`] can tell when it is time to look.
    fn is_watched(&self) -> bool {
        false
    }

    /// Watches what there is from now on; `None` where `known` is still what there is. Blocks, without a deadline.
    fn watch(&self, _known: Option<Place>) -> Option<Watch> {
        None
    }
}
