//! Takes in what an agent reports. Reports go into the executions' inboxes in the order in which they came; what is committed is
//! acknowledged, what was settled long ago may be forgotten.

use crate::engine::{Engine, EngineError};
use pulse_core::execution::{Input, Outcome};
use pulse_protocol::{AgentName, AttemptId, Epoch, Incarnation, Observation, Observed, ToAgent};
use pulse_store::AttemptState;
use std::collections::BTreeSet;
use tokio::sync::oneshot;

type Pending = oneshot::Receiver<Result<Outcome, EngineError>>;

/// A report on its way through the inboxes.
pub(super) struct Ingest {
    agent: AgentName,
    epoch: Epoch,
    /// Each report whose end is to be acknowledged once it is committed.
    pending: Vec<(AttemptId, bool, Pending)>,
    /// Reports of attempts that are not open here.
    closed: Vec<(AttemptId, bool)>,
}

impl Ingest {
    /// Puts observations into the inboxes, at once and in order. A full picture also says what it does not hold.
    pub(super) fn begin(
        engine: &Engine,
        agent: &AgentName,
        epoch: Epoch,
        incarnation: Incarnation,
        observations: Vec<Observation>,
        full: bool,
    ) -> Self {
        let mut ingest = Self { agent: agent.clone(), epoch, pending: Vec::new(), closed: Vec::new() };
        let open = {
            let fleet = engine.fleet().lock();
            if !fleet.is_current(agent, epoch) {
                // Another session has taken over; what this one still had to say is old.
                return ingest;
            }
            fleet.open_of(agent)
        };
        let told: BTreeSet<AttemptId> = observations.iter().map(|observation| observation.attempt).collect();
        for observation in observations {
            let attempt = observation.attempt;
            let ended = matches!(observation.observed, Observed::Ended(_));
            match open.iter().find(|(known, _)| *known == attempt) {
                None => ingest.closed.push((attempt, ended)),
                Some((_, execution)) => {
                    let input = Input::Observed { agent: agent.clone(), observation };
                    ingest.push(engine.enqueue(*execution, input), attempt, ended);
                }
            }
        }
        for (attempt, execution) in open.into_iter().filter(|(attempt, _)| full && !told.contains(attempt)) {
            let input = Input::Absent { agent: agent.clone(), attempt, incarnation };
            ingest.push(engine.enqueue(execution, input), attempt, false);
        }
        ingest
    }

    fn push(&mut self, queued: Result<Pending, EngineError>, attempt: AttemptId, ended: bool) {
        match queued {
            Ok(pending) => self.pending.push((attempt, ended, pending)),
            // Not acknowledged, so it comes again.
            Err(error) => tracing::warn!(agent = %self.agent, %attempt, %error, "a report has to come again"),
        }
    }

    /// Waits for the commits; the acknowledgement to send, if there is any.
    pub(super) async fn finish(self, engine: &Engine) -> Option<ToAgent> {
        let mut ended = Vec::new();
        let mut forget = Vec::new();
        for (attempt, is_end, pending) in self.pending {
            match pending.await {
                Ok(Ok(Outcome::Done | Outcome::Unchanged)) if is_end => ended.push(attempt),
                Ok(Ok(Outcome::Done | Outcome::Unchanged)) => {}
                Ok(Ok(Outcome::Refused(refusal))) => {
                    tracing::error!(agent = %self.agent, %attempt, %refusal, "a report was refused");
                }
                Ok(Err(error)) => tracing::warn!(agent = %self.agent, %attempt, %error, "a report has to come again"),
                Err(_) => tracing::debug!(agent = %self.agent, %attempt, "the controller is stopping"),
            }
        }
        if let Err(error) = settle_closed(engine, &self.agent, &self.closed, &mut ended, &mut forget).await {
            tracing::warn!(agent = %self.agent, %error, "settled attempts could not be looked up");
        }
        if ended.is_empty() && forget.is_empty() {
            return None;
        }
        Some(ToAgent::Acknowledge { epoch: self.epoch, ended, forget, output: Vec::new() })
    }
}

/// An attempt that is settled here and ended there may be forgotten. One that the database never had is an orphan: the database
/// was restored, or is another one. It is said, and neither killed nor run again.
async fn settle_closed(
    engine: &Engine,
    agent: &AgentName,
    reported: &[(AttemptId, bool)],
    ended: &mut Vec<AttemptId>,
    forget: &mut Vec<AttemptId>,
) -> Result<(), pulse_store::Error> {
    if reported.is_empty() {
        return Ok(());
    }
    let ids: Vec<AttemptId> = reported.iter().map(|(attempt, _)| *attempt).collect();
    let rows: Vec<_> = engine.store().attempts(&ids).await?.into_iter().flatten().collect();
    for (attempt, is_end) in reported {
        match rows.iter().find(|row| row.attempt == *attempt) {
            Some(row) if row.agent == *agent && row.state == AttemptState::Closed => {
                if *is_end {
                    ended.push(*attempt);
                    forget.push(*attempt);
                }
            }
            // Opened between the look at the fleet and now: the next report finds it.
            Some(row) if row.agent == *agent => {}
            Some(row) => {
                tracing::error!(%agent, %attempt, owner = %row.agent, "an agent reported another agent's attempt");
            }
            None => tracing::error!(%agent, %attempt, "orphan: an agent has an attempt that the database never had"),
        }
    }
    Ok(())
}
