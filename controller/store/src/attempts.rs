//! Attempts by agent: which ones an agent shall have, without folding every execution. Written with the events.

use crate::columns::Word;
use crate::rows::{Columns, FromRow, list};
use crate::sql::{built, chunks, query, repeat};
use crate::{Error, RowError, Store};
use pulse_protocol::{AgentName, AttemptId, ExecutionId, Incarnation};

/// An attempt that an execution opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// The attempt.
    pub attempt: AttemptId,
    /// The agent it is bound to.
    pub agent: AgentName,
    /// The journal it is bound to.
    pub incarnation: Incarnation,
}

/// Whether an attempt still needs word of its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttemptState {
    /// It may run, or nobody knows.
    Open,
    /// It is settled.
    Closed,
}

impl Word for AttemptState {
    const WHAT: &'static str = "attempt state";
    const ALL: &'static [Self] = &[Self::Open, Self::Closed];
    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// An attempt as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAttempt {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its execution.
    pub execution: ExecutionId,
    /// The agent it is bound to.
    pub agent: AgentName,
    /// The journal it is bound to.
    pub incarnation: Incarnation,
    /// Open or closed.
    pub state: AttemptState,
}

const COLUMNS: &str = "SELECT attempt, execution, agent, incarnation, state FROM attempts WHERE";

impl FromRow for StoredAttempt {
    const TABLE: &'static str = "attempts";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("attempt")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            attempt: row.parsed("attempt")?,
            execution: row.parsed("execution")?,
            agent: row.parsed("agent")?,
            incarnation: row.parsed("incarnation")?,
            state: AttemptState::from_word(&row.get::<String>("state")?).map_err(|error| error.to_string())?,
        })
    }
}

impl Store {
    /// Open attempts of one agent, or of all.
    pub async fn open_attempts(&self, agent: Option<&AgentName>) -> Result<Vec<Result<StoredAttempt, RowError>>, Error> {
        let mut reader = self.reader().await?;
        let select = match agent {
            Some(agent) => {
                built(format!("{COLUMNS} agent = ? AND state = 'open' ORDER BY attempt")).bind(agent.as_str().to_owned())
            }
            None => built(format!("{COLUMNS} state = 'open' ORDER BY attempt")),
        };
        Ok(list(&mut reader, select).await?)
    }

    /// Those of these attempts that exist, in no particular order.
    pub async fn attempts(&self, attempts: &[AttemptId]) -> Result<Vec<Result<StoredAttempt, RowError>>, Error> {
        let mut reader = self.reader().await?;
        let mut found = Vec::new();
        for chunk in chunks(attempts) {
            let select = built(format!("{COLUMNS} attempt IN ({})", repeat("?", ",", chunk.len())));
            let select = chunk.iter().fold(select, |select, attempt| select.bind(attempt.to_string()));
            found.extend(list(&mut reader, select).await?);
        }
        Ok(found)
    }

    /// Who holds a claim.
    pub async fn claim_holder(&self, key: &str) -> Result<Option<ExecutionId>, Error> {
        let mut reader = self.reader().await?;
        let select = query("SELECT execution FROM claims WHERE claim_key = ?").bind(key.to_owned());
        Ok(crate::rows::one::<Holder>(&mut reader, select).await?.map(|Holder(execution)| execution))
    }

    /// Every claim that is held, with its holder.
    pub async fn claims(&self) -> Result<Vec<Result<(String, ExecutionId), RowError>>, Error> {
        let mut reader = self.reader().await?;
        let rows = list::<Claim>(&mut reader, query("SELECT claim_key, execution FROM claims ORDER BY claim_key")).await?;
        Ok(rows.into_iter().map(|row| row.map(|Claim(key, execution)| (key, execution))).collect())
    }
}

/// The holder of a claim.
pub(crate) struct Holder(pub(crate) ExecutionId);

impl FromRow for Holder {
    const TABLE: &'static str = "claims";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(row.parsed("execution")?))
    }
}

struct Claim(String, ExecutionId);

impl FromRow for Claim {
    const TABLE: &'static str = "claims";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("claim_key")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(row.get("claim_key")?, row.parsed("execution")?))
    }
}
