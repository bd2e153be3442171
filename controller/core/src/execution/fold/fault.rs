//! What is wrong with a history that contradicts itself.

use crate::transition::IllegalTransition;

/// A history that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// The first event is not `created`, or a later one is.
    #[error("event {seq}: a history begins with `created`, and has it once")]
    Beginning {
        /// Sequence of the event.
        seq: u32,
    },
    /// A sequence was left out or came twice.
    #[error("event {found} where {expected} was expected")]
    Sequence {
        /// The sequence that comes next.
        expected: u32,
        /// The one that came.
        found: u32,
    },
    /// An event names a step, target or attempt that the history does not have.
    #[error("event {seq} names {what}, which the history does not have")]
    Missing {
        /// Sequence of the event.
        seq: u32,
        /// What is missing.
        what: String,
    },
    /// A state machine refuses.
    #[error("event {seq}: {source}")]
    Transition {
        /// Sequence of the event.
        seq: u32,
        /// Which and why.
        source: IllegalTransition,
    },
}

/// A fault before the event's sequence is known.
pub(super) enum Fault {
    Beginning,
    Missing(String),
    Transition(IllegalTransition),
}

impl Fault {
    pub(super) fn missing(kind: &str, name: impl std::fmt::Display) -> Self {
        Self::Missing(format!("{kind} {name}"))
    }
    pub(super) fn at(self, seq: u32) -> FoldError {
        match self {
            Self::Beginning => FoldError::Beginning { seq },
            Self::Missing(what) => FoldError::Missing { seq, what },
            Self::Transition(source) => FoldError::Transition { seq, source },
        }
    }
}

impl From<IllegalTransition> for Fault {
    fn from(source: IllegalTransition) -> Self {
        Self::Transition(source)
    }
}
