//! Tokens of the API. Only the secret's SHA-256 is kept, and a name is never given twice.

use crate::columns::{time, time_option};
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, built, is_taken, query};
use crate::tokens::json;
use crate::transact::look_again;
use crate::{Error, RowError, Store, bounds};
use pulse_core::access::{Role, Scope};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;
use sqlx::AnyConnection;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiTokenKind {
    /// For scripts and people, with roles and a scope.
    Api,
    /// For a person in need, made on the controller's command line: everything, for a short time.
    BreakGlass,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id, a UUIDv7.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: ApiTokenKind,
    /// SHA-256 of the secret, lower-case hex.
    pub secret_hash: String,
    /// Its roles.
    pub roles: BTreeSet<Role>,
    /// What it is good for, within its roles.
    pub scope: Scope,
    /// Why it was made, in the words of who made it.
    pub reason: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Until when it counts; for ever where there is none.
    pub expires_at: Option<Timestamp>,
    /// When somebody revoked it, and who.
    pub revoked: Option<(Timestamp, String)>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl ApiTokenKind {
    const ALL: [Self; 2] = [Self::Api, Self::BreakGlass];

    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::BreakGlass => "break_glass",
        }
    }
}

const COLUMNS: &str = "id, name, kind, secret_hash, roles, scope, reason, created_by, created_at, expires_at, revoked_at, revoked_by, \
                       last_used_at";

impl FromRow for ApiToken {
    const TABLE: &'static str = "api_tokens";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let time_of = |column| Ok::<_, String>(row.get::<Option<i64>>(column)?.map(Timestamp));
        let word: String = row.get("kind")?;
        let kind = ApiTokenKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        let revoked = match (time_of("revoked_at")?, row.get("revoked_by")?) {
            (Some(at), Some(by)) => Some((at, by)),
            (None, None) => None,
            _ => return Err("the columns revoked_… contradict each other".to_owned()),
        };
        Ok(Self {
            id: row.parsed("id")?,
            name: row.get("name")?,
            kind: kind.ok_or_else(|| format!("column kind: `{word}` is no kind of token"))?,
            secret_hash: row.get("secret_hash")?,
            roles: row.json("roles")?,
            scope: row.json("scope")?,
            reason: row.get("reason")?,
            created_by: row.get("created_by")?,
            created_at: Timestamp(row.get("created_at")?),
            expires_at: time_of("expires_at")?,
            revoked,
            last_used_at: time_of("last_used_at")?,
        })
    }
}

fn select_token(id: Uuid, end: &str) -> Query {
    built(format!("SELECT {COLUMNS} FROM api_tokens WHERE id = ? {end}")).bind(id.to_string())
}

/// Whether a new token was made, or its name had been given before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenMade {
    /// It was made.
    Made,
    /// Another token has, or had, its name.
    NameTaken,
}

impl Store {
    /// Makes a token.
    pub async fn create_api_token(&self, token: &ApiToken) -> Result<TokenMade, Error> {
        bounds::text("a token's name", &token.name, bounds::NAME)?;
        bounds::ascii("a token's hash", &token.secret_hash, bounds::DIGEST)?;
        bounds::text("who made a token", &token.created_by, bounds::LINE)?;
        let (roles, scope) = (&json(&token.roles)?, &json(&token.scope)?);
        bounds::documents("a token", &[scope, token.reason.as_deref().unwrap_or_default()])?;
        self.transact(
            Act::Credential,
            |connection, _| Box::pin(async move { insert(connection, token, roles, scope).await }),
            |connection, _| {
                Box::pin(async move {
                    let select = select_token(token.id, self.database.ground.dialect.for_update());
                    Ok(one::<ApiToken>(connection, select).await?.map(|_| TokenMade::Made))
                })
            },
        )
        .await
    }

    /// Revokes a token; false where somebody had done so before, or there is none.
    pub async fn revoke_api_token(&self, id: Uuid, by: &str, at: Timestamp) -> Result<bool, Error> {
        bounds::text("who revokes a token", by, bounds::LINE)?;
        self.transact(
            Act::Credential,
            |connection, _| {
                Box::pin(async move {
                    let update =
                        query("UPDATE api_tokens SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL");
                    let update = update.bind(time(at)).bind(by.to_owned()).bind(id.to_string());
                    Ok(update.execute(connection).await?.rows_affected() == 1)
                })
            },
            |connection, _| {
                Box::pin(async move {
                    let select = select_token(id, self.database.ground.dialect.for_update());
                    let row = one::<ApiToken>(connection, select).await?;
                    Ok(row.filter(|row| row.revoked == Some((at, by.to_owned()))).map(|_| true))
                })
            },
        )
        .await
    }

    /// Notes when tokens were used last.
    pub async fn touch_api_tokens(&self, used: &[(Uuid, Timestamp)]) -> Result<(), Error> {
        self.transact(
            Act::Credential,
            |connection, _| {
                Box::pin(async move {
                    for (id, at) in used {
                        let update = query("UPDATE api_tokens SET last_used_at = ? WHERE id = ?");
                        update.bind(time(*at)).bind(id.to_string()).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            },
            look_again,
        )
        .await
    }

    /// Every token that was ever made, newest first.
    pub async fn api_tokens(&self) -> Result<Vec<Result<ApiToken, RowError>>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM api_tokens ORDER BY id DESC"));
        Ok(list(&mut *self.reader().await?, select).await?)
    }
}

async fn insert(connection: &mut AnyConnection, token: &ApiToken, roles: &str, scope: &str) -> Result<TokenMade, Error> {
    let insert = query(
        "INSERT INTO api_tokens (id, name, kind, secret_hash, roles, scope, reason, created_by, created_at, expires_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let insert = insert
        .bind(token.id.to_string())
        .bind(token.name.clone())
        .bind(token.kind.as_str())
        .bind(token.secret_hash.clone())
        .bind(roles.to_owned())
        .bind(scope.to_owned())
        .bind(token.reason.clone())
        .bind(token.created_by.clone())
        .bind(time(token.created_at))
        .bind(time_option(token.expires_at));
    match insert.execute(connection).await {
        Ok(_) => Ok(TokenMade::Made),
        Err(error) if is_taken(&error) => Ok(TokenMade::NameTaken),
        Err(error) => Err(error.into()),
    }
}
