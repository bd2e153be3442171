//! A thousand webhooks while commits are pushed: what the remote is asked, and how the API answers meanwhile.

use crate::controller::Api;
use crate::figures::{Report, Times};
use crate::manifests;
use crate::remotes::HttpRemote;
use crate::scene::{Engine, NO_POLL, POLL, Scene, changed, push, repository};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

const MANIFESTS: usize = 1000;
const WEBHOOKS: usize = 1000;
const CALLERS: usize = 8;
const BURSTS: usize = 10;
const LAST: Duration = Duration::from_secs(2);
/// Requests before the burst.
const QUIET: usize = 300;
const OTHER: &str = "/api/v1/workflows/workflow-00500";

/// The bursts.
pub fn a_thousand_webhooks(report: &mut Report) -> anyhow::Result<()> {
    report.scenario("10 bursts of 1,000 webhooks by 8 callers while commits are pushed, MariaDB, Git over HTTP");
    let repository = repository(MANIFESTS);
    let remote = HttpRemote::open(repository.root());
    let scene = Scene::start(Engine::MariaDb, remote.url(), NO_POLL, &[])?;
    let api = scene.controller.api();
    scene.await_rest()?;
    let quiet = (0..QUIET).map(|_| paused(api, OTHER)).collect::<Result<_, _>>()?;
    remote.take_log();
    let (mut all, mut pushed, mut last) = (Burst::default(), 0, Vec::new());
    for _ in 0..BURSTS {
        let burst = burst(api, || {
            pushed += 1;
            push(&repository, std::iter::once(changed(pushed, MANIFESTS)), pushed);
        })?;
        all.times.extend(burst.times);
        all.answers.extend(burst.answers);
        all.meanwhile.extend(burst.meanwhile);
        pushed += 1;
        let commit = push(&repository, std::iter::once(changed(pushed, MANIFESTS)), pushed);
        last.push(scene.webhook_to_live(&commit, &manifests::name(changed(pushed, MANIFESTS)))?);
    }
    scene.await_rest()?;
    let log = remote.take_log();
    let count = |what: &str| log.iter().filter(|line| line.starts_with(what)).count();
    report.time("a burst, p50", Times::new(all.times).percentile(50), None);
    report.count("commits pushed meanwhile and after", pushed, None);
    report.count("times that the remote was asked for its head", count("GET"), None);
    report.count("fetches; at most one for each commit", count("POST"), Some(pushed));
    report.times("a webhook's answer", &Times::new(all.answers), None, None);
    let quiet = Times::new(quiet);
    report.time("GET of a workflow before the bursts, p50", quiet.percentile(50), None);
    report.time("GET of a workflow before the bursts, p99", quiet.percentile(99), None);
    report.times("GET of a workflow meanwhile", &Times::new(all.meanwhile), None, None);
    report.time("webhook to live of the commit after a burst, slowest", Times::new(last).max(), Some(LAST));
    Ok(())
}

/// What was measured.
#[derive(Default)]
struct Burst {
    times: Vec<Duration>,
    answers: Vec<Duration>,
    meanwhile: Vec<Duration>,
}

/// One burst; `push` is called again and again until it is over.
fn burst(api: &Api, mut push: impl FnMut() + Send) -> anyhow::Result<Burst> {
    let over = AtomicBool::new(false);
    let begun = Instant::now();
    let (answers, meanwhile) = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(|| deliver(&api.again()))).collect();
        let reader = scope.spawn(|| read(&api.again(), &over));
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                push();
            }
        });
        let answers: Vec<_> = callers.into_iter().map(|caller| caller.join().expect("a caller ends")).collect();
        over.store(true, Ordering::SeqCst);
        (answers, reader.join().expect("the reader ends"))
    });
    let answers = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat();
    Ok(Burst { times: vec![begun.elapsed()], answers, meanwhile: meanwhile? })
}

/// The webhooks of one caller.
fn deliver(api: &Api) -> anyhow::Result<Vec<Duration>> {
    let one = |_| {
        let begun = Instant::now();
        api.webhook("the head decides").map(|()| begun.elapsed())
    };
    (0..WEBHOOKS / CALLERS).map(one).collect()
}

/// Another request again and again until the burst is over.
fn read(api: &Api, over: &AtomicBool) -> anyhow::Result<Vec<Duration>> {
    let mut times = vec![paused(api, OTHER)?];
    while !over.load(Ordering::SeqCst) {
        times.push(paused(api, OTHER)?);
    }
    Ok(times)
}

/// How long a request takes; then a pause, so that asking is not what is measured.
fn paused(api: &Api, path: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let (status, said) = api.get(path)?;
    let time = begun.elapsed();
    anyhow::ensure!(status == 200, "{status}: {said}");
    thread::park_timeout(POLL);
    Ok(time)
}
