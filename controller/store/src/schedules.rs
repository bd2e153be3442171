//! Schedules as rows: how far each is settled. A row goes on by compare-and-set of its revision, in one transaction with the
//! records of the slots that are settled by that, and with the execution of the slot that fires.

use crate::columns::time;
use crate::dialect::Dialect;
use crate::rows::{Columns, FromRow, list, one};
use crate::slots;
use crate::sql::{Query, built};
use crate::statement::{self, Conflict, Refused, Statement};
use crate::{Error, RowError, Store, bounds};
use pulse_core::schedule::{Outcome, ScheduleState, Settled};
use pulse_core::time::Timestamp;
use pulse_protocol::ExecutionId;
use pulse_protocol::failpoint::Act;
use pulse_protocol::planted::{self, Bug};

/// A schedule's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    /// The source of its manifest.
    pub source: String,
    /// Its name.
    pub name: String,
    /// How far it is settled.
    pub state: ScheduleState,
    /// How often the row was written; what [`Advance::revision`] builds on.
    pub revision: i64,
    /// The slot that fired last.
    pub fired: Option<Fired>,
}

/// A slot that fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fired {
    /// The slot, its nominal instant.
    pub slot: Timestamp,
    /// When it fired.
    pub at: Timestamp,
    /// What it started.
    pub execution: ExecutionId,
}

/// A schedule goes on: its row, and the records of what is settled by that. One transaction, whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The source of its manifest.
    pub source: String,
    /// Its name.
    pub name: String,
    /// The revision of the row that it builds on; none where there is no row yet.
    pub revision: Option<i64>,
    /// The row as it is to be.
    pub state: ScheduleState,
    /// Slots that are settled, oldest first. One that fired stands only in [`crate::WriteItem::advance`].
    pub settled: Vec<Settled>,
    /// The newest record, as it was read, where the first of `settled` goes into it instead of being one of its own
    /// ([`pulse_core::schedule::CompiledSchedule::continues`]).
    pub continues: Option<Settled>,
    /// When that was decided.
    pub at: Timestamp,
}

/// Why a schedule did not go on. Nothing was written, unless [`Error::Unclear`] says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// The row is no longer the one that was read: read it again.
    #[error("schedule {name} of source {source_name} has gone on since it was read")]
    Moved {
        /// Its source.
        source_name: String,
        /// Its name.
        name: String,
    },
    /// One of the slots is settled already.
    #[error("a slot of schedule {name} of source {source_name} is settled already")]
    SlotTaken {
        /// Its source.
        source_name: String,
        /// Its name.
        name: String,
    },
    /// See [`Error`].
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<sqlx::Error> for AdvanceError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

const COLUMNS: &str = "source, name, timing, watermark, suspended, revision, updated_at, fired_slot, fired_at, fired_execution";

impl FromRow for ScheduleRow {
    const TABLE: &'static str = "schedules";
    fn key(row: &Columns<'_>) -> Option<String> {
        Some(format!("{}/{}", row.text("source")?, row.text("name")?))
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let time_of = |column| Ok::<_, String>(row.get::<Option<i64>>(column)?.map(Timestamp));
        let fired = match (time_of("fired_slot")?, time_of("fired_at")?, row.parsed_option("fired_execution")?) {
            (Some(slot), Some(at), Some(execution)) => Some(Fired { slot, at, execution }),
            (None, None, None) => None,
            _ => return Err("the columns fired_… contradict each other".to_owned()),
        };
        let (watermark, timing) = (Timestamp(row.get("watermark")?), row.get("timing")?);
        let state = ScheduleState { watermark, timing, suspended: row.get::<i64>("suspended")? != 0 };
        Ok(Self { source: row.get("source")?, name: row.get("name")?, state, revision: row.get("revision")?, fired })
    }
}

impl Store {
    /// The row of a schedule; none if it was never settled.
    pub async fn schedule(&self, source: &str, name: &str) -> Result<Option<ScheduleRow>, Error> {
        one(&mut *self.reader().await?, select_schedule(source, name, "")).await
    }

    /// The rows of every schedule, retired ones too.
    pub async fn schedules(&self) -> Result<Vec<Result<ScheduleRow, RowError>>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM schedules ORDER BY name, source"));
        Ok(list(&mut *self.reader().await?, select).await?)
    }

    /// Lets a schedule go on without starting anything; a slot that fires goes with its execution, see
    /// [`crate::WriteItem::advance`].
    pub async fn advance(&self, advance: &Advance) -> Result<(), AdvanceError> {
        advance.check()?;
        if advance.fired().is_some() {
            let reason = "a slot that fired goes with its execution".to_owned();
            return Err(Error::Value { what: "a settled slot", reason }.into());
        }
        self.transact(
            Act::Advance,
            |connection, _| {
                Box::pin(async move {
                    let dialect = &self.database.ground.dialect;
                    statement::run(dialect, connection, steps(dialect, &[advance]))
                        .await
                        .map_err(|refused| advance.refused(refused))
                })
            },
            |connection, _| {
                Box::pin(async move {
                    let end = self.database.ground.dialect.for_update();
                    let select = select_schedule(&advance.source, &advance.name, end);
                    let row: Option<ScheduleRow> = one(connection, select).await?;
                    let next = advance.revision.unwrap_or(0) + 1;
                    // Only who held the leases wrote this revision, and what it says is the same: so it was this one.
                    Ok(row.filter(|row| row.revision == next && row.state == advance.state).map(|_| ()))
                })
            },
        )
        .await?;
        Ok(())
    }
}

fn select_schedule(source: &str, name: &str, end: &str) -> Query {
    let select = built(format!("SELECT {COLUMNS} FROM schedules WHERE source = ? AND name = ? {end}"));
    select.bind(source.to_owned()).bind(name.to_owned())
}

/// What these steps write: the compare-and-set of each row, that of each record that goes on, and the new records.
pub(crate) fn steps<'a>(dialect: &Dialect, advances: &[&'a Advance]) -> Vec<Statement<'a>> {
    let moved = advances.iter().flat_map(|advance| [Some(move_row(advance)), slots::extend(advance)]);
    moved.flatten().chain(slots::insert(dialect, advances)).collect()
}

fn move_row(advance: &Advance) -> Statement<'_> {
    let Advance { source, name, state, at, .. } = advance;
    let fired = advance.fired();
    let row = [
        (&state.timing).into(),
        time(state.watermark).into(),
        i64::from(state.suspended).into(),
        time(*at).into(),
        fired.map(|(slot, _)| slot.0).into(),
        fired.map(|_| time(*at)).into(),
        fired.map(|(_, execution)| execution.to_string()).into(),
        source.into(),
        name.into(),
    ];
    let Some(revision) = advance.revision else {
        let insert = "INSERT INTO schedules (timing, watermark, suspended, updated_at, fired_slot, fired_at, fired_execution, source, \
             name, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)";
        return Statement::new(insert, row.into()).taken_as(Conflict::Schedule);
    };
    let update = "UPDATE schedules SET timing = ?, watermark = ?, suspended = ?, updated_at = ?, fired_slot = COALESCE(?, fired_slot), \
         fired_at = COALESCE(?, fired_at), fired_execution = COALESCE(?, fired_execution), revision = revision + 1 \
         WHERE source = ? AND name = ? AND revision = ?";
    let update = Statement::new(update, row.into_iter().chain([revision.into()]).collect());
    if planted::is(Bug::SlotTwice) { update } else { update.touching(1, Conflict::Schedule) }
}

impl Advance {
    /// The slot that fires, and its execution.
    pub(crate) fn fired(&self) -> Option<(Timestamp, ExecutionId)> {
        self.settled.iter().find_map(|settled| match settled.outcome {
            Outcome::Fired(execution) => Some((settled.slot, execution)),
            Outcome::Skipped(_) | Outcome::Missed(_) => None,
        })
    }

    /// The record that goes on, and what goes into it.
    pub(crate) fn continued(&self) -> Option<(&Settled, &Settled)> {
        let next = self.settled.first().filter(|next| next.outcome.execution().is_none());
        self.continues.as_ref().zip(next)
    }

    /// What one engine would refuse to store no engine is asked to.
    pub(crate) fn check(&self) -> Result<(), Error> {
        bounds::text("a source's name", &self.source, bounds::NAME)?;
        bounds::text("a schedule's name", &self.name, bounds::NAME)?;
        bounds::ascii("a timing's digest", &self.state.timing, bounds::DIGEST)?;
        if let Some(record) = &self.continues
            && !self.continued().is_some_and(|(_, next)| {
                next.outcome == record.outcome && next.message == record.message && next.slot > record.last
            })
        {
            let reason = format!("nothing in it goes into the record of {}", record.slot);
            return Err(Error::Value { what: "a step of a schedule", reason });
        }
        self.settled.iter().try_for_each(|settled| {
            if i64::try_from(settled.slots).is_err() {
                let reason = format!("{} slots are too many", settled.slots);
                return Err(Error::Value { what: "a run of slots", reason });
            }
            bounds::documents("what is said of a slot", &[&settled.message])
        })
    }

    fn refused(&self, refused: Refused) -> AdvanceError {
        let (source_name, name) = (self.source.clone(), self.name.clone());
        match refused {
            Refused::Conflict(Conflict::Slot) => AdvanceError::SlotTaken { source_name, name },
            Refused::Conflict(_) => AdvanceError::Moved { source_name, name },
            Refused::Database(error) => error.into(),
        }
    }
}
