//! Executions of other shapes: ten steps after each other, a hundred targets side by side.

use super::{Means, Scene};
use crate::client::{Load, Wait, Watcher};
use crate::figures::Rounds;
use crate::fleet::{Behaviour, Fleet};
use crate::world::{Engine, RealAgents, real_names, shell, start};
use std::sync::Arc;
use std::time::Duration;

const AGENTS: usize = 10;
const SLOTS: usize = 5;
const STEPS: usize = 10;
const TARGETS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs it.
pub async fn run(means: &mut Means, engine: Engine) -> anyhow::Result<()> {
    means.report.scenario(&format!("ten steps, a hundred targets, {}", engine.name()));
    let scene = Scene::new(engine).await?;
    let command = shell("\"true\"");
    let real_bodies = scene.manifests.for_each("ten", &real_names(AGENTS), &command, STEPS)?;
    scene.manifests.workflow("ten-at-once", "instant-00000", &command, STEPS)?;
    scene.manifests.workflow("hundred-at-once", "pool=instant", &command, 1)?;
    let controller = scene.controller().await?;
    let _agents = RealAgents::start(scene.path(), &controller, AGENTS, SLOTS).await?;
    let token = controller.agents_token(TARGETS, "instant").await?;
    let fleet = Fleet::start(controller.target.address, &token, "instant", TARGETS, 100, Behaviour::AnswerAtOnce);
    fleet.all_joined(PATIENCE).await?;
    let wait = Wait::Events(Arc::new(Watcher::begin(&controller.target).await?));
    let load = |bodies: Vec<String>, in_flight, count| Load {
        target: controller.target.clone(),
        bodies: Arc::new(bodies),
        in_flight,
        count,
        stamps: None,
        wait: wait.clone(),
    };
    let (few, some) = (means.of(20, 3), means.of(200, 20));
    let ten_real = load(real_bodies.clone(), 1, few);
    let ten_real_many = load(real_bodies, AGENTS * SLOTS, some);
    let ten = load(vec![start("ten-at-once")], 1, some);
    let ten_many = load(vec![start("ten-at-once")], 50, 5 * some);
    let hundred = load(vec![start("hundred-at-once")], 1, few);
    let hundred_many = load(vec![start("hundred-at-once")], 10, 2 * few);
    let none = Rounds::default;
    let (mut real_time, mut real_rate, mut time, mut rate) = (none(), none(), none(), none());
    let (mut wide_time, mut wide_rate) = (none(), none());
    for _ in 0..means.rounds() {
        real_time.push(ten_real.run().await?.done.percentile_ms(50));
        real_rate.push(STEPS as f64 * ten_real_many.run().await?.rate());
        time.push(ten.run().await?.done.percentile_ms(50));
        rate.push(STEPS as f64 * ten_many.run().await?.rate());
        wide_time.push(hundred.run().await?.done.percentile_ms(50));
        wide_rate.push(TARGETS as f64 * hundred_many.run().await?.rate());
    }
    let report = &mut means.report;
    report.pulse("ten real steps, 1 in flight: POST to done, p50", &real_time, "ms", None);
    report.pulse("ten real steps, 50 in flight: steps", &real_rate, "/s", None);
    report.pulse("ten steps answered at once, 1 in flight: POST to done, p50", &time, "ms", None);
    report.pulse("ten steps answered at once, 50 in flight: steps", &rate, "/s", None);
    report.pulse("100 targets that answer at once, 1 in flight: POST to done, p50", &wide_time, "ms", None);
    report.pulse("100 targets that answer at once, 10 in flight: targets", &wide_rate, "/s", None);
    Ok(())
}
