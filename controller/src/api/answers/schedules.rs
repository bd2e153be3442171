//! Schedules, what comes next, and what became of their slots.

use super::super::time::At;
use super::objects::{Origin, ReadyCondition, object};
use super::words;
use crd_schemas::Kind;
use crd_schemas::manifest::ScheduleSpec;
use pulse_protocol::ExecutionId;
use schemars::JsonSchema;
use serde::Serialize;

object!(
    /// A live schedule.
    ScheduleView as "Schedule", Kind::Schedule, ScheduleSpec, ScheduleStatus
);

/// What is known of a schedule.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct ScheduleStatus {
    /// Where it came from.
    #[serde(flatten)]
    pub(in crate::api) origin: Origin,
    /// `Ready` is `False` where an older release accepted what this one cannot read.
    pub(in crate::api) conditions: [ReadyCondition; 1],
    /// Nothing fires.
    pub(in crate::api) suspended: bool,
    /// What suspends it.
    #[schemars(with = "Option<words::SuspendedBy>")]
    pub(in crate::api) suspended_by: Option<&'static str>,
    /// The pause that holds it now.
    pub(in crate::api) pause: Option<HoldingPause>,
    /// What its next slot waits for, as a sentence.
    pub(in crate::api) waits_for: String,
    /// When it fires, in words.
    pub(in crate::api) when: Option<String>,
    /// The time zone that its clocks go by.
    pub(in crate::api) time_zone: Option<String>,
    /// The next ten slots.
    pub(in crate::api) next: Vec<UpcomingSlot>,
    /// What became of the last slot.
    pub(in crate::api) last: Option<SlotView>,
    /// The last slot that fired.
    pub(in crate::api) last_fired: Option<LastFired>,
    /// Its executions that are not over.
    pub(in crate::api) open: Vec<FiredSlot>,
    /// Up to when every slot is decided.
    pub(in crate::api) settled_until: Option<At>,
}

/// The pause that holds a schedule.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct HoldingPause {
    /// Its id.
    pub(in crate::api) id: String,
    /// What it holds.
    pub(in crate::api) scope: String,
    /// Who set it.
    pub(in crate::api) by: String,
    /// Why.
    pub(in crate::api) reason: String,
    /// When.
    pub(in crate::api) since: At,
    /// When it ends by itself.
    pub(in crate::api) until: Option<At>,
}

/// A slot that is to come.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct UpcomingSlot {
    /// Its nominal time.
    pub(in crate::api) slot: At,
    /// When it fires.
    pub(in crate::api) at: At,
    /// The same by the clocks of the schedule's zone.
    pub(in crate::api) local: String,
}

/// A slot that fired.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct LastFired {
    /// Its nominal time.
    pub(in crate::api) slot: At,
    /// When it fired.
    pub(in crate::api) at: At,
    /// What it started.
    pub(in crate::api) execution: ExecutionRef,
}

/// An execution, by id and name.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct ExecutionRef {
    /// Its id.
    pub(in crate::api) id: ExecutionId,
    /// `workflow#number`; `null` where it is kept no more.
    pub(in crate::api) name: Option<String>,
}

/// An execution of a schedule that is not over.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "OpenExecution")]
pub(in crate::api) struct FiredSlot {
    /// Its id.
    pub(in crate::api) id: ExecutionId,
    /// `workflow#number`.
    pub(in crate::api) name: String,
}

/// What became of a slot, or of a run of slots that ended alike.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Slot")]
pub(in crate::api) struct SlotView {
    /// Its nominal time; of a run that of the first.
    pub(in crate::api) slot: At,
    /// That of the last.
    pub(in crate::api) last_slot: At,
    /// How many.
    pub(in crate::api) slots: u64,
    /// What became of it.
    #[schemars(with = "words::SlotOutcome")]
    pub(in crate::api) outcome: &'static str,
    /// Why it did not fire.
    #[schemars(with = "Option<words::SlotReason>")]
    pub(in crate::api) reason: Option<&'static str>,
    /// The same as a sentence.
    pub(in crate::api) message: Option<String>,
    /// What it started.
    pub(in crate::api) execution: Option<ExecutionRef>,
    /// When that was decided.
    pub(in crate::api) decided_at: At,
}

/// A slot that cannot be read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct UnreadableSlot {
    /// Always `unreadable`.
    #[schemars(with = "words::Unreadable")]
    outcome: &'static str,
    /// What is wrong.
    message: String,
}

impl From<pulse_store::RowError> for UnreadableSlot {
    fn from(error: pulse_store::RowError) -> Self {
        Self { outcome: "unreadable", message: error.to_string() }
    }
}
