//! One visit of a step as events fold into it: its targets, and the queues and counters that are kept in step with them.

use super::Fault;
use crate::execution::{CarriedTarget, StepPath, StepRun, Target, TargetState, Verdict};
use crate::time::Timestamp;
use crate::transition::StepStatus;
use pulse_protocol::{AgentName, AttemptId};
use std::collections::{BTreeMap, BTreeSet};

impl Target {
    pub(super) fn new() -> Self {
        Self { state: TargetState::Queued, attempts: Vec::new(), tries: 0, uncounted: 0, carried: None }
    }
}

impl TargetState {
    pub(super) fn from_verdict(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Succeeded => Self::Succeeded,
            Verdict::Failed { reason } => Self::Failed { reason: reason.clone() },
            Verdict::Retry { at, reason } => Self::Backoff { until: *at, reason: reason.clone() },
            Verdict::Again { .. } | Verdict::Unknown | Verdict::Reboot { .. } => Self::Queued,
            Verdict::Skipped { reason } => Self::Skipped { reason: reason.clone() },
            Verdict::Cancelled => Self::Cancelled,
        }
    }
}

impl StepRun {
    pub(super) fn new(index: usize, path: StepPath, visit: u32, status: StepStatus, at: Timestamp) -> Self {
        Self {
            index,
            path,
            visit,
            status,
            condition: None,
            targets: BTreeMap::new(),
            queued: BTreeSet::new(),
            backoff: BTreeSet::new(),
            rebooting: BTreeSet::new(),
            busy: 0,
            succeeded: 0,
            failed: 0,
            unknown: 0,
            started_at: at,
            ended_at: None,
            message: None,
            prompt: None,
            answer: None,
            until: None,
            parsed: None,
            route: None,
            carried: false,
        }
    }

    /// Targets whose results were taken over.
    pub(super) fn carry(&mut self, targets: BTreeMap<AgentName, CarriedTarget>) {
        for (name, carried) in targets {
            let state = match carried.value.status.as_str() {
                "succeeded" => TargetState::Succeeded,
                "failed" => TargetState::Failed { reason: "failed in the execution before".into() },
                "unknown" => TargetState::Failed { reason: "unknown in the execution before".into() },
                "cancelled" => TargetState::Cancelled,
                _ => TargetState::Skipped { reason: "left out in the execution before".into() },
            };
            let target = self.targets.entry(name.clone()).or_insert_with(Target::new);
            let before = std::mem::replace(&mut target.state, state.clone());
            target.carried = Some(carried);
            self.count(&name, &before, false);
            self.count(&name, &state, true);
        }
    }

    pub(super) fn assign(&mut self, name: &AgentName, attempt: AttemptId) -> Result<(), Fault> {
        self.settle(name, &TargetState::Active(attempt))?;
        let target = self.targets.get_mut(name).ok_or_else(|| Fault::missing("target", name))?;
        target.attempts.push(attempt);
        Ok(())
    }

    /// Gives a target a new state and keeps queues and counters in step with it.
    pub(super) fn settle(&mut self, name: &AgentName, state: &TargetState) -> Result<(), Fault> {
        let target = self.targets.get_mut(name).ok_or_else(|| Fault::missing("target", name))?;
        let before = std::mem::replace(&mut target.state, state.clone());
        self.count(name, &before, false);
        self.count(name, state, true);
        Ok(())
    }

    pub(super) fn count(&mut self, name: &AgentName, state: &TargetState, enter: bool) {
        let bump = |counter: &mut u32| *counter = if enter { *counter + 1 } else { counter.saturating_sub(1) };
        match (state, enter) {
            (TargetState::Queued, true) => drop(self.queued.insert(name.clone())),
            (TargetState::Queued, false) => drop(self.queued.remove(name)),
            (TargetState::Backoff { until, .. }, true) => drop(self.backoff.insert((*until, name.clone()))),
            (TargetState::Backoff { until, .. }, false) => drop(self.backoff.remove(&(*until, name.clone()))),
            (TargetState::Active(_), _) => bump(&mut self.busy),
            (TargetState::Rebooting { .. }, _) => {
                bump(&mut self.busy);
                if enter {
                    self.rebooting.insert(name.clone())
                } else {
                    self.rebooting.remove(name)
                };
            }
            (TargetState::Unknown(_), _) => {
                bump(&mut self.busy);
                bump(&mut self.unknown);
            }
            (TargetState::Succeeded, _) => bump(&mut self.succeeded),
            (TargetState::Failed { .. }, _) => bump(&mut self.failed),
            (TargetState::Skipped { .. } | TargetState::Cancelled, _) => {}
        }
    }

    /// The step is over: targets whose turn never came are left out, or cancelled with it.
    pub(super) fn close(&mut self, status: StepStatus) {
        let rest = match status {
            StepStatus::Cancelled => TargetState::Cancelled,
            _ => TargetState::Skipped { reason: "the step was over before its turn came".into() },
        };
        for name in std::mem::take(&mut self.queued) {
            if let Some(target) = self.targets.get_mut(&name) {
                target.state = rest.clone();
            }
        }
        // A host that was still on its way: its command has ended, and whether it came back is not known any more.
        for name in std::mem::take(&mut self.rebooting) {
            self.busy = self.busy.saturating_sub(1);
            if let Some(target) = self.targets.get_mut(&name) {
                target.state = rest.clone();
            }
        }
        for (_, name) in std::mem::take(&mut self.backoff) {
            let Some(target) = self.targets.get_mut(&name) else { continue };
            // A failed target that only waited for another try has failed.
            if let TargetState::Backoff { reason, .. } = &target.state {
                target.state = TargetState::Failed { reason: reason.clone() };
                self.failed += 1;
            }
        }
    }
}
