//! Sessions of browsers. Only the SHA-256 of a session's secret is kept, with a document that says whose it is.

use crate::columns::time;
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::query;
use crate::tokens::json;
use crate::transact::look_again;
use crate::{Error, RowError, Store, bounds};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;
use serde_json::Value;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSession {
    /// SHA-256 of its secret, lower-case hex.
    pub secret_hash: String,
    /// Whose it is; its form is the controller's.
    pub holder: Value,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub seen_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
}

const SELECT: &str = "SELECT secret_hash, holder, created_at, seen_at, expires_at FROM browser_sessions";

impl FromRow for BrowserSession {
    const TABLE: &'static str = "browser_sessions";
    fn key(_: &Columns<'_>) -> Option<String> {
        // Not even the hash of a secret belongs into a log.
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            secret_hash: row.get("secret_hash")?,
            holder: row.json("holder")?,
            created_at: Timestamp(row.get("created_at")?),
            seen_at: Timestamp(row.get("seen_at")?),
            expires_at: Timestamp(row.get("expires_at")?),
        })
    }
}

impl Store {
    /// Begins a session.
    pub async fn begin_browser_session(&self, session: &BrowserSession) -> Result<(), Error> {
        bounds::ascii("a session's hash", &session.secret_hash, bounds::DIGEST)?;
        let holder = &json(&session.holder)?;
        bounds::documents("a session", &[holder])?;
        self.transact(
            Act::Credential,
            |connection, _| {
                Box::pin(async move {
                    let insert = query(
                        "INSERT INTO browser_sessions (secret_hash, holder, created_at, seen_at, expires_at) VALUES (?, ?, ?, ?, ?)",
                    );
                    let insert = insert.bind(session.secret_hash.clone()).bind(holder.clone()).bind(time(session.created_at));
                    insert.bind(time(session.seen_at)).bind(time(session.expires_at)).execute(connection).await?;
                    Ok(())
                })
            },
            |connection, _| {
                Box::pin(async move {
                    let end = self.database.ground.dialect.for_update();
                    let select = crate::sql::built(format!("{SELECT} WHERE secret_hash = ? {end}"));
                    Ok(one::<BrowserSession>(connection, select.bind(session.secret_hash.clone())).await?.map(|_| ()))
                })
            },
        )
        .await
    }

    /// Ends sessions, by their hashes.
    pub async fn end_browser_sessions(&self, hashes: &[String]) -> Result<(), Error> {
        self.transact(
            Act::Credential,
            |connection, _| {
                Box::pin(async move {
                    for hash in hashes {
                        let delete = query("DELETE FROM browser_sessions WHERE secret_hash = ?");
                        delete.bind(hash.clone()).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            },
            look_again,
        )
        .await
    }

    /// Notes when sessions were used last.
    pub async fn touch_browser_sessions(&self, used: &[(String, Timestamp)]) -> Result<(), Error> {
        self.transact(
            Act::Credential,
            |connection, _| {
                Box::pin(async move {
                    for (hash, at) in used {
                        let update = query("UPDATE browser_sessions SET seen_at = ? WHERE secret_hash = ?");
                        update.bind(time(*at)).bind(hash.clone()).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            },
            look_again,
        )
        .await
    }

    /// Every session.
    pub async fn browser_sessions(&self) -> Result<Vec<Result<BrowserSession, RowError>>, Error> {
        Ok(list(&mut *self.reader().await?, query(SELECT)).await?)
    }
}
