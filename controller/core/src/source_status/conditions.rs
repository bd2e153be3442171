//! Facts about a source become conditions, in the words that Kubernetes' tools know (`kubectl wait --for=condition=Ready`).

use super::{ConditionReason, LastSync, SourceFacts, SyncReason};
use crate::Timestamp;

/// A condition of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What is said.
    pub kind: ConditionType,
    /// Whether it is so.
    pub status: Truth,
    /// Why, as a word.
    pub reason: ConditionReason,
    /// Why, as a sentence.
    pub message: String,
    /// Since when; absent where nothing has happened yet.
    pub since: Option<Timestamp>,
}

/// What a condition says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionType {
    /// What the source held at the last look is live.
    Ready,
    /// The controller is at work on it.
    Reconciling,
    /// Nothing changes until a person does something.
    Stalled,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// Yes.
    True,
    /// No.
    False,
    /// Nobody can say yet.
    Unknown,
}

impl ConditionType {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }
}

impl Truth {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }

    const fn of(yes: bool) -> Self {
        if yes { Self::True } else { Self::False }
    }
}

/// Ready, Reconciling and Stalled, in this order. A look under way does not take Ready away: what is live stays live meanwhile.
pub fn conditions(facts: &SourceFacts) -> [Condition; 3] {
    match &facts.last {
        None => [
            never(ConditionType::Ready, Truth::Unknown),
            reconciling(facts, ConditionReason::NeverSynced),
            never(ConditionType::Stalled, Truth::False),
        ],
        Some(last) => [
            said(ConditionType::Ready, Truth::of(last.reason.is_live()), last),
            reconciling(facts, ConditionReason::Sync(last.reason)),
            said(ConditionType::Stalled, Truth::of(last.reason.is_stalled()), last),
        ],
    }
}

fn never(kind: ConditionType, status: Truth) -> Condition {
    let message = "no look at the source has ended yet".to_owned();
    Condition { kind, status, reason: ConditionReason::NeverSynced, message, since: None }
}

fn said(kind: ConditionType, status: Truth, last: &LastSync) -> Condition {
    Condition { kind, status, reason: ConditionReason::Sync(last.reason), message: last.message.clone(), since: Some(last.since) }
}

/// A look is under way, or one failed in a way that the next one may mend by itself.
fn reconciling(facts: &SourceFacts, otherwise: ConditionReason) -> Condition {
    let kind = ConditionType::Reconciling;
    let retrying = facts.last.as_ref().filter(|last| last.reason.is_failure() && !last.reason.is_stalled());
    let (status, reason, message, since) = match (facts.looking_since, retrying) {
        (Some(since), _) => (Truth::True, ConditionReason::Progressing, "looking at the source".to_owned(), Some(since)),
        (None, Some(last)) => {
            let times = facts.failures;
            let looks = if times == 1 { "1 look".to_owned() } else { format!("{times} looks in a row") };
            (Truth::True, ConditionReason::Retrying, format!("{looks} failed; it is tried again"), Some(last.since))
        }
        (None, None) => (Truth::False, otherwise, "no look is under way".to_owned(), facts.last_look),
    };
    Condition { kind, status, reason, message, since }
}

impl SourceFacts {
    /// A look has begun.
    pub fn begin(&mut self, now: Timestamp) {
        self.looking_since = Some(now);
    }

    /// A look has ended. `since`: since when looks end like this; absent for what is not recorded, which is told from the last.
    pub fn end(&mut self, reason: SyncReason, message: String, since: Option<Timestamp>, now: Timestamp) {
        let same = self.last.as_ref().filter(|last| last.reason == reason).map(|last| last.since);
        let since = since.or(same).unwrap_or(now);
        self.looking_since = None;
        self.last_look = Some(now);
        self.failures = if reason.is_failure() { self.failures.saturating_add(1) } else { 0 };
        if reason.is_live() {
            self.last_success = Some(now);
        }
        self.last = Some(LastSync { reason, message, since });
    }
}
