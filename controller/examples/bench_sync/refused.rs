//! A commit of five hundred good manifests and a bad one.

use crate::figures::Report;
use crate::manifests;
use crate::remotes::HttpRemote;
use crate::scene::{Engine, NO_POLL, Scene, repository};
use anyhow::ensure;
use tokio::time::Instant;

const LIVE: usize = 10;
const GOOD: usize = 500;
const BAD: &str = "ops/bad.yaml";
const BAD_TEXT: &str = "apiVersion: pulse.dev/v1
kind: Workflow
metadata:
  name: bad
spec:
  steps:
    - id: go
      type: execute
      targets: [all]
      command: uptime
      timeout: 90
";
/// `timeout: 90`, a duration without a unit.
const BAD_LINE: usize = 11;

/// It is refused whole, and the bad line is named.
pub fn one_bad_of_many(report: &mut Report) -> anyhow::Result<()> {
    report.scenario("A commit of 500 good manifests and a bad one, MariaDB, Git over HTTP");
    let repository = repository(LIVE);
    let remote = HttpRemote::open(repository.root());
    let scene = Scene::start(Engine::MariaDb, remote.url(), NO_POLL, &[])?;
    let api = scene.controller.api();
    let stands = || Ok::<_, anyhow::Error>((api.get("/api/v1/workflows?limit=500")?, api.source()?["generation"].take()));
    let before = stands()?;
    let mut files: Vec<_> = (0..GOOD).map(|index| (manifests::path(index), manifests::text(index, 1))).collect();
    files.push((BAD.to_owned(), BAD_TEXT.to_owned()));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let commit = repository.commit("main", &files);
    scene.await_rest()?;
    let begun = Instant::now();
    api.webhook(&commit)?;
    let sync = scene.await_sync(&commit)?;
    let time = begun.elapsed();
    let problem = &sync["problems"][0];
    ensure!(sync["outcome"] == "refused", "it was not refused: {sync}");
    ensure!(problem["file"] == BAD && problem["line"] == BAD_LINE, "another line is named: {sync}");
    ensure!(stands()? == before, "something live has changed");
    report.time("webhook to refused; nothing live has changed", time, None);
    report.fact("what is named", &format!("{BAD}:{BAD_LINE}"));
    Ok(())
}
