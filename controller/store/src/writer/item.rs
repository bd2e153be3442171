//! What is written for one execution in one transaction, and its check and encoding, done in the caller's task.

use super::WriteError;
use crate::attempts::AttemptRow;
use crate::idempotency::IdempotencyRow;
use crate::leases::partition_of;
use crate::schedules::Advance;
use crate::{Error, audit, bounds, prompts};
use pulse_core::audit::Record;
use pulse_core::execution::{EVENT_VERSION, EventRecord, PromptClosed, PromptRow, Summary};
use pulse_protocol::{AttemptId, ExecutionId};
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;

/// Everything that one decision writes for one execution; all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteItem {
    /// The execution.
    pub execution: ExecutionId,
    /// New events, in order, without gaps. May be empty when only the wake-up changes or something is let go of; what is taken is
    /// taken with an event, by which it is known again after a lost answer.
    pub events: Vec<EventRecord>,
    /// The execution's row after them.
    pub summary: Summary,
    /// Keys of claims to take, after the releases.
    pub take: Vec<String>,
    /// Keys of claims to release; one that this execution does not hold is left alone.
    pub release: Vec<String>,
    /// Attempts that it opens.
    pub attempts_opened: Vec<AttemptRow>,
    /// Attempts that it settles.
    pub attempts_closed: Vec<AttemptId>,
    /// Questions that it asks.
    pub prompts_opened: Vec<PromptRow>,
    /// Questions that it settles; one may stand among the opened ones as well.
    pub prompts_closed: Vec<PromptClosed>,
    /// Digest and body of the pinned snapshot, with the first event.
    pub snapshot: Option<(String, Arc<str>)>,
    /// The request's key, with the first event.
    pub idempotency: Option<IdempotencyRow>,
    /// The step of the schedule that starts it, with the first event; the slot that fires names this execution.
    pub advance: Option<Advance>,
    /// What the audit log says of it: who asked for what.
    pub audit: Vec<Record>,
}

/// An event as its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventRow {
    pub(super) execution: String,
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) version: i32,
    pub(super) kind: String,
    pub(super) body: String,
}

/// A checked item, encoded.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) item: WriteItem,
    pub(super) id: String,
    pub(super) part: u8,
    pub(super) events: Vec<EventRow>,
    /// The sequence that it builds on; 0 for a new execution.
    pub(super) prior_seq: i64,
}

impl WriteItem {
    pub(super) fn prepare(self) -> Result<Prepared, WriteError> {
        let invalid = |reason: String| WriteError::Invalid { reason };
        if self.summary.id != self.execution {
            return Err(invalid(format!("execution {} with the row of {}", self.execution, self.summary.id)));
        }
        let count = u32::try_from(self.events.len()).map_err(|_| invalid("too many events".to_owned()))?;
        let prior = self.summary.seq.checked_sub(count);
        let prior = prior.ok_or_else(|| invalid(format!("{count} events up to sequence {}", self.summary.seq)))?;
        if prior == 0 && count == 0 {
            return Err(invalid("a new execution needs its first event".to_owned()));
        }
        if count == 0 && !(self.take.is_empty() && self.attempts_opened.is_empty()) {
            return Err(invalid("claims are taken and attempts opened with an event only".to_owned()));
        }
        if count == 0 && !(self.prompts_opened.is_empty() && self.prompts_closed.is_empty()) {
            return Err(invalid("prompts are opened and closed with an event only".to_owned()));
        }
        if count == 0 && !self.audit.is_empty() {
            return Err(invalid("what is audited goes with an event only".to_owned()));
        }
        if let Some((event, seq)) = self.events.iter().zip(prior + 1..).find(|(event, seq)| event.seq != *seq) {
            return Err(invalid(format!("event {} where {seq} is due", event.seq)));
        }
        if prior != 0 && (self.snapshot.is_some() || self.idempotency.is_some() || self.advance.is_some()) {
            return Err(invalid("snapshot, idempotency key and schedule go with the first event only".to_owned()));
        }
        let fired = self.advance.as_ref().map(|advance| advance.fired().map(|(_, execution)| execution));
        if fired.is_some_and(|fired| fired != Some(self.execution)) {
            return Err(invalid(format!("execution {} with the slot of another", self.execution)));
        }
        self.check_bounds().map_err(|error| invalid(error.to_string()))?;
        let id = self.execution.to_string();
        let events = self.events.iter().map(|event| event_row(&id, event)).collect::<Result<_, _>>()?;
        Ok(Prepared { part: partition_of(self.execution), id, events, prior_seq: i64::from(prior), item: self })
    }
}

impl WriteItem {
    /// What one engine would refuse to store no engine is asked to.
    fn check_bounds(&self) -> Result<(), Error> {
        let summary = &self.summary;
        bounds::text("a source's name", &summary.source, bounds::NAME)?;
        bounds::text("a workflow's name", &summary.workflow, bounds::NAME)?;
        bounds::text("who started an execution", &summary.started_by, bounds::LINE)?;
        bounds::ascii("a commit", &summary.commit, bounds::DIGEST)?;
        bounds::ascii("a snapshot's digest", &summary.snapshot, bounds::DIGEST)?;
        for (key, value) in &summary.labels {
            bounds::text("a label's key", key, bounds::LABEL.0)?;
            bounds::text("a label's value", value, bounds::LABEL.1)?;
        }
        prompts::check(self)?;
        self.audit.iter().try_for_each(audit::check)?;
        for key in self.take.iter().chain(&self.release) {
            bounds::text("a claim's key", key, bounds::CLAIM)?;
        }
        if let Some(row) = &self.idempotency {
            bounds::text("a principal", &row.principal, bounds::NAME)?;
            bounds::text("an idempotency key", &row.key, bounds::LINE)?;
            bounds::ascii("a body's digest", &row.body_digest, bounds::DIGEST)?;
        }
        if let Some(advance) = &self.advance {
            advance.check()?;
        }
        if let Some((digest, body)) = &self.snapshot {
            bounds::ascii("a snapshot's digest", digest, bounds::DIGEST)?;
            bounds::documents("a snapshot", &[body])?;
        }
        bounds::documents("an execution's message", &[summary.message.as_deref().unwrap_or_default()])
    }
}

impl Prepared {
    /// It brings an execution that does not exist yet.
    pub(super) const fn is_new(&self) -> bool {
        self.prior_seq == 0
    }
}

fn event_row(execution: &str, record: &EventRecord) -> Result<EventRow, WriteError> {
    #[derive(Deserialize)]
    struct Tag<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
    }
    let encode = |error: serde_json::Error| WriteError::Invalid { reason: format!("event {}: {error}", record.seq) };
    let body = serde_json::to_string(&record.event).map_err(encode)?;
    bounds::documents("an event", &[&body]).map_err(|error| WriteError::Invalid { reason: error.to_string() })?;
    let kind = serde_json::from_str::<Tag<'_>>(&body).map_err(encode)?.kind.into_owned();
    Ok(EventRow {
        execution: execution.to_owned(),
        seq: i64::from(record.seq),
        at: record.at.0,
        version: i32::from(EVENT_VERSION),
        kind,
        body,
    })
}
