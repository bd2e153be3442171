//! Ten thousand manifests in a Git repository on the same machine: all new, and one changed. `make bench-sync` measures the way from a
//! webhook over the network.

use super::{Means, Scene};
use crate::client::Http;
use crate::figures::{Goal, Rounds, Times};
use crate::world::{Controller, Engine};
use anyhow::ensure;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

#[path = "../../../controller/examples/support/manifests.rs"]
mod manifests;

const MANIFESTS: usize = 10_000;
const ALL_NEW: f64 = 3000.0;
const ONE_CHANGED: f64 = 300.0;

/// Runs it.
pub async fn run(means: &mut Means, engine: Engine) -> anyhow::Result<()> {
    let count = means.of(MANIFESTS, MANIFESTS / 10);
    means.report.scenario(&format!("{count} manifests, {}", engine.name()));
    let (mut new, mut changed) = (Rounds::default(), Rounds::default());
    for round in 0..means.rounds() {
        let scene = Scene::new(engine).await?;
        let repository = Repository::begin(scene.path())?;
        let controller =
            Controller::follow(scene.path(), &scene.database, format!("file://{}", repository.bare.display())).await?;
        repository.commit(0..count, 0)?;
        new.push(crate::figures::milliseconds(sync(&controller, "create", count).await?));
        let mut times = Vec::new();
        for change in 1..=means.of(10, 3) {
            // Each tenth manifest is an agent; a workflow changes.
            let index = (10 * change + round) % count / 10 * 10;
            repository.commit(index..index + 1, change)?;
            times.push(sync(&controller, "update", 1).await?);
        }
        changed.push(Times::new(times)?.percentile_ms(50));
    }
    means.report.pulse("look to live, all new", &new, "ms", Some(Goal::AtMost(ALL_NEW)));
    means.report.pulse("look to live, one changed, p50", &changed, "ms", Some(Goal::AtMost(ONE_CHANGED)));
    Ok(())
}

/// Looks now, and waits for what comes of it.
async fn sync(controller: &Controller, kind: &str, count: usize) -> anyhow::Result<Duration> {
    let mut http = Http::connect(&controller.target).await?;
    let begun = Instant::now();
    let answer: serde_json::Value = serde_json::from_slice(http.post("/api/v1/syncs", "{}").await?)?;
    let time = begun.elapsed();
    ensure!(answer["outcome"] == "applied" && answer["counts"][kind] == count, "{answer}");
    Ok(time)
}

/// A bare repository, as a forge keeps it, and a clone to work in.
struct Repository {
    bare: PathBuf,
    clone: PathBuf,
}

impl Repository {
    fn begin(folder: &Path) -> anyhow::Result<Self> {
        let repository = Self { bare: folder.join("repository.git"), clone: folder.join("clone") };
        git(folder, &["init", "--quiet", "--bare", "--initial-branch=main", "repository.git"])?;
        git(folder, &["init", "--quiet", "--initial-branch=main", "clone"])?;
        std::fs::write(repository.clone.join("README.md"), "Nothing yet.\n")?;
        repository.push("begin")?;
        Ok(repository)
    }

    fn commit(&self, indices: impl Iterator<Item = usize>, round: usize) -> anyhow::Result<()> {
        let mut last = String::new();
        for index in indices {
            last = manifests::name(index);
            let path = self.clone.join(manifests::path(index));
            std::fs::create_dir_all(path.parent().unwrap_or(&self.clone))?;
            std::fs::write(path, manifests::text(index, round))?;
        }
        self.push(&format!("round {round}, up to {last}"))
    }

    fn push(&self, message: &str) -> anyhow::Result<()> {
        git(&self.clone, &["add", "."])?;
        git(&self.clone, &["commit", "--quiet", "--message", message])?;
        git(&self.clone, &["push", "--quiet", "../repository.git", "main"])
    }
}

fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "gc.auto=0"]).args(arguments);
    let output = git.current_dir(folder).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder).output()?;
    ensure!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
