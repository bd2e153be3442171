//! `kind: Schedule`: when a workflow starts by itself, or one command on targets.

use super::{Execute, Metadata};
use crate::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// When a workflow starts by itself, or one command on targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// The schedule's name and labels.
    pub metadata: Metadata,
    /// When it fires, and what it starts.
    pub spec: ScheduleSpec,
}

/// When a schedule fires, and what it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleSpec {
    /// One line for people: what it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it fires.
    #[serde(flatten)]
    pub rhythm: Rhythm,
    /// What an execution of this schedule that is still open does to the next slot.
    #[serde(default)]
    pub concurrency_policy: SchedulePolicy,
    /// How late a slot may fire; one that could not by then is missed, or caught up. At least 10s.
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
    /// Nothing fires while this is true, and nothing of that time is caught up.
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
        /// Fires by the wall clock. Five fields: minute, hour, day of month, month, day of week; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
        #[schemars(regex(pattern = r"\S"))]
        cron: String,
        /// Beside `cron`: whose clocks count, an IANA name such as `Europe/Berlin`.
        #[serde(default = "utc")]
        #[schemars(regex(pattern = r"\S"))]
        time_zone: String,
    },
    /// At every multiple of a length of time since 1970-01-01T00:00:00Z.
    Every {
        /// In place of `cron`: fires at every multiple of this since 1970-01-01T00:00:00Z. At least 1s.
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
    /// The workflow that it starts, one of the same source; in place of `targets` and a command.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    pub workflow: String,
    /// Beside `workflow`: its parameters, the same for each slot, each written as a text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-z0-9_]{0,39}$"}))]
    pub params: BTreeMap<String, String>,
    /// Beside `workflow`: a selector that narrows the targets of every step, such as `role=web,env!=dev`.
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
