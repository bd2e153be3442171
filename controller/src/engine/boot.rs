//! The start of the engine: what the database says is taken into memory, and every execution that is not over is looked at.

use super::{Engine, EngineError};
use crate::agents::enrolled;
use crate::clock;
use crate::feed::Notice;
use pulse_core::Timestamp;
use pulse_core::execution::Summary;
use pulse_core::transition::WaitReason;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// How often the controller looks whether it stood still itself.
const BEAT: std::time::Duration = std::time::Duration::from_secs(1);
/// Standing still for longer counts.
const OWN_SILENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// For so long agents remember ends that both sides have forgotten.
const WITNESSED: crd_schemas::Duration = crd_schemas::Duration::from_secs(30 * 24 * 3600);

impl Engine {
    /// Loads agents, definitions, taken slots and open attempts, and queues every open execution. A row that cannot be read is
    /// said and left out.
    pub async fn boot(&self) -> Result<(), EngineError> {
        let now = clock::now();
        let store = &self.inner.store;
        for agent in said(store.agents().await?, "agent") {
            // Time without a controller does not count: nobody is offline before 30 s of our own silence.
            let enrolled = enrolled(&agent);
            let mut fleet = self.inner.fleet.lock();
            fleet.enrol(&agent.name, enrolled, agent.revoked_at.is_some(), now);
            if let Some(reason) = agent.quarantine {
                fleet.quarantine(&agent.name, reason);
            }
        }
        self.note_absence().await?;
        self.note_restore(now).await?;
        self.definitions_changed().await?;
        let open = said(store.open_executions().await?, "execution");
        for summary in &open {
            let name = format!("{}#{}", summary.workflow, summary.number);
            self.inner.fleet.lock().name(summary.id, name, summary.number);
        }
        for (key, holder) in said(store.claims().await?, "claim") {
            self.believe_claim(&key, holder).await?;
        }
        for attempt in said(store.open_attempts(None).await?, "attempt") {
            self.inner.fleet.lock().open_attempt(&attempt.agent, attempt.attempt, attempt.execution);
        }
        // Before anybody is looked at: nothing starts that a pause holds.
        self.read_pauses().await?;
        open.iter().for_each(|summary| self.wake(summary.id));
        Ok(())
    }

    /// A database that was restored is told by its agents what went on since, for as long as they remember it.
    async fn note_restore(&self, now: Timestamp) -> Result<(), EngineError> {
        let from = self.inner.store.meta("restored_from").await?.and_then(|micros| micros.parse::<i64>().ok());
        let from = from.filter(|from| now.0.saturating_sub(*from) < WITNESSED.as_micros());
        if let Some(seconds) = from.and_then(|from| u64::try_from(from / 1_000_000).ok()) {
            self.inner.witness_since.store(seconds, Ordering::Relaxed);
            tracing::info!(from = %Timestamp(from.unwrap_or_default()), "this database was restored: agents are asked what they did since");
        }
        Ok(())
    }

    /// The database is as of this time, in seconds since 1970, where it was restored not long ago.
    pub fn witness_since(&self) -> Option<u64> {
        Some(self.inner.witness_since.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }

    /// The periodic scan: every open execution is looked at again, whatever hint was lost; those that wait, in turns.
    pub async fn scan(&self) -> Result<(), EngineError> {
        let due = said(self.inner.store.due(clock::now(), 10_000).await?, "execution");
        let open = said(self.inner.store.open_executions().await?, "execution");
        let (now, pauses) = (clock::now(), self.pauses());
        let is_held = |row: &Summary| pauses.iter().any(|pause| pause.is_active(now) && pause.holds_execution(row));
        let stands = |row: &Summary| match row.waits {
            // Nobody wakes one that was not told of the end of its pause.
            Some(WaitReason::Pause) => is_held(row),
            _ => row.status == "waiting",
        };
        let (waiting, running): (Vec<_>, Vec<_>) = open.into_iter().partition(stands);
        let waiting = waiting.into_iter().map(|row| row.id).collect();
        let swept = self.inner.sweep.lock().unwrap_or_else(PoisonError::into_inner).next(&waiting);
        for id in due.into_iter().chain(running.into_iter().map(|row| row.id)).chain(swept) {
            self.wake(id);
        }
        // Whoever may be next in a queue is waiting, and is told by whoever went before; unless that hint was lost.
        let heads = self.inner.fleet.lock().queue_heads();
        heads.into_iter().for_each(|id| self.wake(id));
        self.read_pauses().await
    }

    /// Watches the agents' states, for listeners; and for time in which this process could not listen: a stopped process, a suspended host, a stepped clock. What the
    /// agents would have said meanwhile does not count as their silence. Runs until it is dropped.
    pub async fn watch_own_silence(&self) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let (mut wall, mut steady) = (clock::now(), tokio::time::Instant::now());
        // As they are now, they are found by whoever asks.
        let _known = self.inner.fleet.lock().changed_states(clock::now());
        loop {
            beat.tick().await;
            let passed = steady.elapsed();
            let told = std::time::Duration::from_micros(clock::now().0.abs_diff(wall.0));
            if passed > OWN_SILENCE || told > passed + OWN_SILENCE {
                tracing::warn!(?passed, ?told, "this controller stood still, or its clock was stepped; agents are not blamed");
                self.forgive_silence();
            }
            (wall, steady) = (clock::now(), tokio::time::Instant::now());
            self.tell_states();
        }
    }

    /// Tells listeners which agents are in another state than before.
    fn tell_states(&self) {
        let changed = self.inner.fleet.lock().changed_states(clock::now());
        for (name, state) in changed {
            self.feed().tell(Notice::Agent { agent: name.to_string(), state: state.as_str() });
        }
    }

    /// Writes down what was heard of agents.
    pub async fn note_heartbeats(&self) -> Result<(), EngineError> {
        let heard = self.inner.fleet.lock().heartbeats();
        Ok(self.inner.store.touch(&heard, clock::now()).await?)
    }
}

pub(super) fn said<T>(rows: Vec<Result<T, pulse_store::RowError>>, what: &str) -> Vec<T> {
    let readable = rows.into_iter().filter_map(|row| {
        row.inspect_err(|error| {
            tracing::error!(%error, "one stored {what} cannot be read");
        })
        .ok()
    });
    readable.collect()
}
