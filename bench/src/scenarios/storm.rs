//! The controller is killed under ten thousand agents, and starts again: all of them come back at once. Some have commands in hand,
//! and nothing of that may become `unknown`.

use super::{Means, Scene};
use crate::client::Http;
use crate::figures::{Goal, Rounds};
use crate::fleet::{Behaviour, Fleet};
use crate::machine::allow_sockets;
use crate::world::{Controller, Engine, shell};
use anyhow::{Context, ensure};
use std::time::{Duration, Instant};

const AGENTS: usize = 10_000;
const HOLDING: usize = 100;
const PATIENCE: Duration = Duration::from_secs(240);
const LOOK: Duration = Duration::from_millis(20);
const OVER: f64 = 20.0;

/// Runs it.
pub async fn run(means: &mut Means, engine: Engine) -> anyhow::Result<()> {
    let (count, holding) = (means.of(AGENTS, AGENTS / 10), means.of(HOLDING, 10));
    means.report.scenario(&format!("{count} agents come back at once, {}", engine.name()));
    allow_sockets(count as u64 + 1000)?;
    let scene = Scene::new(engine).await?;
    let names: Vec<String> = (0..holding).map(|number| format!("hold-{number:05}")).collect();
    let bodies = scene.manifests.for_each("hold", &names, &shell("sleep 3600"), 1)?;
    let mut controller = scene.controller().await?;
    let address = controller.target.address;
    let token = controller.agents_token(holding, "hold").await?;
    let busy = Fleet::start(address, &token, "hold", holding, 5, Behaviour::Hold);
    let token = controller.agents_token(count - holding, "idle").await?;
    let idle = Fleet::start(address, &token, "idle", count - holding, 5, Behaviour::Hold);
    busy.all_joined(PATIENCE).await?;
    idle.all_joined(PATIENCE).await?;
    let executions = start_all(&controller, &bodies).await?;
    let (mut ready, mut over) = (Rounds::default(), Rounds::default());
    for _ in 0..means.of(3, 1) {
        controller.process.kill()?;
        while busy.joined() + idle.joined() > 0 {
            tokio::time::sleep(LOOK).await;
        }
        let begun = Instant::now();
        controller.start_again()?;
        controller.ready().await?;
        ready.push(begun.elapsed().as_secs_f64());
        let (all, rest) = tokio::join!(busy.all_joined(PATIENCE), idle.all_joined(PATIENCE));
        all.and(rest).with_context(|| format!("{} of all {count} agents are back", busy.joined() + idle.joined()))?;
        over.push(begun.elapsed().as_secs_f64());
        all_are(&controller, &executions, "running").await?;
    }
    busy.finish();
    let begun = Instant::now();
    while busy.acknowledged() < holding {
        ensure!(begun.elapsed() < PATIENCE, "{} of {holding} ends were acknowledged", busy.acknowledged());
        tokio::time::sleep(LOOK).await;
    }
    let unknown = all_are(&controller, &executions, "succeeded").await?;
    let report = &mut means.report;
    report.pulse("from the start of the controller until it is ready", &ready, "s", None);
    report.pulse("until every agent has its session and its picture", &over, "s", Some(Goal::AtMost(OVER)));
    report.pulse(format!("unknown attempts of {holding} that were running"), &unknown.into(), "", Some(Goal::AtMost(0.0)));
    Ok(())
}

async fn start_all(controller: &Controller, bodies: &[String]) -> anyhow::Result<Vec<String>> {
    let mut http = Http::connect(&controller.target).await?;
    let mut ids = Vec::new();
    for body in bodies {
        let answer: serde_json::Value = serde_json::from_slice(http.post("/api/v1/executions", body).await?)?;
        ids.push(answer["id"].as_str().unwrap_or_default().to_owned());
    }
    Ok(ids)
}

/// All executions have this state; how many have an attempt that is, or was, unknown.
async fn all_are(controller: &Controller, executions: &[String], state: &str) -> anyhow::Result<f64> {
    let mut http = Http::connect(&controller.target).await?;
    let mut unknown = 0_u32;
    for id in executions {
        let execution = http.get_json(&format!("/api/v1/executions/{id}")).await?;
        ensure!(execution["status"] == state, "{id} is not {state}: {execution}");
        let events = http.get_json(&format!("/api/v1/executions/{id}/events")).await?.to_string();
        unknown += u32::from(events.contains("unknown") || execution["steps"].to_string().contains("unknown"));
    }
    Ok(f64::from(unknown))
}
