//! Enrolment tokens. Only the secret's SHA-256 is kept.

use crate::bounds;
use crate::columns::{time, time_option};
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{built, query};
use crate::{Error, RowError, Store};
use pulse_core::time::Timestamp;
use pulse_protocol::AgentName;
use pulse_protocol::failpoint::Act;
use sqlx::AnyConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its id, a UUIDv7.
    pub id: Uuid,
    /// SHA-256 of the secret, lower-case hex.
    pub secret_hash: String,
    /// How many agents it enrols.
    pub uses: u32,
    /// Until when.
    pub expires_at: Timestamp,
    /// Labels that its agents get.
    pub labels: BTreeMap<String, String>,
    /// The only names it enrols; any if empty.
    pub names: Vec<AgentName>,
    /// The enrolment that it may end, by its time: its agent's host was reinstalled.
    pub replaces: Option<Timestamp>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// A token as it stands, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: Uuid,
    /// How many agents it still enrols.
    pub uses_left: u32,
    /// Until when.
    pub expires_at: Timestamp,
    /// Labels that its agents get.
    pub labels: BTreeMap<String, String>,
    /// The only names it enrols; any if empty.
    pub names: Vec<AgentName>,
    /// The enrolment that it may end, by its time: its agent's host was reinstalled.
    pub replaces: Option<Timestamp>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// The columns that [`Token`] is read from.
pub(crate) const COLUMNS: &str = "id, uses_left, expires_at, labels, names, replaces, created_by, created_at";

impl FromRow for Token {
    const TABLE: &'static str = "agent_tokens";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            id: row.parsed("id")?,
            uses_left: row.number("uses_left")?,
            expires_at: Timestamp(row.get("expires_at")?),
            labels: row.json("labels")?,
            names: row.json("names")?,
            replaces: row.get::<Option<i64>>("replaces")?.map(Timestamp),
            created_by: row.get("created_by")?,
            created_at: Timestamp(row.get("created_at")?),
        })
    }
}

impl Store {
    /// Makes a token.
    pub async fn create_token(&self, token: &NewToken) -> Result<(), Error> {
        bounds::ascii("a token's hash", &token.secret_hash, bounds::DIGEST)?;
        bounds::text("who made a token", &token.created_by, bounds::LINE)?;
        let (labels, names) = (&json(&token.labels)?, &json(&token.names)?);
        self.transact(
            Act::Token,
            |connection, _| {
                Box::pin(async move {
                    insert(connection, token, labels, names).await?;
                    Ok(())
                })
            },
            |connection, _| {
                Box::pin(async move {
                    let end = self.database.ground.dialect.for_update();
                    let select =
                        built(format!("SELECT {COLUMNS} FROM agent_tokens WHERE id = ? {end}")).bind(token.id.to_string());
                    Ok(one::<Token>(connection, select).await?.map(|_| ()))
                })
            },
        )
        .await
    }

    /// Every token, newest first, spent and expired ones too.
    pub async fn tokens(&self) -> Result<Vec<Result<Token, RowError>>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM agent_tokens ORDER BY id DESC"));
        Ok(list(&mut *self.reader().await?, select).await?)
    }
}

async fn insert(connection: &mut AnyConnection, token: &NewToken, labels: &str, names: &str) -> Result<(), sqlx::Error> {
    query(
        "INSERT INTO agent_tokens (id, secret_hash, uses_left, expires_at, labels, names, replaces, created_by, created_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(token.id.to_string())
    .bind(token.secret_hash.clone())
    .bind(i64::from(token.uses))
    .bind(time(token.expires_at))
    .bind(labels.to_owned())
    .bind(names.to_owned())
    .bind(time_option(token.replaces))
    .bind(token.created_by.clone())
    .bind(time(token.created_at))
    .execute(connection)
    .await?;
    Ok(())
}

/// A document as its column.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Value { what: "a document", reason: error.to_string() })
}
