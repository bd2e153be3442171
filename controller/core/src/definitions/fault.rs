//! Why a file that a manifest names cannot be used: the same words wherever it was looked for, in a source or by `pulse`.

/// Why a file that a manifest names cannot be used. People read it beside the place that names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// There is none.
    #[error("there is no file `{0}` in the source")]
    Missing(String),
    /// It is a folder, a link or a submodule.
    #[error("`{path}` is {what}, not a file")]
    NotAFile {
        /// Which.
        path: String,
        /// What it is, such as `a symbolic link`.
        what: &'static str,
    },
    /// It is larger than [`super::MAX_PINNED_BYTES`].
    #[error("`{path}` has {bytes} bytes; at most 1 MiB is allowed")]
    TooLarge {
        /// Which.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// The path leads out of the source, or is none.
    #[error("`{0}` is no path below the source's root")]
    BadPath(String),
    /// It cannot be read.
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
}
