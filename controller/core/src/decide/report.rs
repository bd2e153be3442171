//! Why an execution stands where it stands, in words. Made of the decision itself, so that it cannot disagree with it.

use super::{Ahead, World, decide};
use crate::execution::{CancelMode, Execution, StepPath, StepRun};
use crate::pause::Pause;
use crate::time::Timestamp;
use crate::transition::AttemptState;
use pulse_protocol::{AgentName, AttemptId, PromptId};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The step, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepPath>,
    /// The target, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<AgentName>,
    /// What holds it.
    #[serde(flatten)]
    pub kind: ReasonKind,
}

/// What can hold something. Times are microseconds UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum ReasonKind {
    /// `maxParallel` targets are busy.
    MaxParallel { limit: u32, waiting: usize },
    /// Every slot of the agent is taken.
    SlotsFull { slots: u32 },
    /// The agent is not there, for less than 30 s.
    Disconnected { since: Timestamp },
    /// The agent is offline.
    Offline { since: Timestamp, until: Option<Timestamp> },
    /// The agent gets no work.
    Quarantined { reason: String },
    /// The next try waits.
    Backoff { until: Timestamp, failure: String },
    /// Sent, but the agent has not said that it has it.
    Unconfirmed { attempt: AttemptId, since: Timestamp, present: bool },
    /// The command runs.
    Running { attempt: AttemptId, since: Timestamp, present: bool },
    /// Nobody knows whether it ran or how it ended.
    Unknown { attempt: AttemptId, why: String },
    /// The cancel waits for running commands; `away` of them are on agents that have not been told yet.
    Cancelling { mode: CancelMode, by: String, running: usize, away: usize },
    /// The workflow's `timeout` is over; running commands may end.
    TimedOut { since: Timestamp, running: usize },
    /// A person is asked.
    Person { prompt: PromptId, message: String, since: Timestamp, until: Option<Timestamp> },
    /// A time is waited for.
    Timer { since: Timestamp, until: Timestamp },
    /// Others of the workflow come first.
    Queued(Ahead),
    /// Somebody set a pause.
    Paused { pause: String, scope: String, by: String, reason: String, until: Option<Timestamp> },
    /// The host is on its way to another boot.
    Rebooting { until: Timestamp },
    /// Nothing: it is the controller's turn.
    Advancing,
    /// The controller cannot write down what it has decided.
    Unwritable { fault: String },
}

impl ReasonKind {
    pub(super) fn of_pause(pause: &Pause) -> Self {
        let (id, scope, by, reason) = (pause.id.clone(), pause.scope.to_string(), pause.by.clone(), pause.reason.clone());
        Self::Paused { pause: id, scope, by, reason, until: pause.expires_at }
    }
}

impl Reason {
    pub(super) fn of_step(run: &StepRun, kind: ReasonKind) -> Self {
        Self { step: Some(run.path.clone()), target: None, kind }
    }
    pub(super) fn of_target(run: &StepRun, target: &AgentName, kind: ReasonKind) -> Self {
        Self { step: Some(run.path.clone()), target: Some(target.clone()), kind }
    }
    pub(super) fn of_execution(kind: ReasonKind) -> Self {
        Self { step: None, target: None, kind }
    }

    /// What was decided is nothing that the store can write.
    pub const fn unwritable(fault: String) -> Self {
        Self { step: None, target: None, kind: ReasonKind::Unwritable { fault } }
    }
}

/// Everything that holds an execution now; empty when it is over. Decides as the controller would, and keeps only the report.
pub fn explain(execution: &Execution, world: &dyn World, now: Timestamp) -> Vec<Reason> {
    if execution.status.is_terminal() {
        return Vec::new();
    }
    let mut reasons = stopping(execution, world, now);
    reasons.extend(execution.unknown.iter().chain(&execution.active).filter_map(|id| of_attempt(execution, world, now, *id)));
    for (run, (until, name)) in execution.current().into_iter().flat_map(|run| run.backoff.iter().map(move |wait| (run, wait))) {
        let failure = run.targets.get(name).map_or_else(String::new, |target| match &target.state {
            crate::execution::TargetState::Backoff { reason, .. } => reason.clone(),
            _ => String::new(),
        });
        reasons.push(Reason::of_target(run, name, ReasonKind::Backoff { until: *until, failure }));
    }
    let next = decide(execution, world, now, &mut || AttemptId(uuid::Uuid::nil()));
    reasons.extend(next.report);
    if !next.events.is_empty() {
        reasons.push(Reason::of_execution(ReasonKind::Advancing));
    }
    reasons
}

/// Why it is being ended early, and what that waits for.
fn stopping(execution: &Execution, world: &dyn World, now: Timestamp) -> Vec<Reason> {
    let running = execution.active.len();
    let step = execution.current().map(|run| run.path.clone());
    let kind = match (&execution.cancel, execution.timed_out) {
        (Some(cancel), _) => {
            let is_away = |id: &&AttemptId| {
                let agent = execution.attempts.get(*id).and_then(|attempt| world.agent(&attempt.target));
                !agent.is_some_and(|agent| agent.is_present(now))
            };
            let away = execution.active.iter().filter(is_away).count();
            ReasonKind::Cancelling { mode: cancel.mode, by: cancel.by.clone(), running, away }
        }
        (None, Some(since)) => ReasonKind::TimedOut { since, running },
        (None, None) => return Vec::new(),
    };
    vec![Reason { step, target: None, kind }]
}

fn of_attempt(execution: &Execution, world: &dyn World, now: Timestamp, id: AttemptId) -> Option<Reason> {
    let attempt = execution.attempts.get(&id)?;
    let run = &execution.steps[attempt.step];
    let present = world.agent(&attempt.target).is_some_and(|agent| agent.is_present(now));
    let kind = match &attempt.state {
        AttemptState::Assigned => ReasonKind::Unconfirmed { attempt: id, since: attempt.assigned_at, present },
        AttemptState::Accepted | AttemptState::Started { .. } => {
            ReasonKind::Running { attempt: id, since: attempt.started_at.unwrap_or(attempt.assigned_at), present }
        }
        AttemptState::Unknown(loss) => ReasonKind::Unknown { attempt: id, why: loss.to_string() },
        _ => return None,
    };
    Some(Reason::of_target(run, &attempt.target, kind))
}

impl fmt::Display for Reason {
    /// The sentence without times; who shows it puts them in the viewer's zone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(step) = &self.step {
            write!(f, "step `{step}`")?;
            if let Some(target) = &self.target {
                write!(f, " on {target}")?;
            }
            f.write_str(": ")?;
        }
        match &self.kind {
            ReasonKind::MaxParallel { limit, waiting } => write!(f, "{waiting} more targets wait: maxParallel is {limit}"),
            ReasonKind::SlotsFull { slots } => write!(f, "waits for a slot: all {slots} of the agent are taken"),
            ReasonKind::Disconnected { .. } => f.write_str("the agent's connection is lost; it counts as offline after 30 s"),
            ReasonKind::Offline { until: Some(_), .. } => f.write_str("the agent is offline; onOffline says to wait for it"),
            ReasonKind::Offline { until: None, .. } => f.write_str("the agent is offline"),
            ReasonKind::Quarantined { reason } => write!(f, "the agent is quarantined: {reason}"),
            ReasonKind::Backoff { failure, .. } => write!(f, "waits for its next try after {failure}"),
            ReasonKind::Unconfirmed { present: true, .. } => f.write_str("sent, and not yet confirmed by the agent"),
            ReasonKind::Unconfirmed { present: false, .. } => {
                f.write_str("assigned, but the agent is away and has not said whether it has it")
            }
            ReasonKind::Running { present: true, .. } => f.write_str("runs"),
            ReasonKind::Running { present: false, .. } => {
                f.write_str("was running when the agent's connection was lost; the command goes on without it")
            }
            ReasonKind::Unknown { attempt, why } => write!(f, "unknown: {why}; a person can settle attempt {attempt}"),
            ReasonKind::Cancelling { mode: CancelMode::Drain, by, running, .. } => {
                write!(f, "cancelled by {by}; {} may end", commands(*running))
            }
            ReasonKind::Cancelling { mode: CancelMode::Kill, by, running, away: 0 } => {
                write!(f, "cancelled by {by}; {} being ended", being(*running))
            }
            ReasonKind::Cancelling { mode: CancelMode::Kill, by, running, away } => {
                write!(
                    f,
                    "cancelled by {by}; {} being ended, {away} of them on agents that are away and are told once they are back",
                    being(*running)
                )
            }
            ReasonKind::TimedOut { running, .. } => {
                write!(f, "the workflow's timeout is over; {} may end", commands(*running))
            }
            ReasonKind::Person { message, until: None, .. } => write!(f, "waits for a person: {message}"),
            ReasonKind::Person { message, until: Some(_), .. } => {
                write!(f, "waits for a person, for as long as the prompt's timeout says: {message}")
            }
            ReasonKind::Timer { .. } => f.write_str("waits for its time"),
            ReasonKind::Queued(ahead) => write!(f, "queued behind {ahead}"),
            ReasonKind::Paused { scope, by, reason, .. } => write!(f, "paused ({scope}) by {by}: {reason}"),
            ReasonKind::Unwritable { fault } => write!(
                f,
                "the controller cannot write its next step down: {fault}; cancel it, and run what is left of it as a smaller execution"
            ),
            ReasonKind::Rebooting { .. } => f.write_str("the host is expected back with a new boot id"),
            ReasonKind::Advancing => f.write_str(
                "goes on as soon as the controller has written its next step down; if this stays, the controller's log says \
                 what keeps it from writing",
            ),
        }
    }
}

/// `1 running command`, `2 running commands`.
fn commands(count: usize) -> String {
    format!("{count} running {}", if count == 1 { "command" } else { "commands" })
}

/// The same with its verb.
fn being(count: usize) -> String {
    format!("{} {}", commands(count), if count == 1 { "is" } else { "are" })
}
