//! The audit log, and what people have set that is over for as long. Rows go once a sealed row says so: a run announces up to where, and the next
//! one takes them out.

use super::report::{Report, row};
use super::{Halt, Keeper};
use crate::clock;
use pulse_core::Timestamp;
use pulse_core::audit::{ANCHOR, Anchor};
use pulse_store::AuditWrite;

/// Rows go by whole days, so that a day has one row at most that says so.
const DAY: i64 = 86_400_000_000;

impl Keeper {
    pub(super) async fn audit(&mut self, report: &mut Report) -> Result<(), Halt> {
        let Some(before) = self.keep.retention.audit.before(clock::now()) else { return Ok(()) };
        let anchor = self.engine.store().audit_anchor().await?;
        if let Some(anchor) = anchor {
            loop {
                self.step().await?;
                match self.engine.store().remove_audit(anchor).await? {
                    0 => break,
                    rows => report.audit += rows,
                }
            }
        }
        self.announce(anchor, Timestamp(before.0 - before.0.rem_euclid(DAY))).await?;
        loop {
            self.step().await?;
            match self.engine.store().remove_leftovers(before).await? {
                0 => return Ok(()),
                rows => report.leftovers += rows,
            }
        }
    }

    /// Says up to where rows go, where there are more than was said last.
    async fn announce(&self, said: Option<Anchor>, before: Timestamp) -> Result<(), Halt> {
        let through = self.engine.store().audit_before(before).await?;
        let Some(through) = through.filter(|through| said.is_none_or(|said| said.through.seq < through.seq)) else {
            return Ok(());
        };
        tracing::info!(%through, "rows of the audit log up to this one are older than what is kept, and go");
        // What cannot be written now is said at the next turn, and nothing goes before.
        let _ = self.audit.write(AuditWrite::Row(row(ANCHOR, Anchor { through }.details()))).await;
        Ok(())
    }
}
