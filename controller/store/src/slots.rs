//! Settled slots as rows: what became of each, one row for a slot, or for a run of slots of which the same became. Written only
//! with the step of their schedule that settles them; the newest [`KEPT`] of each schedule are kept.

mod prune;

use crate::columns::time;
use crate::dialect::Dialect;
use crate::rows::{Columns, FromRow, list, one};
use crate::schedules::Advance;
use crate::sql::{Shape, built, repeat};
use crate::statement::{Conflict, Statement};
use crate::{Error, RowError, Store};
use pulse_core::schedule::{Outcome, Settled};
use pulse_core::time::Timestamp;
use pulse_protocol::planted::{self, Bug};

/// Records of a schedule that are kept, the newest ones.
pub const KEPT: u16 = 10_000;

/// What became of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRow {
    /// The source of its schedule.
    pub source: String,
    /// Its schedule.
    pub schedule: String,
    /// The slot, or the run of slots, and what became of it.
    pub settled: Settled,
    /// When that was decided; of a run, when its last slot was.
    pub decided_at: Timestamp,
}

const COLUMNS: &str = "source, schedule, slot_at, last_slot_at, slots, outcome, reason, message, execution, decided_at";
const INSERT: Shape = Shape::insert(
    "INSERT INTO slots (source, schedule, slot_at, last_slot_at, slots, outcome, reason, message, execution, decided_at) VALUES",
    "(?,?,?,?,?,?,?,?,?,?)",
);

impl FromRow for SlotRow {
    const TABLE: &'static str = "slots";
    fn key(row: &Columns<'_>) -> Option<String> {
        Some(format!("{}/{}/{}", row.text("source")?, row.text("schedule")?, row.get::<i64>("slot_at").ok()?))
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let (outcome, reason): (String, Option<String>) = (row.get("outcome")?, row.get("reason")?);
        let settled = Settled {
            slot: Timestamp(row.get("slot_at")?),
            last: Timestamp(row.get("last_slot_at")?),
            slots: row.number("slots")?,
            outcome: Outcome::read(&outcome, reason.as_deref(), row.parsed_option("execution")?)?,
            message: row.get::<Option<String>>("message")?.unwrap_or_default(),
        };
        let (source, schedule) = (row.get("source")?, row.get("schedule")?);
        Ok(Self { source, schedule, settled, decided_at: Timestamp(row.get("decided_at")?) })
    }
}

/// Lets the record that a step continues go on; a conflict if it is not as it was read.
pub(crate) fn extend(advance: &Advance) -> Option<Statement<'_>> {
    let (record, next) = advance.continued()?;
    let joined = record.joined(next);
    let update = "UPDATE slots SET last_slot_at = ?, slots = ?, decided_at = ? \
         WHERE source = ? AND schedule = ? AND slot_at = ? AND last_slot_at = ? AND slots = ? AND outcome = ? AND reason = ?";
    let values = [
        time(joined.last).into(),
        count(joined.slots).into(),
        time(advance.at).into(),
        (&advance.source).into(),
        (&advance.name).into(),
        time(record.slot).into(),
        time(record.last).into(),
        count(record.slots).into(),
        record.outcome.word().into(),
        record.outcome.reason().into(),
    ];
    Some(Statement::new(update, values.into()).touching(1, Conflict::Schedule))
}

/// The records of these steps, but for what went into a record that was there. A unique key that exists says that a slot is settled
/// already.
pub(crate) fn insert<'a>(dialect: &Dialect, advances: &[&'a Advance]) -> Vec<Statement<'a>> {
    let rows = advances.iter().flat_map(|advance| {
        let new = advance.settled.iter().skip(usize::from(advance.continued().is_some()));
        new.map(move |row| (*advance, row))
    });
    let shape = if planted::is(Bug::SlotTwice) { dialect.or_ignore(INSERT, "slot_at") } else { INSERT };
    let inserted = Statement::of_rows(&shape, rows, |(advance, settled)| {
        [
            (&advance.source).into(),
            (&advance.name).into(),
            time(settled.slot).into(),
            time(settled.last).into(),
            count(settled.slots).into(),
            settled.outcome.word().into(),
            settled.outcome.reason().into(),
            Some(&settled.message).filter(|message| !message.is_empty()).into(),
            settled.outcome.execution().map(|execution| execution.to_string()).into(),
            time(advance.at).into(),
        ]
    });
    inserted.into_iter().map(|statement| statement.taken_as(Conflict::Slot)).collect()
}

/// As the column holds it; [`Advance::check`] has refused what it cannot.
fn count(slots: u64) -> i64 {
    i64::try_from(slots).unwrap_or(i64::MAX)
}

impl Store {
    /// What became of the slots of a schedule, newest first. `before` is the (first) slot of the last row of the page before.
    pub async fn slots(
        &self,
        source: &str,
        schedule: &str,
        limit: u32,
        before: Option<Timestamp>,
    ) -> Result<Vec<Result<SlotRow, RowError>>, Error> {
        let earlier = if before.is_some() { "AND slot_at < ?" } else { "" };
        let select = built(format!(
            "SELECT {COLUMNS} FROM slots WHERE source = ? AND schedule = ? {earlier} ORDER BY slot_at DESC LIMIT ?"
        ));
        let select = select.bind(source.to_owned()).bind(schedule.to_owned());
        let select = before.into_iter().fold(select, |select, before| select.bind(time(before)));
        Ok(list(&mut *self.reader().await?, select.bind(i64::from(limit))).await?)
    }

    /// What is recorded of one slot, by itself or as one of a run.
    pub async fn slot(&self, source: &str, schedule: &str, slot: Timestamp) -> Result<Option<SlotRow>, Error> {
        let select = built(format!(
            "SELECT {COLUMNS} FROM slots WHERE source = ? AND schedule = ? AND slot_at <= ? ORDER BY slot_at DESC LIMIT 1"
        ));
        let select = select.bind(source.to_owned()).bind(schedule.to_owned()).bind(time(slot));
        let row: Option<SlotRow> = one(&mut *self.reader().await?, select).await?;
        Ok(row.filter(|row| row.settled.slot.max(row.settled.last) >= slot))
    }

    /// The newest record that begins before a slot.
    pub async fn record_before(&self, source: &str, schedule: &str, slot: Timestamp) -> Result<Option<SlotRow>, Error> {
        let select = built(format!(
            "SELECT {COLUMNS} FROM slots WHERE source = ? AND schedule = ? AND slot_at < ? ORDER BY slot_at DESC LIMIT 1"
        ));
        let select = select.bind(source.to_owned()).bind(schedule.to_owned()).bind(time(slot));
        one(&mut *self.reader().await?, select).await
    }

    /// The newest record of each of these schedules (source and name) that has one.
    pub async fn last_slots(&self, schedules: &[(String, String)]) -> Result<Vec<Result<SlotRow, RowError>>, Error> {
        let mut found = Vec::new();
        let mut reader = self.reader().await?;
        for chunk in crate::sql::chunks(schedules) {
            let newest = "slot_at = (SELECT MAX(slot_at) FROM slots WHERE source = ? AND schedule = ?)";
            let wanted = repeat(&format!("(source = ? AND schedule = ? AND {newest})"), " OR ", chunk.len());
            let select = built(format!("SELECT {COLUMNS} FROM slots WHERE {wanted}"));
            let select = chunk.iter().fold(select, |select, (source, name)| {
                let select = select.bind(source.clone()).bind(name.clone());
                select.bind(source.clone()).bind(name.clone())
            });
            found.extend(list(&mut reader, select).await?);
        }
        Ok(found)
    }
}
