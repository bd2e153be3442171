//! Why an execution stands where it stands, in words. Made of the decision itself, so that it cannot disagree with it.

use super::{Fleet, decide};
use crate::execution::{CancelMode, Execution, StepPath, StepRun};
use crate::time::Timestamp;
use crate::transition::AttemptState;
use pulse_protocol::{AgentName, AttemptId};
use serde::Serialize;
use std::fmt;

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The step.
    pub step: StepPath,
    /// The target, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<AgentName>,
    /// What holds it.
    #[serde(flatten)]
    pub kind: ReasonKind,
}

/// What can hold something. Times are microseconds UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// The cancel waits for running commands.
    Cancelling { mode: CancelMode, by: String, running: usize },
}

impl Reason {
    pub(super) fn of_step(run: &StepRun, kind: ReasonKind) -> Self {
        Self { step: run.path.clone(), target: None, kind }
    }
    pub(super) fn of_target(run: &StepRun, target: &AgentName, kind: ReasonKind) -> Self {
        Self { step: run.path.clone(), target: Some(target.clone()), kind }
    }
}

/// Everything that holds an execution now; empty when it is over. Decides as the controller would, and keeps only the report.
pub fn explain(execution: &Execution, fleet: &dyn Fleet, now: Timestamp) -> Vec<Reason> {
    let Some(run) = execution.current() else { return Vec::new() };
    let mut reasons = Vec::new();
    if let Some(cancel) = &execution.cancel {
        let running = execution.active.len();
        reasons.push(Reason::of_step(run, ReasonKind::Cancelling { mode: cancel.mode, by: cancel.by.clone(), running }));
    }
    reasons.extend(execution.unknown.iter().chain(&execution.active).filter_map(|id| of_attempt(execution, fleet, now, *id)));
    for (until, name) in &run.backoff {
        let failure = run.targets.get(name).map_or_else(String::new, |target| match &target.state {
            crate::execution::TargetState::Backoff { reason, .. } => reason.clone(),
            _ => String::new(),
        });
        reasons.push(Reason::of_target(run, name, ReasonKind::Backoff { until: *until, failure }));
    }
    reasons.extend(decide(execution, fleet, now, &mut || AttemptId(uuid::Uuid::nil())).report);
    reasons
}

fn of_attempt(execution: &Execution, fleet: &dyn Fleet, now: Timestamp, id: AttemptId) -> Option<Reason> {
    let attempt = execution.attempts.get(&id)?;
    let run = &execution.steps[attempt.step];
    let present = fleet.agent(&attempt.target).is_some_and(|agent| agent.is_present(now));
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
        write!(f, "step `{}`", self.step)?;
        if let Some(target) = &self.target {
            write!(f, " on {target}")?;
        }
        f.write_str(": ")?;
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
            ReasonKind::Cancelling { mode: CancelMode::Drain, by, running } => {
                write!(f, "cancelled by {by}; {running} running commands may end")
            }
            ReasonKind::Cancelling { mode: CancelMode::Kill, by, running } => {
                write!(f, "cancelled by {by}; {running} running commands are being ended")
            }
        }
    }
}
