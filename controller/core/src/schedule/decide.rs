//! The decision about one schedule: what is settled, what fires, and when to look again.

use super::outcome::{Outcome, Settled, Skipped};
use super::waiting::Waiting;
use super::{CompiledSchedule, OpenExecution, ScheduleState, World};
use crate::execution::{Trigger, TriggerKind};
use crate::pause::Pause;
use crate::time::Timestamp;
use crd_schemas::manifest::{CatchUp, SchedulePolicy};
use pulse_protocol::ExecutionId;
use pulse_protocol::planted::{self, Bug};

/// What is to be done about a schedule. `state`, `settled` and the execution of `fire` are one transaction.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The row as it is to be, what fires included; none if it stays as it is.
    pub state: Option<ScheduleState>,
    /// Slots that are settled without an execution, oldest first.
    pub settled: Vec<Settled>,
    /// The slot that fires, after all of those.
    pub fire: Option<Fire>,
    /// Executions to cancel (mode kill) by the name of this schedule; the slot fires once they are over.
    pub replace: Vec<ExecutionId>,
    /// The next instant at which the answer can change without anything happening; now, if something is decided.
    pub wake_at: Option<Timestamp>,
    /// What the schedule waits for.
    pub waiting: Waiting,
}

/// A slot that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fire {
    /// The schedule.
    pub schedule: String,
    /// The slot, its nominal instant.
    pub slot: Timestamp,
    /// It is later than its deadline, or one of several.
    pub catch_up: bool,
}

/// What becomes of the slot that may fire.
enum Turn {
    Fire { catch_up: bool },
    Skip(Skipped, String),
    Wait { replace: Vec<ExecutionId>, until: Option<Timestamp>, waiting: Waiting },
}

/// Decides. `state` is the schedule's row, none for a new schedule. Ask again after every decision that was written, until it adds nothing.
pub fn decide(schedule: &CompiledSchedule, state: Option<&ScheduleState>, world: &World, now: Timestamp) -> Decision {
    let Some(state) = state.filter(|state| state.timing == schedule.digest && state.suspended == schedule.suspended) else {
        return adopt(schedule, state, now);
    };
    if schedule.suspended {
        return Decision::waits(None, Waiting::Suspended);
    }
    let replacing = schedule.policy == SchedulePolicy::Replace && world.open.iter().any(|open| open.replacing);
    let settled = if planted::is(Bug::SlotTwice) { Timestamp(state.watermark.0 - 1) } else { state.watermark };
    let Some(due) = schedule.due(settled, replacing, now) else {
        return rest(schedule, state, world, now);
    };
    let mut decision = Decision::waits(None, Waiting::Nothing);
    decision.settled = due.missed;
    if let Some(slot) = due.slot {
        match turn(schedule, slot, slot < due.newest, replacing, world, now) {
            Turn::Fire { catch_up } => decision.fire = Some(Fire { schedule: schedule.name.clone(), slot, catch_up }),
            Turn::Skip(why, message) => decision.settled.push(Settled::one(slot, Outcome::Skipped(why), message)),
            Turn::Wait { replace, until, waiting } => {
                let next = schedule.timing.next_after(due.newest).map(|slot| schedule.fire_time(slot));
                decision.wake_at = [until, next, due.lapses].into_iter().flatten().min();
                (decision.replace, decision.waiting) = (replace, waiting);
            }
        }
    }
    let last = decision.fire.as_ref().map(|fire| fire.slot).or(decision.settled.last().map(|settled| settled.last));
    if let Some(watermark) = last {
        decision.state = Some(ScheduleState { watermark, ..state.clone() });
        decision.wake_at = Some(now);
    }
    decision
}

/// New, retimed, suspended or taken up again: what was before is not looked at. Never backwards, so that a clock that was set back
/// fires nothing twice.
fn adopt(schedule: &CompiledSchedule, state: Option<&ScheduleState>, now: Timestamp) -> Decision {
    let watermark = state.map_or(now, |state| state.watermark.max(now));
    let adopted = ScheduleState { watermark, timing: schedule.digest.clone(), suspended: schedule.suspended };
    Decision { state: Some(adopted), ..Decision::waits(Some(now), Waiting::Nothing) }
}

/// Nothing is due.
fn rest(schedule: &CompiledSchedule, state: &ScheduleState, world: &World, now: Timestamp) -> Decision {
    let Some(slot) = schedule.timing.next_after(state.watermark) else {
        return Decision::waits(None, Waiting::Nothing);
    };
    let at = schedule.fire_time(slot);
    let waiting = match schedule.held(world, |pause| pause.is_active(at)) {
        _ if state.watermark > now => Waiting::ClockBehind { until: state.watermark },
        Some(pause) => Waiting::Paused { slot, why: held(pause) },
        None => Waiting::Slot { slot, at },
    };
    Decision::waits(Some(at), waiting)
}

/// What becomes of a slot whose turn it is. `others`: newer ones are due, too.
fn turn(schedule: &CompiledSchedule, slot: Timestamp, others: bool, replacing: bool, world: &World, now: Timestamp) -> Turn {
    // First of all: while a pause holds nothing starts, and what came due under one that is over is not caught up.
    let due = schedule.fire_time(slot);
    if let Some(pause) = schedule.held(world, |pause| pause.is_active(now) || pause.covers(due)) {
        return Turn::Skip(Skipped::Paused, held(pause));
    }
    let deadline = schedule.deadline_of(slot);
    let late = now > deadline;
    if late && replacing {
        let message = format!("{} was not over within its startingDeadline of {}", names(&world.open), schedule.deadline);
        return Turn::Skip(Skipped::NotReplacedInTime, message);
    }
    // With `catchUp: all` a slot that came due before the last one fired has waited behind it; it is not that one's fault.
    let behind = schedule.catch_up == CatchUp::All && world.last_fire >= Some(due);
    if late || others || behind {
        return catch_up(schedule, slot, late, world, now);
    }
    match schedule.policy {
        _ if world.open.is_empty() => Turn::Fire { catch_up: false },
        SchedulePolicy::Allow => Turn::Fire { catch_up: false },
        SchedulePolicy::Forbid => {
            let message = format!("{} still runs, and `concurrencyPolicy: Forbid` allows one at a time", names(&world.open));
            Turn::Skip(Skipped::StillRunning, message)
        }
        SchedulePolicy::Replace => {
            let replace = world.open.iter().filter(|open| !open.replacing).map(|open| open.id).collect();
            let waiting = Waiting::Replacing { slot, executions: names(&world.open), until: deadline };
            Turn::Wait { replace, until: None, waiting }
        }
    }
}

/// Catch-up is one at a time, with a pause; that of late slots begins apart from that of other schedules.
fn catch_up(schedule: &CompiledSchedule, slot: Timestamp, late: bool, world: &World, now: Timestamp) -> Turn {
    // An instant later than now is of a clock that was set back since; it holds nobody up.
    let past = |at: &Timestamp| *at <= now;
    let spread = Some(world.steady_since).filter(|at| late && past(at)).map(|since| since.later(schedule.catch_up_offset()));
    let pause = world.last_fire.filter(past).map(|fired| fired.plus(schedule.catch_up_pause()));
    if let Some(until) = spread.max(pause).filter(|until| *until > now) {
        return Turn::Wait { replace: Vec::new(), until: Some(until), waiting: Waiting::CatchUp { slot, until } };
    }
    if !world.open.is_empty() {
        let waiting = Waiting::Running { slot, executions: names(&world.open) };
        return Turn::Wait { replace: Vec::new(), until: None, waiting };
    }
    Turn::Fire { catch_up: true }
}

/// The same for every slot, so that slots that a pause holds are one record.
fn held(pause: &Pause) -> String {
    format!("paused ({}) by {}: {}", pause.scope, pause.by, pause.reason)
}

fn names(open: &[OpenExecution]) -> String {
    let names: Vec<&str> = open.iter().take(3).map(|open| open.name.as_str()).collect();
    let more = if open.len() > names.len() { format!(" and {} more", open.len() - names.len()) } else { String::new() };
    format!("{}{more}", names.join(", "))
}

impl Decision {
    fn waits(wake_at: Option<Timestamp>, waiting: Waiting) -> Self {
        Self { state: None, settled: Vec::new(), fire: None, replace: Vec::new(), wake_at, waiting }
    }
    /// Nothing is to be written and nobody to be cancelled.
    pub fn is_empty(&self) -> bool {
        self.state.is_none() && self.replace.is_empty()
    }
}

impl Fire {
    /// What the execution says of its start.
    pub fn trigger(&self) -> Trigger {
        Trigger { kind: TriggerKind::Schedule, by: Trigger::by_schedule(&self.schedule), slot: Some(self.slot), reason: None }
    }
    /// The row, in the transaction of the execution.
    pub fn fired(&self, execution: ExecutionId) -> Settled {
        Settled::one(self.slot, Outcome::Fired(execution), String::new())
    }
    /// The row for a start that was refused, in place of the execution. A database that is away is no refusal: ask again, and the
    /// deadline decides.
    pub fn refused(&self, refusal: &Refusal) -> Settled {
        let (why, message) = refusal.reason();
        Settled::one(self.slot, Outcome::Skipped(why), message)
    }
}

/// Why an execution cannot start, as far as a schedule can meet it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The workflow's own concurrency forbids it; the open execution's name.
    WorkflowRunning(String),
    /// No workflow of the schedule's source has this name.
    UnknownWorkflow(String),
    /// What is wrong with the parameters, each a sentence.
    BadParams(Vec<String>),
    /// Why no target is selected.
    NoTargets(String),
    /// Why the definition cannot run on this release.
    NotRunnable(String),
}

impl Refusal {
    /// The reason that is recorded, and its sentence.
    pub fn reason(&self) -> (Skipped, String) {
        match self {
            Self::WorkflowRunning(name) => {
                (Skipped::WorkflowRunning, format!("{name} still runs, and the workflow's `concurrency` allows one at a time"))
            }
            Self::UnknownWorkflow(name) => (Skipped::UnknownWorkflow, format!("no workflow is named `{name}`")),
            Self::BadParams(errors) => (Skipped::BadParams, errors.join("; ")),
            Self::NoTargets(why) => (Skipped::NoTargets, why.clone()),
            Self::NotRunnable(why) => (Skipped::NotRunnable, why.clone()),
        }
    }
}
