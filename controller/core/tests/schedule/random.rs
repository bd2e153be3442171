//! Random lives of a schedule (crashes, restarts, stalls, stepped clocks, suspensions, new timings, slow executions), judged by a
//! checker that only knows slots and rows.

use crate::bench::{at, full, pause, schedule, seconds};
use proptest::prelude::*;
use pulse_core::Timestamp;
use pulse_core::pause::Pause;
use pulse_core::schedule::{CompiledSchedule, Decision, OpenExecution, Outcome, ScheduleState, Settled, World, decide};
use pulse_protocol::ExecutionId;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What happens next.
#[derive(Debug, Clone)]
pub enum Happening {
    /// Time goes on to the wake-up that was asked for.
    Wake,
    /// Time goes on by so many seconds: the loop was late, or was woken for nothing.
    Late(i64),
    /// The controller is away so long.
    Outage(i64),
    /// It dies after deciding, before anything is written, and comes back.
    Crash(i64),
    /// The clock is set by so many seconds.
    Step(i64),
    /// Everything that is open is over.
    Finish,
    Suspend(bool),
    /// Somebody pauses it for so many seconds; without a number until it is ended.
    Pause(Option<i64>),
    /// Every pause without an end is ended.
    Unpause,
    Retime(usize),
}

const RHYTHMS: [(&str, &str); 7] = [
    ("cron", "* * * * *"),
    ("cron", "*/15 * * * *"),
    ("cron", "30 2 * * *"),
    ("cron", "0,20 1-3 * * *"),
    ("every", "7m"),
    ("every", "90s"),
    ("every", "1d"),
];

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => Just(Happening::Wake),
        3 => (0..900_i64).prop_map(Happening::Late),
        2 => (60..200_000_i64).prop_map(Happening::Outage),
        2 => (1..4000_i64).prop_map(Happening::Crash),
        1 => prop_oneof![Just(3600), Just(-3600), Just(86_400), Just(-86_400), -100..100_i64].prop_map(Happening::Step),
        4 => Just(Happening::Finish),
        1 => any::<bool>().prop_map(Happening::Suspend),
        1 => proptest::option::of(60..100_000_i64).prop_map(Happening::Pause),
        1 => Just(Happening::Unpause),
        1 => (0..RHYTHMS.len()).prop_map(Happening::Retime),
    ]
}

/// Lives in each run of the tests.
pub const LIVES: u32 = 8;

/// Rules, a rhythm, when it begins, and what happens.
pub fn lives() -> impl Strategy<Value = (Value, usize, i64, Vec<Happening>)> {
    (rules(), 0..RHYTHMS.len(), 0..31_000_000_i64, proptest::collection::vec(happening(), 1..80))
}

fn rules() -> impl Strategy<Value = Value> {
    let policy = prop_oneof![Just("Forbid"), Just("Allow"), Just("Replace")];
    let catch_up = prop_oneof![Just("none"), Just("latest"), Just("all")];
    (policy, catch_up, prop_oneof![Just(10_u32), Just(300), Just(7200)], 0..60_u32, 1..20_u32).prop_map(
        |(policy, catch_up, deadline, jitter, limit)| {
            json!({
                "concurrencyPolicy": policy, "catchUp": catch_up, "startingDeadline": format!("{deadline}s"),
                "jitter": format!("{jitter}s"), "catchUpLimit": limit, "timeZone": "Europe/Berlin",
            })
        },
    )
}

fn compiled(rules: &Value, rhythm: usize) -> CompiledSchedule {
    let mut spec = rules.clone();
    spec[RHYTHMS[rhythm].0] = json!(RHYTHMS[rhythm].1);
    schedule(spec)
}

/// One life, and what the checker remembers of it.
struct Life {
    schedule: CompiledSchedule,
    state: Option<ScheduleState>,
    world: World,
    now: Timestamp,
    wake: Option<Timestamp>,
    /// Slots that must be settled from here on, by the last adoption.
    begin: Timestamp,
    /// Slots that are settled, of whatever timing.
    settled: BTreeSet<Timestamp>,
    /// The newest record, with what went into it.
    newest: Option<Settled>,
    number: u128,
}

impl Life {
    fn settle(&mut self) {
        for _ in 0..3000 {
            let decision = decide(&self.schedule, self.state.as_ref(), &self.world, self.now);
            for open in &mut self.world.open {
                open.replacing |= decision.replace.contains(&open.id);
            }
            self.wake = decision.wake_at;
            if decision.state.is_none() {
                assert!(decision.fire.is_none() && decision.settled.is_empty(), "{decision:?}");
                return self.check_rest();
            }
            self.check(&decision);
            self.write(&decision);
        }
        panic!("it never comes to rest");
    }

    /// What a decision may say, by the words of the manual.
    fn check(&self, decision: &Decision) {
        let (CompiledSchedule { deadline, .. }, now) = (&self.schedule, self.now);
        assert!(decision.settled.len() <= 3, "records are bounded: {decision:?}");
        assert!(self.state.as_ref().is_none_or(|old| decision.state.as_ref().is_some_and(|new| new.watermark >= old.watermark)));
        let Some(fire) = &decision.fire else { return };
        let due = self.schedule.fire_time(fire.slot);
        assert!(due <= now, "too early: {decision:?}");
        let held = |pause: &Pause| pause.is_active(now) || pause.covers(due);
        assert!(!self.world.pauses.iter().any(held), "a pause held it: {decision:?}");
        let late = now > due.plus(*deadline);
        assert!(!late || fire.catch_up, "late, and no catch-up: {decision:?}");
        match self.schedule.catch_up {
            crd_schemas::manifest::CatchUp::None => assert!(!late, "catchUp: none fires nothing late: {decision:?}"),
            _ => assert!(!fire.catch_up || self.world.open.is_empty(), "catch-up is one at a time: {decision:?}"),
        }
        if self.schedule.policy != crd_schemas::manifest::SchedulePolicy::Allow {
            assert!(self.world.open.is_empty(), "two at once: {decision:?}");
        }
    }

    fn write(&mut self, decision: &Decision) {
        let adopted = decision.settled.is_empty() && decision.fire.is_none();
        self.state.clone_from(&decision.state);
        let watermark = self.state.as_ref().map(|state| state.watermark).expect("a row");
        if adopted {
            self.begin = watermark;
        }
        let mut rows: Vec<Settled> = decision.settled.clone();
        if let Some(fire) = &decision.fire {
            self.number += 1;
            let id = ExecutionId(uuid::Uuid::from_u128(self.number));
            rows.push(fire.fired(id));
            self.world.open.push(OpenExecution { id, name: format!("s#{}", self.number), replacing: false });
            self.world.last_fire = Some(self.now);
        }
        for row in &rows {
            self.take(row);
            self.join(row);
        }
        assert_eq!(rows.last().map_or(watermark, |row| row.last), watermark, "the watermark is the last settled slot");
        // Nothing between the adoption and the watermark is without a row.
        if !adopted {
            let first = rows[0].slot;
            assert!(
                self.schedule.timing.slots_between(self.begin, Timestamp(first.0 - 1), 1).is_empty(),
                "a slot is lost before {first}"
            );
            self.begin = watermark;
        }
    }

    /// A row's slots, one by one: each exists, none was settled before, and none between is left out.
    fn take(&mut self, row: &Settled) {
        let slots = self.schedule.timing.slots_between(Timestamp(row.slot.0 - 1), row.last, 1_000_000);
        assert_eq!((slots.first(), slots.last(), slots.len() as u64), (Some(&row.slot), Some(&row.last), row.slots), "{row:?}");
        assert!(row.slots == 1 || matches!(row.outcome, Outcome::Missed(_)), "only what is missed is told in runs: {row:?}");
        for slot in slots {
            assert!(self.settled.last().is_none_or(|last| *last < slot), "settled twice or out of order: {slot}");
            self.settled.insert(slot);
        }
    }

    /// A record that goes on names its slots as truly as a new one; what is alike and of one timing is never two.
    fn join(&mut self, row: &Settled) {
        let timing = &self.schedule.timing;
        let Some(newest) = self.newest.replace(row.clone()) else { return };
        let between = timing.slots_between(newest.last, Timestamp(row.slot.0 - 1), 1);
        let listed = timing.slots_between(Timestamp(newest.slot.0 - 1), newest.last, 1_000_000);
        let ends = (listed.first(), listed.last(), listed.len() as u64) == (Some(&newest.slot), Some(&newest.last), newest.slots);
        let alike = (newest.outcome, &newest.message) == (row.outcome, &row.message) && newest.outcome.execution().is_none();
        assert_eq!(self.schedule.continues(&newest, row), alike && ends && between.is_empty(), "{newest:?} and {row:?}");
        if self.schedule.continues(&newest, row) {
            let joined = newest.joined(row);
            let listed = timing.slots_between(Timestamp(joined.slot.0 - 1), joined.last, 1_000_000);
            let named = (Some(&joined.slot), Some(&joined.last), joined.slots);
            assert_eq!((listed.first(), listed.last(), listed.len() as u64), named, "{joined:?}");
            self.newest = Some(joined);
        }
    }

    /// At rest the answer stays the same until the wake-up, and nothing that is due is forgotten.
    fn check_rest(&self) {
        assert!(self.wake.is_none_or(|wake| wake > self.now));
        assert_eq!(self.wake.is_none(), self.schedule.suspended, "only what is suspended sleeps for ever");
        let state = self.state.as_ref().expect("a row");
        let end = self.wake.unwrap_or(Timestamp(self.now.0 + seconds(1_000_000)));
        for part in [1, 2, 5, 9, 10] {
            let then = Timestamp(self.now.0 + (end.0 - 1 - self.now.0) / 10 * part);
            let decision = decide(&self.schedule, Some(state), &self.world, then);
            assert!(decision.is_empty() && decision.wake_at == self.wake, "at {then} it is another answer: {decision:?}");
        }
        let all = self.schedule.catch_up == crd_schemas::manifest::CatchUp::All;
        let most = if all { self.schedule.catch_up_limit as usize } else { 1 };
        // With `catchUp: all`, what is on time does not count against the limit.
        let waits = |slot: Timestamp| match all {
            true => self.schedule.deadline_of(slot) < self.now,
            false => self.schedule.fire_time(slot) <= self.now,
        };
        // The oldest ones wait first, so that one more than may wait is enough to see.
        let oldest = self.schedule.timing.slots_between(state.watermark, self.now, most + 1);
        let due = oldest.into_iter().filter(|slot| waits(*slot)).count();
        assert!(self.schedule.suspended || due <= most, "{due} slots wait, at most {most} may");
    }

    fn happen(&mut self, happening: &Happening, rules: &Value) {
        match happening {
            Happening::Wake => self.now = self.wake.unwrap_or(self.now).max(self.now),
            Happening::Late(late) => self.now.0 += seconds(*late),
            Happening::Outage(away) => {
                self.now.0 += seconds(*away);
                self.world.steady_since = self.now;
            }
            Happening::Crash(away) => {
                // What is decided and not written is as if it never was.
                let _ = decide(&self.schedule, self.state.as_ref(), &self.world, self.now);
                self.now.0 += seconds(*away);
                self.world.steady_since = self.now;
            }
            Happening::Step(by) => {
                self.now.0 += seconds(*by);
                self.world.steady_since = self.now;
            }
            Happening::Finish => self.world.open.clear(),
            Happening::Suspend(suspended) => self.schedule.suspended = *suspended,
            Happening::Pause(length) => {
                let expires_at = length.map(|length| Timestamp(self.now.0 + seconds(length)));
                self.world.pauses.push(pause("all", self.now, expires_at));
            }
            Happening::Unpause => self.world.pauses.retain(|pause| pause.expires_at.is_some()),
            Happening::Retime(rhythm) => {
                let suspended = self.schedule.suspended;
                self.schedule = CompiledSchedule { suspended, ..compiled(rules, *rhythm) };
            }
        }
    }
}

/// A life that begins so many seconds into 2026.
pub fn live(rules: &Value, rhythm: usize, start: i64, happenings: &[Happening]) {
    let now = Timestamp(at("2026-01-01T00:00Z").0 + seconds(start));
    let world = World { open: Vec::new(), steady_since: now, last_fire: None, pauses: Vec::new() };
    let schedule = compiled(rules, rhythm);
    let mut life =
        Life { schedule, state: None, world, now, wake: None, begin: now, settled: BTreeSet::new(), newest: None, number: 0 };
    life.settle();
    for happening in happenings {
        life.happen(happening, rules);
        life.settle();
    }
}

/// What is on time becomes late before the turn of the older one that it waits behind.
#[test]
fn a_slot_that_becomes_late_while_another_waits_its_turn_wakes_the_schedule() {
    use Happening::{Crash, Finish, Late, Outage, Retime, Step, Wake};
    let rules = json!({
        "concurrencyPolicy": "Forbid", "catchUp": "all", "startingDeadline": "10s", "jitter": "15s", "catchUpLimit": 2,
        "timeZone": "Europe/Berlin",
    });
    let happenings = [
        vec![Wake, Wake, Retime(0), Crash(1265), Late(89), Outage(24745), Wake, Late(348), Wake, Wake, Wake, Wake],
        vec![Step(86400), Late(770), Step(-86400), Wake, Late(543), Finish, Step(-86400), Wake],
    ];
    live(&rules, 2, 14_516_936, &happenings.concat());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if full() { 48 } else { LIVES }, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_slot_is_settled_twice_and_none_is_lost((rules, rhythm, start, happenings) in lives()) {
        live(&rules, rhythm, start, &happenings);
    }
}
