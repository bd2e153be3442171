//! Questions and times: one answer each, no deadline too early, none forgotten.

use super::time::counted;
use super::{Checker, Facts, Prompt, Word};
use crd_schemas::Duration;
use crd_schemas::manifest::{self, Action, OnTimeout};
use pulse_core::Timestamp;
use pulse_core::elapsed::Span;
use pulse_core::transition::WaitReason;
use pulse_protocol::PromptId;

impl Checker {
    pub(super) fn prompt_opened(&mut self, id: PromptId, options: &[String], timeout: Option<Duration>) {
        let at = self.at;
        let (visit, asked) = (self.open().expect("I5: a question without a step"), self.asks());
        assert!(visit.prompt.is_none(), "I8: a visit asks twice");
        assert!(!self.is_stopping(), "I5: a question after a cancel");
        assert!(asked.options.iter().map(|option| &option.value).eq(options), "other options than the step has");
        assert_eq!(asked.timeout, timeout, "another timeout than the step has");
        assert!(self.prompts.insert(id), "I8: a question's id comes twice");
        self.open_mut().prompt = Some(Prompt { id, opened: at, closed: false, answer: None });
    }

    /// The question of the step that runs.
    fn asks(&self) -> &manifest::Prompt {
        match self.open().map(|visit| &self.spec(visit).action) {
            Some(Action::Prompt(prompt)) => prompt,
            _ => panic!("I8: no step asks"),
        }
    }

    pub(super) fn prompt_answered(&mut self, id: PromptId, answer: &str) {
        assert!(self.asks().options.iter().any(|option| option.value == answer), "I8: `{answer}` is none of the options");
        self.close_prompt(id, Some(answer));
    }

    pub(super) fn prompt_expired(&mut self, id: PromptId, answer: Option<&str>, facts: &Facts<'_>) {
        let asked = self.asks();
        let opened = self.open().and_then(|visit| visit.prompt.as_ref()).expect("I8: no question is open").opened;
        let timeout = asked.timeout.expect("a question without a timeout never expires");
        let waited = counted(opened, facts.now, facts.absences.iter());
        assert!(waited >= timeout.as_micros(), "a question expires after {waited} µs of {timeout}");
        let said = match &asked.on_timeout {
            OnTimeout::Fail => None,
            OnTimeout::Answer(answer) => Some(answer.as_str()),
        };
        assert_eq!(answer, said, "another answer is taken than `onTimeout` says");
        self.close_prompt(id, answer);
    }

    fn close_prompt(&mut self, id: PromptId, answer: Option<&str>) {
        assert!(!self.is_stopping(), "I8: an answer after the question was withdrawn");
        let open = self.open_mut().prompt.as_mut().expect("I8: no question is open");
        assert_eq!(open.id, id, "I8: another question is answered than the one that is asked");
        assert!(!open.closed, "I8: a question has two answers");
        (open.closed, open.answer) = (true, answer.map(str::to_owned));
    }

    pub(super) fn timer_started(&mut self, until: Timestamp) {
        let visit = self.open().expect("I5: a timer without a step");
        let Action::Wait(wait) = &self.spec(visit).action else { panic!("a timer of another step") };
        assert!(visit.until.is_none() && !self.is_stopping(), "I5: a timer starts twice, or after a cancel");
        if let Some(duration) = wait.duration {
            assert_eq!(until.0, self.at.0 + duration.as_micros(), "a timer of another length");
        }
        self.open_mut().until = Some(until);
    }

    pub(super) fn timed_out(&mut self, facts: &Facts<'_>) {
        assert!(!self.is_stopping(), "it times out twice, or after a cancel");
        assert!(!self.waits_for_people(), "it times out while people are waited for");
        let (ran, timeout) = self.ran(facts).expect("a workflow with a timeout that has begun");
        assert!(ran >= timeout, "it times out after {ran} µs of {timeout}");
        self.timed_out = true;
    }

    fn waits_for_people(&self) -> bool {
        self.hold.is_some_and(|(_, reason)| matches!(reason, WaitReason::Unknown | WaitReason::Person | WaitReason::Pause))
    }

    /// How long the execution ran so far, and how long it may, microseconds.
    fn ran(&self, facts: &Facts<'_>) -> Option<(i64, i64)> {
        let timeout = self.workflow.spec.timeout?.as_micros();
        Some((counted(self.started?, facts.now, self.people.iter().chain(facts.absences)), timeout))
    }

    pub(super) fn waiting(&mut self, reason: WaitReason, facts: &Facts<'_>) {
        assert!(self.hold.is_none_or(|(_, before)| before != reason), "it begins to wait for what it waits for");
        self.end_hold();
        let visit = self.open();
        let active = visit.is_some_and(|visit| visit.targets.values().any(|target| target.word == Word::Active));
        assert!(!active && !self.is_stopping(), "it waits while something runs, or after a cancel");
        let holds = match reason {
            WaitReason::Person => visit.and_then(|visit| visit.prompt.as_ref()).is_some_and(|prompt| !prompt.closed),
            WaitReason::Timer => visit.is_some_and(|visit| visit.until.is_some()),
            WaitReason::Unknown => visit.is_some_and(|visit| visit.targets.values().any(|target| target.word == Word::Unknown)),
            WaitReason::Pause => self.is_paused(facts),
            WaitReason::Queue => self.started.is_none() && facts.queued_behind,
        };
        assert!(holds, "it says to wait for {reason:?}, which does not hold it");
        self.hold = Some((self.at, reason));
    }

    /// What certainly holds it now: it must say so, for people and because their time does not count.
    pub(super) fn holds(&self) -> Option<WaitReason> {
        let visit = self.open().filter(|_| !self.is_stopping())?;
        if let Some(prompt) = &visit.prompt {
            return (!prompt.closed).then_some(WaitReason::Person);
        }
        if visit.until.is_some() {
            return Some(WaitReason::Timer);
        }
        let Action::Execute(execute) = &self.spec(visit).action else { return None };
        let any = |fits: fn(Word) -> bool| visit.targets.values().any(|target| fits(target.word));
        let failed = visit.targets.values().filter(|target| target.word == Word::Failed).count();
        let over = failed > execute.max_failures as usize || !any(|word| matches!(word, Word::Queued | Word::Backoff(_)));
        let runs = any(|word| matches!(word, Word::Active | Word::Rebooting));
        let waits = self.waits_for_unknown(execute);
        (waits && over && !runs && any(|word| word == Word::Unknown)).then_some(WaitReason::Unknown)
    }

    pub(super) fn end_hold(&mut self) {
        if self.waits_for_people()
            && let Some((from, _)) = self.hold
        {
            self.people.push(Span { from, to: self.at });
        }
        self.hold = None;
    }

    /// What time alone will bring, and when.
    pub(super) fn due(&self, facts: &Facts<'_>) -> Vec<(&'static str, Timestamp)> {
        let mut due = Vec::new();
        if self.is_stopping() {
            return due;
        }
        let later = |micros: i64| Timestamp(facts.now.0 + micros);
        if let Some(visit) = self.open() {
            if let (Action::Prompt(asked), Some(prompt)) = (&self.spec(visit).action, &visit.prompt)
                && let Some(timeout) = asked.timeout
            {
                let left = timeout.as_micros() - counted(prompt.opened, facts.now, facts.absences.iter());
                due.push(("the end of a question", later(left)));
            }
            due.extend(visit.until.map(|until| ("the end of a wait", until)));
        }
        if let Some((ran, timeout)) = self.ran(facts).filter(|_| !self.waits_for_people()) {
            due.push(("the workflow's timeout", later(timeout - ran)));
        }
        due
    }
}
