//! Short words for tests: times as text, schedules as JSON, a simulated controller around `decide`.

use crd_schemas::Manifest;
use pulse_core::Timestamp;
use pulse_core::pause::Pause;
use pulse_core::schedule::{CompiledSchedule, Decision, OpenExecution, Outcome, ScheduleState, Settled, World, decide};
use pulse_protocol::ExecutionId;
use serde_json::{Value, json};

/// An instant from `2026-03-29T01:00Z`.
pub fn at(text: &str) -> Timestamp {
    let full = text.replace('Z', ":00Z");
    Timestamp(full.parse::<jiff::Timestamp>().unwrap_or_else(|error| panic!("{text}: {error}")).as_microsecond())
}

/// Whether what takes longer runs, too: every zone, more random cases.
#[expect(clippy::disallowed_methods, reason = "how long tests may take is no setting of the product")]
pub fn full() -> bool {
    std::env::var("PULSE_TEST_FULL").is_ok_and(|value| value == "1")
}

pub fn seconds(count: i64) -> i64 {
    count * 1_000_000
}

/// A schedule that starts a workflow; `spec` says the rest.
pub fn schedule(spec: Value) -> CompiledSchedule {
    let mut spec = spec;
    spec["workflow"] = json!("w");
    let manifest = json!({"kind": "Schedule", "metadata": {"name": "nightly"}, "spec": spec});
    let Manifest::Schedule(schedule) = serde_json::from_value(manifest).expect("a manifest") else { unreachable!("a schedule") };
    CompiledSchedule::compile("main", &schedule).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// A pause by Anna.
pub fn pause(scope: &str, since: Timestamp, expires_at: Option<Timestamp>) -> Pause {
    let (id, reason, by) = ("p".to_owned(), "a freeze".to_owned(), "anna".to_owned());
    Pause { id, scope: scope.parse().expect("a scope"), reason, by, since, expires_at }
}

/// A controller as the engine will be: it writes what is decided, and asks again until nothing is added.
pub struct Bench {
    pub schedule: CompiledSchedule,
    pub state: Option<ScheduleState>,
    pub world: World,
    pub rows: Vec<Settled>,
    /// Real time of each fire, its slot, and whether it was caught up.
    pub fires: Vec<(Timestamp, Timestamp, bool)>,
    pub replaced: Vec<ExecutionId>,
    pub last: Option<Decision>,
    number: u128,
}

impl Bench {
    pub fn new(schedule: CompiledSchedule, now: Timestamp) -> Self {
        let world = World { open: Vec::new(), steady_since: now, last_fire: None, pauses: Vec::new() };
        let (rows, fires, replaced) = (Vec::new(), Vec::new(), Vec::new());
        Self { schedule, state: None, world, rows, fires, replaced, last: None, number: 0 }
    }

    /// Decides and writes until nothing is added; answers when to look again.
    pub fn settle(&mut self, now: Timestamp) -> Option<Timestamp> {
        for _ in 0..20_000 {
            let decision = decide(&self.schedule, self.state.as_ref(), &self.world, now);
            for open in &mut self.world.open {
                open.replacing |= decision.replace.contains(&open.id);
            }
            self.replaced.extend(&decision.replace);
            let wake_at = decision.wake_at;
            if decision.state.is_none() {
                assert!(decision.settled.is_empty() && decision.fire.is_none(), "{decision:?}");
                assert!(wake_at.is_none_or(|wake| wake > now), "it would spin: {decision:?} at {now}");
                self.last = Some(decision);
                return wake_at;
            }
            self.write(&decision, now);
        }
        panic!("it never comes to rest at {now}");
    }

    fn write(&mut self, decision: &Decision, now: Timestamp) {
        self.state.clone_from(&decision.state);
        self.rows.extend(decision.settled.iter().cloned());
        if let Some(fire) = &decision.fire {
            self.number += 1;
            let id = ExecutionId(uuid::Uuid::from_u128(self.number));
            self.rows.push(fire.fired(id));
            self.fires.push((now, fire.slot, fire.catch_up));
            self.world.open.push(OpenExecution { id, name: format!("nightly#{}", self.number), replacing: false });
            self.world.last_fire = Some(now);
        }
    }

    /// Every open execution is over.
    pub fn finish(&mut self) {
        self.world.open.clear();
    }

    /// Runs until then, woken exactly when a decision asked for it; each execution is over after a tenth of a second if `quick`.
    pub fn run(&mut self, from: Timestamp, until: Timestamp, quick: bool) {
        let mut now = from;
        for _ in 0..200_000 {
            let wake = self.settle(now);
            let idle = self.world.open.is_empty();
            if quick {
                self.finish();
            }
            // The end of an execution wakes the schedule, too.
            let wake = if quick && !idle { Some(Timestamp(now.0 + seconds(1) / 10)) } else { wake };
            match wake.filter(|wake| *wake <= until) {
                Some(wake) => now = wake,
                None => return,
            }
        }
        panic!("too many wake-ups");
    }

    /// Each row as a line.
    pub fn said(&self) -> String {
        self.rows.iter().map(|row| line(row) + "\n").collect()
    }
}

/// `2026-11-21T02:30:00Z … 2026-11-21T02:40:00Z (11) missed too_late: …`.
pub fn line(row: &Settled) -> String {
    let Settled { slot, last, slots, outcome, message } = row;
    let span = if slot == last { format!("{slot}") } else { format!("{slot} … {last} ({slots})") };
    match outcome {
        Outcome::Fired(_) => format!("{span} fired"),
        _ => format!("{span} {} {}: {message}", outcome.word(), outcome.reason().unwrap_or_default()),
    }
}
