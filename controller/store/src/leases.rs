//! Partitions and their leases: who may write. Each batch checks its leases in its own transaction (the fence), so that a
//! controller that lost one writes nothing more, whatever it still believes. Expiry is judged by the database's clock alone.
//!
//! One more lease, [`WHOLE`], stands for the controller as such. What is not written by partition (sources, agents, pauses, output)
//! shares its row for the length of a transaction; only taking over writes it. So these writers do not wait for each other nor
//! for the writer of executions, renewing waits for none of them, and a takeover waits until the last of them has ended. Its
//! own expiry means nothing: who may take over is judged by the partitions' alone.

#[cfg(test)]
mod tests;

use crate::dialect::Dialect;
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, Shape, built, query, repeat};
use crate::statement::{self, Conflict, Refused, Statement};
use crate::{Error, candidate::Holder};
use pulse_protocol::ExecutionId;
use pulse_protocol::planted::{self, Bug};
use sqlx::AnyConnection;
use std::time::Duration;

/// Number of partitions. Fixed for ever: executions remember theirs.
pub const PARTITIONS: u8 = 16;

/// The lease that stands for the controller as such.
const WHOLE: u8 = PARTITIONS;

/// Every lease: the partitions' and [`WHOLE`].
pub(crate) const LEASES: u8 = PARTITIONS + 1;

/// How long a lease holds after its last renewal.
pub(crate) const LEASE: Duration = Duration::from_secs(10);
const LEASE_MICROS: u128 = LEASE.as_micros();

/// The partition of an execution: FNV-1a over its id, folded to 16.
pub fn partition_of(execution: ExecutionId) -> u8 {
    let hash = execution
        .0
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash >> 60) as u8
}

/// The leases that this controller holds: its name and the epoch of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leases {
    owner: String,
    epochs: [i64; LEASES as usize],
    /// How long nobody had held them when they were taken; none where nobody ever had.
    pub(crate) absence: Option<Duration>,
}

struct Lease {
    part: u8,
    epoch: i64,
}

impl FromRow for Lease {
    const TABLE: &'static str = "leases";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.get::<i64>("part").ok().map(|part| part.to_string())
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let part = row.number("part")?;
        if part >= LEASES {
            return Err(format!("there is no partition {part}"));
        }
        Ok(Self { part, epoch: row.get("epoch")? })
    }
}

/// How long nobody held the leases before they were taken.
struct Absence(Option<Duration>);

impl FromRow for Absence {
    const TABLE: &'static str = "leases";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let (before, now): (i64, i64) = (row.get("held_before")?, row.get("now_at")?);
        // A clock that was set back makes it nothing.
        let gone = u64::try_from(now.saturating_sub(before)).unwrap_or(0);
        Ok(Self((before > 0).then_some(Duration::from_micros(gone))))
    }
}

struct Held(Holder);

impl FromRow for Held {
    const TABLE: &'static str = "leases";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let left: i64 = row.get("left_us")?;
        Ok(Self(Holder { name: row.get("owner")?, expires_in: Duration::from_micros(left.unsigned_abs()) }))
    }
}

/// Who holds a lease that has not expired, the one that holds longest.
pub(crate) async fn holder(dialect: &Dialect, connection: &mut AnyConnection) -> Result<Option<Holder>, Error> {
    let now = dialect.now();
    let select = built(format!(
        "SELECT owner, expires_at - {now} AS left_us FROM leases WHERE part <> {WHOLE} AND expires_at > {now} \
         ORDER BY expires_at DESC LIMIT 1"
    ));
    Ok(one::<Held>(connection, select).await?.map(|Held(holder)| holder))
}

impl Leases {
    /// Takes every lease with a higher epoch, inside a transaction; nothing, if a partition's has not expired. Where the engine
    /// has proven that nobody else runs, it takes them whatever they say. Those of `dead` count as expired.
    pub(crate) async fn take(
        dialect: &Dialect,
        connection: &mut AnyConnection,
        owner: &str,
        dead: &str,
    ) -> Result<Option<Self>, Error> {
        let missing = Shape::insert("INSERT INTO leases (part, owner, epoch, expires_at) VALUES", "(?, '', 0, 0)");
        let parts: Vec<i16> = (0..i16::from(LEASES)).collect();
        dialect.or_ignore(missing, "part").run(connection, &parts, |query: Query, part| query.bind(*part)).await?;
        let now = dialect.now();
        // Until when somebody held it. What stands there already is of a controller that died before it noted its absence, or of an
        // earlier try of ours whose answer got lost.
        let before = format!(
            "CASE WHEN held_before > 0 OR (owner = ? AND expires_at > {now}) THEN held_before \
             WHEN given_back_at > expires_at - {LEASE_MICROS} THEN given_back_at ELSE expires_at - {LEASE_MICROS} END"
        );
        let free = if dialect.takes_all_leases() { "1 = 1".to_owned() } else { format!("part = {WHOLE} OR expires_at <= {now}") };
        // Assignments are made from left to right on some engines, so what reads the others is written first.
        let take = built(format!(
            "UPDATE leases SET held_before = {before}, owner = ?, epoch = epoch + 1, expires_at = {now} + {LEASE_MICROS} \
             WHERE {free} OR owner = ?"
        ));
        let take = take.bind(owner.to_owned()).bind(owner.to_owned()).bind(dead.to_owned());
        let taken = take.execute(&mut *connection).await?.rows_affected();
        if taken != u64::from(LEASES) {
            return Ok(None);
        }
        let mut epochs = [0; LEASES as usize];
        for lease in list::<Lease>(connection, query("SELECT part, epoch FROM leases")).await? {
            let lease = lease?;
            epochs[usize::from(lease.part)] = lease.epoch;
        }
        let select = format!("SELECT MAX(held_before) AS held_before, {now} AS now_at FROM leases WHERE part <> {WHOLE}");
        let absence = one::<Absence>(connection, built(select)).await?.and_then(|Absence(absence)| absence);
        Ok(Some(Self { owner: owner.to_owned(), epochs, absence }))
    }

    /// The fence: a conflict unless this controller still holds the leases of these partitions (sorted, each once). Renews them.
    pub(crate) fn fence(&self, dialect: &Dialect, parts: &[u8]) -> Statement<'_> {
        let update = self.ours(&format!("UPDATE leases SET expires_at = {} + {LEASE_MICROS}", dialect.now()), "", parts);
        if planted::is(Bug::NoFence) { update } else { update.touching(parts.len() as u64, Conflict::Fenced) }
    }

    /// The fence by itself: whether it holds.
    pub(crate) async fn hold(
        &self,
        dialect: &Dialect,
        connection: &mut AnyConnection,
        parts: &[u8],
    ) -> Result<bool, sqlx::Error> {
        match statement::run(dialect, connection, vec![self.fence(dialect, parts)]).await {
            Ok(()) => Ok(true),
            Err(Refused::Conflict(_)) => Ok(false),
            Err(Refused::Database(error)) => Err(error),
        }
    }

    /// Renews every partition's lease; false if another took one. [`WHOLE`] is taken with them and never alone.
    pub(crate) async fn renew(&self, dialect: &Dialect, connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
        self.hold(dialect, connection, &partitions()).await
    }

    /// The fence of what is not written by partition: true if this controller still holds [`WHOLE`], which nobody can take
    /// until this transaction has ended. Renews nothing.
    pub(crate) async fn share(&self, dialect: &Dialect, connection: &mut AnyConnection) -> Result<bool, Error> {
        let select = self.ours("SELECT part, epoch FROM leases", dialect.for_share(), &[WHOLE]);
        Ok(one::<Lease>(connection, select.bound()).await?.is_some() || planted::is(Bug::NoFence))
    }

    /// The absence that these leases found is noted: the next controller finds only its own.
    pub(crate) async fn forget_absence(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        self.ours("UPDATE leases SET held_before = 0", "", &partitions()).bound().execute(connection).await?;
        Ok(())
    }

    /// Gives back what is still ours, so that the next controller takes over without waiting.
    pub(crate) async fn give_back(&self, dialect: &Dialect, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let head = format!("UPDATE leases SET given_back_at = {}, expires_at = 0", dialect.now());
        self.ours(&head, "", &partitions()).bound().execute(connection).await?;
        Ok(())
    }

    /// A statement about those of these leases that are still ours.
    fn ours(&self, head: &str, end: &str, parts: &[u8]) -> Statement<'_> {
        let wanted = repeat("(part = ? AND epoch = ?)", " OR ", parts.len());
        let each = parts.iter().flat_map(|part| [i64::from(*part).into(), self.epochs[usize::from(*part)].into()]);
        Statement::new(
            format!("{head} WHERE owner = ? AND ({wanted}) {end}"),
            [(&self.owner).into()].into_iter().chain(each).collect(),
        )
    }
}

fn partitions() -> Vec<u8> {
    (0..PARTITIONS).collect()
}
