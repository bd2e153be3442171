//! What people have set and what is over for long: pauses that have ended, enrolment tokens that no longer let anybody in.

use super::ROWS;
use super::remove::by_id;
use crate::transact::look_again;
use crate::{Error, Store};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;

impl Store {
    /// Removes pauses that ended, and enrolment tokens that expired, before this time, up to a bound of each; answers how many.
    pub async fn remove_leftovers(&self, before: Timestamp) -> Result<u64, Error> {
        self.transact(
            Act::Retain,
            |connection, _| {
                Box::pin(async move {
                    let ended = "SELECT id FROM pauses WHERE COALESCE(ended_at, expires_at) < ? ORDER BY id LIMIT ?";
                    let expired = "SELECT id FROM agent_tokens WHERE expires_at < ? ORDER BY id LIMIT ?";
                    let pauses = by_id(connection, ended, "DELETE FROM pauses WHERE id", before, ROWS).await?;
                    let tokens = by_id(connection, expired, "DELETE FROM agent_tokens WHERE id", before, ROWS).await?;
                    Ok(pauses + tokens)
                })
            },
            look_again,
        )
        .await
    }
}
