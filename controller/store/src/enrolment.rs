//! Enrolment: one use of a token for one new name, in one transaction.

use crate::agents::{Agent, select_agent};
use crate::bounds;
use crate::columns::{time, time_option};
use crate::rows::one;
use crate::sql::{built, is_taken, query};
use crate::tokens::{self, Token, json};
use crate::{Error, Store};
use pulse_core::time::Timestamp;
use pulse_protocol::AgentName;
use pulse_protocol::failpoint::Act;
use sqlx::AnyConnection;

/// An agent that wants to be enrolled and has proven that it holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The name it wants.
    pub name: AgentName,
    /// Its public key, base64.
    pub public_key: String,
    /// SHA-256 of the token's secret, lower-case hex.
    pub secret_hash: String,
    /// When.
    pub now: Timestamp,
}

/// How an enrolment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolled {
    /// The name is this key's from now on; the token was used once.
    New,
    /// The name was this key's already (an answer got lost); the token was not used.
    Already,
}

/// Why an agent is not enrolled. The token was not used.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// No such token.
    #[error("the enrolment token is unknown: make one with `pulse agents token`")]
    TokenUnknown,
    /// Its time is over.
    #[error("the enrolment token has expired: make another with `pulse agents token`")]
    TokenExpired,
    /// Every use is spent.
    #[error("the enrolment token has no use left: make another with `pulse agents token`")]
    TokenSpent,
    /// It enrols other names.
    #[error("the enrolment token does not allow the name {name}: make one that does, or give the agent another name")]
    NameNotAllowed {
        /// The name.
        name: AgentName,
    },
    /// The name is another key's.
    #[error(
        "the name {name} belongs to another agent: give this one another name; if it is the same host, installed anew, make its token \
         with `pulse agents replace {name}`"
    )]
    NameTaken {
        /// The name.
        name: AgentName,
    },
    /// The token was made to replace an agent that was enrolled anew since.
    #[error("agent {name} was enrolled anew since this token was made: make another with `pulse agents replace {name}`")]
    ReplacedSince {
        /// The name.
        name: AgentName,
    },
    /// See [`Error`].
    #[error(transparent)]
    Store(#[from] Error),
}

impl EnrolError {
    /// A stable word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TokenUnknown => "token_unknown",
            Self::TokenExpired => "token_expired",
            Self::TokenSpent => "token_spent",
            Self::NameNotAllowed { .. } => "name_not_allowed",
            Self::NameTaken { .. } => "name_taken",
            Self::ReplacedSince { .. } => "replaced_since",
            Self::Store(error) => error.code(),
        }
    }
}

impl From<sqlx::Error> for EnrolError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Enrols an agent. A name whose agent was revoked, or which the token is to replace, may be enrolled anew: the key that it had is
    /// refused from then on, and its epoch goes on rising.
    pub async fn enrol(&self, enrolment: &Enrolment) -> Result<Enrolled, EnrolError> {
        bounds::ascii("a public key", &enrolment.public_key, bounds::DIGEST)?;
        let end = self.database.ground.dialect.for_update();
        self.transact(
            Act::Enrol,
            |connection, _| {
                Box::pin(async move {
                    if is_enrolled(connection, enrolment, "").await? {
                        return Ok(Enrolled::Already);
                    }
                    let token = use_token(connection, enrolment).await?;
                    if !token.names.is_empty() && !token.names.contains(&enrolment.name) {
                        return Err(EnrolError::NameNotAllowed { name: enrolment.name.clone() });
                    }
                    // An error rolls back, and the use of the token with it.
                    take_name(connection, enrolment, &token).await?;
                    Ok(Enrolled::New)
                })
            },
            |connection, _| Box::pin(async move { Ok(is_enrolled(connection, enrolment, end).await?.then_some(Enrolled::New)) }),
        )
        .await
    }
}

/// Whether the name is this key's.
async fn is_enrolled(connection: &mut AnyConnection, enrolment: &Enrolment, end: &str) -> Result<bool, Error> {
    let known: Option<Agent> = one(connection, select_agent(&enrolment.name, end)).await?;
    Ok(known.is_some_and(|agent| agent.public_key == enrolment.public_key && agent.revoked_at.is_none()))
}

/// Spends one use by compare-and-set; only on failure looks why.
async fn use_token(connection: &mut AnyConnection, enrolment: &Enrolment) -> Result<Token, EnrolError> {
    let spend =
        query("UPDATE agent_tokens SET uses_left = uses_left - 1 WHERE secret_hash = ? AND uses_left > 0 AND expires_at > ?");
    let spend = spend.bind(enrolment.secret_hash.clone()).bind(time(enrolment.now));
    let spent = spend.execute(&mut *connection).await?.rows_affected() == 1;
    let select = built(format!("SELECT {} FROM agent_tokens WHERE secret_hash = ?", tokens::COLUMNS));
    let token: Option<Token> = one(connection, select.bind(enrolment.secret_hash.clone())).await?;
    match token {
        Some(token) if spent => Ok(token),
        Some(token) if token.expires_at <= enrolment.now => Err(EnrolError::TokenExpired),
        Some(_) => Err(EnrolError::TokenSpent),
        None => Err(EnrolError::TokenUnknown),
    }
}

/// Takes the name by its unique key, or from an agent that was revoked or is to be replaced by compare-and-set.
async fn take_name(connection: &mut AnyConnection, enrolment: &Enrolment, token: &Token) -> Result<(), EnrolError> {
    let labels = &json(&token.labels)?;
    let insert = query(
        "INSERT INTO agents (public_key, token_labels, enrolled_at, name, labels, slots, facts, sequence, epoch) \
         VALUES (?, ?, ?, ?, '{}', 0, '{}', 0, 0)",
    );
    let update = query(
        "UPDATE agents SET public_key = ?, token_labels = ?, enrolled_at = ?, labels = '{}', slots = 0, facts = '{}', \
         boot = NULL, incarnation = NULL, sequence = 0, epoch = epoch + 1, last_seen = NULL, revoked_at = NULL, revoked_reason = NULL, \
         quarantine = NULL WHERE name = ? AND (revoked_at IS NOT NULL OR enrolled_at = ?)",
    );
    let bind = |query: crate::sql::Query| {
        let query = query.bind(enrolment.public_key.clone()).bind(labels.clone()).bind(time(enrolment.now));
        query.bind(enrolment.name.as_str().to_owned())
    };
    match bind(insert).execute(&mut *connection).await {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => {
            let update = bind(update).bind(time_option(token.replaces));
            let (taken, name) = (update.execute(connection).await?.rows_affected() == 1, enrolment.name.clone());
            match token.replaces {
                _ if taken => Ok(()),
                Some(_) => Err(EnrolError::ReplacedSince { name }),
                None => Err(EnrolError::NameTaken { name }),
            }
        }
        Err(error) => Err(error.into()),
    }
}
