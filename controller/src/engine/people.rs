//! What people decide beside executions: pauses. And the time in which no controller ran, which no deadline of theirs counts.

use super::detached::to_the_end;
use super::{Engine, EngineError};
use crate::clock;
use crate::feed::Notice;
use crd_schemas::Duration;
use pulse_core::Timestamp;
use pulse_core::decide::World;
use pulse_core::elapsed::Span;
use pulse_core::pause::{MAX_PAUSES, Pause};
use pulse_store::{PauseEnd, PauseRow, Pauses};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Pauses in one read.
const PAGE: u32 = 500;
/// So long after it ended by itself, beside the time in which no controller ran, a pause is still known: what came due under it is
/// looked at later.
const KNOWN: Duration = Duration::from_secs(86_400);

impl Engine {
    /// Sets a pause. From then on what it holds starts nothing new. Where the same person has set the same one and it holds, that one
    /// is answered, and false: a request whose answer was lost may come again.
    pub async fn pause(&self, row: PauseRow) -> Result<(PauseRow, bool), EngineError> {
        let engine = self.clone();
        to_the_end(async move {
            let _one = engine.inner.pausing.lock().await;
            let mut held = engine.stored_pauses(clock::now()).await?;
            if let Some(same) = held.iter().position(|held| is_same(held, &row)) {
                engine.take_pauses().await?;
                return Ok((held.swap_remove(same), false));
            }
            if held.len() >= MAX_PAUSES {
                return Err(EngineError::TooManyPauses);
            }
            engine.inner.store.pause(&row).await?;
            engine.take_pauses().await?;
            engine.feed().tell(told(&row));
            Ok((row, true))
        })
        .await
    }

    /// Ends a pause.
    pub async fn end_pause(&self, id: Uuid, by: String) -> Result<PauseEnd, EngineError> {
        let engine = self.clone();
        to_the_end(async move {
            let _one = engine.inner.pausing.lock().await;
            let end = engine.inner.store.end_pause(id, &by, clock::now()).await?;
            engine.take_pauses().await?;
            if let PauseEnd::Ended(row) = &end {
                engine.feed().tell(told(row));
            }
            Ok(end)
        })
        .await
    }

    /// Takes in the pauses that hold now. What is held by those that came or went is looked at: executions by what their rows say,
    /// schedules, and the executions that watch a held agent.
    pub(super) async fn read_pauses(&self) -> Result<(), EngineError> {
        let _one = self.inner.pausing.lock().await;
        self.take_pauses().await
    }

    /// The same, while the caller holds the lock: an older answer must not replace a newer one.
    async fn take_pauses(&self) -> Result<(), EngineError> {
        let now = clock::now();
        let away = self.inner.store.absence().map_or(0, micros);
        let known_since = Timestamp(now.0.saturating_sub(away).saturating_sub(KNOWN.as_micros()));
        let found: Vec<Pause> = self.stored_pauses(known_since).await?.iter().map(PauseRow::pause).collect();
        let changed = changed(self.inner.fleet.lock().pauses(), &found, now);
        // Read before anything changes: what fails here is found again by the next scan, as nothing was taken in.
        let open = match changed.is_empty() {
            true => Vec::new(),
            false => super::boot::said(self.inner.store.open_executions().await?, "execution"),
        };
        let watchers = {
            let mut fleet = self.inner.fleet.lock();
            fleet.set_pauses(found);
            fleet.pause_watchers(&changed)
        };
        let held = open.iter().filter(|row| changed.iter().any(|pause| pause.holds_execution(row))).map(|row| row.id);
        held.chain(watchers).for_each(|id| self.wake(id));
        let schedules = self.schedules().into_iter().filter(|schedule| {
            changed.iter().any(|pause| pause.holds_schedule(&schedule.key.name, &schedule.manifest.metadata.labels))
        });
        schedules.for_each(|schedule| self.inner.scheduled.add(schedule.key.clone()));
        Ok(())
    }

    /// Those that nobody has ended and that held at this time or later.
    async fn stored_pauses(&self, since: Timestamp) -> Result<Vec<PauseRow>, EngineError> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.inner.store.pauses(Pauses::Active(since), PAGE, cursor).await?;
            found.extend(super::boot::said(page.items, "pause"));
            cursor = page.next;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// Notes how long no controller ran before this one, and takes in every such time.
    pub(super) async fn note_absence(&self) -> Result<(), EngineError> {
        let (store, now) = (&self.inner.store, clock::now());
        if let Some(absence) = store.absence() {
            store.note_absence(Span { from: Timestamp(now.0.saturating_sub(micros(absence))), to: now }).await?;
        }
        let absences = super::boot::said(store.absences(Timestamp(0)).await?, "absence");
        self.inner.fleet.lock().set_absences(absences);
        self.inner.answered.settle(now);
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

/// Pauses that came or went. One that has ended by itself lets go by itself: whoever it held wakes at its time.
fn changed(known: &[Pause], found: &[Pause], now: Timestamp) -> Vec<Pause> {
    let by_id = |pauses: &[Pause]| pauses.iter().map(|pause| (pause.id.clone(), pause.clone())).collect::<BTreeMap<_, _>>();
    let (before, after) = (by_id(known), by_id(found));
    let went = before.iter().filter(|(id, pause)| after.get(*id) != Some(*pause));
    let came = after.iter().filter(|(id, pause)| before.get(*id) != Some(*pause));
    went.chain(came).map(|(_, pause)| pause.clone()).filter(|pause| pause.is_active(now)).collect()
}

fn told(row: &PauseRow) -> Notice {
    let scope = row.scope.to_string().chars().take(200).collect();
    Notice::Pause { pause: row.id, scope, ended: row.ended.is_some(), expires_at: row.expires_at }
}

fn micros(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// The same person asks for the same, for as long.
fn is_same(held: &PauseRow, wanted: &PauseRow) -> bool {
    let length = |row: &PauseRow| row.expires_at.map(|at| at.since(row.created_at));
    (&held.scope, &held.reason, &held.created_by) == (&wanted.scope, &wanted.reason, &wanted.created_by)
        && length(held) == length(wanted)
}

#[cfg(test)]
mod tests {
    use super::changed;
    use pulse_core::Timestamp;
    use pulse_core::pause::{Pause, PauseScope};

    fn pause(id: &str, expires_at: Option<i64>) -> Pause {
        let (scope, reason, by) = (PauseScope::All, "a freeze".to_owned(), "eve".to_owned());
        Pause { id: id.to_owned(), scope, reason, by, since: Timestamp(0), expires_at: expires_at.map(Timestamp) }
    }

    #[test]
    fn only_pauses_that_came_or_went_and_hold_now_are_looked_into() {
        let ids = |known: &[Pause], found: &[Pause]| {
            changed(known, found, Timestamp(10)).into_iter().map(|pause| pause.id).collect::<Vec<_>>()
        };
        let (stays, went, came) = (pause("stays", None), pause("went", Some(11)), pause("came", None));
        assert_eq!(ids(&[stays.clone(), went.clone()], &[came, stays.clone()]), ["went", "came"]);
        assert_eq!(ids(&[went.clone(), stays.clone()], &[stays.clone(), went]), Vec::<String>::new(), "in whatever order");
        assert_eq!(ids(&[pause("over", Some(10)), stays.clone()], &[stays]), Vec::<String>::new(), "its time let go already");
    }
}
