//! Folds events into the state. An event that does not fit is an error of the history, never a panic.

mod fault;
mod run;

pub use fault::FoldError;

use crate::definitions::Program;
use crate::elapsed::Span;
use crate::execution::claims::{ClaimChange, claim_change};
use crate::execution::context::step_value;
use crate::execution::{
    Attempt, Cancel, Created, Event, EventRecord, Execution, PromptEnd, PromptRun, RouteRun, StepPath, StepRun, Target,
    TargetState, Verdict,
};
use crate::time::Timestamp;
use crate::transition::{AttemptChange, AttemptState, ExecutionChange, ExecutionState, ResolvedAs, StepChange, StepStatus};
use crate::values::StateValue;
use fault::Fault;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{AttemptId, PromptId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

impl Execution {
    /// Folds a whole history.
    pub fn replay(program: Arc<Program>, history: &[EventRecord]) -> Result<Self, FoldError> {
        let Some((first, rest)) = history.split_first() else { return Err(FoldError::Beginning { seq: 0 }) };
        let mut execution = Self::begin(program, first)?;
        for record in rest {
            execution.apply(record)?;
        }
        Ok(execution)
    }

    /// The state after the first event.
    pub fn begin(program: Arc<Program>, first: &EventRecord) -> Result<Self, FoldError> {
        let Event::Created(created) = &first.event else { return Err(FoldError::Beginning { seq: first.seq }) };
        if first.seq != 1 {
            return Err(FoldError::Sequence { expected: 1, found: first.seq });
        }
        let ClaimChange { take, .. } = claim_change(None, &program, &first.event);
        let mut execution = Self::new(program, (**created).clone(), first.at, take.into_iter().collect());
        execution.carry().map_err(|fault| fault.at(first.seq))?;
        Ok(execution)
    }

    /// Takes over what a retry does not repeat.
    fn carry(&mut self) -> Result<(), Fault> {
        let Some(carried) = self.created.carried.clone() else { return Ok(()) };
        self.state = carried.state;
        for step in carried.steps {
            let (index, _) = self.program.step(&step.step.0).ok_or_else(|| Fault::missing("step", &step.step))?;
            let mut run = StepRun::new(index, step.step, step.visit, step.status, self.created_at);
            run.carry(step.targets);
            (run.condition, run.answer, run.carried, run.ended_at) = (step.condition, step.answer, true, Some(self.created_at));
            run.route = step.goto.map(|goto| RouteRun { route: None, label: None, goto: Some(goto) });
            self.steps.push(run);
            self.remember_last_step();
        }
        Ok(())
    }

    fn new(program: Arc<Program>, created: Created, at: Timestamp, claims: BTreeSet<super::ClaimKey>) -> Self {
        Self {
            created,
            program,
            seq: 1,
            status: ExecutionState::Pending,
            steps: Vec::new(),
            attempts: HashMap::new(),
            active: BTreeSet::new(),
            unknown: BTreeSet::new(),
            cancel: None,
            timed_out: None,
            prompt: None,
            prompts: BTreeMap::new(),
            state: BTreeMap::new(),
            waits: None,
            waited: Vec::new(),
            values: BTreeMap::new(),
            claims,
            created_at: at,
            started_at: None,
            ended_at: None,
            message: None,
        }
    }

    /// Folds one further event. On an error the state may be half-changed and must be thrown away.
    pub fn apply(&mut self, record: &EventRecord) -> Result<(), FoldError> {
        if record.seq != self.seq + 1 {
            return Err(FoldError::Sequence { expected: self.seq + 1, found: record.seq });
        }
        let ClaimChange { take, release } = claim_change(Some(self), &self.program, &record.event);
        self.claims.extend(take);
        for key in release {
            self.claims.remove(&key);
        }
        self.seq = record.seq;
        self.fold(record).map_err(|fault| fault.at(record.seq))
    }

    fn fold(&mut self, record: &EventRecord) -> Result<(), Fault> {
        let at = record.at;
        match &record.event {
            Event::Created(_) => Err(Fault::Beginning),
            Event::Started => {
                self.started_at = Some(at);
                self.waits = None;
                self.change(ExecutionChange::Start)
            }
            Event::Waiting { reason } => {
                self.count_wait(at);
                self.waits = Some((at, *reason));
                self.change(ExecutionChange::Wait(*reason))
            }
            Event::Resumed => {
                self.count_wait(at);
                self.change(ExecutionChange::Resume)
            }
            Event::TimedOut => {
                self.timed_out = Some(at);
                Ok(())
            }
            Event::Ended { status, message } => {
                self.count_wait(at);
                self.ended_at = Some(at);
                self.message.clone_from(message);
                self.change(ExecutionChange::End(*status))
            }
            Event::CancelRequested { mode, by, reason } => {
                self.cancel = Some(Cancel { mode: *mode, by: by.clone(), reason: reason.clone(), at });
                Ok(())
            }
            Event::StepStarted { step, visit, targets, condition } => {
                let run = self.open(step, *visit, at, StepChange::Start)?;
                run.condition = *condition;
                run.queued = targets.iter().cloned().collect();
                run.targets = targets.iter().map(|name| (name.clone(), Target::new())).collect();
                self.spare_carried_targets();
                Ok(())
            }
            Event::PromptOpened { prompt, message, options, timeout, .. } => {
                let (id, message, options, timeout) = (*prompt, message.clone(), options.clone(), *timeout);
                let index = self.steps.len().saturating_sub(1);
                let run = self.last_step()?;
                run.status = run.status.next(StepChange::Wait)?;
                run.prompt = Some(PromptRun { id, message, options, timeout, opened_at: at, end: None });
                self.prompt = Some(id);
                self.prompts.insert(id, index);
                Ok(())
            }
            Event::PromptAnswered { prompt, answer, by, comment } => {
                let (answer, by, comment) = (Some(answer.clone()), Some(by.clone()), comment.clone());
                self.close_prompt(*prompt, PromptEnd { answer, by, comment, at })
            }
            Event::PromptExpired { prompt, answer } => {
                self.close_prompt(*prompt, PromptEnd { answer: answer.clone(), by: None, comment: None, at })
            }
            Event::TimerStarted { until } => {
                let run = self.last_step()?;
                run.status = run.status.next(StepChange::Wait)?;
                run.until = Some(*until);
                Ok(())
            }
            Event::Parsed { into, values } => {
                match into {
                    None => self.state.extend(values.clone()),
                    Some(name) => drop(self.state.insert(name.clone(), StateValue::Map(values.clone()))),
                }
                self.last_step()?.parsed = Some(values.clone());
                Ok(())
            }
            Event::RouteTaken { route, label, goto } => {
                let taken = RouteRun { route: *route, label: label.clone(), goto: goto.clone() };
                self.last_step()?.route = Some(taken);
                Ok(())
            }
            Event::StepSkipped { step, visit } => {
                let run = self.open(step, *visit, at, StepChange::Skip)?;
                run.condition = Some(false);
                run.ended_at = Some(at);
                self.remember_last_step();
                Ok(())
            }
            Event::StepRefused { step, visit, message } => {
                let run = self.open(step, *visit, at, StepChange::Refuse)?;
                run.message = Some(message.clone());
                run.ended_at = Some(at);
                self.remember_last_step();
                Ok(())
            }
            Event::StepEnded { step, visit, status, message } => {
                let run = self.run(step, *visit)?;
                run.status = run.status.next(StepChange::End(*status))?;
                run.message.clone_from(message);
                run.ended_at = Some(at);
                run.close(*status);
                self.prompt = None;
                self.remember_last_step();
                Ok(())
            }
            Event::TargetEnded { step, visit, target, verdict } => {
                self.run(step, *visit)?.settle(target, &TargetState::from_verdict(verdict))
            }
            Event::AttemptAssigned { attempt, step, visit, target, number, slot, incarnation, boot } => {
                let index = self.index(step, *visit)?;
                self.steps[index].assign(target, *attempt)?;
                self.active.insert(*attempt);
                let fresh = Attempt {
                    step: index,
                    target: target.clone(),
                    number: *number,
                    slot: *slot,
                    incarnation: *incarnation,
                    boot: *boot,
                    state: AttemptState::Assigned,
                    assigned_at: at,
                    started_at: None,
                    ended_at: None,
                    ended: None,
                    evidence: None,
                };
                self.attempts.insert(*attempt, fresh);
                Ok(())
            }
            Event::AttemptAccepted { attempt } => self.move_attempt(*attempt, &AttemptChange::Accept).map(drop),
            Event::AttemptStarted { attempt, pid } => {
                self.move_attempt(*attempt, &AttemptChange::Start { pid: *pid })?.started_at = Some(at);
                Ok(())
            }
            Event::AttemptEnded { attempt, ended, verdict } => {
                let held = self.move_attempt(*attempt, &AttemptChange::End(ended.how.clone()))?;
                held.ended = Some(ended.clone());
                held.ended_at = Some(at);
                // A reboot that was expected settles an attempt whose end nobody saw.
                if *verdict != Verdict::Unknown {
                    self.unknown.remove(attempt);
                }
                self.settle_attempt(*attempt, verdict)
            }
            Event::AttemptLost { attempt, loss } => {
                self.move_attempt(*attempt, &AttemptChange::Lose(*loss))?;
                self.settle_attempt(*attempt, &Verdict::Unknown)
            }
            Event::AttemptResolved { attempt, outcome, by, .. } => {
                self.move_attempt(*attempt, &AttemptChange::Resolve(*outcome))?.ended_at = Some(at);
                let verdict = match outcome {
                    ResolvedAs::Succeeded => Verdict::Succeeded,
                    ResolvedAs::Failed => Verdict::Failed { reason: format!("settled as failed by {by}") },
                };
                self.settle_attempt(*attempt, &verdict)
            }
            Event::EvidenceRecorded { attempt, ended } => {
                let settled = self.attempts.get_mut(attempt).ok_or_else(|| Fault::missing("attempt", attempt))?;
                settled.evidence = Some(ended.clone());
                Ok(())
            }
        }
    }

    /// What a step was when it ended is what later steps see, whatever evidence comes after.
    fn remember_last_step(&mut self) {
        if let Some(run) = self.steps.last() {
            let value = Arc::new(step_value(self, run));
            self.values.insert(run.path.0.clone(), value);
        }
    }

    /// The step that began last.
    fn last_step(&mut self) -> Result<&mut StepRun, Fault> {
        self.steps.last_mut().ok_or_else(|| Fault::missing("step", "that began"))
    }

    fn close_prompt(&mut self, id: PromptId, end: PromptEnd) -> Result<(), Fault> {
        let index = *self.prompts.get(&id).ok_or_else(|| Fault::missing("prompt", id))?;
        let run = &mut self.steps[index];
        let prompt = run.prompt.as_mut().filter(|prompt| prompt.end.is_none() || planted::is(Bug::PromptTwice));
        let prompt = prompt.ok_or_else(|| Fault::missing("open prompt", id))?;
        run.answer.clone_from(&end.answer);
        prompt.end = Some(end);
        self.prompt = None;
        Ok(())
    }

    /// A wait is over: the time that people took is noted.
    fn count_wait(&mut self, at: Timestamp) {
        if let Some((from, reason)) = self.waits.take()
            && reason.is_for_people()
        {
            self.waited.push(Span { from, to: at });
        }
    }

    /// The targets of the repeated visit that succeeded before need not run again.
    fn spare_carried_targets(&mut self) {
        let Some(repeated) = self.created.carried.as_ref().and_then(|carried| carried.repeated.as_ref()) else { return };
        let Some(run) = self.steps.last_mut() else { return };
        if run.path == repeated.step && run.visit == repeated.visit {
            run.carry(repeated.targets.clone());
        }
    }

    fn change(&mut self, change: ExecutionChange) -> Result<(), Fault> {
        self.status = self.status.next(change)?;
        Ok(())
    }

    fn open(&mut self, step: &StepPath, visit: u32, at: Timestamp, change: StepChange) -> Result<&mut StepRun, Fault> {
        let index = self.program.steps.iter().position(|compiled| compiled.spec.id == step.0);
        let index = index.ok_or_else(|| Fault::missing("step", step))?;
        let status = StepStatus::Pending.next(change)?;
        self.steps.push(StepRun::new(index, step.clone(), visit, status, at));
        self.steps.last_mut().ok_or_else(|| Fault::missing("step", step))
    }

    fn index(&self, step: &StepPath, visit: u32) -> Result<usize, Fault> {
        let found = self.steps.iter().rposition(|run| run.visit == visit && run.path == *step);
        found.ok_or_else(|| Fault::missing("step", step))
    }

    fn run(&mut self, step: &StepPath, visit: u32) -> Result<&mut StepRun, Fault> {
        let index = self.index(step, visit)?;
        Ok(&mut self.steps[index])
    }

    fn move_attempt(&mut self, id: AttemptId, change: &AttemptChange) -> Result<&mut Attempt, Fault> {
        let attempt = self.attempts.get_mut(&id).ok_or_else(|| Fault::missing("attempt", id))?;
        attempt.state = attempt.state.next(change)?;
        if !attempt.state.is_active() {
            self.active.remove(&id);
        }
        match attempt.state {
            AttemptState::Unknown(_) => self.unknown.insert(id),
            _ => self.unknown.remove(&id),
        };
        Ok(attempt)
    }

    /// Moves the attempt's target. A later attempt of the same target has the say: word of an earlier one changes nothing.
    fn settle_attempt(&mut self, id: AttemptId, verdict: &Verdict) -> Result<(), Fault> {
        let attempt = self.attempts.get(&id).ok_or_else(|| Fault::missing("attempt", id))?;
        let run = &mut self.steps[attempt.step];
        let target = run.targets.get(&attempt.target).ok_or_else(|| Fault::missing("target", &attempt.target))?;
        if target.attempts.last() != Some(&id) {
            return Ok(());
        }
        let state = match verdict {
            Verdict::Unknown => TargetState::Unknown(id),
            Verdict::Reboot { until } => TargetState::Rebooting { attempt: id, until: *until },
            verdict => TargetState::from_verdict(verdict),
        };
        let name = attempt.target.clone();
        let withdrawn = attempt.ended.as_ref().is_some_and(|ended| ended.withdrawn);
        run.settle(&name, &state)?;
        if let Some(target) = run.targets.get_mut(&name) {
            match verdict {
                Verdict::Again { .. } if withdrawn => {}
                Verdict::Again { .. } => target.uncounted += 1,
                Verdict::Unknown | Verdict::Reboot { .. } => {}
                _ => (target.tries, target.uncounted) = (target.tries + 1, 0),
            }
        }
        Ok(())
    }
}
