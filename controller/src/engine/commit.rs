//! A pass becomes one item of the group commit, and once that is durable its consequences follow: hot state, effects, answers,
//! notices. Nothing of it happens before.

use super::{Engine, ScheduleKey};
use crate::clock;
use crate::feed::Notice;
use pulse_core::Timestamp;
use pulse_core::audit::Record;
use pulse_core::decide::Pass;
use pulse_core::execution::{Event, Execution, PromptStatus};
use pulse_core::fleet::Followed;
use pulse_protocol::ToAgent;
use pulse_protocol::planted::{self, Bug};
use pulse_store::{Advance, AttemptRow, IdempotencyRow, WriteError, WriteItem};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What goes with the first commit of an execution.
#[derive(Default)]
pub(super) struct Birth {
    /// Digest and body of the pinned snapshot.
    pub(super) snapshot: Option<(String, Arc<str>)>,
    /// The request's idempotency key.
    pub(super) idempotency: Option<IdempotencyRow>,
    /// The step of the schedule that starts it.
    pub(super) advance: Option<Advance>,
}

impl Engine {
    /// Commits a pass, and with it what the audit log says of it. On an error the execution in memory is no longer the committed one.
    pub(super) async fn commit(
        &self,
        execution: &Execution,
        pass: &Pass,
        birth: Birth,
        audit: Vec<Record>,
    ) -> Result<(), WriteError> {
        if planted::is(Bug::SendBeforeCommit) {
            self.follow(execution, pass);
        }
        let keys = |claims: &[pulse_core::execution::ClaimKey]| claims.iter().map(ToString::to_string).collect();
        let opened = pass.opened.iter().map(|(attempt, agent, incarnation)| AttemptRow {
            attempt: *attempt,
            agent: agent.clone(),
            incarnation: *incarnation,
        });
        let item = WriteItem {
            execution: execution.id(),
            events: pass.events.clone(),
            summary: execution.summary(pass.rest.wake_at),
            take: keys(&pass.take),
            release: keys(&pass.release),
            attempts_opened: opened.collect(),
            attempts_closed: pass.closed.clone(),
            prompts_opened: pass.prompts_opened.clone(),
            prompts_closed: pass.prompts_closed.clone(),
            snapshot: birth.snapshot,
            idempotency: birth.idempotency,
            advance: birth.advance,
            audit,
        };
        let written = self.inner.store.writer().submit(item).await;
        match &written {
            Err(WriteError::Fenced { .. }) => self.lost(),
            Err(WriteError::Database { .. } | WriteError::Unclear { .. }) => self.trouble(),
            Ok(()) => self.heard_of_database(),
            Err(_) => {}
        }
        written
    }

    /// The database did not answer.
    pub(super) fn trouble(&self) {
        self.inner.troubled.store(true, Ordering::Relaxed);
    }

    /// The agents could not be heard while the database was away: once it answers again, their silence begins anew. If it still
    /// does not, the next failed commit says so again.
    pub(super) fn forgive_after_trouble(&self) {
        if self.inner.troubled.swap(false, Ordering::Relaxed) {
            self.forgive_silence();
        }
    }

    /// For some time this controller neither heard nor saw anything; nobody is blamed for that.
    pub(super) fn forgive_silence(&self) {
        self.inner.fleet.lock().forgive_silence(clock::now());
        self.inner.troubles.send_modify(|troubles| *troubles += 1);
    }

    /// What follows a commit.
    pub(super) fn follow(&self, execution: &Execution, pass: &Pass) {
        self.metrics().work().committed(execution, &pass.events);
        let Followed { freed, assignments } = self.inner.fleet.lock().follow(execution, pass);
        for (agent, assignments) in assignments {
            for assignment in assignments {
                self.inner.fleet.send(&agent, |epoch| ToAgent::Assign { epoch, assignments: vec![assignment], full: false });
            }
        }
        self.freed(freed);
        if pass.events.iter().any(|record| matches!(record.event, Event::Ended { .. })) {
            self.tracer().ended(execution.id());
            tracing::debug!(execution = %execution.id(), status = execution.status.as_str(), "over");
        }
        if execution.status.is_terminal()
            && let Some(name) = execution.created.trigger.schedule()
        {
            self.inner.scheduled.add(ScheduleKey { source: execution.created.source.clone(), name: name.to_owned() });
        }
        self.tell(execution, pass);
    }

    /// Tells listeners what is new.
    fn tell(&self, execution: &Execution, pass: &Pass) {
        if pass.events.is_empty() {
            return;
        }
        let feed = self.feed();
        let closed = |prompt| pass.prompts_closed.iter().find(|closed| closed.prompt == prompt).map(|closed| closed.status);
        for opened in pass.prompts_opened.iter().filter(|opened| closed(opened.prompt).is_none()) {
            feed.tell(Notice::of_prompt(execution, opened.prompt, PromptStatus::Open));
        }
        for closed in &pass.prompts_closed {
            feed.tell(Notice::of_prompt(execution, closed.prompt, closed.status));
        }
        feed.tell(Notice::of_execution(execution));
    }
}

/// The instant of the tokio clock that a wall-clock time stands for now.
pub(super) fn instant(at: Timestamp, now: Timestamp) -> tokio::time::Instant {
    tokio::time::Instant::now() + std::time::Duration::from_millis(at.since(now).as_millis().saturating_add(1))
}
