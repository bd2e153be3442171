//! The events of an execution. They are stored for ever: fields are only ever added, with defaults.

use crate::execution::Verdict;
use crate::time::Timestamp;
use crate::trace::TraceContext;
use crate::transition::{ExecutionEnd, WaitReason};
use crate::transition::{ResolvedAs, StepStatus, TrackLoss};
use crate::values::{StateMap, TargetValue};
use crd_schemas::Duration;
use pulse_protocol::observation::OutputTotals;
use pulse_protocol::{AgentName, AttemptId, BootId, Ended, ExecutionId, Incarnation, PromptId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Version written with every event, so that a later release can upcast on read.
pub const EVENT_VERSION: u16 = 1;

/// Where a step stands in the workflow, such as `refresh`, later `patch[2].boot`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StepPath(pub String);

impl fmt::Display for StepPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One event with its place and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventRecord {
    /// From 1, without gaps.
    pub seq: u32,
    /// When the controller decided it.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What can happen to an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum Event {
    /// It was accepted; everything it is pinned to.
    Created(Box<Created>),
    /// `pending → running`.
    Started,
    /// A step begins on its targets. `condition` is the recorded result of `when`, absent where there is none.
    StepStarted { step: StepPath, visit: u32, targets: Vec<AgentName>, condition: Option<bool> },
    /// A step does not run: its condition was false.
    StepSkipped { step: StepPath, visit: u32 },
    /// A step cannot run: its condition failed to evaluate.
    StepRefused { step: StepPath, visit: u32, message: String },
    /// A target ends without an attempt that decides it.
    TargetEnded { step: StepPath, visit: u32, target: AgentName, verdict: Verdict },
    /// A command is bound to an agent's journal. Committed before it is sent.
    AttemptAssigned {
        attempt: AttemptId,
        step: StepPath,
        visit: u32,
        target: AgentName,
        #[serde(rename = "try")]
        number: u32,
        slot: u32,
        incarnation: Incarnation,
        /// The agent's boot at that time; absent in histories of earlier releases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        boot: Option<BootId>,
    },
    /// The agent's journal has it.
    AttemptAccepted { attempt: AttemptId },
    /// The command runs.
    AttemptStarted { attempt: AttemptId, pid: i64 },
    /// The agent said how it ended, and what follows for the target.
    AttemptEnded { attempt: AttemptId, ended: Ended, verdict: Verdict },
    /// The controller stopped waiting for word of it.
    AttemptLost { attempt: AttemptId, loss: TrackLoss },
    /// A person settled an `unknown`.
    AttemptResolved { attempt: AttemptId, outcome: ResolvedAs, by: String, reason: String },
    /// Word of an attempt that was already settled; changes nothing in this execution, but a retry goes by it.
    EvidenceRecorded { attempt: AttemptId, ended: Ended },
    /// A person is asked. The step is the one that began last. `timeout` runs only while a controller does.
    PromptOpened {
        prompt: PromptId,
        message: String,
        options: Vec<String>,
        /// Who may answer; whoever may answer this workflow's prompts where there is none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        who: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout: Option<Duration>,
    },
    /// A person answered.
    PromptAnswered {
        prompt: PromptId,
        answer: String,
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// Nobody answered in time; `answer` is the one that is taken instead, absent where the step fails.
    PromptExpired {
        prompt: PromptId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
    },
    /// The step that began last waits until then.
    TimerStarted { until: Timestamp },
    /// The step that began last has read values into `state`.
    Parsed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<String>,
        values: StateMap,
    },
    /// The step that began last has chosen: the route's place from 0, absent where none held, and the step that follows, absent
    /// where that is the next one.
    RouteTaken {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        route: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        goto: Option<String>,
    },
    /// The workflow's `timeout` is over: nothing new starts.
    TimedOut,
    /// A step is over. Targets whose turn never came are left out.
    StepEnded { step: StepPath, visit: u32, status: StepStatus, message: Option<String> },
    /// Somebody asked to end it.
    CancelRequested { mode: CancelMode, by: String, reason: String },
    /// `running → waiting`.
    Waiting { reason: WaitReason },
    /// `waiting → running`.
    Resumed,
    /// It is over.
    Ended { status: ExecutionEnd, message: Option<String> },
}

/// What an execution is pinned to from its first event on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// Its id.
    pub id: ExecutionId,
    /// Workflow's name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub number: i64,
    /// Source the workflow came from.
    pub source: String,
    /// Commit (for a plain folder: digest of its content).
    pub commit: String,
    /// Digest of the pinned snapshot, its key in the store.
    pub snapshot: String,
    /// Parameters, defaults filled in.
    pub params: BTreeMap<String, String>,
    /// Which of them were given by whoever started it; the others are defaults. `None` in histories that did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<BTreeSet<String>>,
    /// Each selection of `targets`, resolved once.
    pub selections: Vec<Selection>,
    /// The selector that narrowed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// What started it.
    pub trigger: Trigger,
    /// The value of the workflow's concurrency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency_key: Option<String>,
    /// Its place in the queue, under `Queue`: one of as many as may wait. Places say nothing about the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_place: Option<u32>,
    /// The execution that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<ExecutionId>,
    /// What it takes over from that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Box<Carried>>,
    /// The trace it belongs to, where somebody wants traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// What a retry takes over: the steps that are not run again, and of the step that failed the targets that succeeded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Carried {
    /// Visits that are over, in their order.
    pub steps: Vec<CarriedStep>,
    /// The visit that is repeated, with the targets that need not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<CarriedStep>,
    /// What was parsed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: StateMap,
}

/// One visit of a step that is taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CarriedStep {
    /// The step.
    pub step: StepPath,
    /// From 1.
    pub visit: u32,
    /// How it ended.
    pub status: StepStatus,
    /// The recorded result of `when`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<bool>,
    /// The answer of a prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Where a route led.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goto: Option<String>,
    /// Its targets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<AgentName, CarriedTarget>,
}

/// One target that is taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CarriedTarget {
    /// As later steps see it.
    #[serde(flatten)]
    pub value: TargetValue,
    /// What its command wrote, for people who are asked; none where no command ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<AttemptOutput>,
}

/// What an attempt wrote, by reference: the bytes are stored under the attempt's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptOutput {
    /// The attempt, of this execution or of one that it repeats.
    pub attempt: AttemptId,
    /// Size and digest of stdout; none where nobody has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<OutputTotals>,
    /// And of stderr.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<OutputTotals>,
}

/// A selection of targets, resolved at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selection {
    /// As the step writes it.
    pub items: Vec<String>,
    /// The agents, sorted.
    pub agents: Vec<AgentName>,
}

/// What started an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trigger {
    /// Kind of trigger.
    pub kind: TriggerKind,
    /// Who: a person, or `schedule/<name>`.
    pub by: String,
    /// The nominal time of the schedule's slot, for [`TriggerKind::Schedule`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Timestamp>,
    /// Why, in the person's words; of a command that they ran by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Trigger {
    /// A person, by name.
    pub const fn person(by: String) -> Self {
        Self { kind: TriggerKind::Person, by, slot: None, reason: None }
    }
    /// What [`Trigger::by`] says of a schedule.
    pub fn by_schedule(name: &str) -> String {
        format!("schedule/{name}")
    }
    /// The schedule that started it.
    pub fn schedule(&self) -> Option<&str> {
        self.by.strip_prefix("schedule/").filter(|_| self.kind == TriggerKind::Schedule)
    }
}

/// Kinds of triggers; decides the default of `onUnknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// A person, by API or CLI.
    Person,
    /// A slot of a schedule.
    Schedule,
}

/// How to end an execution early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelMode {
    /// Nothing new starts, what runs may end.
    Drain,
    /// Running commands are ended too.
    Kill,
}
