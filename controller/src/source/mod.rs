//! Where manifests come from. In this release a plain folder; a reader answers the whole of it as one commit, a watcher only
//! hints that it is time to look.

mod folder;
pub mod tree;
mod watch;

pub use folder::{Commit, Folder, SourceError, SourceFile};
pub use watch::{Hints, watch};
