//! One look at a schedule: read, decide, write. What is decided is written before anything follows from it, and the next look
//! begins with reading again.

use super::Scheduler;
use crate::engine::{EngineError, LiveSchedule, ScheduleKey, StartError};
use crd_schemas::manifest::SchedulePolicy;
use pulse_core::Timestamp;
use pulse_core::execution::{Cancel, CancelMode, Trigger};
use pulse_core::schedule::{CompiledSchedule, Decision, Fire, OpenExecution, Refusal, ScheduleState, Settled, World, decide};
use pulse_protocol::failpoint::{self, Act};
use pulse_store::{Advance, AdvanceError, Error, ScheduleRow, WriteError};

/// Bytes of a refusal's message that are kept.
const MESSAGE: usize = 4096;

impl Scheduler {
    /// Looks at a schedule and carries one decision out. Answers when to look again: now, where something was decided.
    pub(super) async fn look(&self, key: &ScheduleKey) -> Result<Option<Timestamp>, EngineError> {
        let inner = &self.inner;
        let row = inner.engine.store().schedule(&key.source, &key.name).await?;
        if inner.rests {
            return self.rest(row).await;
        }
        let Some(live) = inner.engine.schedule(key) else {
            return self.rest(row.filter(|_| !inner.engine.is_unreadable(key))).await;
        };
        // What an older release accepted and this one cannot read fires nothing, and says so in its status.
        let Ok(compiled) = &live.compiled else { return self.rest(row).await };
        let now = inner.clock.now();
        let world = self.world(&live, row.as_ref(), now).await?;
        let decision = decide(compiled, row.as_ref().map(|row| &row.state), &world, now);
        self.replace(key, &decision).await?;
        let Decision { state: Some(state), settled, fire, wake_at, .. } = decision else { return Ok(decision.wake_at) };
        let (source, name) = (key.source.clone(), key.name.clone());
        let revision = row.map(|row| row.revision);
        let step = Advance { source, name, revision, state, settled, continues: None, at: now };
        failpoint::midway(Act::ScheduleDecided);
        match fire {
            // Its record may be that of a run, which no unique key knows.
            Some(fire) if self.record(&step, fire.slot).await?.is_some() => self.pass_over(step).await?,
            Some(fire) => self.fire(&live, compiled, &fire, step).await?,
            None => self.settle(compiled, step).await?,
        }
        self.tidy(key, revision).await?;
        Ok(wake_at)
    }

    /// What a decision sees beside the schedule and its row.
    pub(super) async fn world(
        &self,
        live: &LiveSchedule,
        row: Option<&ScheduleRow>,
        now: Timestamp,
    ) -> Result<World, EngineError> {
        let engine = &self.inner.engine;
        let mut open = Vec::new();
        for summary in engine.store().open_of_schedule(&live.key.source, &live.key.name).await? {
            let summary = summary.map_err(Error::from)?;
            // Whether this schedule has asked for its end matters to those that wait for it only.
            let replacing = live.manifest.spec.concurrency_policy == SchedulePolicy::Replace
                && engine
                    .view(summary.id)
                    .await?
                    .and_then(|held| held.cancel.clone())
                    .is_some_and(|cancel| replaces(&live.key.name, &cancel));
            let name = format!("{}#{}", summary.workflow, summary.number);
            open.push(OpenExecution { id: summary.id, name, replacing });
        }
        let last_fire = row.and_then(|row| row.fired).map(|fired| fired.at);
        Ok(World { open, steady_since: self.inner.steady.since(now), last_fire, pauses: engine.pauses() })
    }

    /// Asks for the end of the executions that a slot replaces; their end wakes the schedule.
    async fn replace(&self, key: &ScheduleKey, decision: &Decision) -> Result<(), EngineError> {
        for id in &decision.replace {
            let reason = format!("the next slot of schedule {} replaces it", key.name);
            self.inner.engine.cancel(*id, CancelMode::Kill, Trigger::by_schedule(&key.name), reason).await?;
        }
        Ok(())
    }

    /// Starts the execution of a slot, in one commit with the slot's record. A start that is refused is recorded as skipped.
    async fn fire(
        &self,
        live: &LiveSchedule,
        compiled: &CompiledSchedule,
        fire: &Fire,
        step: Advance,
    ) -> Result<(), EngineError> {
        let step = self.continuing(compiled, step).await?;
        let refused = match self.inner.engine.fire(live, fire, &step).await {
            Ok(started) => {
                tracing::info!(schedule = %live.key, slot = %fire.slot, execution = %started.id, "fired");
                self.inner.engine.metrics().work().fired(fire.slot, self.inner.clock.now());
                self.count(&step);
                return Ok(());
            }
            Err(error) => refusal(error)?,
        };
        match refused {
            Refused::Slot(refusal) => {
                let mut skipped = fire.refused(&refusal);
                skipped.message.truncate(skipped.message.floor_char_boundary(MESSAGE));
                let mut settled = step.settled.clone();
                settled.push(skipped);
                self.settle(compiled, Advance { settled, ..step }).await
            }
            Refused::Moved => Ok(()),
            Refused::Settled => self.pass_over(step).await,
        }
    }

    /// Writes what is settled without an execution. Equal records that follow each other are one.
    async fn settle(&self, compiled: &CompiledSchedule, step: Advance) -> Result<(), EngineError> {
        self.advance(self.continuing(compiled, step).await?).await
    }

    /// The step, with the record that the first of its own goes into, where there is one.
    async fn continuing(&self, compiled: &CompiledSchedule, step: Advance) -> Result<Advance, EngineError> {
        let Some(first) = step.settled.first() else { return Ok(step) };
        let newest = match self.inner.engine.store().record_before(&step.source, &step.name, first.slot).await {
            Ok(newest) => newest.map(|row| row.settled),
            // What cannot be read is left alone, and holds nothing up.
            Err(Error::Row(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let continues = newest.filter(|record| compiled.continues(record, first));
        Ok(Advance { continues, ..step })
    }

    /// Writes a step as it is.
    async fn advance(&self, step: Advance) -> Result<(), EngineError> {
        match self.inner.engine.store().advance(&step).await {
            Ok(()) => {
                say(&step);
                self.count(&step);
                Ok(())
            }
            // Somebody else was here: look again.
            Err(AdvanceError::Moved { .. }) => Ok(()),
            Err(AdvanceError::SlotTaken { .. }) => self.pass_over(step).await,
            Err(AdvanceError::Store(error)) => Err(self.failed(error)),
        }
    }

    /// A slot is settled already though the row does not say so; somebody has changed the database by hand. What is recorded
    /// stands: the schedule goes on by one record, its own or the one that exists, and looks again at what comes after.
    async fn pass_over(&self, step: Advance) -> Result<(), EngineError> {
        let first = step.settled.first().cloned();
        let slot = first.as_ref().map_or(step.state.watermark, |first| first.slot);
        let (watermark, settled) = match (self.record(&step, slot).await?, first) {
            (Some(recorded), _) => (recorded.last.max(slot), Vec::new()),
            (None, Some(first)) => (first.last, vec![first]),
            // It is gone again: look again.
            (None, None) => return Ok(()),
        };
        tracing::warn!(schedule = step.name, source = step.source, %slot, until = %watermark, "slots are settled already");
        let step = Advance { state: ScheduleState { watermark, ..step.state }, settled, continues: None, ..step };
        match self.inner.engine.store().advance(&step).await {
            Ok(()) => {
                say(&step);
                self.count(&step);
                Ok(())
            }
            Err(AdvanceError::Moved { .. } | AdvanceError::SlotTaken { .. }) => Ok(()),
            Err(AdvanceError::Store(error)) => Err(self.failed(error)),
        }
    }

    /// What is recorded of a slot, by itself or as one of a run.
    async fn record(&self, step: &Advance, slot: Timestamp) -> Result<Option<Settled>, EngineError> {
        let row = self.inner.engine.store().slot(&step.source, &step.name, slot).await?;
        Ok(row.map(|row| row.settled))
    }

    /// A schedule that fires nothing (retired, not to be read, or of a controller that fires none) rests as a suspended one does,
    /// so that what passes meanwhile is not caught up.
    async fn rest(&self, row: Option<ScheduleRow>) -> Result<Option<Timestamp>, EngineError> {
        let Some(row) = row.filter(|row| !row.state.suspended) else { return Ok(None) };
        let state = ScheduleState { suspended: true, ..row.state };
        let (source, name, at) = (row.source, row.name, self.inner.clock.now());
        let revision = Some(row.revision);
        self.advance(Advance { source, name, revision, state, settled: Vec::new(), continues: None, at }).await?;
        Ok(None)
    }

    /// Counts what was settled without an execution; it is written.
    fn count(&self, step: &Advance) {
        let work = self.inner.engine.metrics().work();
        step.settled.iter().for_each(|settled| work.settled(settled.outcome.word(), settled.slots));
    }

    pub(super) fn failed(&self, error: Error) -> EngineError {
        if matches!(error, Error::Fenced) {
            self.inner.engine.lost();
        }
        error.into()
    }
}

/// Whether it is this schedule that asked for an execution's end. A person's kill is no reason to skip a slot.
pub(super) fn replaces(schedule: &str, cancel: &Cancel) -> bool {
    cancel.mode == CancelMode::Kill && cancel.by == Trigger::by_schedule(schedule)
}

/// Says what was settled without an execution; it is written.
fn say(step: &Advance) {
    for settled in &step.settled {
        let (slot, outcome, reason) = (settled.slot, settled.outcome.word(), settled.outcome.reason());
        tracing::info!(schedule = step.name, source = step.source, %slot, slots = settled.slots, outcome, reason, "settled");
    }
}

/// Why a slot did not fire.
enum Refused {
    /// The start was refused; that is what becomes of the slot.
    Slot(Refusal),
    /// The schedule has gone on meanwhile.
    Moved,
    /// The slot is settled already.
    Settled,
}

/// What a refused start means for the slot; anything that another try may heal is an error.
fn refusal(error: StartError) -> Result<Refused, EngineError> {
    let said = error.to_string();
    Ok(Refused::Slot(match error {
        StartError::NoSuchWorkflow { name, .. } => Refusal::UnknownWorkflow(name),
        StartError::Params(errors) => Refusal::BadParams(errors.iter().map(ToString::to_string).collect()),
        StartError::Targets { .. } => Refusal::NoTargets(said),
        StartError::Forbidden { name, .. } => Refusal::WorkflowRunning(name),
        StartError::Ambiguous { .. }
        | StartError::IdempotencyMismatch
        | StartError::Uncompilable { .. }
        | StartError::QueueFull { .. }
        | StartError::Key(_) => Refusal::NotRunnable(said),
        StartError::Engine(EngineError::Commit(WriteError::ScheduleMoved { .. })) => return Ok(Refused::Moved),
        StartError::Engine(EngineError::Commit(WriteError::SlotTaken { .. })) => return Ok(Refused::Settled),
        // No other try would fit either.
        StartError::Engine(EngineError::Commit(WriteError::Invalid { reason })) => Refusal::NotRunnable(reason),
        StartError::Engine(error) => return Err(error),
    }))
}
