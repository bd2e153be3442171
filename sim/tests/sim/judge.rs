//! The witness and the invariants that need the whole world: it hears what hosts start, what controllers say, and what is committed, and
//! shares no line with what decides. What one execution's history must hold is judged by `checker/`. Numbers are those of
//! docs/reliability.md.

use crate::db::{AgentRow, Db, Item};
use crate::shared::short;
use crate::shim::Witness;
use pulse_core::execution::Event;
use pulse_core::transition::TrackLoss;
use pulse_protocol::message::Identify;
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::{AgentName, Assignment, AttemptId, ExecutionId, Incarnation, ToAgent};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of an attempt's command.
#[derive(Default)]
struct Command {
    /// The hosts that started it.
    starts: Vec<usize>,
    /// It runs now.
    runs: bool,
    end: Option<EndKind>,
    output: Vec<u8>,
}

#[derive(Default)]
pub struct Judge {
    commands: BTreeMap<AttemptId, Command>,
    /// Every attempt that was ever committed: whose, for which journal, of which execution, and the coordinates of its command.
    assigned: BTreeMap<AttemptId, (AgentName, Incarnation, ExecutionId, String)>,
    /// Attempts of which an agent's word is that they never started.
    never: BTreeSet<AttemptId>,
    /// Attempts that the database lost when it was restored, and those that agents were heard to have.
    pub lost: BTreeSet<AttemptId>,
    pub orphans: BTreeSet<AttemptId>,
    /// The database was restored.
    pub was_restored: bool,
    /// Agents whose disk was copied or put back, and those that were refused for it.
    pub copied: BTreeSet<AgentName>,
    pub refused: BTreeSet<AgentName>,
    /// Agents whose journal was deleted or whose disk was put back: their word may be lost.
    pub wiped: BTreeSet<AgentName>,
    /// Agents whose journal was deleted, copied or put back, so that it may rightly be called lost.
    pub forgot: BTreeSet<AgentName>,
    /// Commands that ran on both twins, because nobody had heard of the first: the limit that docs/reliability.md names.
    pub unheard: usize,
    /// Commands that were started again under another attempt after the database was restored.
    pub again: usize,
    pub starts: usize,
}

impl Judge {
    /// A host starts an attempt's command.
    pub fn started(&mut self, attempt: AttemptId, host: &Witness<'_>) {
        let id = short(attempt.0);
        let Some((agent, incarnation, _, place)) = self.assigned.get(&attempt) else {
            panic!("P1: {id} starts, and was never committed");
        };
        assert_eq!(agent, host.name, "P1: {id} starts on another agent than it was committed for");
        if let Some(durable) = host.durable {
            let journal = String::from_utf8_lossy(durable);
            let own = journal.contains(&format!("\"{incarnation}\""));
            assert!(own, "P1: {id} starts under another journal than it was committed for");
            let word = format!("\"record\":\"starting\",\"attempt\":\"{attempt}\"");
            assert!(journal.contains(&word), "P1: {id} starts, and the journal would not survive a power cut with it");
        }
        assert!(!self.never.contains(&attempt), "P1: {id} starts after it was said never to have started");
        let command = self.commands.entry(attempt).or_default();
        if let Some(first) = command.starts.first() {
            let twins = self.copied.contains(agent) && *first != host.host || self.wiped.contains(agent);
            assert!(twins, "I1: {id} is started twice, first on host {first}, now on host {}", host.host);
            self.unheard += 1;
        }
        let lost = self.lost.iter().filter(|lost| self.commands.get(lost).is_some_and(|lost| !lost.starts.is_empty()));
        self.again += usize::from(lost.filter_map(|lost| self.assigned.get(lost)).any(|(.., other)| other == place));
        let command = self.commands.get_mut(&attempt).expect("just made");
        command.starts.push(host.host);
        (command.runs, command.end) = (true, None);
        self.starts += 1;
    }

    pub fn ended(&mut self, attempt: AttemptId, how: &EndKind) {
        let command = self.commands.get_mut(&attempt).expect("it was started");
        (command.runs, command.end) = (false, Some(how.clone()));
    }

    /// The command is gone with its host, or ended unwatched.
    pub fn died(&mut self, attempt: AttemptId) {
        self.commands.get_mut(&attempt).into_iter().for_each(|command| command.runs = false);
    }

    /// What the command has written in all.
    pub fn writes(&mut self, attempt: AttemptId, bytes: &[u8]) -> &[u8] {
        let command = self.commands.entry(attempt).or_default();
        command.output.extend_from_slice(bytes);
        &command.output
    }

    /// A controller says something to an agent, which hears it if its end of the link is still open.
    pub fn said(&self, db: &Db, heard: bool, message: &ToAgent) {
        match message {
            ToAgent::Assign { assignments, .. } => {
                for Assignment { attempt, execution, command, .. } in assignments {
                    let id = short(attempt.0);
                    assert!(self.assigned.contains_key(attempt), "P1: {id} is sent and not committed");
                    let history = db.executions.get(execution).map_or(&[][..], |row| &row.history);
                    let known = heard && command.is_some() && history.iter().any(|record| confirms(&record.event, *attempt));
                    assert!(!known, "P1: {id} is sent to be run, and its agent was heard to have it");
                }
            }
            ToAgent::Acknowledge { ended, forget, .. } => {
                for attempt in ended.iter().chain(forget) {
                    let closed = db.attempts.get(attempt).is_some_and(|row| !row.open);
                    assert!(closed || db.over.contains(attempt), "P3: {} is acknowledged and not committed", short(attempt.0));
                }
            }
            _ => {}
        }
    }

    /// Something is committed.
    pub fn committed(&mut self, item: &Item) {
        for record in &item.events {
            match &record.event {
                Event::AttemptAssigned { attempt, target, incarnation, step, visit, .. } => {
                    let place = format!("{}/{step}/{visit}/{target}", item.execution);
                    self.assigned.insert(*attempt, (target.clone(), *incarnation, item.execution, place));
                }
                Event::AttemptEnded { attempt, ended, .. } | Event::EvidenceRecorded { attempt, ended } => {
                    self.evidence(*attempt, &ended.how);
                }
                Event::AttemptLost { attempt, loss: loss @ (TrackLoss::JournalLost | TrackLoss::Contradicted) } => {
                    self.forgotten(*attempt, &format!("{loss:?}"));
                }
                _ => {}
            }
        }
    }

    /// An agent's word on an end is what its host saw.
    fn evidence(&mut self, attempt: AttemptId, how: &EndKind) {
        let id = short(attempt.0);
        let command = self.commands.get(&attempt);
        let twin =
            self.assigned.get(&attempt).is_some_and(|(agent, ..)| self.copied.contains(agent) || self.wiped.contains(agent));
        match how {
            EndKind::NotStarted { .. } => {
                let started = command.is_some_and(|command| !command.starts.is_empty());
                assert!(!started || twin, "P2: {id} is said never to have started, and it was");
                if !twin {
                    self.never.insert(attempt);
                }
            }
            EndKind::Unknown { reason: UnknownReason::JournalLost } => self.forgotten(attempt, "journal lost"),
            EndKind::Unknown { .. } => {}
            known => {
                let command = command.filter(|command| !command.starts.is_empty());
                let command = command.unwrap_or_else(|| panic!("I4: {id} ended {known:?}, and nobody saw it start"));
                assert!(!command.runs || twin, "I9: {id} is said to be over, and it runs");
                assert!(
                    command.end.as_ref() == Some(known) || twin,
                    "I4: {id} ended {known:?}, and its host saw {:?}",
                    command.end
                );
            }
        }
    }

    /// An attempt is given up because its agent's journal does not know it: only where something happened to that journal.
    fn forgotten(&self, attempt: AttemptId, why: &str) {
        let agent = self.assigned.get(&attempt).map(|(agent, ..)| agent);
        let so = self.was_restored || agent.is_some_and(|agent| self.forgot.contains(agent));
        assert!(so, "P7: {} is given up ({why}), and its journal was never touched", short(attempt.0));
    }

    /// Somebody is put into quarantine: only for a disk that was copied or put back.
    pub fn quarantined(&mut self, agent: &AgentName) {
        self.refused.insert(agent.clone());
        assert!(
            self.copied.contains(agent) || self.wiped.contains(agent),
            "P3: {agent} kept its disk and is put into quarantine"
        );
    }

    pub fn refused_twin(&mut self, agent: &AgentName) {
        self.refused.insert(agent.clone());
    }

    /// A session begins. Of a journal that was further before, one copy has said what the other has not: only one may serve.
    pub fn let_in(&self, before: &AgentRow, identify: &Identify) {
        let back = before.incarnation == Some(identify.incarnation) && before.sequence > identify.sequence;
        assert!(!back, "A4: {} comes with a journal that went back, and is let in", identify.name);
    }

    /// Agents have attempts that the database never had.
    pub fn orphans(&mut self, agent: &AgentName, orphans: &[AttemptId]) {
        for orphan in orphans {
            let known = self.assigned.get(orphan).is_some_and(|(own, ..)| own == agent);
            assert!(known && self.lost.contains(orphan), "{} is called an orphan", short(orphan.0));
            self.orphans.insert(*orphan);
        }
    }

    /// The database is now an older one.
    pub fn restored(&mut self, db: &Db) {
        self.was_restored = true;
        let gone = self.assigned.keys().filter(|attempt| !db.attempts.contains_key(*attempt));
        self.lost.extend(gone.copied());
    }

    /// Whether its command was started and runs.
    pub fn runs(&self, attempt: AttemptId) -> bool {
        self.commands.get(&attempt).is_some_and(|command| command.runs)
    }

    /// I6: what is stored is the beginning of what was written, and all of it once the end is known.
    pub fn check_output(&self, db: &Db, at_rest: bool) {
        for (attempt, stored) in &db.output {
            let Some(command) = self.commands.get(attempt) else { continue };
            if command.starts.len() != 1 {
                continue;
            }
            let id = short(attempt.0);
            assert!(command.output.starts_with(stored), "I6: what is stored of {id} is not what it wrote");
        }
        let seen = self.commands.iter().filter(|(_, command)| at_rest && command.end.is_some() && command.starts.len() == 1);
        for (attempt, command) in seen {
            let row = db.attempts.get(attempt).filter(|row| !row.open && !self.forgot.contains(&row.agent));
            let all = db.output.get(attempt).is_some_and(|stored| *stored == command.output);
            assert!(row.is_none() || all || self.was_restored, "I6: not all that {} wrote is stored", short(attempt.0));
        }
    }
}

/// An event that says that the agent has the attempt.
fn confirms(event: &Event, id: AttemptId) -> bool {
    matches!(event, Event::AttemptAccepted { attempt } | Event::AttemptStarted { attempt, .. }
        | Event::AttemptEnded { attempt, .. } if *attempt == id)
}
