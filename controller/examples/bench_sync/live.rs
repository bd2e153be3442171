//! One changed file among a thousand manifests: from its webhook to live, and without a webhook.

use crate::figures::{Report, Times};
use crate::manifests;
use crate::remotes::{HttpRemote, Repository, SshRemote};
use crate::scene::{Engine, NO_POLL, Scene, changed, push, repository};
use std::time::Duration;
use tokio::time::Instant;

const MANIFESTS: usize = 1000;
const P50: Duration = Duration::from_millis(200);
const P99: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_secs(5);
/// What a look may add to a poll, and a poll's jitter, in tenths.
const LOOK: Duration = Duration::from_millis(500);
const JITTER: f64 = 1.1;

/// Over HTTP with a user and a token, as Gitea serves.
pub fn over_http(report: &mut Report) -> anyhow::Result<()> {
    report.scenario("Webhook to live: one changed file among 1,000 manifests, MariaDB, Git over HTTP");
    let repository = repository(MANIFESTS);
    let remote = HttpRemote::guarded(repository.root(), "pulse", "a-token");
    let login = [("PULSE_SOURCE_USERNAME", "pulse".to_owned()), ("PULSE_SOURCE_TOKEN", "a-token".to_owned())];
    let scene = Scene::start(Engine::MariaDb, remote.url(), NO_POLL, &login)?;
    rounds(report, &scene, &repository, 200)
}

/// Over SSH with a key: a new connection for each look.
pub fn over_ssh(report: &mut Report) -> anyhow::Result<()> {
    report.scenario("The same over SSH");
    let repository = repository(MANIFESTS);
    let remote = SshRemote::open(repository.root());
    let login = [("PULSE_SOURCE_SSH_KEY", remote.key()), ("PULSE_SOURCE_KNOWN_HOSTS", remote.known_hosts(&["ed25519"]))];
    let scene = Scene::start(Engine::MariaDb, remote.url("ops.git"), NO_POLL, &login)?;
    rounds(report, &scene, &repository, 100)
}

fn rounds(report: &mut Report, scene: &Scene, repository: &Repository, rounds: usize) -> anyhow::Result<()> {
    let (mut times, mut syncs, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        scene.await_rest()?;
        let index = changed(round, MANIFESTS);
        let commit = push(repository, std::iter::once(index), round);
        times.push(scene.webhook_to_live(&commit, &manifests::name(index))?);
        let sync = scene.await_sync(&commit)?;
        syncs.push(Duration::from_millis(sync["durationMs"].as_u64().unwrap_or(0)));
        let begun = Instant::now();
        scene.await_live(&commit, &manifests::name(index))?;
        asked.push(begun.elapsed());
    }
    report.times("webhook to live", &Times::new(times), Some(P50), Some(P99));
    report.time("of it fetch, check and plan, p50", Times::new(syncs).percentile(50), None);
    report.time("of it asking whether it is live, p50", Times::new(asked).percentile(50), None);
    Ok(())
}

/// The poll finds what no webhook told. Each push comes right after a look, so that it waits the longest.
pub fn lost_webhooks(report: &mut Report) -> anyhow::Result<()> {
    report.scenario("Lost webhook: the same, with a poll of 5 s, pushed right after a look");
    let repository = repository(MANIFESTS);
    let remote = HttpRemote::open(repository.root());
    let scene = Scene::start(Engine::MariaDb, remote.url(), "5s", &[])?;
    let mut times = Vec::new();
    for round in 1..=10 {
        scene.await_rest()?;
        let index = changed(round, MANIFESTS);
        let commit = push(&repository, std::iter::once(index), round);
        let begun = Instant::now();
        scene.await_live(&commit, &manifests::name(index))?;
        times.push(begun.elapsed());
    }
    let times = Times::new(times);
    report.time("push to live, p50 of 10", times.percentile(50), None);
    report.time("push to live, slowest; the poll × 1.1, and a look", times.max(), Some(POLL.mul_f64(JITTER) + LOOK));
    Ok(())
}
