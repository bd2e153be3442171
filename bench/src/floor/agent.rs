//! The floor's agent: journal, command, report.

use super::journal::Journal;
use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// What the agent shall run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Wanted {
    /// The execution.
    pub id: String,
    /// `true`, or `stamp`.
    pub workflow: String,
}

/// What every connection shares.
struct Means {
    /// None: it answers at once.
    journal: Option<Journal>,
    stamp: PathBuf,
    stamps: PathBuf,
}

/// Runs until the controller is gone.
pub async fn run(server: SocketAddr, connections: usize, journal: &Path, stamps: PathBuf, instant: bool) -> anyhow::Result<()> {
    let journal = if instant { None } else { Some(Journal::create(journal)?) };
    let means = Arc::new(Means { journal, stamp: crate::world::beside("bench-stamp")?, stamps });
    let mut sessions = JoinSet::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = tokio_tungstenite::client_async(format!("ws://{server}/session"), stream).await?;
        sessions.spawn(serve(socket, Arc::clone(&means)));
    }
    while let Some(ended) = sessions.join_next().await {
        ended??;
    }
    Ok(())
}

async fn serve(socket: WebSocketStream<TcpStream>, means: Arc<Means>) -> anyhow::Result<()> {
    let (mut sink, mut stream) = socket.split();
    let (ends, mut ended) = mpsc::channel::<String>(1024);
    tokio::spawn(async move {
        while let Some(id) = ended.recv().await {
            if sink.send(Message::text(id)).await.is_err() {
                return;
            }
        }
    });
    while let Some(message) = stream.next().await {
        let Message::Text(text) = message? else { continue };
        let wanted: Wanted = serde_json::from_str(&text)?;
        if means.journal.is_none() {
            ends.send(wanted.id).await?;
            continue;
        }
        let (means, ends) = (Arc::clone(&means), ends.clone());
        tokio::spawn(async move {
            if let Err(error) = means.execute(&wanted).await {
                return eprintln!("{}: {error:#}", wanted.id);
            }
            // The controller may be gone.
            drop(ends.send(wanted.id).await);
        });
    }
    Ok(())
}

impl Means {
    async fn execute(&self, wanted: &Wanted) -> anyhow::Result<()> {
        self.journal.as_ref().context("it answers at once")?.append(format!("starting {}\n", wanted.id)).await?;
        let mut command = match wanted.workflow.as_str() {
            "stamp" => {
                let mut command = Command::new(&self.stamp);
                command.arg(&self.stamps);
                command
            }
            _ => shell("true"),
        };
        command.env_clear().env("PATH", "/usr/bin:/bin").env("PULSE_EXECUTION", &wanted.id).stdin(Stdio::null());
        let status = command.status().await?;
        anyhow::ensure!(status.success(), "{status}");
        Ok(())
    }
}

/// `sh -e -c …`, as a step's command is run.
pub fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-e", "-c", script]);
    command
}
