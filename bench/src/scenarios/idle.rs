//! What agents cost that have nothing to do, and how soon the loss of one is noticed.

use super::{Means, Scene};
use crate::figures::{Goal, Rounds, milliseconds};
use crate::fleet::{Behaviour, Fleet};
use crate::machine::allow_sockets;
use crate::world::{Controller, Engine};
use std::time::Duration;

const FLEETS: [usize; 2] = [1000, 10_000];
const PATIENCE: Duration = Duration::from_secs(240);
/// After all have come: what was needed for that is let go of.
const SETTLE: Duration = Duration::from_secs(10);
/// How long the CPU is watched in each round.
const WATCHED: Duration = Duration::from_secs(15);
const LOSS: Duration = Duration::from_secs(60);
const MIB: f64 = 150.0;
const OF_A_CORE: f64 = 5.0;
const NOTICED: f64 = 30.0;

/// Runs it.
pub async fn run(means: &mut Means, engine: Engine) -> anyhow::Result<()> {
    for count in FLEETS.map(|count| means.of(count, count / 10)) {
        means.report.scenario(&format!("{count} idle agents, {}", engine.name()));
        allow_sockets(count as u64 + 1000)?;
        let scene = Scene::new(engine).await?;
        let controller = scene.controller().await?;
        let alone = controller.process.memory_kib()?;
        let token = controller.agents_token(count, "idle").await?;
        let fleet = Fleet::start(controller.target.address, &token, "idle", count, 5, Behaviour::Hold);
        let came = fleet.all_joined(PATIENCE).await?;
        tokio::time::sleep(SETTLE).await;
        let memory = controller.process.memory_kib()?;
        let cpu = watch(means, &controller).await?;
        fleet.mute(0);
        let noticed = controller.agent_is(&fleet.names[0], "offline", LOSS).await?;
        let whole = count >= 10_000;
        let goal = |goal: f64| Some(Goal::AtMost(goal)).filter(|_| whole);
        let report = &mut means.report;
        report.pulse("all enrolled and connected after", &came.as_secs_f64().into(), "s", None);
        report.pulse("resident memory of the controller without agents", &(alone / 1024.0).into(), "MiB", None);
        report.pulse("resident memory of the controller", &(memory / 1024.0).into(), "MiB", goal(MIB));
        report.pulse("of it for each agent", &((memory - alone) / count as f64).into(), "KiB", None);
        report.pulse("CPU of the controller, of a core", &cpu, "%", goal(OF_A_CORE));
        report.pulse("the loss of an agent that falls silent is seen after", &noticed.as_secs_f64().into(), "s", goal(NOTICED));
    }
    Ok(())
}

async fn watch(means: &Means, controller: &Controller) -> anyhow::Result<Rounds> {
    let mut rounds = Rounds::default();
    for _ in 0..means.rounds() {
        let before = controller.process.cpu()?;
        tokio::time::sleep(WATCHED).await;
        rounds.push(100.0 * milliseconds(controller.process.cpu()? - before) / milliseconds(WATCHED));
    }
    Ok(rounds)
}
