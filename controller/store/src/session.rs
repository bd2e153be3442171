//! The start of an agent's session: its epoch rises by compare-and-set, and a journal that went backwards is caught.

use crate::agents::{Agent, select_agent, sequence_column};
use crate::columns::time;
use crate::rows::one;
use crate::sql::{built, query};
use crate::tokens::json;
use crate::{Error, Store};
use pulse_core::session::{Barred, Coming, Known, may_begin};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;
use pulse_protocol::{AgentName, BootId, Epoch, Incarnation};
use sqlx::AnyConnection;
use std::collections::BTreeMap;

/// What an agent says when it comes, after its signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStart {
    /// Its name.
    pub name: AgentName,
    /// The key that its signature was checked with.
    pub public_key: String,
    /// The epoch that the caller saw when it let the agent in; the new one is the next.
    pub seen_epoch: Epoch,
    /// Its boot.
    pub boot: BootId,
    /// Its journal.
    pub incarnation: Incarnation,
    /// The journal's last sequence.
    pub sequence: u64,
    /// It has answered a ping since it said all this.
    pub alive: bool,
    /// How many commands it runs side by side.
    pub slots: u32,
    /// Labels that it says of itself.
    pub labels: BTreeMap<String, String>,
    /// What it says of its host.
    pub facts: BTreeMap<String, String>,
    /// When.
    pub now: Timestamp,
}

/// Why a session does not start.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No agent of this name has this key.
    #[error("no agent {name} with this key is enrolled: enrol it with a token")]
    Unknown {
        /// The name.
        name: AgentName,
    },
    /// It was revoked.
    #[error("agent {name} was revoked{}: enrol it anew with a token", .reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})")))]
    Revoked {
        /// The name.
        name: AgentName,
        /// Why, where nobody did it by hand.
        reason: Option<String>,
    },
    /// It is in quarantine.
    #[error("agent {name} is in quarantine: {reason}")]
    Quarantined {
        /// The name.
        name: AgentName,
        /// Why.
        reason: String,
    },
    /// Its journal is not that of the last session, or not as far, and it may have said so long ago: find out whether it lives.
    #[error("agent {name} came with another journal than before and did not prove to be alive: it tries again by itself")]
    Doubtful {
        /// The name.
        name: AgentName,
    },
    /// Its journal has forgotten what it had already said, so its word is no proof any more. It is in quarantine from now on.
    #[error(
        "agent {name} came with journal sequence {said} after {stored}: its data folder was restored or copied; it is in quarantine"
    )]
    SequenceWentBack {
        /// The name.
        name: AgentName,
        /// The highest sequence that was heard.
        stored: u64,
        /// The sequence it came with.
        said: u64,
    },
    /// Another session began meanwhile: look again.
    #[error("another session of agent {name} began at the same time: try again")]
    Superseded {
        /// The name.
        name: AgentName,
    },
    /// See [`Error`].
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<sqlx::Error> for SessionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Starts a session and answers its epoch. Only the newest epoch's messages count from then on.
    pub async fn start_session(&self, start: &SessionStart) -> Result<Epoch, SessionError> {
        let sequence = sequence_column(start.sequence)?;
        let epoch = Epoch(start.seen_epoch.0.saturating_add(1));
        // This session's own mark; a quarantine is found again by the next try.
        self.transact(
            Act::Session,
            |connection, _| {
                Box::pin(async move {
                    if raise_epoch(connection, start, sequence).await? {
                        return Ok(Ok(epoch));
                    }
                    let error = refusal(one(connection, select_agent(&start.name, "")).await?, start);
                    if let SessionError::SequenceWentBack { .. } = error {
                        quarantine(connection, start, &error.to_string()).await?;
                    }
                    Ok::<_, SessionError>(Err(error))
                })
            },
            |connection, _| {
                Box::pin(async move {
                    let end = self.database.ground.dialect.for_update();
                    let agent: Option<Agent> = one(connection, select_agent(&start.name, end)).await?;
                    let ours = agent.is_some_and(|agent| {
                        let mark = (agent.epoch, agent.boot, agent.incarnation, agent.last_seen);
                        mark == (epoch, Some(start.boot), Some(start.incarnation), Some(start.now))
                    });
                    Ok(ours.then_some(Ok(epoch)))
                })
            },
        )
        .await?
    }
}

async fn raise_epoch(connection: &mut AnyConnection, start: &SessionStart, sequence: i64) -> Result<bool, SessionError> {
    let journal = if start.alive { "incarnation <> ? OR sequence <= ?" } else { "incarnation = ? AND sequence <= ?" };
    let update = built(format!(
        "UPDATE agents SET epoch = epoch + 1, boot = ?, incarnation = ?, sequence = ?, slots = ?, labels = ?, facts = ?, \
         last_seen = ? WHERE name = ? AND public_key = ? AND epoch = ? AND revoked_at IS NULL AND quarantine IS NULL \
         AND (incarnation IS NULL OR {journal})"
    ));
    let update = update
        .bind(start.boot.to_string())
        .bind(start.incarnation.to_string())
        .bind(sequence)
        .bind(i64::from(start.slots))
        .bind(json(&start.labels)?)
        .bind(json(&start.facts)?)
        .bind(time(start.now))
        .bind(start.name.as_str().to_owned())
        .bind(start.public_key.clone())
        .bind(start.seen_epoch.0)
        .bind(start.incarnation.to_string())
        .bind(sequence);
    Ok(update.execute(connection).await?.rows_affected() == 1)
}

/// Why the compare-and-set found no row: its conditions are those of [`may_begin`].
fn refusal(agent: Option<Agent>, start: &SessionStart) -> SessionError {
    let name = start.name.clone();
    let known = agent.as_ref().map(|agent| Known {
        public_key: &agent.public_key,
        epoch: agent.epoch,
        incarnation: agent.incarnation,
        sequence: agent.sequence,
        revoked: agent.revoked_at.is_some(),
        quarantine: agent.quarantine.as_deref(),
    });
    let (public_key, seen_epoch) = (start.public_key.as_str(), start.seen_epoch);
    let SessionStart { incarnation, sequence, alive, .. } = *start;
    let coming = Coming { public_key, seen_epoch, incarnation, sequence, alive };
    match may_begin(known, &coming) {
        Err(Barred::Unknown) => SessionError::Unknown { name },
        Err(Barred::Revoked) => SessionError::Revoked { name, reason: agent.and_then(|agent| agent.revoked_reason) },
        Err(Barred::Quarantined(reason)) => SessionError::Quarantined { name, reason },
        Err(Barred::Doubtful) => SessionError::Doubtful { name },
        Err(Barred::SequenceWentBack { stored, said }) => SessionError::SequenceWentBack { name, stored, said },
        // It may by now, so that another try finds it so.
        Err(Barred::Superseded) | Ok(_) => SessionError::Superseded { name },
    }
}

async fn quarantine(connection: &mut AnyConnection, start: &SessionStart, reason: &str) -> Result<(), sqlx::Error> {
    query("UPDATE agents SET quarantine = ? WHERE name = ? AND incarnation = ? AND quarantine IS NULL")
        .bind(reason.to_owned())
        .bind(start.name.as_str().to_owned())
        .bind(start.incarnation.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
