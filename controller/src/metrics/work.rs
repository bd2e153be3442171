//! The work: what is committed of executions, how syncs and schedules go. All of it is counted where it follows a commit, so that no number
//! says what the database does not.

use super::{Counters, Gauges, Histograms, Labels, Register};
use prometheus_client::metrics::histogram::Histogram;
use pulse_core::Timestamp;
use pulse_core::execution::{Event, EventRecord, Execution};
use pulse_core::transition::{ResolvedAs, StepStatus};
use pulse_protocol::observation::EndKind;
use pulse_protocol::{AttemptId, Ended};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Names of workflows that become labels; a further one is `other`.
const NAMED: usize = 200;
/// What can come of a look at a source.
const OUTCOMES: [&str; 6] = ["applied", "unchanged", "refused", "held", "unreachable", "error"];

/// What is counted of the work.
pub struct Work {
    transitions: Counters<2>,
    ended: Counters<2>,
    seconds: Histograms<1>,
    dispatch: Histogram,
    /// Names that are labels, where names are told at all.
    named: Option<Mutex<BTreeSet<String>>>,
    reconciled: Histograms<1>,
    failed: Counters<1>,
    syncs: Counters<2>,
    sync_seconds: Histograms<1>,
    looked: Gauges<1>,
    succeeded: Gauges<1>,
    last: Gauges<2>,
    webhooks: Counters<1>,
    slots: Counters<1>,
    late: Histogram,
    traced: Counters<1>,
}

/// A loop whose looks are timed.
#[derive(Debug, Clone, Copy)]
pub enum Loop {
    /// Looks at executions.
    Executions,
    /// Looks at schedules.
    Schedules,
}

fn quick() -> Histogram {
    Histogram::new([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0])
}

fn long() -> Histogram {
    Histogram::new([0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 4.0 * 3600.0, 24.0 * 3600.0])
}

fn look() -> Histogram {
    Histogram::new([0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0])
}

fn pair(first: (&'static str, &'static str), second: (&'static str, &'static str)) -> Labels<2> {
    [(first.0, Cow::Borrowed(first.1)), (second.0, Cow::Borrowed(second.1))]
}

fn source(name: &str) -> (&'static str, Cow<'static, str>) {
    ("source", Cow::Owned(name.to_owned()))
}

impl Work {
    pub(super) fn new(registry: &mut Register, named: bool) -> Self {
        let work = Self {
            transitions: registry.counters("pulse_transitions_total"),
            ended: registry.counters("pulse_executions_ended_total"),
            seconds: registry.histograms("pulse_execution_duration_seconds", long),
            dispatch: registry.add("pulse_dispatch_latency_seconds", quick()),
            named: named.then(Mutex::default),
            reconciled: registry.histograms("pulse_reconcile_duration_seconds", quick),
            failed: registry.counters("pulse_reconcile_errors_total"),
            syncs: registry.counters("pulse_syncs_total"),
            sync_seconds: registry.histograms("pulse_sync_duration_seconds", look),
            looked: registry.gauges("pulse_sync_last_timestamp_seconds"),
            succeeded: registry.gauges("pulse_sync_last_success_timestamp_seconds"),
            last: registry.gauges("pulse_sync_last_outcome"),
            webhooks: registry.counters("pulse_webhook_deliveries_total"),
            slots: registry.counters("pulse_schedule_slots_total"),
            late: registry
                .add("pulse_schedule_lateness_seconds", Histogram::new([0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3600.0])),
            traced: registry.counters("pulse_trace_executions_total"),
        };
        work.begin();
        work
    }

    /// What alerts look at is there from the start, so that the first of its kind is a rise.
    fn begin(&self) {
        for to in ["succeeded", "failed", "cancelled"] {
            self.transitions.get_or_create(&pair(("object", "execution"), ("to", to))).inc_by(0);
            self.ended.get_or_create(&pair(("workflow", ""), ("status", to))).inc_by(0);
        }
        self.transitions.get_or_create(&pair(("object", "attempt"), ("to", "unknown"))).inc_by(0);
        for name in ["executions", "schedules"] {
            self.failed.get_or_create(&[("loop", Cow::Borrowed(name))]).inc_by(0);
        }
        for outcome in ["fired", "skipped", "missed"] {
            self.slots.get_or_create(&[("outcome", Cow::Borrowed(outcome))]).inc_by(0);
        }
        for outcome in ["exported", "dropped", "failed"] {
            self.traced.get_or_create(&[("outcome", Cow::Borrowed(outcome))]).inc_by(0);
        }
        self.webhooks.get_or_create(&[("outcome", Cow::Borrowed("accepted"))]).inc_by(0);
    }

    /// These events are committed, and this is where the execution stands now.
    pub fn committed(&self, execution: &Execution, events: &[EventRecord]) {
        for record in events {
            if let Some((object, to)) = transition(&record.event) {
                self.transitions.get_or_create(&pair(("object", object), ("to", to))).inc();
            }
            match &record.event {
                Event::AttemptStarted { attempt, .. } => self.dispatch.observe(since(*attempt, record.at)),
                // What is over in a moment is told in one word.
                Event::AttemptEnded { attempt, ended, .. } if ran_unseen(execution, *attempt, ended) => {
                    self.dispatch.observe(since(*attempt, record.at));
                }
                Event::Ended { .. } => self.execution_ended(execution, record.at),
                _ => {}
            }
        }
    }

    fn execution_ended(&self, execution: &Execution, at: Timestamp) {
        let status = ("status", Cow::Borrowed(execution.status.as_str()));
        let workflow = ("workflow", self.name(&execution.created.workflow));
        self.ended.get_or_create(&[workflow, status.clone()]).inc();
        self.seconds.get_or_create(&[status]).observe(seconds(execution.summary(None).created_at, at));
    }

    /// What a workflow is called as a label.
    fn name(&self, workflow: &str) -> Cow<'static, str> {
        let Some(named) = &self.named else { return Cow::Borrowed("") };
        let mut named = named.lock().unwrap_or_else(PoisonError::into_inner);
        if named.len() < NAMED || named.contains(workflow) {
            named.insert(workflow.to_owned());
            return Cow::Owned(workflow.to_owned());
        }
        Cow::Borrowed("other")
    }

    /// One look of a loop, and whether it went well.
    pub fn reconciled(&self, which: Loop, took: Duration, well: bool) {
        let label = [(
            "loop",
            Cow::Borrowed(match which {
                Loop::Executions => "executions",
                Loop::Schedules => "schedules",
            }),
        )];
        self.reconciled.get_or_create(&label).observe(took.as_secs_f64());
        if !well {
            self.failed.get_or_create(&label).inc();
        }
    }

    /// A look at a source has ended.
    pub fn synced(&self, name: &str, outcome: &'static str, took: Duration, now: Timestamp) {
        let now = now.0 as f64 / 1e6;
        self.syncs.get_or_create(&[source(name), ("outcome", Cow::Borrowed(outcome))]).inc();
        self.sync_seconds.get_or_create(&[source(name)]).observe(took.as_secs_f64());
        self.looked.get_or_create(&[source(name)]).set(now);
        if matches!(outcome, "applied" | "unchanged") {
            self.succeeded.get_or_create(&[source(name)]).set(now);
        }
        for each in OUTCOMES {
            let labels = [source(name), ("outcome", Cow::Borrowed(each))];
            self.last.get_or_create(&labels).set(f64::from(u8::from(each == outcome)));
        }
    }

    /// A webhook was let in, or refused for this reason.
    pub fn webhook(&self, outcome: &'static str) {
        self.webhooks.get_or_create(&[("outcome", Cow::Borrowed(outcome))]).inc();
    }

    /// Slots of a schedule were settled.
    pub fn settled(&self, outcome: &'static str, slots: u64) {
        self.slots.get_or_create(&[("outcome", Cow::Borrowed(outcome))]).inc_by(slots);
    }

    /// A slot has fired.
    pub fn fired(&self, slot: Timestamp, now: Timestamp) {
        self.settled("fired", 1);
        self.late.observe(seconds(slot, now));
    }

    /// What became of an execution's trace.
    pub fn traced(&self, outcome: &'static str, executions: u64) {
        self.traced.get_or_create(&[("outcome", Cow::Borrowed(outcome))]).inc_by(executions);
    }

    /// How many traces ended so.
    pub fn traces(&self, outcome: &'static str) -> u64 {
        self.traced.get_or_create(&[("outcome", Cow::Borrowed(outcome))]).get()
    }

    /// How often an object has become this.
    pub fn transitions(&self, object: &'static str, to: &'static str) -> u64 {
        self.transitions.get_or_create(&pair(("object", object), ("to", to))).get()
    }
}

/// The object that an event changes, and the word for its new state.
const fn transition(event: &Event) -> Option<(&'static str, &'static str)> {
    Some(match event {
        Event::Created(_) => ("execution", "pending"),
        Event::Started | Event::Resumed => ("execution", "running"),
        Event::Waiting { .. } => ("execution", "waiting"),
        Event::Ended { status, .. } => ("execution", pulse_core::transition::ExecutionState::Ended(*status).as_str()),
        Event::StepStarted { .. } => ("step", "running"),
        Event::StepSkipped { .. } => ("step", StepStatus::Skipped.as_str()),
        Event::StepRefused { .. } => ("step", StepStatus::Failed.as_str()),
        Event::StepEnded { status, .. } => ("step", status.as_str()),
        Event::AttemptAssigned { .. } => ("attempt", "assigned"),
        Event::AttemptAccepted { .. } => ("attempt", "accepted"),
        Event::AttemptStarted { .. } => ("attempt", "started"),
        Event::AttemptEnded { ended, .. } => ("attempt", end(&ended.how)),
        Event::AttemptLost { .. } => ("attempt", "unknown"),
        Event::AttemptResolved { outcome: ResolvedAs::Succeeded, .. } => ("attempt", "resolved_succeeded"),
        Event::AttemptResolved { outcome: ResolvedAs::Failed, .. } => ("attempt", "resolved_failed"),
        Event::PromptOpened { .. } => ("prompt", "open"),
        Event::PromptAnswered { .. } => ("prompt", "answered"),
        Event::PromptExpired { .. } => ("prompt", "expired"),
        Event::TargetEnded { .. }
        | Event::EvidenceRecorded { .. }
        | Event::TimerStarted { .. }
        | Event::Parsed { .. }
        | Event::RouteTaken { .. }
        | Event::TimedOut
        | Event::CancelRequested { .. } => return None,
    })
}

const fn end(how: &EndKind) -> &'static str {
    match how {
        EndKind::Exited { .. } => "exited",
        EndKind::Signalled { .. } => "signalled",
        EndKind::TimedOut => "timed_out",
        EndKind::Cancelled => "cancelled",
        EndKind::NotStarted { .. } => "not_started",
        EndKind::Unknown { .. } => "unknown",
    }
}

/// The command ran, and its end is the first that the agent says of it.
fn ran_unseen(execution: &Execution, attempt: AttemptId, ended: &Ended) -> bool {
    let is_first = execution.attempts.get(&attempt).is_some_and(|attempt| attempt.started_at.is_none());
    is_first && !matches!(ended.how, EndKind::NotStarted { .. } | EndKind::Unknown { .. })
}

/// Seconds since an attempt was decided: its id says when.
fn since(attempt: AttemptId, at: Timestamp) -> f64 {
    let Some(decided) = attempt.0.get_timestamp() else { return 0.0 };
    let (whole, nanos) = decided.to_unix();
    let decided = i64::try_from(whole).unwrap_or(i64::MAX).saturating_mul(1_000_000).saturating_add(i64::from(nanos / 1000));
    seconds(Timestamp(decided), at)
}

/// A clock may have been set back.
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    Duration::from_micros(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0)).as_secs_f64()
}

/// Counts nothing that anybody reads; for tests of what counts.
impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").finish_non_exhaustive()
    }
}
