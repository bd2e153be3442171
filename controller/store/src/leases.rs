//! Partitions and their leases: who may write an execution. Each batch checks its leases in its own transaction (the fence), so
//! that a controller that lost one writes nothing more, whatever it still believes.

use crate::Error;
use crate::dialect::{Dialect, UPSERT_LEASE};
use crate::rows::{Columns, FromRow, list};
use crate::sql::{Shape, built, query, repeat};
use pulse_core::time::Timestamp;
use pulse_protocol::ExecutionId;
use sqlx::AnyConnection;

/// Number of partitions. Fixed for ever: executions remember theirs.
pub const PARTITIONS: u8 = 16;

/// How long a lease holds after its last renewal.
const LEASE_MICROS: i64 = 10_000_000;

/// The partition of an execution: FNV-1a over its id, folded to 16.
pub fn partition_of(execution: ExecutionId) -> u8 {
    let hash = execution
        .0
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash >> 60) as u8
}

/// The leases that this controller holds: its name and the epoch of each partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leases {
    owner: String,
    epochs: [i64; PARTITIONS as usize],
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
        if part >= PARTITIONS {
            return Err(format!("there is no partition {part}"));
        }
        Ok(Self { part, epoch: row.get("epoch")? })
    }
}

impl Leases {
    /// Takes every lease with a higher epoch, inside a transaction.
    pub(crate) async fn take_all(
        dialect: &Dialect,
        connection: &mut AnyConnection,
        owner: &str,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let shape = Shape::insert("INSERT INTO leases (part, owner, epoch, expires_at) VALUES", "(?, ?, 1, ?)");
        let parts: Vec<i16> = (0..i16::from(PARTITIONS)).collect();
        let expires = now.0.saturating_add(LEASE_MICROS);
        let bind = |query: crate::sql::Query, part: &i16| query.bind(*part).bind(owner.to_owned()).bind(expires);
        dialect.upsert(shape, &UPSERT_LEASE).run(connection, &parts, bind).await?;
        let mut epochs = [0; PARTITIONS as usize];
        for lease in list::<Lease>(connection, query("SELECT part, epoch FROM leases")).await? {
            let lease = lease?;
            epochs[usize::from(lease.part)] = lease.epoch;
        }
        Ok(Self { owner: owner.to_owned(), epochs })
    }

    /// The fence: true if this controller still holds the leases of these partitions (sorted, each once). Renews them.
    pub(crate) async fn hold(&self, connection: &mut AnyConnection, parts: &[u8], now: Timestamp) -> Result<bool, sqlx::Error> {
        let wanted = repeat("(part = ? AND epoch = ?)", " OR ", parts.len());
        let fence = built(format!("UPDATE leases SET expires_at = ? WHERE owner = ? AND ({wanted})"));
        let fence = fence.bind(now.0.saturating_add(LEASE_MICROS)).bind(self.owner.clone());
        let bind = |query: crate::sql::Query, part: &u8| query.bind(i16::from(*part)).bind(self.epochs[usize::from(*part)]);
        let held = parts.iter().fold(fence, bind).execute(connection).await?.rows_affected();
        Ok(held == parts.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::{PARTITIONS, partition_of};
    use pulse_protocol::ExecutionId;
    use uuid::Uuid;

    #[test]
    fn partitions_are_fixed_and_spread() {
        let id = |text: &str| ExecutionId(Uuid::parse_str(text).unwrap());
        assert_eq!(
            partition_of(id("01890a5d-ac96-774b-bcce-b302099a8057")),
            partition_of(id("01890a5d-ac96-774b-bcce-b302099a8057"))
        );
        let mut counts = [0_u32; PARTITIONS as usize];
        for _ in 0..16_000 {
            counts[usize::from(partition_of(ExecutionId(Uuid::now_v7())))] += 1;
        }
        assert!(counts.iter().all(|count| (700..1300).contains(count)), "{counts:?}");
    }
}
