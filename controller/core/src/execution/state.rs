//! The state that events fold into. Counters and queues are kept beside the targets, so that folding a report costs the same
//! with ten targets as with ten thousand.

use crate::definitions::{CompiledStep, Program};
use crate::execution::{CancelMode, ClaimKey, Created, StepPath};
use crate::time::Timestamp;
use crate::transition::{AttemptState, ExecutionState, StepStatus};
use crate::values::StepValue;
use pulse_protocol::{AgentName, AttemptId, Ended, ExecutionId, Incarnation};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Status of an execution, as people see it.
pub type ExecutionStatus = ExecutionState;

/// An execution at some sequence of its events.
#[derive(Debug, Clone)]
pub struct Execution {
    /// What it is pinned to.
    pub created: Created,
    /// The pinned workflow, compiled.
    pub program: Arc<Program>,
    /// Sequence of the last event.
    pub seq: u32,
    /// Its state.
    pub status: ExecutionStatus,
    /// Step instances in the order in which they began; at most the last one is not over.
    pub steps: Vec<StepRun>,
    /// Every attempt.
    pub attempts: HashMap<AttemptId, Attempt>,
    /// Attempts that may be running, or may yet start.
    pub active: BTreeSet<AttemptId>,
    /// Attempts of which nobody knows.
    pub unknown: BTreeSet<AttemptId>,
    /// The request to end it, the strongest one if there were several.
    pub cancel: Option<Cancel>,
    /// What expressions and `{{ … }}` see of the steps that have ended, made once when each ends.
    pub values: BTreeMap<String, Arc<StepValue>>,
    /// Claims it holds.
    pub claims: BTreeSet<ClaimKey>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What its last event says to people, such as why it failed.
    pub message: Option<String>,
}

/// A request to end an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// How.
    pub mode: CancelMode,
    /// Who asked.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was asked in this mode.
    pub at: Timestamp,
}

/// One visit of a step.
#[derive(Debug, Clone)]
pub struct StepRun {
    /// Index of the step in the program.
    pub index: usize,
    /// Where it stands.
    pub path: StepPath,
    /// From 1.
    pub visit: u32,
    /// Its state.
    pub status: StepStatus,
    /// The recorded result of `when`.
    pub condition: Option<bool>,
    /// Its targets.
    pub targets: BTreeMap<AgentName, Target>,
    /// Targets whose turn may come now.
    pub queued: BTreeSet<AgentName>,
    /// Targets that wait for their next try, by its time.
    pub backoff: BTreeSet<(Timestamp, AgentName)>,
    /// Targets with an attempt that is active or unknown.
    pub busy: u32,
    /// Targets that succeeded.
    pub succeeded: u32,
    /// Targets that failed.
    pub failed: u32,
    /// Targets of which nobody knows.
    pub unknown: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it ended as it did.
    pub message: Option<String>,
}

/// One target of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where it stands.
    pub state: TargetState,
    /// Attempts made, whatever became of them.
    pub attempts: Vec<AttemptId>,
    /// Tries that count for `retry`.
    pub tries: u32,
    /// Attempts proven never to have started, or unknown ones of an idempotent step, since the last try that counts.
    pub uncounted: u32,
}

/// Where a target stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum TargetState {
    /// Its turn has not come.
    Queued,
    /// Waits for its next try.
    Backoff { until: Timestamp, reason: String },
    /// Has an attempt that may be running.
    Active(AttemptId),
    /// Has an attempt of which nobody knows.
    Unknown(AttemptId),
    /// Done.
    Succeeded,
    /// Failed for good.
    Failed { reason: String },
    /// Left out.
    Skipped { reason: String },
    /// Ended because the execution was cancelled.
    Cancelled,
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Index into [`Execution::steps`].
    pub step: usize,
    /// The agent.
    pub target: AgentName,
    /// From 1, over all attempts of the target in this visit.
    pub number: u32,
    /// The slot it holds while active.
    pub slot: u32,
    /// The journal it is bound to.
    pub incarnation: Incarnation,
    /// Its state.
    pub state: AttemptState,
    /// When it was bound.
    pub assigned_at: Timestamp,
    /// When the controller learned that it started.
    pub started_at: Option<Timestamp>,
    /// When the controller learned that it ended.
    pub ended_at: Option<Timestamp>,
    /// What the agent said of its end.
    pub ended: Option<Ended>,
    /// Word of its end came after it was settled, and is on record.
    pub evidence: bool,
}

impl TargetState {
    /// The word for it in API, CLI and expressions.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "pending",
            Self::Backoff { .. } => "waiting",
            Self::Active(_) => "running",
            Self::Unknown(_) => "unknown",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Skipped { .. } => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// Its verdict is in.
    pub const fn is_settled(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed { .. } | Self::Skipped { .. } | Self::Cancelled)
    }
}

impl Execution {
    /// Its id.
    pub fn id(&self) -> ExecutionId {
        self.created.id
    }

    /// The step that runs now.
    pub fn current(&self) -> Option<&StepRun> {
        self.steps.last().filter(|step| !step.status.is_terminal())
    }

    /// The step whose turn is next, once none runs.
    pub fn upcoming(&self) -> Option<(usize, &CompiledStep)> {
        let index = self.steps.last().map_or(0, |step| step.index + 1);
        self.program.steps.get(index).map(|step| (index, step))
    }

    /// The compiled step of a run.
    pub fn compiled(&self, run: &StepRun) -> &CompiledStep {
        &self.program.steps[run.index]
    }

    /// The agents of a step's selection, as resolved at the start.
    pub fn selected(&self, items: &[String]) -> &[AgentName] {
        self.created.selections.iter().find(|selection| selection.items == items).map_or(&[], |selection| &selection.agents)
    }
}
