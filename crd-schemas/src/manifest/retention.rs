//! How long a workflow's executions are kept, where that is not what the controller is set to.

use crate::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long executions are kept. What is left out is as the controller is set; whatever is said, the newest execution is kept, and so is what
/// is not over, what ended in the last 26 hours, and what something still needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Retention {
    /// How long an execution is kept after its end, one day at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executions: Option<Duration>,
    /// How long output is kept after the end of its execution, one day at least; never longer than the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Duration>,
    /// The newest so many executions are kept, however old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub at_least: Option<u32>,
    /// No more than so many executions are kept, however young.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub at_most: Option<u32>,
}

impl Retention {
    /// The shortest time that something is kept.
    pub const SHORTEST: Duration = Duration::from_secs(86_400);
    /// The highest number of executions.
    pub const MOST: u32 = 1_000_000;
}
