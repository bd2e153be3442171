//! The floor: the smallest controller of PULSE's shape, as processes of its own. It has neither definitions nor people, no fence, no
//! decisions and no logs; what it does per execution is what nothing of this shape can leave out:
//!
//! ```text
//! POST ─▶ durable commit ─▶ 201
//!                    └─▶ WebSocket ─▶ agent: fdatasync of its journal ─▶ the command
//!                                                                          │
//!             events' WebSocket ◀─ durable commit ◀─ WebSocket ◀───────────┘
//! ```
//!
//! Commits are grouped as far as they wait for each other, and never by a timer; so are the journal's.

pub mod agent;
pub mod controller;
pub mod journal;
pub mod writer;

use crate::client::{Http, Target};
use crate::world::{Database, Process};
use anyhow::{Context, ensure};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long it may take to be there.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running floor.
pub struct Floor {
    /// Where it listens.
    pub target: Target,
    _controller: Process,
    _agent: Process,
}

impl Floor {
    /// Starts controller and agent, which has so many connections. One that is `instant` neither writes a journal nor spawns.
    pub async fn start(
        folder: &Path,
        database: &Database,
        connections: usize,
        stamps: &Path,
        instant: bool,
    ) -> anyhow::Result<Self> {
        let folder = folder.join(if instant { "floor-instant" } else { "floor" });
        std::fs::create_dir_all(&folder)?;
        let own = std::env::current_exe()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let target = Target { address, token: String::new() };
        let arguments = ["floor-controller".to_owned(), address.to_string(), database.url.clone()];
        let mut controller = Process::start(&own, arguments, &[], folder.join("controller.log"))?;
        let begun = Instant::now();
        while Http::connect(&target).await.is_err() {
            controller.check().context("the floor's controller")?;
            ensure!(begun.elapsed() < PATIENCE, "the floor does not listen:\n{}", controller.said());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut arguments = vec!["floor-agent".to_owned(), address.to_string(), connections.to_string()];
        arguments.extend([folder.join("journal"), stamps.to_owned()].map(|path| path.display().to_string()));
        arguments.extend(instant.then(|| "--instant".to_owned()));
        let agent = Process::start(&own, arguments, &[], folder.join("agent.log"))?;
        let mut http = Http::connect(&target).await?;
        while http.get_json("/agents").await? != connections {
            ensure!(begun.elapsed() < PATIENCE, "the floor's agent does not come:\n{}", agent.said());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(Self { target, _controller: controller, _agent: agent })
    }
}
