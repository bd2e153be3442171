//! Idempotency keys: the same request, sent again, is the same execution.

use crate::columns::time;
use crate::rows::{Columns, FromRow, one};
use crate::sql::query;
use crate::transact::look_again;
use crate::{Error, Store};
use pulse_core::time::Timestamp;
use pulse_protocol::ExecutionId;
use pulse_protocol::failpoint::Act;

/// A key that somebody sent with a request, and what came of it. Written in the transaction of the execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// Who sent it; a key of one principal says nothing to another.
    pub principal: String,
    /// The key.
    pub key: String,
    /// Digest of the request's body: the same key with another body is a mistake of the caller's.
    pub body_digest: String,
    /// The execution that came of it.
    pub execution: ExecutionId,
    /// When.
    pub created_at: Timestamp,
}

impl FromRow for IdempotencyRow {
    const TABLE: &'static str = "idempotency";
    fn key(row: &Columns<'_>) -> Option<String> {
        Some(format!("{}/{}", row.text("principal")?, row.text("idem_key")?))
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            principal: row.get("principal")?,
            key: row.get("idem_key")?,
            body_digest: row.get("body_digest")?,
            execution: row.parsed("execution")?,
            created_at: Timestamp(row.get("created_at")?),
        })
    }
}

/// The row of a principal's key.
pub(crate) fn select_key(principal: &str, key: &str) -> crate::sql::Query {
    query("SELECT principal, idem_key, body_digest, execution, created_at FROM idempotency WHERE principal = ? AND idem_key = ?")
        .bind(principal.to_owned())
        .bind(key.to_owned())
}

impl Store {
    /// What came of a principal's key. Only a hint before a write: the unique key decides.
    pub async fn idempotency(&self, principal: &str, key: &str) -> Result<Option<IdempotencyRow>, Error> {
        one(&mut *self.reader().await?, select_key(principal, key)).await
    }

    /// Forgets keys from before this time; answers how many.
    pub async fn forget_idempotency(&self, before: Timestamp) -> Result<u64, Error> {
        self.transact(
            Act::ForgetKeys,
            |connection, _| {
                Box::pin(async move {
                    let delete = query("DELETE FROM idempotency WHERE created_at < ?").bind(time(before));
                    Ok(delete.execute(connection).await?.rows_affected())
                })
            },
            look_again,
        )
        .await
    }
}
