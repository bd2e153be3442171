//! Targets and attempts: when one may be assigned, and what each word of an agent or a person may change.

use super::{Attempt, AttemptWord, Checker, Facts, Word, is_agent_paused};
use crd_schemas::manifest::{Action, Execute};
use pulse_core::decide::Presence;
use pulse_core::execution::{Event, Verdict};
use pulse_core::transition::ResolvedAs;
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::{AgentName, AttemptId, Incarnation};

/// No word of an agent for so long, and it is offline.
const OFFLINE_MICROS: i64 = 30_000_000;

impl Checker {
    pub(super) fn attempt_event(&mut self, event: &Event, facts: &Facts<'_>) {
        match event {
            Event::AttemptAssigned { attempt, step, visit, target, number, slot, incarnation, .. } => {
                self.on_running_visit(&step.0, *visit);
                self.may_assign(target, *number, facts);
                self.has_room(target, *slot, *incarnation, facts);
                let fresh =
                    Attempt { agent: target.clone(), visit: self.visits.len() - 1, slot: *slot, word: AttemptWord::Assigned };
                assert!(self.attempts.insert(*attempt, fresh).is_none(), "I1: an attempt's id comes twice");
                let target = self.open_mut().targets.get_mut(target).expect("a target");
                target.attempts.push(*attempt);
                target.word = Word::Active;
            }
            Event::AttemptAccepted { attempt } => self.move_attempt(*attempt, AttemptWord::Assigned, AttemptWord::Accepted),
            Event::AttemptStarted { attempt, .. } => self.move_attempt(*attempt, AttemptWord::Accepted, AttemptWord::Started),
            Event::AttemptEnded { attempt, ended, verdict } => {
                let held = matches!(verdict, Verdict::Again { .. } | Verdict::Cancelled);
                assert!(!ended.withdrawn || held, "what was withdrawn is judged {verdict:?}");
                self.attempt_ended(*attempt, &ended.how, verdict);
            }
            Event::AttemptLost { attempt, .. } => {
                self.move_attempt(*attempt, AttemptWord::Started, AttemptWord::Unknown);
                self.settle(*attempt, Word::Unknown);
            }
            Event::AttemptResolved { attempt, outcome, .. } => {
                assert_eq!(self.attempts[attempt].word, AttemptWord::Unknown, "P2: what is not unknown is settled");
                self.move_attempt(*attempt, AttemptWord::Unknown, AttemptWord::Resolved);
                self.settle(*attempt, if *outcome == ResolvedAs::Succeeded { Word::Succeeded } else { Word::Failed });
            }
            Event::EvidenceRecorded { attempt, ended } => {
                let word = self.attempts[attempt].word;
                if word == AttemptWord::Unknown {
                    self.known_late(*attempt, &ended.how);
                }
                let settled = word == AttemptWord::Resolved || (word == AttemptWord::Unknown && self.ended.is_some());
                assert!(settled, "evidence of an attempt that is {word:?}");
                self.attempts.get_mut(attempt).expect("an attempt").word = AttemptWord::Evident;
            }
            Event::TargetEnded { step, visit, target, verdict } => {
                self.on_running_visit(&step.0, *visit);
                self.target_ended(target, verdict);
            }
            other => panic!("nobody judges {other:?}"),
        }
    }

    fn on_running_visit(&self, step: &str, number: u32) {
        let visit = self.open().expect("I5: no step runs");
        assert_eq!((self.spec(visit).id.as_str(), visit.number), (step, number), "I5: a target of a step that does not run");
    }

    fn execute(&self) -> &Execute {
        match self.open().map(|visit| &self.spec(visit).action) {
            Some(Action::Execute(execute)) => execute,
            _ => panic!("I5: no command runs"),
        }
    }

    fn may_assign(&self, name: &AgentName, number: u32, facts: &Facts<'_>) {
        assert!(!self.is_stopping(), "I5: an attempt after a cancel or the timeout");
        let (visit, execute) = (self.open().expect("a step runs"), self.execute());
        let target = visit.targets.get(name).expect("I5: a target that was not selected");
        assert_eq!(number as usize, target.attempts.len() + 1, "an attempt with another number");
        let again = match target.word {
            Word::Queued => true,
            Word::Backoff(until) => facts.now >= until,
            Word::Unknown => execute.idempotent,
            _ => false,
        };
        assert!(again, "P2: another attempt on {name}, which is {:?}", target.word);
        let is_busy = |word: Word| matches!(word, Word::Active | Word::Unknown | Word::Rebooting);
        let others = visit.targets.iter().filter(|(other, target)| *other != name && is_busy(target.word)).count();
        assert!(others < execute.max_parallel as usize, "more than maxParallel");
        let failed = visit.targets.values().filter(|target| target.word == Word::Failed).count();
        assert!(failed <= execute.max_failures as usize, "I5: an attempt after more failures than allowed");
        assert!(!self.is_paused(facts) && !is_agent_paused(facts, name), "I5: an attempt during a pause");
    }

    /// The agent is there, with this journal and a free slot.
    fn has_room(&self, name: &AgentName, slot: u32, incarnation: Incarnation, facts: &Facts<'_>) {
        let agent = &facts.agents[name];
        assert_eq!(agent.presence, Presence::Connected(incarnation), "P1: bound to another journal than the agent's");
        assert!(facts.now.0 < agent.last_seen.0 + OFFLINE_MICROS, "an attempt on an agent that is offline");
        let holds = |attempt: &&Attempt| attempt.word < AttemptWord::Unknown && attempt.agent == *name;
        let taken = self.attempts.values().filter(holds).any(|attempt| attempt.slot == slot);
        assert!(slot < agent.slots && !taken, "slot {slot} of {name} is taken, or there is none");
    }

    /// Forward only: from at most this word to that one.
    fn move_attempt(&mut self, id: AttemptId, most: AttemptWord, to: AttemptWord) {
        let attempt = self.attempts.get_mut(&id).expect("an attempt of this execution");
        assert!(attempt.word <= most, "an attempt that is {:?} becomes {to:?}", attempt.word);
        attempt.word = to;
    }

    fn attempt_ended(&mut self, id: AttemptId, how: &EndKind, verdict: &Verdict) {
        self.move_attempt(id, AttemptWord::Unknown, AttemptWord::Over);
        let attempt = &self.attempts[&id];
        let visit = &self.visits[attempt.visit];
        let Action::Execute(execute) = &self.spec(visit).action else { panic!("an attempt of a step without a command") };
        let fine = matches!(how, EndKind::Exited { code } if execute.success_exit_codes.iter().any(|ok| i64::from(*ok) == *code));
        let rebooted = matches!(how, EndKind::Unknown { reason: UnknownReason::HostRebooted }) && execute.expect_disconnect;
        let unknown = matches!(how, EndKind::Unknown { .. });
        let tries = visit.targets[&attempt.agent].tries;
        let newest = visit.targets[&attempt.agent].attempts.last() == Some(&id);
        let allowed = match verdict {
            Verdict::Succeeded => (fine && !execute.expect_disconnect) || rebooted,
            Verdict::Failed { .. } => !unknown || rebooted,
            Verdict::Retry { at, .. } => {
                let left = execute.retry.as_ref().is_some_and(|retry| tries + 1 < retry.attempts);
                *at >= self.at && !fine && !unknown && !self.is_stopping() && (left || !newest)
            }
            Verdict::Again { .. } => matches!(how, EndKind::NotStarted { .. }),
            Verdict::Unknown => unknown,
            Verdict::Cancelled => self.is_stopping() && matches!(how, EndKind::NotStarted { .. } | EndKind::Cancelled),
            Verdict::Reboot { .. } => execute.expect_disconnect && (!unknown || rebooted),
            Verdict::Skipped { .. } => false,
        };
        assert!(allowed, "P7: {how:?} is judged {verdict:?}");
        assert!(!fine || !matches!(verdict, Verdict::Failed { .. }), "P7: {how:?} is judged {verdict:?}");
        let word = match verdict {
            Verdict::Succeeded => Word::Succeeded,
            Verdict::Failed { .. } => Word::Failed,
            Verdict::Retry { at, .. } => Word::Backoff(*at),
            Verdict::Again { .. } => Word::Queued,
            Verdict::Unknown => Word::Unknown,
            Verdict::Cancelled => Word::Cancelled,
            Verdict::Reboot { .. } => Word::Rebooting,
            Verdict::Skipped { .. } => Word::Skipped,
        };
        if unknown {
            // A reboot that was expected settles it, though nobody saw the command's end.
            let word = if rebooted { AttemptWord::Resolved } else { AttemptWord::Unknown };
            self.attempts.get_mut(&id).expect("an attempt").word = word;
        }
        self.settle(id, word);
    }

    /// What became known after the end counts for a retry: what succeeded is not done again.
    fn known_late(&mut self, id: AttemptId, how: &EndKind) {
        let attempt = &self.attempts[&id];
        let visit = &self.visits[attempt.visit];
        let Action::Execute(execute) = &self.spec(visit).action else { panic!("an attempt of a step without a command") };
        let fine = matches!(how, EndKind::Exited { code } if execute.success_exit_codes.iter().any(|ok| i64::from(*ok) == *code));
        let rebooted = matches!(how, EndKind::Unknown { reason: UnknownReason::HostRebooted });
        let target = &visit.targets[&attempt.agent];
        let newest = target.attempts.last() == Some(&id) && target.word == Word::Unknown;
        if newest && if execute.expect_disconnect { rebooted } else { fine } {
            self.settle(id, Word::Succeeded);
        }
    }

    /// The newest attempt of a target has the say.
    fn settle(&mut self, id: AttemptId, word: Word) {
        let attempt = &self.attempts[&id];
        let target = self.visits[attempt.visit].targets.get_mut(&attempt.agent).expect("a target");
        if target.attempts.last() == Some(&id) {
            target.tries += u32::from(matches!(word, Word::Failed | Word::Backoff(_)));
            target.word = word;
        }
    }

    fn target_ended(&mut self, name: &AgentName, verdict: &Verdict) {
        let stopping = self.is_stopping();
        let target = self.open_mut().targets.get_mut(name).expect("I5: a target that was not selected");
        let (allowed, word) = match verdict {
            Verdict::Succeeded => (target.word == Word::Rebooting, Word::Succeeded),
            Verdict::Failed { .. } => (matches!(target.word, Word::Queued | Word::Backoff(_) | Word::Rebooting), Word::Failed),
            Verdict::Skipped { .. } => (matches!(target.word, Word::Queued | Word::Backoff(_)), Word::Skipped),
            _ => (false, target.word),
        };
        assert!(allowed, "P7: {name} is {:?} and ends {verdict:?}", target.word);
        assert!(!stopping || target.word == Word::Rebooting, "I5: a target's turn comes after a cancel");
        target.word = word;
    }
}
