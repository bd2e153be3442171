//! `kind: Schedule`: when a workflow starts by itself, or one command on targets.

use super::{Execute, Metadata};
use crate::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// Name and labels.
    pub metadata: Metadata,
    /// When it fires, and what it starts.
    pub spec: ScheduleSpec,
}

/// When a schedule fires, and what it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleSpec {
    /// One line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it fires.
    #[serde(flatten)]
    pub rhythm: Rhythm,
    /// What an execution of this schedule that is still open does to the next slot.
    #[serde(default)]
    pub concurrency_policy: SchedulePolicy,
    /// A slot that could not fire so long after its time is missed. At least 10s.
    #[serde(default = "default_starting_deadline")]
    #[schemars(extend("pattern" = r"^(0*[1-9][0-9]{4,}ms|0*[1-9][0-9]+s|0*[1-9][0-9]*[mhd])$"))]
    pub starting_deadline: Duration,
    /// What becomes of slots that are past their deadline: `none`, `latest` or `all`.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// With `catchUp: all`: so many of the newest such slots fire; 100 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub catch_up_limit: Option<u32>,
    /// Each slot fires up to so much later, always as much for the same slot. Shorter than the shortest gap between two slots.
    #[serde(default)]
    pub jitter: Duration,
    /// Nothing fires while this is true.
    #[serde(default)]
    pub suspend: bool,
    /// What it starts.
    #[serde(flatten)]
    pub action: ScheduledAction,
}

impl ScheduleSpec {
    /// `startingDeadline`, unless said.
    pub const DEFAULT_STARTING_DEADLINE: Duration = Duration::from_secs(300);
    /// The shortest `startingDeadline`: a controller that is only busy does not lose slots.
    pub const LEAST_STARTING_DEADLINE: Duration = Duration::from_secs(10);
    /// The shortest `every`.
    pub const LEAST_EVERY: Duration = Duration::from_secs(1);
    /// `catchUpLimit`, unless said.
    pub const DEFAULT_CATCH_UP_LIMIT: u32 = 100;
    /// The highest `catchUpLimit`.
    pub const MAX_CATCH_UP_LIMIT: u32 = 1000;
}

fn default_starting_deadline() -> Duration {
    ScheduleSpec::DEFAULT_STARTING_DEADLINE
}

/// When a schedule fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Rhythm {
    /// By the wall clock of a time zone.
    Cron {
        /// Five fields: minute, hour, day of month, month, day of week; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
        #[schemars(regex(pattern = r"\S"))]
        cron: String,
        /// IANA name of a time zone, such as `Europe/Berlin`.
        #[serde(default = "utc")]
        #[schemars(regex(pattern = r"\S"))]
        time_zone: String,
    },
    /// At every multiple of a length of time since 1970-01-01T00:00:00Z.
    Every {
        /// At least 1s.
        #[schemars(extend("pattern" = r"^(0*[1-9][0-9]{3,}ms|0*[1-9][0-9]*[smhd])$"))]
        every: Duration,
    },
}

fn utc() -> String {
    Rhythm::DEFAULT_TIME_ZONE.to_owned()
}

impl Rhythm {
    /// `timeZone`, unless said.
    pub const DEFAULT_TIME_ZONE: &'static str = "UTC";
}

/// What a schedule starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ScheduledAction {
    /// A workflow of the same source.
    Workflow(ScheduledWorkflow),
    /// One command on targets, with the fields of an `execute` step.
    Command(Box<Execute>),
}

/// A workflow that a schedule starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledWorkflow {
    /// Its name.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    pub workflow: String,
    /// Its parameters, the same for each slot.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-z0-9_]{0,39}$"}))]
    pub params: BTreeMap<String, String>,
    /// A selector that narrows the targets of every step, such as `role=web,env!=dev`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\S"))]
    pub limit: Option<String>,
}

/// What an open execution of a schedule does to the schedule's next slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SchedulePolicy {
    /// The slot is skipped.
    #[default]
    Forbid,
    /// The slot fires beside it.
    Allow,
    /// The open execution is cancelled; the slot fires once it is over.
    Replace,
}

/// What becomes of slots that are past their deadline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// They are missed.
    #[default]
    None,
    /// The newest one fires.
    Latest,
    /// The newest ones fire, oldest first, as many as `catchUpLimit` says.
    All,
}
