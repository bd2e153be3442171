//! Takes in what an agent reports. Reports go into the executions' inboxes in the order in which they came; what is committed is
//! acknowledged, what was settled long ago may be forgotten.

use crate::engine::{Engine, EngineError};
use pulse_core::execution::Outcome;
use pulse_core::session::{Acknowledged, StoredAttempt, is_taken_in, settled};
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{AgentName, AttemptId, Epoch, ExecutionId, Incarnation, Observation, ToAgent};
use pulse_store::AttemptState;
use tokio::sync::oneshot;

/// Orphans of one report that are named each.
const ORPHANS: usize = 20;

type Pending = oneshot::Receiver<Result<Outcome, EngineError>>;

/// A report on its way through the inboxes.
pub(super) struct Ingest {
    agent: AgentName,
    epoch: Epoch,
    /// Each report whose end is to be acknowledged once it is committed.
    pending: Vec<(ExecutionId, AttemptId, bool, Pending)>,
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
        let word = engine.fleet().lock().sort(agent, epoch, incarnation, observations, full);
        let mut ingest = Self { agent: agent.clone(), epoch, pending: Vec::new(), closed: word.closed };
        for (execution, attempt, ended, input) in word.inputs {
            ingest.push(engine.enqueue(execution, input), (execution, attempt), ended);
        }
        ingest
    }

    fn push(&mut self, queued: Result<Pending, EngineError>, (execution, attempt): (ExecutionId, AttemptId), ended: bool) {
        match queued {
            Ok(pending) => self.pending.push((execution, attempt, ended, pending)),
            // Not acknowledged, so it comes again.
            Err(error) => tracing::warn!(%execution, agent = %self.agent, %attempt, %error, "a report has to come again"),
        }
    }

    /// Waits for the commits; the acknowledgement to send, if there is any.
    pub(super) async fn finish(self, engine: &Engine) -> Option<ToAgent> {
        let mut ended = Vec::new();
        for (execution, attempt, is_end, pending) in self.pending {
            if planted::is(Bug::AcknowledgeBeforeCommit) {
                ended.extend(is_end.then_some(attempt));
                continue;
            }
            match pending.await {
                Ok(Ok(outcome)) if is_taken_in(&outcome) => ended.extend(is_end.then_some(attempt)),
                Ok(Ok(outcome)) => {
                    tracing::error!(%execution, agent = %self.agent, %attempt, ?outcome, "a report was refused");
                }
                Ok(Err(error)) => tracing::warn!(%execution, agent = %self.agent, %attempt, %error, "a report has to come again"),
                Err(_) => tracing::debug!(%execution, agent = %self.agent, %attempt, "the controller is stopping"),
            }
        }
        let mut said = settle_closed(engine, &self.agent, &self.closed).await.unwrap_or_else(|error| {
            tracing::warn!(agent = %self.agent, %error, "settled attempts could not be looked up");
            Acknowledged::default()
        });
        said.ended.splice(..0, ended);
        said.message(self.epoch)
    }
}

/// What the database says of attempts that are not open here.
async fn settle_closed(
    engine: &Engine,
    agent: &AgentName,
    reported: &[(AttemptId, bool)],
) -> Result<Acknowledged, pulse_store::Error> {
    if reported.is_empty() {
        return Ok(Acknowledged::default());
    }
    let ids: Vec<AttemptId> = reported.iter().map(|(attempt, _)| *attempt).collect();
    let rows: Vec<_> = engine.store().attempts(&ids).await?.into_iter().flatten().collect();
    let stored = rows.iter().map(|row| {
        let closed = row.state == AttemptState::Closed;
        StoredAttempt { attempt: row.attempt, agent: &row.agent, closed }
    });
    let rows: Vec<StoredAttempt<'_>> = stored.collect();
    let said = settled(agent, reported, &rows);
    for (attempt, owner) in &said.foreign {
        tracing::error!(%agent, %attempt, %owner, "an agent reported another agent's attempt");
    }
    for attempt in said.orphans.iter().take(ORPHANS) {
        tracing::error!(%agent, %attempt, "orphan: an agent has an attempt that the database never had");
    }
    if said.orphans.len() > ORPHANS {
        tracing::error!(%agent, orphans = said.orphans.len(), "orphans: an agent has attempts that the database never had");
    }
    Ok(said)
}
