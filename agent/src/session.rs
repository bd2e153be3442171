//! What the agent knows of its attempts, and what follows from what it hears. Pure: no file, socket, clock or runtime.
//!
//! Knowledge that must outlive the agent changes only by folding a journal [`Record`]; hearing something gives a [`Decision`]:
//! records to append, and actions that may follow once they are durable. The same fold reads the journal at the next start.

use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{Assignment, AttemptId, BootId, Desired, Ended, ExecutionId, Incarnation, Observation, Observed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most attempts whose end the controller has not acknowledged; all of them must fit into one picture.
pub const MAX_OPEN: usize = 900;
/// Most attempts in all, tombstones included.
const MAX_ATTEMPTS: usize = 10_000;
/// How many outcomes of forgotten attempts are kept, and how long, to answer a replayed assignment with evidence.
const MAX_RETIRED: usize = 100_000;
const RETIRED_SECONDS: u64 = 30 * 24 * 3600;
/// Forgotten attempts of which a restored database is told.
const MAX_WITNESSED: usize = 5_000;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "record")]
pub enum Record {
    /// The command may start at any moment from now on. Neither script nor environment is written down: nothing is ever
    /// started from the journal, and values may be secret.
    Starting {
        /// The attempt.
        attempt: AttemptId,
        /// Its execution.
        execution: ExecutionId,
        /// The kernel's boot at this moment.
        boot: BootId,
    },
    /// The attempt is over.
    Ended {
        /// The attempt.
        attempt: AttemptId,
        /// How it ended.
        ended: Ended,
    },
    /// The controller has the end.
    Acknowledged {
        /// The attempt.
        attempt: AttemptId,
    },
    /// Both sides have seen the tombstone; only the outcome stays.
    Forgotten {
        /// The attempt.
        attempt: AttemptId,
        /// How it ended.
        how: EndKind,
        /// When it was forgotten, seconds since 1970.
        at: u64,
    },
}

impl Record {
    /// Whether something follows from it that a power cut must not undo. That the controller has an end, or lets it be forgotten, it says again:
    /// an agent that has lost such a record tells the end once more.
    pub const fn must_last(&self) -> bool {
        match self {
            Self::Starting { .. } | Self::Ended { .. } => true,
            Self::Acknowledged { .. } | Self::Forgotten { .. } => false,
        }
    }
}

/// What may be done once a decision's records are durable.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Say this to the controller.
    Report(Observation),
    /// Start the attempt's shim.
    Start(Box<Assignment>),
    /// Find out from the attempt's files what became of it; a living shim is adopted.
    Settle(AttemptId),
    /// Ask the attempt's shim to end the command.
    Stop(AttemptId),
    /// Remove the attempt's files.
    Remove(AttemptId),
}

/// What follows from something heard.
#[derive(Debug, Default, PartialEq)]
#[must_use]
pub struct Decision {
    /// To be made durable first, all together.
    pub append: Vec<Record>,
    /// To be done after that, in order.
    pub actions: Vec<Action>,
    /// Ends that need no journal, because nothing could ever start: answers to assignments of another journal.
    pub answers: Vec<(AttemptId, Ended)>,
}

/// Where an attempt stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// In the journal; nothing was heard of its command yet.
    Starting,
    /// Its command runs.
    Running,
    /// Over.
    Ended {
        /// How.
        ended: Ended,
        /// Whether the controller has it.
        acknowledged: bool,
        /// Whether the journal has it.
        durable: bool,
    },
}

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The execution it belongs to, for the journal.
    pub execution: Option<ExecutionId>,
    /// The boot in which it was to start; absent when it never was.
    pub boot: Option<BootId>,
    /// Where it stands.
    pub phase: Phase,
    /// Its command's process id, once known.
    pub pid: Option<i32>,
    /// Its end was asked for.
    pub stop: bool,
}

/// Everything the agent knows.
#[derive(Debug)]
pub struct Session {
    incarnation: Incarnation,
    boot: BootId,
    attempts: BTreeMap<AttemptId, Attempt>,
    retired: BTreeMap<AttemptId, (EndKind, u64)>,
}

impl Session {
    /// Knows nothing yet.
    pub fn new(incarnation: Incarnation, boot: BootId) -> Self {
        Self { incarnation, boot, attempts: BTreeMap::new(), retired: BTreeMap::new() }
    }

    /// The attempts that are not yet forgotten.
    pub fn attempts(&self) -> &BTreeMap<AttemptId, Attempt> {
        &self.attempts
    }

    /// Folds one durable record.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Starting { attempt, execution, boot } => {
                let known = Attempt::new(Some(execution), Some(boot), Phase::Starting);
                self.attempts.entry(attempt).or_insert(known);
            }
            Record::Ended { attempt, ended } => self.end(attempt, ended, true),
            Record::Acknowledged { attempt } => {
                if let Some(Phase::Ended { acknowledged, .. }) = self.attempts.get_mut(&attempt).map(|a| &mut a.phase) {
                    *acknowledged = true;
                }
            }
            Record::Forgotten { attempt, how, at } => {
                self.attempts.remove(&attempt);
                if planted::is(Bug::TombstoneDropped) {
                    return;
                }
                self.retired.insert(attempt, (how, at));
                if self.retired.len() > MAX_RETIRED {
                    // Ids are UUIDv7: the first is the oldest.
                    self.retired.pop_first();
                }
            }
        }
    }

    /// The shortest list of records that folds to the same knowledge, without outcomes older than 30 days.
    pub fn snapshot(&self, now: u64) -> Vec<Record> {
        let keep = |at: u64| at.saturating_add(RETIRED_SECONDS) >= now;
        let retired = self.retired.iter().filter(|(_, (_, at))| keep(*at));
        let mut records: Vec<Record> =
            retired.map(|(attempt, (how, at))| Record::Forgotten { attempt: *attempt, how: how.clone(), at: *at }).collect();
        for (id, known) in &self.attempts {
            if let (Some(execution), Some(boot)) = (known.execution, known.boot) {
                records.push(Record::Starting { attempt: *id, execution, boot });
            }
            if let Phase::Ended { ended, acknowledged, durable: true } = &known.phase {
                records.push(Record::Ended { attempt: *id, ended: ended.clone() });
                records.extend(acknowledged.then_some(Record::Acknowledged { attempt: *id }));
            }
        }
        records
    }

    /// The controller's wishes. `traces` are those attempts that have files on this host, whether the journal knows them or not:
    /// one that it does not know is taken back into it, and its files say what became of it.
    pub fn on_assign(&self, assignments: Vec<Assignment>, traces: &BTreeSet<AttemptId>) -> Decision {
        let mut decision = Decision::default();
        let mut fresh = BTreeSet::new();
        for wanted in assignments {
            let attempt = wanted.attempt;
            if let Some(observed) = self.observed(attempt).filter(|_| !planted::is(Bug::NoDedupe)) {
                let open = !matches!(observed, Observed::Ended(_));
                decision.actions.push(Action::Report(Observation { attempt, observed }));
                decision.actions.extend((open && wanted.desired == Desired::Stop).then_some(Action::Stop(attempt)));
            } else if !fresh.insert(attempt) {
                decision.actions.extend((wanted.desired == Desired::Stop).then_some(Action::Stop(attempt)));
            } else if wanted.incarnation != self.incarnation && !planted::is(Bug::AnyJournal) {
                let ended = Ended::bare(EndKind::Unknown { reason: UnknownReason::JournalLost });
                decision.answers.push((attempt, ended.clone()));
                decision.report(attempt, Observed::Ended(ended));
            } else if traces.contains(&attempt) {
                decision.append.push(Record::Starting { attempt, execution: wanted.execution, boot: self.boot });
                decision.actions.push(Action::Settle(attempt));
                decision.actions.extend((wanted.desired == Desired::Stop).then_some(Action::Stop(attempt)));
            } else if let Some(ended) = self.end_without_start(&wanted, fresh.len()) {
                decision.append.push(Record::Ended { attempt, ended: ended.clone() });
                decision.report(attempt, Observed::Ended(ended));
            } else {
                decision.append.push(Record::Starting { attempt, execution: wanted.execution, boot: self.boot });
                decision.report(attempt, Observed::Accepted);
                decision.actions.push(Action::Start(Box::new(wanted)));
            }
        }
        decision
    }

    /// How an attempt ends of which nothing is known, if it is not to be started. It is written down like every end: a command that
    /// comes later for the same attempt must not be started either.
    fn end_without_start(&self, wanted: &Assignment, fresh: usize) -> Option<Ended> {
        let reason = match (wanted.desired, &wanted.command) {
            (Desired::Stop, _) => "it was cancelled before this agent started it".into(),
            (Desired::Withdraw, _) => return Some(Ended::withdrawn()),
            // The controller has heard from this journal that the attempt was accepted; the journal's word is lost.
            (Desired::Run, None) => return Some(Ended::bare(EndKind::Unknown { reason: UnknownReason::JournalLost })),
            (Desired::Run, Some(_)) if self.open() + fresh > MAX_OPEN => {
                format!("this agent holds {MAX_OPEN} attempts whose ends the controller has not acknowledged")
            }
            (Desired::Run, Some(_)) if self.attempts.len() + fresh > MAX_ATTEMPTS => {
                format!("this agent holds {MAX_ATTEMPTS} attempts that the controller has not let it forget")
            }
            (Desired::Run, Some(_)) => return None,
        };
        Some(Ended::bare(EndKind::NotStarted { reason }))
    }

    fn open(&self) -> usize {
        self.attempts.values().filter(|known| !matches!(known.phase, Phase::Ended { acknowledged: true, .. })).count()
    }

    /// Evidence that an attempt is over. The first evidence stands.
    pub fn on_ended(&self, attempt: AttemptId, ended: Ended) -> Decision {
        let mut decision = Decision::default();
        let known = self.attempts.get(&attempt);
        if known.is_some_and(|known| !matches!(known.phase, Phase::Ended { .. })) {
            decision.append.push(Record::Ended { attempt, ended: ended.clone() });
            decision.report(attempt, Observed::Ended(ended));
        }
        decision
    }

    /// The controller has these ends, and lets those be forgotten. An open attempt is never forgotten.
    pub fn on_acknowledge(&self, ended: &[AttemptId], forget: &[AttemptId], now: u64) -> Decision {
        let mut decision = Decision::default();
        for attempt in ended.iter().filter(|attempt| !forget.contains(attempt)) {
            if let Some(Phase::Ended { acknowledged: false, durable: true, .. }) = self.phase(*attempt) {
                decision.append.push(Record::Acknowledged { attempt: *attempt });
            }
        }
        for attempt in forget {
            if let Some(Phase::Ended { ended, durable: true, .. }) = self.phase(*attempt) {
                decision.append.push(Record::Forgotten { attempt: *attempt, how: ended.how.clone(), at: now });
                decision.actions.push(Action::Remove(*attempt));
            }
        }
        decision
    }

    /// The command runs.
    pub fn on_started(&mut self, attempt: AttemptId, pid: i32) -> Decision {
        let mut decision = Decision::default();
        if let Some(known) = self.attempts.get_mut(&attempt).filter(|known| known.phase == Phase::Starting) {
            known.phase = Phase::Running;
            known.pid = Some(pid);
            decision.report(attempt, Observed::Started { pid: pid.into() });
        }
        decision
    }

    /// Remembers that an end was asked for, so that asking is repeated until it is over.
    pub fn on_stop(&mut self, attempt: AttemptId) {
        if let Some(known) = self.attempts.get_mut(&attempt) {
            known.stop = true;
        }
    }

    /// Remembers an end without the journal: for as long as this process lives.
    pub fn remember(&mut self, attempt: AttemptId, ended: Ended) {
        self.end(attempt, ended, false);
    }

    /// Lets go of ends that only this process remembers and the controller has. That something was not started is remembered on: it
    /// was said as a proof, and the assignment may come again.
    pub fn drop_answers(&mut self, acknowledged: &[AttemptId]) {
        for attempt in acknowledged {
            let Some(known) = self.attempts.get_mut(attempt) else { continue };
            match &mut known.phase {
                Phase::Ended { ended: Ended { how: EndKind::NotStarted { .. }, .. }, acknowledged, durable: false } => {
                    *acknowledged = true;
                }
                Phase::Ended { durable: false, .. } => drop(self.attempts.remove(attempt)),
                _ => {}
            }
        }
    }

    /// Forgets proofs that only this process remembers as the journal's ends are forgotten: their outcomes stay.
    pub fn retire_answers(&mut self, forget: &[AttemptId], now: u64) {
        for attempt in forget {
            if let Some(Phase::Ended { ended, durable: false, .. }) = self.phase(*attempt)
                && let how @ EndKind::NotStarted { .. } = ended.how.clone()
            {
                self.apply(Record::Forgotten { attempt: *attempt, how, at: now });
            }
        }
    }

    /// What is known of one attempt, forgotten ones included.
    pub fn observed(&self, attempt: AttemptId) -> Option<Observed> {
        let retired = || self.retired.get(&attempt).map(|(how, _)| Observed::Ended(Ended::bare(how.clone())));
        self.attempts.get(&attempt).map(Attempt::observed).or_else(retired)
    }

    /// How attempts ended that were forgotten at this time or later (seconds since 1970): the newest ones, up to a bound.
    pub fn forgotten_since(&self, since: u64) -> Vec<(AttemptId, Observed)> {
        let newest = self.retired.iter().rev().filter(|(_, (_, at))| *at >= since).take(MAX_WITNESSED);
        newest.map(|(attempt, (how, _))| (*attempt, Observed::Ended(Ended::bare(how.clone())))).collect()
    }

    /// Whether the controller has the attempt's end.
    pub fn is_acknowledged(&self, attempt: AttemptId) -> bool {
        matches!(self.phase(attempt), Some(Phase::Ended { acknowledged: true, .. }))
    }

    fn phase(&self, attempt: AttemptId) -> Option<&Phase> {
        self.attempts.get(&attempt).map(|known| &known.phase)
    }

    fn end(&mut self, attempt: AttemptId, ended: Ended, durable: bool) {
        let known = self.attempts.entry(attempt).or_insert_with(|| Attempt::new(None, None, Phase::Starting));
        if !matches!(known.phase, Phase::Ended { .. }) {
            known.phase = Phase::Ended { ended, acknowledged: false, durable };
        }
    }
}

impl Decision {
    fn report(&mut self, attempt: AttemptId, observed: Observed) {
        self.actions.push(Action::Report(Observation { attempt, observed }));
    }
}

impl Attempt {
    fn new(execution: Option<ExecutionId>, boot: Option<BootId>, phase: Phase) -> Self {
        Self { execution, boot, phase, pid: None, stop: false }
    }

    /// What is reported of it.
    pub fn observed(&self) -> Observed {
        match &self.phase {
            Phase::Ended { ended, .. } => Observed::Ended(ended.clone()),
            Phase::Starting | Phase::Running => self.observed_open(),
        }
    }

    /// What is reported of it as long as its end is held back until its output has gone out.
    pub fn observed_open(&self) -> Observed {
        self.pid.map_or(Observed::Accepted, |pid| Observed::Started { pid: pid.into() })
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
