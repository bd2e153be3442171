//! One execution at a time, and fifty: from the `POST` to the command's first instruction, and to the client's knowing of the end.

use super::{Means, Scene, limits};
use crate::client::{Load, Stamps, Target, Timed, Wait, Watcher};
use crate::figures::{Goal, Kind, Report, Rounds};
use crate::floor::Floor;
use crate::world::{Database, Engine, RealAgents, beside, program, real_names};
use std::sync::Arc;
use std::time::Duration;

const AGENTS: usize = 10;
const SLOTS: usize = 5;
const MANY: usize = AGENTS * SLOTS;
/// Between an answer and the next question of a client that polls.
const POLL: Duration = Duration::from_millis(1);
const STARTED: [f64; 2] = [2.0, 6.0];
const DONE: f64 = 5.0;
/// What the floor may cost, of the sum of its parts.
const OF_PARTS: f64 = 1.3;

/// Runs it.
pub async fn run(means: &mut Means, engine: Engine) -> anyhow::Result<()> {
    means.report.scenario(&format!("latency, {}", engine.name()));
    let scene = Scene::new(engine).await?;
    let stamps = Arc::new(Stamps::listen(scene.path())?);
    let command = program(&beside("bench-stamp")?, stamps.path());
    let bodies = scene.manifests.for_each("stamp", &real_names(AGENTS), &command, 1)?;
    let controller = scene.controller().await?;
    let _agents = RealAgents::start(scene.path(), &controller, AGENTS, SLOTS).await?;
    let floors = scene.path().join("floors");
    std::fs::create_dir_all(&floors)?;
    let floor_database = Database::new(engine, &floors).await?;
    let floor = Floor::start(&floors, &floor_database, AGENTS, stamps.path(), false).await?;
    let mut limits = limits(means, engine, scene.path(), floor.target.clone()).await?;
    let asked = |target: &Target, bodies: Vec<String>, wait| Load {
        target: target.clone(),
        bodies: Arc::new(bodies),
        in_flight: 1,
        count: 1,
        stamps: Some(Arc::clone(&stamps)),
        wait,
    };
    let heard = |watcher| Wait::Events(Arc::new(watcher));
    let ours = asked(&controller.target, bodies.clone(), heard(Watcher::begin(&controller.target).await?));
    let polled = asked(&controller.target, bodies, Wait::Poll(POLL));
    let bound = asked(&floor.target, vec!["{\"workflow\":\"stamp\"}".to_owned()], heard(Watcher::begin(&floor.target).await?));
    let (one, many) = (means.of(200, 30), means.of(1000, 150));
    for warm in [&ours, &bound] {
        Load { in_flight: MANY, count: MANY, ..warm.clone() }.run().await?;
    }
    let (mut at_one, mut at_many, mut polling) = (Latency::default(), Latency::default(), Rounds::default());
    let (mut floor_one, mut floor_many) = (Latency::default(), Latency::default());
    let (mut parts, mut of_parts, mut of_floor) = (Rounds::default(), Rounds::default(), Rounds::default());
    for _ in 0..means.rounds() {
        let sum = limits.round().await?;
        let bound_one = Load { count: one, ..bound.clone() }.run().await?;
        let our_one = Load { count: one, ..ours.clone() }.run().await?;
        floor_many.push(&Load { count: many, in_flight: MANY, ..bound.clone() }.run().await?);
        at_many.push(&Load { count: many, in_flight: MANY, ..ours.clone() }.run().await?);
        polling.push(Load { count: one, ..polled.clone() }.run().await?.done.percentile_ms(50));
        parts.push(sum);
        of_parts.push(bound_one.done.percentile_ms(50) / sum);
        of_floor.push(our_one.done.percentile_ms(50) / bound_one.done.percentile_ms(50));
        floor_one.push(&bound_one);
        at_one.push(&our_one);
    }
    let report = &mut means.report;
    limits.report(report);
    report.limit("one execution, the sum of its parts", &parts, "ms");
    floor_one.report(report, Kind::Floor, "1 in flight", None);
    report.add(Kind::Floor, "done p50 of the sum of its parts", &of_parts, "times", Some(Goal::AtMost(OF_PARTS)));
    floor_many.report(report, Kind::Floor, "50 in flight", None);
    at_one.report(report, Kind::Pulse, "1 in flight", Some((STARTED, DONE)));
    report.pulse("1 in flight: POST to done as a client sees it by polling, p50", &polling, "ms", None);
    report.pulse("1 in flight: done p50 of the floor's", &of_floor, "times", None);
    at_many.report(report, Kind::Pulse, "50 in flight", None);
    Ok(())
}

/// The figures of each round.
#[derive(Default)]
struct Latency {
    accepted: Rounds,
    started: [Rounds; 2],
    done: [Rounds; 2],
}

impl Latency {
    fn push(&mut self, timed: &Timed) {
        self.accepted.push(timed.accepted.percentile_ms(50));
        for (index, percent) in [50, 99].into_iter().enumerate() {
            self.done[index].push(timed.done.percentile_ms(percent));
            if let Some(started) = &timed.started {
                self.started[index].push(started.percentile_ms(percent));
            }
        }
    }

    fn report(&self, report: &mut Report, kind: Kind, how: &str, goals: Option<([f64; 2], f64)>) {
        let [p50, p99] = goals.map_or([None; 2], |(started, _)| started.map(|most| Some(Goal::AtMost(most))));
        report.add(kind, format!("{how}: POST to 201, p50"), &self.accepted, "ms", None);
        report.add(kind, format!("{how}: POST to the command's first instruction, p50"), &self.started[0], "ms", p50);
        report.add(kind, format!("{how}: POST to the command's first instruction, p99"), &self.started[1], "ms", p99);
        let done = goals.map(|(_, most)| Goal::AtMost(most));
        report.add(kind, format!("{how}: POST to done as a client sees it by events, p50"), &self.done[0], "ms", done);
        report.add(kind, format!("{how}: POST to done as a client sees it by events, p99"), &self.done[1], "ms", None);
    }
}
