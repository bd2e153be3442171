//! The order of steps: which one may begin, how it ends, where it leads.

use super::{Checker, Facts, Target, Visit, Word};
use crd_schemas::manifest::{Action, Execute, OnUnknown, Targets, TargetsFrom};
use pulse_core::execution::TriggerKind;
use pulse_core::transition::{ExecutionEnd, StepStatus};
use pulse_protocol::AgentName;
use std::collections::{BTreeMap, BTreeSet};

/// Where a visit that is over leads.
enum Next {
    Step(usize),
    End,
    /// It failed, and the execution with it.
    Failure,
}

impl Checker {
    pub(super) fn step_started(
        &mut self,
        id: &str,
        number: u32,
        targets: &[AgentName],
        condition: Option<bool>,
        facts: &Facts<'_>,
    ) {
        let step = self.may_begin(id, number, facts);
        let spec = &self.workflow.spec.steps[step];
        assert_eq!(condition, spec.when.as_ref().map(|_| true), "I5: `{id}` begins against its condition");
        let found: BTreeSet<&AgentName> = targets.iter().collect();
        let expected = match &spec.action {
            Action::Execute(execute) => self.selected(&execute.targets),
            _ => BTreeSet::new(),
        };
        assert_eq!(found, expected.iter().collect(), "`{id}` runs elsewhere than its targets say");
        let mut visit = Visit::new(step, number);
        let fresh = Target { word: Word::Queued, attempts: Vec::new(), tries: 0 };
        visit.targets = expected.into_iter().map(|name| (name, fresh.clone())).collect();
        if let Some((_, _, spared)) = self.spared.as_ref().filter(|(repeated, of, _)| (*repeated, *of) == (step, number)) {
            let again = visit.targets.iter_mut().filter(|(name, _)| spared.contains(*name));
            again.for_each(|(_, target)| target.word = Word::Succeeded);
        }
        self.visits.push(visit);
    }

    pub(super) fn step_left_out(&mut self, id: &str, number: u32, status: StepStatus, facts: &Facts<'_>) {
        let step = self.may_begin(id, number, facts);
        assert!(self.workflow.spec.steps[step].when.is_some(), "`{id}` is left out without a condition");
        self.visits.push(Visit { status: Some(status), skipped: true, ..Visit::new(step, number) });
    }

    /// The step must be the next one; its index.
    fn may_begin(&self, id: &str, number: u32, facts: &Facts<'_>) -> usize {
        assert!(self.started.is_some(), "I5: `{id}` begins before the execution");
        assert!(self.open().is_none(), "I5: `{id}` begins before the step before it is over");
        assert!(!self.is_stopping(), "I5: `{id}` begins after a cancel or the timeout");
        assert!(!self.is_paused(facts), "I5: `{id}` begins during a pause");
        let step = self.workflow.spec.steps.iter().position(|step| step.id == id).expect("a step of the workflow");
        assert!(matches!(self.next(), Next::Step(next) if next == step), "I5: `{id}` is not the step that follows");
        assert_eq!(number, self.count(step) + 1, "`{id}` has another visit's number");
        assert!(self.own_visits(step) < 100, "`{id}` is visited too often");
        step
    }

    fn count(&self, step: usize) -> u32 {
        u32::try_from(self.visits.iter().filter(|visit| visit.step == step).count()).expect("few visits")
    }

    /// Those that a retry took over do not count again.
    fn own_visits(&self, step: usize) -> usize {
        self.visits.iter().skip(self.carried).filter(|visit| visit.step == step).count()
    }

    fn selected(&self, targets: &Targets) -> BTreeSet<AgentName> {
        match targets {
            Targets::Items(items) => {
                let found = self.created.selections.iter().filter(|selection| selection.items == *items);
                found.flat_map(|selection| selection.agents.iter().cloned()).collect()
            }
            Targets::From(TargetsFrom { from, result }) => {
                let last = self.visits.iter().rfind(|visit| self.spec(visit).id == *from);
                let ended = last.map_or_else(BTreeMap::new, |visit| visit.targets.clone());
                let so = |target: &Target| match result.as_str() {
                    "succeeded" => target.word == Word::Succeeded,
                    _ => target.word == Word::Failed,
                };
                ended.into_iter().filter(|(_, target)| so(target)).map(|(name, _)| name).collect()
            }
        }
    }

    fn next(&self) -> Next {
        let Some(visit) = self.visits.last() else { return Next::Step(0) };
        let spec = self.spec(visit);
        match visit.status {
            Some(StepStatus::Failed) if !spec.continue_on_error => return Next::Failure,
            Some(StepStatus::Unknown | StepStatus::Cancelled) => return Next::Failure,
            _ => {}
        }
        let chosen = match &spec.action {
            Action::Prompt(prompt) => {
                let answer = visit.prompt.as_ref().and_then(|prompt| prompt.answer.clone());
                prompt.options.iter().find(|option| Some(&option.value) == answer.as_ref()).and_then(|option| option.goto.clone())
            }
            Action::Route(_) => visit.route.clone().flatten(),
            _ => None,
        };
        let steps = &self.workflow.spec.steps;
        let following = || if visit.step + 1 < steps.len() { Next::Step(visit.step + 1) } else { Next::End };
        match chosen.or_else(|| spec.goto.clone()).filter(|_| !visit.skipped) {
            None => following(),
            Some(id) if id == "end" => Next::End,
            Some(id) => Next::Step(steps.iter().position(|step| step.id == id).expect("a `goto` names a step")),
        }
    }

    pub(super) fn natural_end(&self) -> ExecutionEnd {
        match self.next() {
            Next::End => ExecutionEnd::Succeeded,
            Next::Failure => ExecutionEnd::Failed,
            Next::Step(step) => {
                let full = self.seq > 48_000;
                assert!(full || self.own_visits(step) == 100, "I5: it ends though step {step} is to come");
                ExecutionEnd::Failed
            }
        }
    }

    pub(super) fn parsed(&mut self, into: Option<&str>) {
        let visit = self.open().expect("I5: parsed without a step");
        let Action::Parse(parse) = &self.spec(visit).action else { panic!("parsed by another step") };
        assert!(!visit.parsed && !self.is_stopping(), "parsed twice, or after a cancel");
        assert_eq!(parse.into.as_deref(), into, "parsed into another name");
        self.open_mut().parsed = true;
    }

    pub(super) fn route_taken(&mut self, place: Option<u32>, goto: Option<&str>) {
        let visit = self.open().expect("I5: a route without a step");
        let Action::Route(route) = &self.spec(visit).action else { panic!("a route of another step") };
        assert!(visit.route.is_none() && !self.is_stopping(), "I5: a route is taken twice, or after a cancel");
        let case = place.and_then(|place| route.routes.get(place as usize));
        assert_eq!(case.is_some(), place.is_some(), "a route that the step has not");
        assert_eq!(goto, case.and_then(|case| case.goto.as_deref()), "the route leads elsewhere");
        let default = route.routes.iter().any(|case| case.default);
        assert!(place.is_some() || !default, "the default route was not taken");
        self.open_mut().route = Some(goto.map(str::to_owned));
    }

    pub(super) fn step_ended(&mut self, id: &str, number: u32, status: StepStatus) {
        let visit = self.open().unwrap_or_else(|| panic!("I5: `{id}` ends twice, or without having begun"));
        let spec = self.spec(visit);
        assert_eq!((spec.id.as_str(), visit.number), (id, number), "I5: another step ends than the one that runs");
        let active = visit.targets.values().filter(|target| target.word == Word::Active).count();
        assert_eq!(active, 0, "I5: `{id}` ends while its targets run");
        let answered = visit.prompt.as_ref().is_some_and(|prompt| prompt.closed);
        assert_eq!(status == StepStatus::Cancelled, self.is_stopping() && !answered, "I5: `{id}` ends {status:?}");
        if status != StepStatus::Cancelled {
            let fits = match &spec.action {
                Action::Execute(execute) => status == self.execute_status(visit, execute),
                Action::Prompt(_) => {
                    let answer = visit.prompt.as_ref().is_some_and(|prompt| prompt.answer.is_some());
                    let open = visit.prompt.as_ref().is_some_and(|prompt| !prompt.closed);
                    !open && (status == StepStatus::Succeeded) == answer
                }
                Action::Wait(_) => (status == StepStatus::Succeeded) == visit.until.is_some_and(|until| self.at >= until),
                Action::Parse(_) => (status == StepStatus::Succeeded) == visit.parsed,
                Action::Route(_) => (status == StepStatus::Succeeded) == visit.route.is_some(),
            };
            assert!(fits, "`{id}` ends {status:?} against what happened in it");
        }
        let rest = if status == StepStatus::Cancelled { Word::Cancelled } else { Word::Skipped };
        let visit = self.open_mut();
        visit.status = Some(status);
        for target in visit.targets.values_mut() {
            target.word = match target.word {
                Word::Queued | Word::Rebooting => rest,
                Word::Backoff(_) => Word::Failed,
                word => word,
            };
        }
    }

    pub(super) fn waits_for_unknown(&self, execute: &Execute) -> bool {
        let by_person = self.created.trigger.kind == TriggerKind::Person;
        execute.on_unknown.map_or(by_person, |said| said == OnUnknown::Wait)
    }

    fn execute_status(&self, visit: &Visit, execute: &Execute) -> StepStatus {
        let count = |fits: fn(Word) -> bool| visit.targets.values().filter(|target| fits(target.word)).count();
        let (failed, succeeded) = (count(|word| word == Word::Failed), count(|word| word == Word::Succeeded));
        let unknown = count(|word| word == Word::Unknown);
        let left = count(|word| matches!(word, Word::Queued | Word::Backoff(_) | Word::Rebooting));
        let waits = self.waits_for_unknown(execute);
        assert!(unknown == 0 || !waits, "P2: a step ends while an unknown is to be waited for");
        let too_many = failed > execute.max_failures as usize;
        assert!(left == 0 || too_many || unknown > 0 || self.seq > 48_000, "a step ends before its targets had their turn");
        match () {
            () if unknown > 0 => StepStatus::Unknown,
            () if too_many || left > 0 || (failed > 0 && succeeded == 0) => StepStatus::Failed,
            () if succeeded == 0 => StepStatus::Skipped,
            () => StepStatus::Succeeded,
        }
    }
}

impl Visit {
    fn new(step: usize, number: u32) -> Self {
        let (targets, prompt, until, route) = (BTreeMap::new(), None, None, None);
        Self { step, number, status: None, skipped: false, targets, prompt, until, parsed: false, route }
    }
}
