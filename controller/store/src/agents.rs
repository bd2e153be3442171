//! Agents as rows: list, heartbeats, revocation, quarantine.

use crate::columns::time;
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, built, chunks, query, repeat};
use crate::transact::look_again;
use crate::{Error, RowError, Store, bounds};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;
use pulse_protocol::{AgentName, BootId, Epoch, Incarnation};
use sqlx::AnyConnection;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// An agent as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its name.
    pub name: AgentName,
    /// Its public key, base64.
    pub public_key: String,
    /// Labels that it says of itself.
    pub labels: BTreeMap<String, String>,
    /// Labels from the token that enrolled it.
    pub token_labels: BTreeMap<String, String>,
    /// How many commands it runs side by side.
    pub slots: u32,
    /// What it says of its host.
    pub facts: BTreeMap<String, String>,
    /// Its last session's boot.
    pub boot: Option<BootId>,
    /// Its last session's journal; absent before the first session.
    pub incarnation: Option<Incarnation>,
    /// The highest journal sequence that was heard of that journal.
    pub sequence: u64,
    /// Its last session's epoch.
    pub epoch: Epoch,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it was last heard of.
    pub last_seen: Option<Timestamp>,
    /// Since when it is no longer let in.
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked, where nobody did it by hand.
    pub revoked_reason: Option<String>,
    /// Why it is in quarantine, if it is.
    pub quarantine: Option<String>,
}

pub use pulse_core::fleet::Heartbeat;

const COLUMNS: &str = "name, public_key, labels, token_labels, slots, facts, boot, incarnation, sequence, epoch, \
    enrolled_at, last_seen, revoked_at, revoked_reason, quarantine";

impl FromRow for Agent {
    const TABLE: &'static str = "agents";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("name")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            name: row.parsed("name")?,
            public_key: row.get("public_key")?,
            labels: row.json("labels")?,
            token_labels: row.json("token_labels")?,
            slots: row.number("slots")?,
            facts: row.json("facts")?,
            boot: row.parsed_option("boot")?,
            incarnation: row.parsed_option("incarnation")?,
            sequence: row.number("sequence")?,
            epoch: Epoch(row.get("epoch")?),
            enrolled_at: Timestamp(row.get("enrolled_at")?),
            last_seen: row.get::<Option<i64>>("last_seen")?.map(Timestamp),
            revoked_at: row.get::<Option<i64>>("revoked_at")?.map(Timestamp),
            revoked_reason: row.get("revoked_reason")?,
            quarantine: row.get("quarantine")?,
        })
    }
}

/// The select of one agent, with an end that may lock it.
pub(crate) fn select_agent(name: &AgentName, end: &str) -> Query {
    built(format!("SELECT {COLUMNS} FROM agents WHERE name = ? {end}")).bind(name.as_str().to_owned())
}

/// A sequence as its column.
pub(crate) fn sequence_column(sequence: u64) -> Result<i64, Error> {
    let out_of_range = |_| Error::Value { what: "a journal sequence", reason: format!("{sequence} is over 2^63") };
    i64::try_from(sequence).map_err(out_of_range)
}

impl Store {
    /// Every agent that was ever enrolled, revoked ones too.
    pub async fn agents(&self) -> Result<Vec<Result<Agent, RowError>>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM agents ORDER BY name"));
        Ok(list(&mut *self.reader().await?, select).await?)
    }

    /// One agent.
    pub async fn agent(&self, name: &AgentName) -> Result<Option<Agent>, Error> {
        one(&mut *self.reader().await?, select_agent(name, "")).await
    }

    /// Agents were heard of. One statement for up to 256 of them, however often they beat.
    pub async fn touch(&self, beats: &[Heartbeat], now: Timestamp) -> Result<(), Error> {
        if beats.is_empty() {
            return Ok(());
        }
        let rows = beats.iter().map(|beat| Ok((beat, sequence_column(beat.sequence)?))).collect::<Result<Vec<_>, Error>>()?;
        // The same beats again change nothing.
        let rows = &rows;
        self.transact(Act::Touch, |connection, _| Box::pin(beat(connection, rows, now)), look_again).await
    }

    /// Lets an agent in no more. Answers whether it was let in until now.
    pub async fn revoke_agent(&self, name: &AgentName, now: Timestamp) -> Result<bool, Error> {
        // The epoch rises with it, so that a session that is open now is an old one.
        let update = "UPDATE agents SET revoked_at = ?, epoch = epoch + 1 WHERE name = ? AND revoked_at IS NULL";
        self.update_one(|| query(update).bind(time(now)).bind(name.as_str().to_owned())).await
    }

    /// The same for one that was not heard of since some time and holds nothing open, with the reason that it reads should it come back.
    pub async fn retire_agent(
        &self,
        name: &AgentName,
        reason: &str,
        unseen_since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        bounds::text("why an agent is revoked", reason, bounds::LINE)?;
        let update = "UPDATE agents SET revoked_at = ?, revoked_reason = ?, epoch = epoch + 1 WHERE name = ? AND revoked_at IS NULL \
             AND COALESCE(last_seen, enrolled_at) < ? \
             AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.agent = agents.name AND attempts.state = 'open')";
        let bound = || {
            let update = query(update).bind(time(now)).bind(reason.to_owned());
            update.bind(name.as_str().to_owned()).bind(time(unseen_since))
        };
        self.update_one(bound).await
    }

    /// Gives an agent another key in place of this one. Answers whether it had this one until now.
    pub async fn exchange_key(&self, name: &AgentName, old: &str, new: &str) -> Result<bool, Error> {
        bounds::ascii("a public key", new, bounds::DIGEST)?;
        let update = "UPDATE agents SET public_key = ? WHERE name = ? AND public_key = ? AND revoked_at IS NULL";
        let bound = || query(update).bind(new.to_owned()).bind(name.as_str().to_owned()).bind(old.to_owned());
        self.update_one(bound).await
    }

    /// Puts an agent into quarantine: nothing more is assigned to it, and it is let in no more, until a person looks. The first
    /// reason stays. Answers whether it was out of it until now.
    pub async fn quarantine_agent(&self, name: &AgentName, reason: &str) -> Result<bool, Error> {
        let update = "UPDATE agents SET quarantine = ? WHERE name = ? AND quarantine IS NULL";
        self.update_one(|| query(update).bind(reason.to_owned()).bind(name.as_str().to_owned())).await
    }

    /// A person has looked: lets an agent in again, with whatever journal it has. Answers whether it was in quarantine.
    pub async fn release_agent(&self, name: &AgentName) -> Result<bool, Error> {
        let update =
            "UPDATE agents SET quarantine = NULL, incarnation = NULL, sequence = 0 WHERE name = ? AND quarantine IS NOT NULL";
        self.update_one(|| query(update).bind(name.as_str().to_owned())).await
    }

    /// Runs a compare-and-set and answers whether it found its row.
    async fn update_one(&self, update: impl Fn() -> Query + Send + Sync) -> Result<bool, Error> {
        // A commit whose answer got lost leaves the row as it was wanted, so that the next try finds none.
        let (update, found_before) = (&update, &AtomicBool::new(false));
        self.transact(
            Act::Admission,
            |connection, _| {
                Box::pin(async move {
                    let found = update().execute(connection).await?.rows_affected() == 1;
                    Ok(found_before.fetch_or(found, Ordering::Relaxed) || found)
                })
            },
            look_again,
        )
        .await
    }
}

/// Writes beats whose sequences fit their column.
async fn beat(connection: &mut AnyConnection, rows: &[(&Heartbeat, i64)], now: Timestamp) -> Result<(), Error> {
    for chunk in chunks(rows) {
        let whens = repeat("WHEN name = ? AND epoch = ? AND sequence < ? THEN ?", " ", chunk.len());
        let sessions = repeat("(name = ? AND epoch = ?)", " OR ", chunk.len());
        let update = built(format!(
            "UPDATE agents SET last_seen = ?, sequence = CASE {whens} ELSE sequence END \
             WHERE ({sessions}) AND revoked_at IS NULL"
        ));
        let update = chunk.iter().fold(update.bind(time(now)), |update, (beat, sequence)| {
            update.bind(beat.name.as_str().to_owned()).bind(beat.epoch.0).bind(*sequence).bind(*sequence)
        });
        let update = chunk.iter().fold(update, |update, (beat, _)| update.bind(beat.name.as_str().to_owned()).bind(beat.epoch.0));
        update.execute(&mut *connection).await?;
    }
    Ok(())
}
