//! What people decide beside executions: pauses. And the time in which no controller ran, which no deadline of theirs counts.

use super::{Engine, EngineError};
use crate::clock;
use crate::feed::Notice;
use crd_schemas::Duration;
use pulse_core::Timestamp;
use pulse_core::decide::World;
use pulse_core::elapsed::Span;
use pulse_core::pause::Pause;
use pulse_store::{PauseEnd, PauseRow, Pauses};
use uuid::Uuid;

/// Pauses in one read.
const PAGE: u32 = 500;
/// So long after it ended by itself, beside the time in which no controller ran, a pause is still known: what came due under it is
/// looked at later.
const KNOWN: Duration = Duration::from_secs(86_400);

impl Engine {
    /// Sets a pause. From then on what it holds starts nothing new.
    pub async fn pause(&self, row: &PauseRow) -> Result<(), EngineError> {
        self.inner.store.pause(row).await?;
        self.pauses_changed().await?;
        self.feed().tell(told(row));
        Ok(())
    }

    /// Ends a pause.
    pub async fn end_pause(&self, id: Uuid, by: &str) -> Result<PauseEnd, EngineError> {
        let end = self.inner.store.end_pause(id, by, clock::now()).await?;
        self.pauses_changed().await?;
        if let PauseEnd::Ended(row) = &end {
            self.feed().tell(told(row));
        }
        Ok(end)
    }

    /// Takes in the pauses that hold now, and looks at everything that they may hold or let go.
    pub(super) async fn pauses_changed(&self) -> Result<(), EngineError> {
        // One reader at a time: an older answer must not replace a newer one.
        let _reading = self.inner.pausing.lock().await;
        let away = self.inner.store.absence().map_or(0, micros);
        let known_since = Timestamp(clock::now().0.saturating_sub(away).saturating_sub(KNOWN.as_micros()));
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.inner.store.pauses(Pauses::Active(known_since), PAGE, cursor).await?;
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
            store.note_absence(Span { from: Timestamp(now.0.saturating_sub(micros(absence))), to: now }).await?;
        }
        let absences = super::boot::said(store.absences(Timestamp(0)).await?, "absence");
        self.inner.fleet.lock().set_absences(absences);
        Ok(())
    }

    /// The time in which no controller ran.
    pub fn absences(&self) -> Vec<Span> {
        self.inner.fleet.lock().absences().to_vec()
    }

    /// The pauses that hold, and those that ended by themselves not long ago.
    pub fn pauses(&self) -> Vec<Pause> {
        self.inner.fleet.lock().pauses().to_vec()
    }
}

fn told(row: &PauseRow) -> Notice {
    let scope = row.scope.to_string().chars().take(200).collect();
    Notice::Pause { pause: row.id, scope, ended: row.ended.is_some(), expires_at: row.expires_at }
}

fn micros(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
