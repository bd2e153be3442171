//! An independent judge of an execution. It reads the manifest, the events one by one, and what lay around when each was decided,
//! as plain data; it shares no line with the code that decides or folds. What it finds wrong it says with the invariant's number
//! in `reliability.md`: I1 one start per attempt, I2 one beginning, I3 ends are final, I5 order, I8 one answer, I10 no timer
//! without a wake-up; and P2, P4, P7, the promises that go with them. (I7, slots of schedules, is judged in `tests/schedule/`.)

mod flow;
mod people;
mod targets;
mod time;

use crd_schemas::manifest::{ConcurrencyPolicy, Step, Workflow};
use pulse_core::Timestamp;
use pulse_core::decide::AgentView;
use pulse_core::elapsed::Span;
use pulse_core::execution::{CancelMode, Created, Event, EventRecord};
use pulse_core::pause::{Pause, PauseScope};
use pulse_core::transition::{ExecutionEnd, StepStatus, WaitReason};
use pulse_protocol::{AgentName, AttemptId, PromptId};
use std::collections::{BTreeMap, BTreeSet};

/// What lies around an execution at one moment.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub now: Timestamp,
    pub pauses: &'a [Pause],
    pub absences: &'a [Span],
    pub agents: &'a BTreeMap<AgentName, AgentView>,
    pub queued_behind: bool,
    /// The controllers' clock is not set back.
    pub steady: bool,
}

/// What the judge has seen of one execution.
#[derive(Clone)]
pub struct Checker {
    workflow: Workflow,
    created: Created,
    seq: u32,
    at: Timestamp,
    started: Option<Timestamp>,
    ended: Option<ExecutionEnd>,
    cancel: Option<CancelMode>,
    timed_out: bool,
    /// Since when and for what it waits.
    hold: Option<(Timestamp, WaitReason)>,
    /// The time in which it waited for people.
    people: Vec<Span>,
    visits: Vec<Visit>,
    /// How many of them were taken over.
    carried: usize,
    attempts: BTreeMap<AttemptId, Attempt>,
    prompts: BTreeSet<PromptId>,
    /// The visit that a retry repeats, and the targets that must not run again in it.
    spared: Option<(usize, u32, BTreeSet<AgentName>)>,
}

/// One visit of a step.
#[derive(Clone)]
struct Visit {
    step: usize,
    number: u32,
    status: Option<StepStatus>,
    skipped: bool,
    targets: BTreeMap<AgentName, Target>,
    prompt: Option<Prompt>,
    until: Option<Timestamp>,
    parsed: bool,
    route: Option<Option<String>>,
}

#[derive(Clone)]
struct Target {
    word: Word,
    attempts: Vec<AttemptId>,
    tries: u32,
}

/// Where a target or an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Queued,
    Backoff(Timestamp),
    Active,
    Unknown,
    Rebooting,
    Succeeded,
    Failed,
    Skipped,
    Cancelled,
}

#[derive(Clone)]
struct Attempt {
    agent: AgentName,
    visit: usize,
    slot: u32,
    word: AttemptWord,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum AttemptWord {
    Assigned,
    Accepted,
    Started,
    Unknown,
    Over,
    Resolved,
    Evident,
}

#[derive(Clone)]
struct Prompt {
    id: PromptId,
    opened: Timestamp,
    closed: bool,
    answer: Option<String>,
}

impl Checker {
    /// A judge of an execution from its first event on; `before` is the judge of the one that it repeats.
    pub fn new(workflow: &Workflow, created: &Created, at: Timestamp, before: Option<Self>) -> Self {
        let mut checker = Self {
            workflow: workflow.clone(),
            created: created.clone(),
            seq: 1,
            at,
            started: None,
            ended: None,
            cancel: None,
            timed_out: false,
            hold: None,
            people: Vec::new(),
            visits: Vec::new(),
            carried: 0,
            attempts: BTreeMap::new(),
            prompts: BTreeSet::new(),
            spared: None,
        };
        if let Some(before) = before {
            checker.repeat(before);
        }
        checker
    }

    /// What need not run again: every visit but a last one that failed, and of that one the targets that succeeded.
    fn repeat(&mut self, before: Self) {
        self.visits = before.visits;
        let over = |visit: &Visit| match visit.status {
            Some(StepStatus::Succeeded | StepStatus::Skipped) => true,
            Some(StepStatus::Failed) => self.workflow.spec.steps[visit.step].continue_on_error,
            _ => false,
        };
        if self.visits.last().is_some_and(|visit| !over(visit))
            && let Some(last) = self.visits.pop()
        {
            let done = last.targets.iter().filter(|(_, target)| target.word == Word::Succeeded);
            self.spared = Some((last.step, last.number, done.map(|(name, _)| name.clone()).collect()));
        }
        self.carried = self.visits.len();
    }

    /// Judges the next event.
    pub fn take(&mut self, record: &EventRecord, facts: &Facts<'_>) {
        assert_eq!(record.seq, self.seq + 1, "I2: a gap in the history");
        assert!((record.at >= self.at || !facts.steady) && record.at == facts.now, "time runs backwards: {record:?}");
        (self.seq, self.at) = (record.seq, record.at);
        if let Some(end) = self.ended {
            assert!(matches!(record.event, Event::EvidenceRecorded { .. }), "I3: {:?} after it {end:?}", record.event);
        }
        match &record.event {
            Event::Created(_) => panic!("I2: created twice"),
            Event::Started => self.begin(facts),
            Event::StepStarted { step, visit, targets, condition } => {
                self.step_started(&step.0, *visit, targets, *condition, facts);
            }
            Event::StepSkipped { step, visit } => self.step_left_out(&step.0, *visit, StepStatus::Skipped, facts),
            Event::StepRefused { step, visit, .. } => self.step_left_out(&step.0, *visit, StepStatus::Failed, facts),
            Event::StepEnded { step, visit, status, .. } => self.step_ended(&step.0, *visit, *status),
            Event::Parsed { into, .. } => self.parsed(into.as_deref()),
            Event::RouteTaken { route, goto, .. } => self.route_taken(*route, goto.as_deref()),
            Event::PromptOpened { prompt, options, timeout, .. } => self.prompt_opened(*prompt, options, *timeout),
            Event::PromptAnswered { prompt, answer, .. } => self.prompt_answered(*prompt, answer),
            Event::PromptExpired { prompt, answer } => self.prompt_expired(*prompt, answer.as_deref(), facts),
            Event::TimerStarted { until } => self.timer_started(*until),
            Event::TimedOut => self.timed_out(facts),
            Event::CancelRequested { mode, .. } => {
                assert!(self.cancel.is_none_or(|before| before < *mode), "a cancel that changes nothing is recorded");
                self.cancel = Some(*mode);
            }
            Event::Waiting { reason } => self.waiting(*reason, facts),
            Event::Resumed => {
                assert!(self.hold.is_some(), "resumed without a wait");
                self.end_hold();
            }
            Event::Ended { status, .. } => self.end(*status),
            other => self.attempt_event(other, facts),
        }
    }

    fn begin(&mut self, facts: &Facts<'_>) {
        assert!(self.started.is_none(), "I2: it begins twice");
        assert!(!self.is_stopping(), "I5: it begins after a cancel");
        assert!(!self.is_paused(facts), "I5: it begins during a pause");
        let queue = self.workflow.spec.concurrency.policy == ConcurrencyPolicy::Queue;
        assert!(!(queue && facts.queued_behind), "I5: it begins before its turn");
        self.started = Some(facts.now);
        self.hold = None;
    }

    fn end(&mut self, status: ExecutionEnd) {
        assert!(self.open().is_none(), "I5: it ends while a step is not over");
        let active = self.attempts.values().filter(|attempt| attempt.word < AttemptWord::Unknown).count();
        assert_eq!(active, 0, "I5: it ends while attempts run");
        let expected = match () {
            () if self.cancel.is_some() => ExecutionEnd::Cancelled,
            () if self.timed_out => ExecutionEnd::Failed,
            () => self.natural_end(),
        };
        assert_eq!(status, expected, "it ends otherwise than its steps did");
        self.end_hold();
        self.ended = Some(status);
    }

    /// After every pass, when nothing more is to be said: what is due has happened, and what will be due has a wake-up.
    pub fn rest(&self, facts: &Facts<'_>, wake_at: Option<Timestamp>) {
        if self.ended.is_some() {
            assert_eq!(wake_at, None, "what has ended wakes nobody");
            return;
        }
        if let Some(reason) = self.holds() {
            assert_eq!(self.hold.map(|(_, said)| said), Some(reason), "it does not say what it waits for");
        }
        for (what, due) in self.due(facts) {
            if !facts.steady {
                // A clock that is set back makes it later, but never forgotten.
                assert!(wake_at.is_some(), "I10: {what} is due, and nothing wakes it");
                continue;
            }
            assert!(due > facts.now, "I10: {what} was due at {due} and has not happened");
            assert!(wake_at.is_some_and(|at| at <= due), "I10: {what} is due at {due}, and it wakes at {wake_at:?}");
        }
    }

    fn is_stopping(&self) -> bool {
        self.cancel.is_some() || self.timed_out
    }

    fn open(&self) -> Option<&Visit> {
        self.visits.last().filter(|visit| visit.status.is_none())
    }

    fn open_mut(&mut self) -> &mut Visit {
        self.visits.last_mut().filter(|visit| visit.status.is_none()).expect("I5: no step has begun")
    }

    fn spec(&self, visit: &Visit) -> &Step {
        &self.workflow.spec.steps[visit.step]
    }

    fn is_paused(&self, facts: &Facts<'_>) -> bool {
        let labels = &self.workflow.metadata.labels;
        active(facts).any(|scope| match scope {
            PauseScope::All => true,
            PauseScope::Workflow(name) => *name == self.workflow.metadata.name,
            PauseScope::Schedule(name) => self.created.trigger.by == format!("schedule/{name}"),
            PauseScope::Agent(_) => false,
            PauseScope::Labels(selector) => has(labels, &selector.to_string()),
        })
    }
}

fn is_agent_paused(facts: &Facts<'_>, agent: &AgentName) -> bool {
    active(facts).any(|scope| match scope {
        PauseScope::All => true,
        PauseScope::Agent(name) => name == agent.as_str(),
        PauseScope::Workflow(_) | PauseScope::Schedule(_) => false,
        PauseScope::Labels(selector) => has(&facts.agents[agent].value.labels, &selector.to_string()),
    })
}

fn active<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a PauseScope> {
    facts.pauses.iter().filter(|pause| pause.expires_at.is_none_or(|at| facts.now < at)).map(|pause| &pause.scope)
}

/// Only the simplest of selectors are written in these tests.
fn has(labels: &BTreeMap<String, String>, selector: &str) -> bool {
    let (key, value) = selector.split_once('=').expect("a selector `key=value`");
    labels.get(key).is_some_and(|found| found == value)
}
