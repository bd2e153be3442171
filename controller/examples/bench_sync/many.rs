//! Ten thousand manifests: all of them new, one of them changed.

use crate::figures::{Report, Times};
use crate::manifests;
use crate::remotes::{HttpRemote, Repository};
use crate::scene::{Engine, NO_POLL, Scene, changed, push};
use anyhow::ensure;
use std::time::Duration;

const MANIFESTS: usize = 10_000;
const ALL_NEW: Duration = Duration::from_secs(3);
const ONE_CHANGED: Duration = Duration::from_millis(300);
const ROUNDS: usize = 30;

/// On MariaDB.
pub fn on_mariadb(report: &mut Report) -> anyhow::Result<()> {
    report.scenario("10,000 manifests, MariaDB, Git over HTTP");
    ten_thousand(report, Engine::MariaDb)
}

/// On SQLite.
pub fn on_sqlite(report: &mut Report) -> anyhow::Result<()> {
    report.scenario("10,000 manifests, SQLite, Git over HTTP");
    ten_thousand(report, Engine::Sqlite)
}

fn ten_thousand(report: &mut Report, engine: Engine) -> anyhow::Result<()> {
    let repository = Repository::with(&[("README.md", "Nothing yet.\n")]);
    let remote = HttpRemote::open(repository.root());
    let scene = Scene::start(engine, remote.url(), NO_POLL, &[])?;
    scene.await_rest()?;
    let commit = push(&repository, 0..MANIFESTS, 0);
    let time = scene.webhook_to_live(&commit, &manifests::name(0))?;
    let sync = scene.await_sync(&commit)?;
    ensure!(sync["counts"]["create"] == MANIFESTS, "not all of them are live: {sync}");
    report.time("webhook to live, all new", time, Some(ALL_NEW));
    let part = Duration::from_millis(sync["durationMs"].as_u64().unwrap_or(0));
    report.time("of it fetch, check and plan", part, None);
    let mut times = Vec::new();
    for round in 1..=ROUNDS {
        scene.await_rest()?;
        let index = changed(round, MANIFESTS);
        let commit = push(&repository, std::iter::once(index), round);
        times.push(scene.webhook_to_live(&commit, &manifests::name(index))?);
    }
    report.times("webhook to live, one changed", &Times::new(times), Some(ONE_CHANGED), None);
    let (now, most) = scene.controller.memory()?;
    report.fact("resident memory of the controller, now and at most", &format!("{now}, {most} MiB"));
    Ok(())
}
