//! The release controller as a process of its own, and its API.

use anyhow::{Context, bail, ensure};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::Instant;

/// No wait of a benchmark is longer.
pub const PATIENCE: Duration = Duration::from_secs(120);
const SECRET: &str = "the-webhook-secret-of-the-benchmark";

/// A running controller; it ends when it is dropped.
pub struct Controller {
    child: Child,
    folder: tempfile::TempDir,
    api: Api,
}

/// Its API as one client with its own connections.
#[derive(Clone)]
pub struct Api {
    url: String,
    token: String,
    http: ureq::Agent,
}

impl Controller {
    /// Starts one with these settings, and waits until it is ready. Without a database's URL it makes itself an SQLite file.
    pub fn start(settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let token = uuid::Uuid::new_v4().simple().to_string();
        let log = File::create(folder.path().join("log"))?;
        let mut command = Command::new(program()?);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("NO_COLOR", "1");
        command.env("PULSE_LISTEN", address.to_string()).env("PULSE_DATA_DIR", folder.path().join("data"));
        command.env("PULSE_ADMIN_TOKEN", &token).env("PULSE_WEBHOOK_SECRET", SECRET).env("PULSE_LOG", "info");
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut controller = Self { child, folder, api: Api::new(format!("http://{address}"), token) };
        controller.await_ready()?;
        Ok(controller)
    }

    /// Its API.
    pub const fn api(&self) -> &Api {
        &self.api
    }

    /// Resident memory in MiB: now, and at its most.
    pub fn memory(&self) -> anyhow::Result<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok())
                .with_context(|| format!("no {name} in status"))
        };
        Ok((kib("VmRSS:")? / 1024, kib("VmHWM:")? / 1024))
    }

    fn await_ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !matches!(self.api.get("/health/ready"), Ok((200, _))) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the controller ended with {status}:\n{}", self.log());
            }
            ensure!(begun.elapsed() < PATIENCE, "the controller is not ready:\n{}", self.log());
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Api {
    fn new(url: String, token: String) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        Self { url, token, http: config.build().new_agent() }
    }

    /// The same with connections of its own.
    pub fn again(&self) -> Self {
        Self::new(self.url.clone(), self.token.clone())
    }

    /// Status and body.
    pub fn get(&self, path: &str) -> anyhow::Result<(u16, Value)> {
        let request = self.http.get(format!("{}{path}", self.url)).header("authorization", format!("Bearer {}", self.token));
        let mut answer = request.call()?;
        let body = answer.body_mut().read_to_string()?;
        Ok((answer.status().as_u16(), serde_json::from_str(&body).unwrap_or(Value::Null)))
    }

    /// How the source stands.
    pub fn source(&self) -> anyhow::Result<Value> {
        let (status, source) = self.get("/api/v1/sources/default")?;
        ensure!(status == 200, "{status}: {source}");
        Ok(source)
    }

    /// A push event, as Gitea delivers and signs it.
    pub fn webhook(&self, commit: &str) -> anyhow::Result<()> {
        let repository = json!({ "full_name": "ops/runbooks", "clone_url": "https://git.example.org/ops/runbooks.git" });
        let pusher = json!({ "login": "ann", "email": "ann@example.org" });
        let body = json!({ "ref": "refs/heads/main", "after": commit, "repository": repository, "pusher": pusher }).to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
        mac.update(body.as_bytes());
        let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = self.http.post(format!("{}/webhooks/gitea", self.url)).header("content-type", "application/json");
        let request = request.header("x-gitea-event", "push").header("x-gitea-delivery", uuid::Uuid::new_v4().to_string());
        let request = request.header("x-hub-signature-256", format!("sha256={signature}")).header("x-gitea-signature", signature);
        let mut answer = request.send(body)?;
        let said = answer.body_mut().read_to_string()?;
        ensure!(answer.status() == 202, "{}: {said}", answer.status());
        Ok(())
    }
}

/// `pulse-controller` beside this program's folder.
fn program() -> anyhow::Result<PathBuf> {
    let folder = std::env::current_exe()?;
    let folder = folder.parent().and_then(Path::parent).context("this program lies in no folder of cargo's")?;
    let path = folder.join("pulse-controller");
    ensure!(path.is_file(), "{} is missing; use `make bench-sync`, which builds it", path.display());
    Ok(path)
}
