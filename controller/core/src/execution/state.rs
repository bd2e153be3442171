//! The state that events fold into. Counters and queues are kept beside the targets, so that folding a report costs the same
//! with ten targets as with ten thousand.

use crate::definitions::{CompiledStep, Program};
use crate::elapsed::Span;
use crate::execution::{CancelMode, CarriedTarget, ClaimKey, Created, StepPath};
use crate::time::Timestamp;
use crate::transition::{AttemptState, ExecutionState, StepStatus, WaitReason};
use crate::values::{StateMap, StepValue};
use crd_schemas::Duration;
use crd_schemas::manifest::{Action, Targets, TargetsFrom};
use pulse_protocol::{AgentName, AttemptId, BootId, Ended, ExecutionId, Incarnation, PromptId};
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
    /// When the workflow's `timeout` was over.
    pub timed_out: Option<Timestamp>,
    /// The question that a person is asked.
    pub prompt: Option<PromptId>,
    /// Every prompt, with its index into [`Execution::steps`].
    pub prompts: BTreeMap<PromptId, usize>,
    /// What `parse` steps have read.
    pub state: StateMap,
    /// Since when and for what it waits.
    pub waits: Option<(Timestamp, WaitReason)>,
    /// The time in which it waited for people.
    pub waited: Vec<Span>,
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
    /// Targets whose hosts are on their way to another boot.
    pub rebooting: BTreeSet<AgentName>,
    /// Targets with an attempt that is active or unknown, or on their way to another boot.
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
    /// The question of a `prompt` step.
    pub prompt: Option<PromptRun>,
    /// Its answer.
    pub answer: Option<String>,
    /// The end of a `wait` step.
    pub until: Option<Timestamp>,
    /// What a `parse` step has read.
    pub parsed: Option<StateMap>,
    /// What a `route` step has chosen.
    pub route: Option<RouteRun>,
    /// It was taken over from the execution that this one repeats.
    pub carried: bool,
}

/// The question of a visit of a `prompt` step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptRun {
    /// Its id.
    pub id: PromptId,
    /// What is asked.
    pub message: String,
    /// What can be answered.
    pub options: Vec<String>,
    /// How long an answer is waited for.
    pub timeout: Option<Duration>,
    /// When it was asked.
    pub opened_at: Timestamp,
    /// What came of it.
    pub end: Option<PromptEnd>,
}

/// What came of a question. One that is left open when its step ends was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptEnd {
    /// The answer; none where time ran out and the step fails.
    pub answer: Option<String>,
    /// Who answered; none where time ran out.
    pub by: Option<String>,
    /// What they said of it.
    pub comment: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What a visit of a `route` step has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRun {
    /// The route's place, from 0; none where no route held.
    pub route: Option<u32>,
    /// Its label.
    pub label: Option<String>,
    /// The step that follows, or `end`; none for the next one.
    pub goto: Option<String>,
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
    /// Attempts proven never to have started since the last try that counts, those that were withdrawn left out.
    pub uncounted: u32,
    /// Its result, where it was taken over from the execution that this one repeats.
    pub carried: Option<CarriedTarget>,
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
    /// Its command took the host down, as it should; it waits for the host to be back with another boot id.
    Rebooting { attempt: AttemptId, until: Timestamp },
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
    /// The boot of the agent's host at that time.
    pub boot: Option<BootId>,
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
    /// Word of its end that came after it was settled. It changes nothing here; a retry goes by it.
    pub evidence: Option<Ended>,
}

impl TargetState {
    /// The word for it in API, CLI and expressions.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "pending",
            Self::Backoff { .. } => "waiting",
            Self::Active(_) | Self::Rebooting { .. } => "running",
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

    /// What people call it: `update#812`.
    pub fn name(&self) -> String {
        format!("{}#{}", self.created.workflow, self.created.number)
    }

    /// It is being ended early: nothing new starts.
    pub const fn is_stopping(&self) -> bool {
        self.cancel.is_some() || self.timed_out.is_some()
    }

    /// Agent evidence or a person can still end this attempt.
    pub fn is_open(&self, attempt: AttemptId) -> bool {
        self.active.contains(&attempt) || self.unknown.contains(&attempt)
    }

    /// The step that runs now.
    pub fn current(&self) -> Option<&StepRun> {
        self.steps.last().filter(|step| !step.status.is_terminal())
    }

    /// The step whose turn is next, once none runs: where the last one led.
    pub fn upcoming(&self) -> Option<(usize, &CompiledStep)> {
        let index = match self.steps.last() {
            None => 0,
            Some(run) => match self.goto(run) {
                None => run.index + 1,
                Some("end") => return None,
                Some(id) => self.program.step(id)?.0,
            },
        };
        self.program.steps.get(index).map(|step| (index, step))
    }

    /// Where a visit that is over leads, if not to the next step: what its answer or its route says, else what the step says. A
    /// step that never ran, because its condition was false or could not be evaluated, leads nowhere else.
    fn goto<'a>(&'a self, run: &'a StepRun) -> Option<&'a str> {
        let compiled = self.compiled(run);
        if compiled.when.is_some() && run.condition != Some(true) {
            return None;
        }
        let spec = &compiled.spec;
        let chosen = match &spec.action {
            Action::Prompt(prompt) => {
                let option = prompt.options.iter().find(|option| Some(&option.value) == run.answer.as_ref());
                option.and_then(|option| option.goto.as_deref())
            }
            Action::Route(_) => run.route.as_ref().and_then(|route| route.goto.as_deref()),
            _ => None,
        };
        chosen.or(spec.goto.as_deref())
    }

    /// Visits of a step so far.
    pub fn visits(&self, path: &str) -> u32 {
        self.steps.iter().rev().find(|run| run.path.0 == path).map_or(0, |run| run.visit)
    }

    /// Visits of a step that this execution made itself: those that a retry takes over are not counted again.
    pub fn own_visits(&self, path: &str) -> usize {
        self.steps.iter().filter(|run| !run.carried && run.path.0 == path).count()
    }

    /// The visit that asks this question.
    pub fn asked(&self, prompt: PromptId) -> Option<(&StepRun, &PromptRun)> {
        let run = self.steps.get(*self.prompts.get(&prompt)?)?;
        Some((run, run.prompt.as_ref()?))
    }

    /// The compiled step of a run.
    pub fn compiled(&self, run: &StepRun) -> &CompiledStep {
        &self.program.steps[run.index]
    }

    /// The agents that a step runs on: those of its selection, as resolved at the start, or those that ended so in the last visit
    /// of an earlier step.
    pub fn targets(&self, targets: &Targets) -> Vec<AgentName> {
        match targets {
            Targets::Items(items) => {
                let found = self.created.selections.iter().find(|selection| selection.items == *items);
                found.map_or_else(Vec::new, |selection| selection.agents.clone())
            }
            Targets::From(TargetsFrom { from, result }) => {
                let ended = self.values.get(from).map(|step| step.targets.iter());
                let so = ended.into_iter().flatten().filter(|(_, target)| target.status == result.as_str());
                so.map(|(name, _)| name.clone()).collect()
            }
        }
    }
}
