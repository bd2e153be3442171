//! Where a value comes from.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from. As a text it is what errors begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A flag, with its dashes.
    Flag(String),
    /// A variable of the environment.
    Environment(String),
    /// A key of the file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// The key.
        key: String,
    },
    /// The program itself, which has decided that.
    Program(&'static str),
    /// The table: nothing was said.
    Default,
}

impl Place {
    /// The layer's word.
    pub const fn origin(&self) -> &'static str {
        match self {
            Self::Flag(_) => "flag",
            Self::Environment(_) => "environment",
            Self::File { .. } => "file",
            Self::Program(_) => "program",
            Self::Default => "default",
        }
    }

    /// Where in the layer: the flag, the variable, `PATH:LINE`.
    pub fn within(&self) -> Option<String> {
        match self {
            Self::Flag(flag) => Some(flag.clone()),
            Self::Environment(name) => Some(name.clone()),
            Self::File { path, line, .. } => Some(format!("{}:{line}", path.display())),
            Self::Program(by) => Some((*by).to_owned()),
            Self::Default => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Environment(name) => f.write_str(name),
            Self::File { path, line, column, key } => write!(f, "{}:{line}:{column}: {key}", path.display()),
            Self::Program(by) => f.write_str(by),
            Self::Default => f.write_str("the default"),
        }
    }
}
