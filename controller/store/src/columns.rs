//! The border between the database's words and numbers and the types of the house: each mapping stands here once.

use pulse_core::time::Timestamp;
use pulse_core::transition::{ExecutionEnd, ExecutionState, WaitReason};
use pulse_protocol::message::Stream;

/// A value of the database that this release does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a known {what}; a newer release may have written it")]
pub(crate) struct UnknownValue {
    pub(crate) what: &'static str,
    pub(crate) value: String,
}

/// A closed set of words in the database.
pub(crate) trait Word: Copy + 'static {
    /// What the word says, for messages.
    const WHAT: &'static str;
    /// Every value.
    const ALL: &'static [Self];
    /// The word.
    fn word(self) -> &'static str;

    /// The value of a word.
    fn from_word(word: &str) -> Result<Self, UnknownValue> {
        let found = Self::ALL.iter().copied().find(|value| value.word() == word);
        found.ok_or_else(|| UnknownValue { what: Self::WHAT, value: word.chars().take(80).collect() })
    }
}

/// The status column of an execution. Why it waits stands in its events, so the word alone is kept.
impl Word for ExecutionState {
    const WHAT: &'static str = "execution status";
    const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Running,
        Self::Waiting(WaitReason::Unknown),
        Self::Ended(ExecutionEnd::Succeeded),
        Self::Ended(ExecutionEnd::Failed),
        Self::Ended(ExecutionEnd::Cancelled),
    ];
    fn word(self) -> &'static str {
        self.as_str()
    }
}

/// What a waiting execution waits for.
impl Word for WaitReason {
    const WHAT: &'static str = "reason to wait";
    const ALL: &'static [Self] = &Self::ALL;
    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Stream {
    const WHAT: &'static str = "output stream";
    const ALL: &'static [Self] = &[Self::Stdout, Self::Stderr];
    fn word(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// An instant as its column.
pub(crate) const fn time(at: Timestamp) -> i64 {
    at.0
}

/// An optional instant as its column.
pub(crate) fn time_option(at: Option<Timestamp>) -> Option<i64> {
    at.map(time)
}

#[cfg(test)]
mod tests {
    use super::{Stream, WaitReason, Word};
    use crate::attempts::AttemptState;
    use crate::syncs::SyncOutcome;
    use pulse_core::execution::PromptStatus;
    use pulse_core::transition::ExecutionState;

    fn round_trip<T: Word + PartialEq + std::fmt::Debug>(values: usize) {
        assert_eq!(T::ALL.len(), values, "a new {} needs its word", T::WHAT);
        for value in T::ALL {
            assert_eq!(T::from_word(value.word()), Ok(*value));
        }
        let unknown = T::from_word("from the future").expect_err("unknown words are errors");
        assert_eq!(unknown.what, T::WHAT);
    }

    #[test]
    fn every_word_comes_back_as_it_went() {
        round_trip::<ExecutionState>(6);
        round_trip::<WaitReason>(5);
        round_trip::<PromptStatus>(4);
        round_trip::<Stream>(2);
        round_trip::<AttemptState>(2);
        round_trip::<SyncOutcome>(5);
        round_trip::<pulse_core::audit::Outcome>(6);
    }
}
