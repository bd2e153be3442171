//! A repository, its remote, a controller that follows it, and the way from one to the other.

use crate::controller::{Controller, PATIENCE};
use crate::manifests;
use crate::remotes::Repository;
use crate::test_database::TestDatabase;
use anyhow::ensure;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// Between an answer and the next question whether a commit is live.
pub const POLL: Duration = Duration::from_millis(5);
/// So rare that it takes no part.
pub const NO_POLL: &str = "24h";

/// Where the controller keeps everything.
#[derive(Debug, Clone, Copy)]
pub enum Engine {
    Sqlite,
    MariaDb,
}

/// A controller on a database of its own.
pub struct Scene {
    pub controller: Controller,
    _database: Option<TestDatabase>,
}

impl Scene {
    /// Starts a controller with these settings.
    pub fn start(engine: Engine, url: String, poll: &str, further: &[(&'static str, String)]) -> anyhow::Result<Self> {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::MariaDb => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                Some(runtime.block_on(TestDatabase::new()))
            }
        };
        let mut settings = vec![("PULSE_SOURCE_URL", url), ("PULSE_SOURCE_POLL", poll.to_owned())];
        settings.extend(database.iter().map(|database| ("PULSE_DATABASE_URL", database.url.clone())));
        settings.extend(further.iter().cloned());
        Ok(Self { controller: Controller::start(&settings)?, _database: database })
    }

    /// Delivers the webhook of a commit, and waits until its workflow is live: the time of both.
    pub fn webhook_to_live(&self, commit: &str, workflow: &str) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        self.controller.api().webhook(commit)?;
        self.await_live(commit, workflow)?;
        Ok(begun.elapsed())
    }

    /// Waits until a workflow is live as this commit has it.
    pub fn await_live(&self, commit: &str, workflow: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/workflows/{workflow}");
        self.until("the commit to be live", || {
            let (_, workflow) = self.controller.api().get(&path)?;
            Ok((workflow["status"]["changedCommit"] == commit).then_some(()))
        })
    }

    /// Waits until a look has ended with this commit; its sync.
    pub fn await_sync(&self, commit: &str) -> anyhow::Result<Value> {
        self.until("the end of the sync", || {
            let sync = self.controller.api().source()?["lastSync"].take();
            Ok((sync["commit"] == commit).then_some(sync))
        })
    }

    /// Waits until no look runs and none is asked for: a look that is still under way would find the next commit before its webhook.
    pub fn await_rest(&self) -> anyhow::Result<()> {
        let next = || Ok::<_, anyhow::Error>(self.controller.api().source()?["nextLook"].take());
        self.until("the last look to end", || {
            let before = next()?;
            std::thread::park_timeout(POLL);
            // One that began in between would have set another time for the next.
            Ok((before.is_string() && before == next()?).then_some(()))
        })
    }

    fn until<T>(&self, what: &str, look: impl Fn() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            ensure!(begun.elapsed() < PATIENCE, "waited in vain for {what}: {}", self.controller.api().source()?);
            std::thread::park_timeout(POLL);
        }
    }
}

/// A repository of so many manifests.
pub fn repository(count: usize) -> Repository {
    let repository = Repository::empty();
    push(&repository, 0..count, 0);
    repository
}

/// Commits these manifests as they are in this round.
pub fn push(repository: &Repository, indices: impl Iterator<Item = usize>, round: usize) -> String {
    let files: Vec<_> = indices.map(|index| (manifests::path(index), manifests::text(index, round))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    repository.commit("main", &files)
}

/// The workflow that changes in this round, of so many manifests; another one each time.
pub fn changed(round: usize, count: usize) -> usize {
    let index = round * 7 % count;
    if manifests::is_agent(index) { index - 1 } else { index }
}
