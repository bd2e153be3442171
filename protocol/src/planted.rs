//! Bugs that a test plants in its own thread, to see that the checks catch them. Builds without debug assertions (releases) have
//! none of them. docs/reliability.md says which check catches which.

/// A bug that can be planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// The agent runs what it is assigned, also when it knows the attempt.
    NoDedupe,
    /// The agent starts the command before its journal has it.
    SpawnBeforeJournal,
    /// The journal is written and not synced.
    NoSync,
    /// Whoever finds the attempt's folder takes it for its own.
    NoClaim,
    /// What an agent may forget it forgets wholly, its outcome too.
    TombstoneDropped,
    /// The agent runs what was assigned to another journal.
    AnyJournal,
    /// What an older session reports is taken in.
    StaleEpoch,
    /// A journal that went back is let in.
    SequenceIgnored,
    /// The controller acknowledges before it has committed.
    AcknowledgeBeforeCommit,
    /// The controller sends before it has committed.
    SendBeforeCommit,
    /// A writer that has lost its lease still writes.
    NoFence,
    /// The time of an execution that is over comes again.
    TimerTwice,
    /// An `unknown` is run again, whatever the step says.
    UnknownAgain,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::NoDedupe,
        Self::SpawnBeforeJournal,
        Self::NoSync,
        Self::NoClaim,
        Self::TombstoneDropped,
        Self::AnyJournal,
        Self::StaleEpoch,
        Self::SequenceIgnored,
        Self::AcknowledgeBeforeCommit,
        Self::SendBeforeCommit,
        Self::NoFence,
        Self::TimerTwice,
        Self::UnknownAgain,
    ];
}

#[cfg(debug_assertions)]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// From now on this thread has this bug, or none.
#[cfg(debug_assertions)]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether this thread has this bug.
#[cfg(debug_assertions)]
pub fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Never: a release has none of them.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub const fn is(_bug: Bug) -> bool {
    false
}
