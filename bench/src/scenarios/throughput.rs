//! Executions per second of one step: with real commands, and with agents that answer at once.

use super::{Means, Scene, limits};
use crate::client::{Load, Target, Wait, Watcher};
use crate::figures::{Goal, Kind, Rounds};
use crate::fleet::{Behaviour, Fleet};
use crate::floor::Floor;
use crate::world::{Database, Engine, Process, RealAgents, real_names, shell};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const AGENTS: usize = 10;
const SLOTS: usize = 5;
const MANY: usize = AGENTS * SLOTS;
/// Agents that answer at once, each with room for everything, and executions in flight with them.
const INSTANT: usize = 20;
const INSTANT_SLOTS: u32 = 500;
const MORE: usize = 256;
const PATIENCE: Duration = Duration::from_secs(30);
const REAL: f64 = 1000.0;
const HTTP: f64 = 5000.0;
const OF_FLOOR: f64 = 0.4;

/// Runs it.
pub async fn run(means: &mut Means, engine: Engine) -> anyhow::Result<()> {
    means.report.scenario(&format!("throughput, {}", engine.name()));
    let scene = Scene::new(engine).await?;
    let instant_names: Vec<String> = (0..INSTANT).map(|number| format!("instant-{number:05}")).collect();
    let real_bodies = scene.manifests.for_each("true", &real_names(AGENTS), &shell("\"true\""), 1)?;
    let instant_bodies = scene.manifests.for_each("at-once", &instant_names, &shell("\"true\""), 1)?;
    let controller = scene.controller().await?;
    let agents = RealAgents::start(scene.path(), &controller, AGENTS, SLOTS).await?;
    let token = controller.agents_token(INSTANT, "instant").await?;
    let address = controller.target.address;
    let fleet = Fleet::start(address, &token, "instant", INSTANT, INSTANT_SLOTS, Behaviour::AnswerAtOnce);
    fleet.all_joined(PATIENCE).await?;
    let (floor, _database) = start_floor(scene.path(), engine, false).await?;
    let (instant_floor, _other_database) = start_floor(scene.path(), engine, true).await?;
    let mut limits = limits(means, engine, scene.path(), floor.target.clone()).await?;
    let real = load(&controller.target, real_bodies, MANY).await?;
    let at_once = load(&controller.target, instant_bodies, MANY).await?;
    let bound = load(&floor.target, vec!["{\"workflow\":\"true\"}".to_owned()], MANY).await?;
    let instant_bound = load(&instant_floor.target, vec!["{\"workflow\":\"true\"}".to_owned()], MORE).await?;
    let (some, more) = (means.of(1500, 150), means.of(6000, 600));
    for warm in [&real, &at_once, &bound, &instant_bound] {
        Load { count: 100, ..warm.clone() }.run().await?;
    }
    let none = Rounds::default;
    let (mut with_commands, mut few, mut all, mut share) = (none(), none(), none(), none());
    let (mut floor_real, mut floor_at_once) = (none(), none());
    let (mut real_cost, mut agents_cost, mut cost) = (none(), none(), none());
    for _ in 0..means.rounds() {
        limits.round().await?;
        floor_real.push(Load { count: some, ..bound.clone() }.run().await?.rate());
        let before = (controller.process.cpu()?, of_all(&agents.processes)?);
        with_commands.push(Load { count: some, ..real.clone() }.run().await?.rate());
        real_cost.push(each(controller.process.cpu()? - before.0, some));
        agents_cost.push(each(of_all(&agents.processes)? - before.1, some));
        let floor_rate = Load { count: more, ..instant_bound.clone() }.run().await?.rate();
        few.push(Load { count: more, ..at_once.clone() }.run().await?.rate());
        let before = controller.process.cpu()?;
        let rate = Load { count: more, in_flight: MORE, ..at_once.clone() }.run().await?.rate();
        cost.push(each(controller.process.cpu()? - before, more));
        all.push(rate);
        share.push(rate / floor_rate);
        floor_at_once.push(floor_rate);
    }
    let report = &mut means.report;
    limits.report(report);
    report.add(Kind::Floor, "real `true`, 50 in flight", &floor_real, "/s", None);
    report.add(Kind::Floor, "agents that answer at once, 256 in flight", &floor_at_once, "/s", None);
    report.pulse("real `true`, 50 in flight", &with_commands, "/s", Some(Goal::AtLeast(REAL)));
    report.pulse("real `true`: CPU of the controller for each", &real_cost, "ms", None);
    report.pulse("real `true`: CPU of agents, shims and commands for each", &agents_cost, "ms", None);
    report.pulse("agents that answer at once, 50 in flight", &few, "/s", None);
    report.pulse("agents that answer at once, 256 in flight", &all, "/s", Some(Goal::AtLeast(HTTP)));
    report.pulse("agents that answer at once: share of the floor's rate", &share, "", Some(Goal::AtLeast(OF_FLOOR)));
    report.pulse("agents that answer at once: CPU of the controller for each", &cost, "ms", None);
    Ok(())
}

async fn load(target: &Target, bodies: Vec<String>, in_flight: usize) -> anyhow::Result<Load> {
    let wait = Wait::Events(Arc::new(Watcher::begin(target).await?));
    Ok(Load { target: target.clone(), bodies: Arc::new(bodies), in_flight, count: 1, stamps: None, wait })
}

async fn start_floor(folder: &Path, engine: Engine, instant: bool) -> anyhow::Result<(Floor, Database)> {
    let folder = folder.join(if instant { "floors-at-once" } else { "floors" });
    std::fs::create_dir_all(&folder)?;
    let database = Database::new(engine, &folder).await?;
    let floor = Floor::start(&folder, &database, AGENTS, Path::new("none"), instant).await?;
    Ok((floor, database))
}

fn of_all(processes: &[Process]) -> anyhow::Result<Duration> {
    processes.iter().map(Process::cpu_of_all).sum()
}

/// Milliseconds for each.
fn each(time: Duration, count: usize) -> f64 {
    crate::figures::milliseconds(time) / count as f64
}
