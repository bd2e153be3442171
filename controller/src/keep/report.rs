//! What a run did, for the log and for the audit log. A run that removed nothing says nothing.

use crate::audit::{Audit, own};
use crate::clock;
use pulse_core::audit::{Outcome, Record};
use pulse_store::AuditWrite;
use serde_json::{Map, Value, json};

/// Counts of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// Executions.
    pub(super) executions: u64,
    /// Those of them that went because there are enough newer ones.
    pub(super) by_count: u64,
    /// Their rows of every other table.
    pub(super) rows: u64,
    /// Pieces of output of executions that are kept.
    pub(super) output: u64,
    /// Rows of the audit log.
    pub(super) audit: u64,
    /// Ended pauses and expired enrolment tokens.
    pub(super) leftovers: u64,
    /// Agents that were revoked; each has a row of its own.
    pub(super) agents: u64,
    /// What is old enough to go, or open, and something needs it.
    pub(super) held: u64,
}

impl Report {
    fn is_empty(&self) -> bool {
        self.executions + self.rows + self.output + self.audit + self.leftovers + self.agents == 0
    }

    pub(super) async fn tell(&self, audit: &Audit) {
        if self.is_empty() {
            return;
        }
        let Self { executions, by_count, rows, output, audit: audit_rows, leftovers, agents, held } = self;
        tracing::info!(
            executions,
            by_count,
            rows,
            output,
            audit_rows,
            leftovers,
            agents,
            held,
            "retention has removed what is not kept"
        );
        let details = json!({
            "executions": executions, "byCount": by_count, "rows": rows, "output": output, "audit": audit_rows,
            "leftovers": leftovers, "agents": agents, "held": held,
        });
        let details = details.as_object().cloned().unwrap_or_default();
        if audit.write(AuditWrite::Row(row("retention.run", details))).await.is_err() {
            tracing::error!("what retention has removed could not be written into the audit log");
        }
    }
}

/// A row of what the controller did by itself.
pub(super) fn row(action: &str, details: Map<String, Value>) -> Record {
    own(("retention", "policy"), action, Outcome::Done, clock::now(), details)
}
