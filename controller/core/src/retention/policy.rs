//! How long things are kept: what holds for all workflows, and what one workflow says instead.

use super::Age;
use crd_schemas::manifest::WorkflowSpec;

/// Whatever a policy says, nothing that ended within these seconds goes: idempotency keys name executions for a day, and people look at what
/// has just ended.
pub const FLOOR: Age = Age::Seconds(26 * 3600);

/// What is kept of a workflow's executions. The newest one always is, so that no number is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long an execution is kept after its end.
    pub executions: Age,
    /// The newest so many are kept, however old; at least one.
    pub at_least: u32,
    /// No more than so many are kept, however young; no bound where there is none.
    pub at_most: Option<u32>,
    /// How long output is kept after the end of its execution; never longer than the execution.
    pub output: Age,
}

impl Default for Policy {
    fn default() -> Self {
        Self { executions: Age::days(90), at_least: 100, at_most: None, output: Age::days(30) }
    }
}

/// What one workflow says instead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Override {
    /// See [`Policy::executions`].
    pub executions: Option<Age>,
    /// See [`Policy::at_least`].
    pub at_least: Option<u32>,
    /// See [`Policy::at_most`].
    pub at_most: Option<u32>,
    /// See [`Policy::output`].
    pub output: Option<Age>,
}

impl Override {
    /// What a workflow's manifest says.
    pub fn of(spec: &WorkflowSpec) -> Self {
        let own = spec.retention.unwrap_or_default();
        let age = |duration: crd_schemas::Duration| Age::Seconds(duration.as_millis() / 1000);
        let (executions, output) = (own.executions.map(age), own.output.map(age));
        Self { executions, at_least: own.at_least, at_most: own.at_most, output }
    }
}

impl Policy {
    /// This policy, where a workflow says nothing else.
    pub fn with(self, own: Override) -> Self {
        Self {
            executions: own.executions.unwrap_or(self.executions),
            at_least: own.at_least.unwrap_or(self.at_least),
            at_most: own.at_most.or(self.at_most),
            output: own.output.unwrap_or(self.output),
        }
    }
}

/// Everything that retention is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// What holds where a workflow says nothing else.
    pub policy: Policy,
    /// How long rows of the audit log are kept, ended pauses and expired enrolment tokens with them.
    pub audit: Age,
    /// An agent that was not seen for so long, and holds nothing open, is revoked.
    pub agents: Age,
}

impl Default for Retention {
    fn default() -> Self {
        Self { policy: Policy::default(), audit: Age::days(400), agents: Age::Forever }
    }
}
