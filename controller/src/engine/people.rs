//! What people decide beside executions: pauses. And the time in which no controller ran, which no deadline of theirs counts.

use super::{Engine, EngineError};
use crate::clock;
use pulse_core::Timestamp;
use pulse_core::elapsed::Span;
use pulse_store::{PauseEnd, PauseRow, Pauses};
use uuid::Uuid;

/// Pauses in one read.
const PAGE: u32 = 500;

impl Engine {
    /// Sets a pause. From then on what it holds starts nothing new.
    pub async fn pause(&self, row: &PauseRow) -> Result<(), EngineError> {
        self.inner.store.pause(row).await?;
        self.pauses_changed().await
    }

    /// Ends a pause.
    pub async fn end_pause(&self, id: Uuid, by: &str) -> Result<PauseEnd, EngineError> {
        let end = self.inner.store.end_pause(id, by, clock::now()).await?;
        self.pauses_changed().await?;
        Ok(end)
    }

    /// Takes in the pauses that hold now, and looks at everything that they may hold or let go.
    pub(super) async fn pauses_changed(&self) -> Result<(), EngineError> {
        // One reader at a time: an older answer must not replace a newer one.
        let _reading = self.inner.pausing.lock().await;
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.inner.store.pauses(Pauses::Active(clock::now()), PAGE, cursor).await?;
            found.extend(super::boot::said(page.items, "pause").iter().map(PauseRow::pause));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        self.inner.fleet.lock().set_pauses(found);
        for summary in super::boot::said(self.inner.store.open_executions().await?, "execution") {
            self.wake(summary.id);
        }
        self.schedules().iter().for_each(|schedule| self.inner.scheduled.add(schedule.key.clone()));
        Ok(())
    }

    /// Notes how long no controller ran before this one, and takes in every such time.
    pub(super) async fn note_absence(&self) -> Result<(), EngineError> {
        let (store, now) = (&self.inner.store, clock::now());
        if let Some(absence) = store.absence() {
            let micros = i64::try_from(absence.as_micros()).unwrap_or(i64::MAX);
            store.note_absence(Span { from: Timestamp(now.0.saturating_sub(micros)), to: now }).await?;
        }
        let absences = super::boot::said(store.absences(Timestamp(0)).await?, "absence");
        self.inner.fleet.lock().set_absences(absences);
        Ok(())
    }

    /// The time in which no controller ran.
    pub fn absences(&self) -> Vec<Span> {
        use pulse_core::decide::World;
        self.inner.fleet.lock().absences().to_vec()
    }
}
