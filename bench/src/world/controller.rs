//! The release controller on a database of its own.

use super::{Database, Manifests, Process, beside};
use crate::client::{Http, Target};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long it may take to be ready.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running controller.
pub struct Controller {
    /// Its API.
    pub target: Target,
    /// It itself.
    pub process: Process,
    folder: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl Controller {
    /// Starts one, and waits until it is ready: its workflows are live then.
    pub async fn start(folder: &Path, database: &Database, manifests: &Manifests) -> anyhow::Result<Self> {
        let source = manifests.folder().display().to_string();
        Self::follow(folder, database, source).await
    }

    /// The same with any source.
    pub async fn follow(folder: &Path, database: &Database, source: String) -> anyhow::Result<Self> {
        let folder = folder.join("controller");
        std::fs::create_dir_all(&folder)?;
        // Nobody else asks for this port before the controller has it.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let token = uuid::Uuid::new_v4().simple().to_string();
        let settings = vec![
            ("PULSE_LISTEN", address.to_string()),
            ("PULSE_DATA_DIR", folder.join("data").display().to_string()),
            ("PULSE_DATABASE_URL", database.url.clone()),
            ("PULSE_SOURCE_URL", source),
            ("PULSE_SOURCE_POLL", "24h".to_owned()),
            ("PULSE_ADMIN_TOKEN", token.clone()),
        ];
        let process = run(&folder, &settings)?;
        let mut controller = Self { target: Target { address, token }, process, folder, settings };
        controller.ready().await?;
        Ok(controller)
    }

    /// Starts it anew after it was killed; it need not be ready yet.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = run(&self.folder, &self.settings)?;
        Ok(())
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let status = match Http::connect(&self.target).await {
                Ok(mut http) => http.get("/health/ready").await.map_or(0, |(status, _)| status),
                Err(_) => 0,
            };
            if status == 200 {
                return Ok(());
            }
            self.process.check().context("the controller")?;
            ensure!(begun.elapsed() < PATIENCE, "the controller is not ready:\n{}", self.process.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A token for so many agents, which get this label.
    pub async fn agents_token(&self, uses: usize, pool: &str) -> anyhow::Result<String> {
        let body = json!({ "uses": uses, "labels": { "pool": pool } }).to_string();
        let mut http = Http::connect(&self.target).await?;
        let made: Value = serde_json::from_slice(http.post("/api/v1/agents/tokens", &body).await?)?;
        Ok(made["token"].as_str().context("no token")?.to_owned())
    }

    /// Waits until an agent is seen in this state; how long that took.
    pub async fn agent_is(&self, name: &str, state: &str, patience: Duration) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut http = Http::connect(&self.target).await?;
        loop {
            let (_, body) = http.get(&format!("/api/v1/agents/{name}")).await?;
            let agent: Value = serde_json::from_slice(body)?;
            let seen = &agent["status"]["state"];
            if *seen == state {
                return Ok(begun.elapsed());
            }
            ensure!(begun.elapsed() < patience, "{name} is {seen}, not {state}, after {} s", patience.as_secs());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn run(folder: &Path, settings: &[(&str, String)]) -> anyhow::Result<Process> {
    Process::start(&beside("pulse-controller")?, [""; 0], settings, folder.join("log"))
}
