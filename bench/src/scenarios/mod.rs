//! What is measured, one file each.

mod idle;
mod latency;
mod output;
mod pages;
mod shapes;
mod storm;
mod sync;
mod throughput;

use crate::figures::Report;
use crate::limits::Limits;
use crate::world::{Controller, Database, Engine, Manifests};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::path::Path;
use tempfile::TempDir;

/// What every scenario works with.
pub struct Means {
    /// Where figures go.
    pub report: Report,
    /// Little of everything, to see that it works.
    pub quick: bool,
}

impl Means {
    /// Rounds, of which the median counts.
    pub const fn rounds(&self) -> usize {
        if self.quick { 1 } else { 7 }
    }

    /// A number of things, or few of them.
    pub const fn of(&self, whole: usize, quick: usize) -> usize {
        if self.quick { quick } else { whole }
    }
}

type Run = for<'a> fn(&'a mut Means, Engine) -> LocalBoxFuture<'a, anyhow::Result<()>>;

/// Every scenario: its name, and whether it is run on both engines or on MariaDB alone.
pub const ALL: [(&str, bool, Run); 8] = [
    ("latency", true, |means, engine| latency::run(means, engine).boxed_local()),
    ("throughput", true, |means, engine| throughput::run(means, engine).boxed_local()),
    ("shapes", true, |means, engine| shapes::run(means, engine).boxed_local()),
    ("output", false, |means, engine| output::run(means, engine).boxed_local()),
    ("idle", false, |means, engine| idle::run(means, engine).boxed_local()),
    ("storm", false, |means, engine| storm::run(means, engine).boxed_local()),
    ("sync", true, |means, engine| sync::run(means, engine).boxed_local()),
    ("pages", true, |means, engine| pages::run(means, engine).boxed_local()),
];

/// A folder and a database of its own, and the workflows that it will serve.
struct Scene {
    folder: TempDir,
    database: Database,
    manifests: Manifests,
}

impl Scene {
    async fn new(engine: Engine) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let database = Database::new(engine, folder.path()).await?;
        let manifests = Manifests::new(folder.path().join("manifests"))?;
        Ok(Self { folder, database, manifests })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn controller(&self) -> anyhow::Result<Controller> {
        Controller::start(self.path(), &self.database, &self.manifests).await
    }
}

/// What answers the limits' round trips is the floor, which has a database of its own, as they have.
async fn limits(means: &Means, engine: Engine, folder: &Path, peer: crate::client::Target) -> anyhow::Result<Limits> {
    let own = folder.join("limits");
    std::fs::create_dir_all(&own)?;
    Limits::new(Database::new(engine, &own).await?, peer, own, means.quick).await
}
