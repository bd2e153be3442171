//! Bugs that a test plants to see that the checks catch them: in its own thread, or by `PULSE_PLANTED_BUG=NAME` in the environment of
//! a whole process. Builds without debug assertions (releases) have none of them. docs/planted-bugs.md says which check catches which.

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
    /// A question that has its answer takes another one.
    PromptTwice,
    /// An agent's slot, or a right, that somebody holds is taken again.
    ClaimTwice,
    /// A slot of a schedule that is settled is settled again.
    SlotTwice,
    /// A batch in conflict fails with everything in it.
    NeighboursDropped,
    /// A COMMIT without an answer is sent again, and nobody looks whether it happened.
    BlindRetry,
    /// Output is acknowledged before it is stored.
    OutputUnstored,
}

impl Bug {
    /// Those that the simulation hunts.
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

    /// Those of what the simulation does not play: the real store, the real sessions, people and schedules.
    pub const REAL: [Self; 6] =
        [Self::PromptTwice, Self::ClaimTwice, Self::SlotTwice, Self::NeighboursDropped, Self::BlindRetry, Self::OutputUnstored];
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

/// Whether this thread, or this whole process, has this bug.
#[cfg(debug_assertions)]
pub fn is(bug: Bug) -> bool {
    PLANTED.get().or_else(everywhere) == Some(bug)
}

/// The name of the setting that plants a bug in a whole process.
#[cfg(debug_assertions)]
pub const SETTING: &str = "PULSE_PLANTED_BUG";

/// What the environment says, read once.
#[cfg(debug_assertions)]
fn everywhere() -> Option<Bug> {
    static EVERYWHERE: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();
    let read = || {
        let name = std::env::var(SETTING).ok()?;
        let bug = Bug::ALL.into_iter().chain(Bug::REAL).find(|bug| format!("{bug:?}") == name);
        Some(bug.unwrap_or_else(|| panic!("{SETTING}={name}: no bug has this name; `pulse_protocol::planted::Bug` lists them")))
    };
    *EVERYWHERE.get_or_init(read)
}

/// Never: a release has none of them.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub const fn is(_bug: Bug) -> bool {
    false
}
