//! Agents that nobody has heard of for long and that hold nothing open are revoked, where that is wanted.

use super::report::{Report, row};
use super::{Halt, Keeper};
use crate::clock;
use pulse_core::audit::Object;
use pulse_core::retention::is_stale;
use pulse_store::{Agent, AuditWrite};
use serde_json::{Map, json};

impl Keeper {
    pub(super) async fn agents(&mut self, report: &mut Report) -> Result<(), Halt> {
        let age = self.keep.retention.agents;
        let rows: Vec<Agent> = self.engine.store().agents().await?.into_iter().flatten().collect();
        for agent in rows.into_iter().filter(|agent| agent.revoked_at.is_none()) {
            let (now, heard) = (clock::now(), agent.last_seen.unwrap_or(agent.enrolled_at));
            if !self.is_away(&agent) || !is_stale(age, heard, self.engine.absences(), now) {
                continue;
            }
            self.step().await?;
            let reason = format!("it was not seen since {heard}, and agents are kept for {age} (PULSE_KEEP_AGENTS)");
            if self
                .engine
                .store()
                .retire_agent(&agent.name, &reason, heard.plus(crd_schemas::Duration::from_secs(1)), now)
                .await?
            {
                self.engine.agent_revoked(&agent.name);
                tracing::warn!(agent = %agent.name, reason, "an agent is revoked by retention");
                self.note(&agent, &reason).await;
                report.agents += 1;
            }
        }
        Ok(())
    }

    /// It has no session, and nothing that it might still have to say.
    fn is_away(&self, agent: &Agent) -> bool {
        let fleet = self.engine.fleet().lock();
        fleet.session_of(&agent.name).is_none() && fleet.open_of(&agent.name).is_empty()
    }

    async fn note(&self, agent: &Agent, reason: &str) {
        let details: Map<_, _> = [("reason".to_owned(), json!(reason))].into_iter().collect();
        let mut record = row("agent.revoke", details);
        record.object = Some(Object { kind: "agent".to_owned(), id: agent.name.to_string() });
        let written = self.audit.write(AuditWrite::Row(record)).await;
        if written.is_err() {
            tracing::error!(agent = %agent.name, "that an agent was revoked could not be written into the audit log");
        }
    }
}
