//! The database: what is committed, and the rules by which it refuses. Its own tests (`controller/store/tests/contract`) hold the
//! real one to the same. A backup is a clone.

use crate::checker::{Checker, Facts};
use crd_schemas::manifest::Workflow;
use pulse_core::Timestamp;
use pulse_core::decide::AgentView;
use pulse_core::definitions::Program;
use pulse_core::elapsed::Span;
use pulse_core::execution::{Event, EventRecord, Execution};
use pulse_core::session::{Barred, Coming, Known, StoredAttempt, may_begin};
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{AgentName, AttemptId, BootId, Epoch, ExecutionId, Incarnation};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A lease holds for so long.
pub const LEASE: i64 = 10_000_000;

/// Who may write.
#[derive(Clone, Default)]
pub struct Lease {
    pub epoch: u64,
    pub until: i64,
}

/// An execution's row and events.
#[derive(Clone)]
pub struct Row {
    pub program: Arc<Program>,
    pub history: Vec<EventRecord>,
    pub wake_at: Option<Timestamp>,
    pub status: &'static str,
    pub terminal: bool,
    judge: Checker,
}

/// An attempt's row.
#[derive(Clone)]
pub struct AttemptRow {
    pub execution: ExecutionId,
    pub agent: AgentName,
    pub open: bool,
}

/// An agent's row.
#[derive(Clone, Default)]
pub struct AgentRow {
    pub epoch: Epoch,
    pub boot: Option<BootId>,
    pub incarnation: Option<Incarnation>,
    pub sequence: u64,
    pub quarantine: Option<String>,
}

/// Everything that is committed.
#[derive(Clone, Default)]
pub struct Db {
    pub lease: Lease,
    pub executions: BTreeMap<ExecutionId, Row>,
    pub claims: BTreeMap<String, ExecutionId>,
    pub attempts: BTreeMap<AttemptId, AttemptRow>,
    pub agents: BTreeMap<AgentName, AgentRow>,
    pub absences: Vec<Span>,
    /// Requests' idempotency keys.
    pub keys: BTreeMap<u32, ExecutionId>,
    /// How many bytes of each attempt's output are stored.
    pub output: BTreeMap<AttemptId, Vec<u8>>,
    /// Attempts whose end is settled one way or the other.
    pub over: BTreeSet<AttemptId>,
}

/// What lay around when something was decided.
#[derive(Clone)]
pub struct Around {
    pub now: Timestamp,
    pub absences: Vec<Span>,
    pub agents: BTreeMap<AgentName, AgentView>,
    pub steady: bool,
}

/// One item of a commit.
pub struct Item {
    pub execution: ExecutionId,
    pub events: Vec<EventRecord>,
    pub status: &'static str,
    pub terminal: bool,
    pub wake_at: Option<Timestamp>,
    pub take: Vec<String>,
    pub release: Vec<String>,
    pub opened: Vec<(AttemptId, AgentName, Incarnation)>,
    pub closed: Vec<AttemptId>,
    /// For a first commit: the request's key, the workflow, and its program.
    pub birth: Option<(u32, Workflow, Arc<Program>)>,
    pub around: Around,
}

/// Why nothing was written, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    Fenced,
    Stale,
    Claim { key: String, holder: ExecutionId },
    Key(ExecutionId),
    Down,
    Unclear,
}

impl Db {
    /// Writes an item, if the writer's lease is still the newest.
    pub fn write(&mut self, item: &Item, lease: u64) -> Result<(), Refused> {
        if lease != self.lease.epoch && !planted::is(Bug::NoFence) {
            return Err(Refused::Fenced);
        }
        let first = item.events.first().expect("an item has events");
        let known = self.executions.get(&item.execution).map_or(0, |row| row.history.len());
        if first.seq as usize != known + 1 {
            return Err(Refused::Stale);
        }
        if let Some((key, ..)) = &item.birth
            && let Some(holder) = self.keys.get(key)
        {
            return Err(Refused::Key(*holder));
        }
        let taken = |key: &&String| !item.release.contains(*key) && self.claims.contains_key(*key);
        if let Some(key) = item.take.iter().find(taken) {
            let holder = self.claims[key];
            return Err(if holder == item.execution { Refused::Stale } else { Refused::Claim { key: key.clone(), holder } });
        }
        assert_eq!(lease, self.lease.epoch, "C2: a writer writes after it has lost its lease");
        self.put(item);
        Ok(())
    }

    fn put(&mut self, item: &Item) {
        self.claims.retain(|key, _| !item.release.contains(key));
        self.claims.extend(item.take.iter().map(|key| (key.clone(), item.execution)));
        let mut events = item.events.as_slice();
        if let Some((key, workflow, program)) = &item.birth {
            assert!(self.keys.insert(*key, item.execution).is_none(), "I2: a request has two executions");
            let Event::Created(created) = &events[0].event else { panic!("I2: a history without a beginning") };
            let judge = Checker::new(workflow, created, events[0].at, None);
            let (history, program) = (vec![events[0].clone()], Arc::clone(program));
            let row = Row { program, history, wake_at: None, status: "pending", terminal: false, judge };
            self.executions.insert(item.execution, row);
            events = &events[1..];
        }
        let row = self.executions.get_mut(&item.execution).expect("a row");
        let Around { now, absences, agents, steady } = &item.around;
        let facts = Facts { now: *now, pauses: &[], absences, agents, queued_behind: false, steady: *steady };
        for record in events {
            row.judge.take(record, &facts);
            self.over.extend(over(&record.event));
        }
        row.judge.rest(&facts, item.wake_at);
        row.history.extend_from_slice(events);
        (row.status, row.terminal, row.wake_at) = (item.status, item.terminal, item.wake_at);
        for (attempt, agent, _) in &item.opened {
            let fresh = AttemptRow { execution: item.execution, agent: agent.clone(), open: true };
            assert!(self.attempts.insert(*attempt, fresh).is_none(), "I1: an attempt's id comes twice");
        }
        item.closed.iter().for_each(|attempt| self.attempts.get_mut(attempt).expect("a row").open = false);
    }

    /// Folds an execution's history.
    pub fn read(&self, id: ExecutionId) -> Option<Execution> {
        let row = self.executions.get(&id)?;
        Some(Execution::replay(Arc::clone(&row.program), &row.history).expect("I3: the history replays"))
    }

    /// Begins a session by compare-and-set.
    pub fn begin_session(&mut self, name: &AgentName, boot: BootId, coming: &Coming<'_>) -> Result<Epoch, Barred> {
        let row = self.agents.get_mut(name);
        let known = row.as_ref().map(|row| Known {
            public_key: "key",
            epoch: row.epoch,
            incarnation: row.incarnation,
            sequence: row.sequence,
            revoked: false,
            quarantine: row.quarantine.as_deref(),
        });
        let verdict = may_begin(known, coming);
        let Some(row) = row else { return verdict };
        match &verdict {
            Ok(epoch) => {
                (row.epoch, row.boot) = (*epoch, Some(boot));
                (row.incarnation, row.sequence) = (Some(coming.incarnation), coming.sequence);
            }
            Err(Barred::SequenceWentBack { stored, said }) => {
                row.quarantine = Some(format!("sequence {said} after {stored}"));
            }
            Err(_) => {}
        }
        verdict
    }

    /// What is heard of a session's journal.
    pub fn touch(&mut self, name: &AgentName, epoch: Epoch, sequence: u64) {
        let row = self.agents.get_mut(name).filter(|row| row.epoch == epoch);
        row.into_iter().for_each(|row| row.sequence = row.sequence.max(sequence));
    }

    /// The rows of these attempts.
    pub fn stored(&self, attempts: impl Iterator<Item = AttemptId>) -> Vec<StoredAttempt<'_>> {
        let row = |attempt| {
            let row = self.attempts.get(&attempt)?;
            Some(StoredAttempt { attempt, agent: &row.agent, closed: !row.open })
        };
        attempts.filter_map(row).collect()
    }
}

/// The attempt that an event settles.
fn over(event: &Event) -> Option<AttemptId> {
    match event {
        Event::AttemptEnded { attempt, .. }
        | Event::AttemptLost { attempt, .. }
        | Event::AttemptResolved { attempt, .. }
        | Event::EvidenceRecorded { attempt, .. } => Some(*attempt),
        _ => None,
    }
}
