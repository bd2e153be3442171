//! Executions and their output, workflow by workflow, the oldest first.

use super::report::Report;
use super::{Halt, Keeper};
use crate::clock;
use pulse_core::retention::{Bound, Past, Policy, Verdict, execution, output, rest_of_output_stays, rest_stays};
use pulse_protocol::ExecutionId;
use pulse_store::{RETENTION_STEP, Surveyed, WorkflowAt};

/// What is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Executions,
    Output,
}

impl Keeper {
    pub(super) async fn executions(&mut self, report: &mut Report) -> Result<(), Halt> {
        let mut last: Option<WorkflowAt> = None;
        while let Some(workflow) = self.engine.store().workflow_after(last.as_ref()).await? {
            let own = self.engine.retention_of(&workflow.source, &workflow.workflow);
            let policy = self.keep.retention.policy.with(own);
            for what in [What::Executions, What::Output] {
                self.look_through(what, &workflow, &policy, report).await?;
            }
            last = Some(workflow);
        }
        Ok(())
    }

    /// From the oldest on, until where everything stays.
    async fn look_through(
        &mut self,
        what: What,
        workflow: &WorkflowAt,
        policy: &Policy,
        report: &mut Report,
    ) -> Result<(), Halt> {
        let mut behind = 0;
        loop {
            let now = clock::now();
            let rows = self.engine.store().survey(workflow, behind, what == What::Output).await?;
            let is_whole = rows.len() < RETENTION_STEP;
            // One that cannot be read is not removed: who looks for it finds what is wrong with it.
            let rows: Vec<Surveyed> = rows.into_iter().flatten().collect();
            let Some(end) = rows.last().map(|row| row.past) else { return Ok(()) };
            let verdict = |past: &Past| match what {
                What::Executions => execution(policy, workflow.newest, past, now),
                What::Output => output(policy, past, now),
            };
            let going: Vec<(ExecutionId, Bound)> = rows
                .iter()
                .filter_map(|row| if let Verdict::Goes(bound) = verdict(&row.past) { Some((row.id, bound)) } else { None })
                .collect();
            report.held += rows.iter().filter(|row| matches!(verdict(&row.past), Verdict::Held(_))).count() as u64;
            match what {
                What::Executions => self.remove(&going, report).await?,
                What::Output => self.remove_output(&going, report).await?,
            }
            let stays = match what {
                What::Executions => rest_stays(policy, workflow.newest, &end, now),
                What::Output => rest_of_output_stays(policy, &end, now),
            };
            if is_whole || stays {
                return Ok(());
            }
            behind = end.number;
        }
    }

    async fn remove(&mut self, going: &[(ExecutionId, Bound)], report: &mut Report) -> Result<(), Halt> {
        if going.is_empty() {
            return Ok(());
        }
        let ids: Vec<ExecutionId> = going.iter().map(|(id, _)| *id).collect();
        self.step().await?;
        report.executions += self.engine.store().remove_executions(&ids, clock::now()).await?;
        report.by_count += going.iter().filter(|(_, bound)| *bound == Bound::Count).count() as u64;
        self.sweep(report).await
    }

    /// What removed executions have left.
    pub(super) async fn sweep(&mut self, report: &mut Report) -> Result<(), Halt> {
        loop {
            self.step().await?;
            let swept = self.engine.store().sweep_removed().await?;
            report.rows += swept.rows;
            if !swept.more {
                return Ok(());
            }
        }
    }

    async fn remove_output(&mut self, going: &[(ExecutionId, Bound)], report: &mut Report) -> Result<(), Halt> {
        let ids: Vec<ExecutionId> = going.iter().map(|(id, _)| *id).collect();
        while !ids.is_empty() {
            self.step().await?;
            let step = self.engine.store().remove_output(&ids, clock::now()).await?;
            report.output += step.pieces;
            if step.executions > 0 {
                return Ok(());
            }
        }
        Ok(())
    }
}
