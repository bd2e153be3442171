//! The periodic scan: every schedule that wants to be looked at is, whatever hint was lost, and every timer is set again. One
//! query, however many there are.

use super::{SCAN, Scheduler};
use crate::engine::{EngineError, ScheduleKey};
use pulse_core::schedule::{ScheduleState, Waiting, World, decide};
use std::collections::BTreeMap;

impl Scheduler {
    /// Scans from time to time, and at once after trouble. Runs until it is dropped.
    pub(super) async fn keep_scanning(&self) {
        let mut troubles = self.inner.steady.troubles();
        loop {
            if let Err(error) = self.scan().await {
                tracing::warn!(%error, "looking over the schedules failed");
            }
            // Whichever comes first.
            drop(tokio::time::timeout(SCAN, troubles.changed()).await);
        }
    }

    /// Queues what there is something to decide about.
    pub(super) async fn scan(&self) -> Result<(), EngineError> {
        let engine = &self.inner.engine;
        let mut rows: BTreeMap<ScheduleKey, ScheduleState> = BTreeMap::new();
        for row in engine.store().schedules().await? {
            match row {
                Ok(row) => drop(rows.insert(ScheduleKey { source: row.source, name: row.name }, row.state)),
                Err(error) => tracing::error!(%error, "a schedule's row cannot be read; it fires nothing"),
            }
        }
        let now = self.inner.clock.now();
        // Nothing open, nothing fired: what is due shows itself. The look sees the rest.
        let world = World { open: Vec::new(), steady_since: now, last_fire: None, pauses: engine.pauses() };
        for live in engine.schedules().into_iter().filter(|_| !self.inner.rests) {
            let Ok(compiled) = &live.compiled else { continue };
            let state = rows.remove(&live.key);
            let decision = decide(compiled, state.as_ref(), &world, now);
            if decision.state.is_some() || matches!(decision.waiting, Waiting::CatchUp { .. }) {
                engine.scheduled().add(live.key.clone());
            } else if let Some(at) = decision.wake_at {
                engine.scheduled().add_at(live.key.clone(), self.instant(at));
            }
        }
        // Rows of schedules that fire nothing, and do not rest yet.
        rows.into_iter().filter(|(_, state)| !state.suspended).for_each(|(key, _)| engine.scheduled().add(key));
        Ok(())
    }
}
