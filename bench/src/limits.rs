//! The limits of the machine, measured between the rounds of what they bound: durable commits, processes, round trips, the disk.

use crate::client::{Http, Target};
use crate::figures::{Report, Rounds, Times};
use crate::floor::agent::shell;
use crate::floor::writer::{Transition, Writer};
use crate::machine::time_each;
use crate::world::{Database, Engine};
use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

/// Commits side by side, so that they are grouped.
const SIDE_BY_SIDE: usize = 256;
/// Processes side by side.
const PROCESSES: usize = 8;

/// What measures them.
pub struct Limits {
    engine: Engine,
    writer: Writer,
    _database: Database,
    /// The floor, whose process answers round trips.
    peer: Target,
    file: PathBuf,
    rounds: usize,
    disk: Rounds,
    commit: Rounds,
    commits: Rounds,
    grouped: Rounds,
    spawn: Rounds,
    spawns: Rounds,
    socket: Rounds,
    http: Rounds,
}

impl Limits {
    /// Measures on a database of its own and the floor's process.
    pub async fn new(database: Database, peer: Target, folder: PathBuf, quick: bool) -> anyhow::Result<Self> {
        let writer = Writer::start(&database.url).await?;
        let none = Rounds::default;
        Ok(Self {
            engine: database.engine,
            writer,
            _database: database,
            peer,
            file: folder.join("disk"),
            rounds: if quick { 50 } else { 200 },
            disk: none(),
            commit: none(),
            commits: none(),
            grouped: none(),
            spawn: none(),
            spawns: none(),
            socket: none(),
            http: none(),
        })
    }

    /// One round of all of them; the sum of what the floor does for one execution, in milliseconds.
    pub async fn round(&mut self) -> anyhow::Result<f64> {
        let disk = self.disk()?.percentile_ms(50);
        let commits = self.commits(1, self.rounds).await?;
        let (commit, single) = (commits.0.percentile_ms(50), commits.1);
        let grouped = self.commits(SIDE_BY_SIDE, 50 * self.rounds).await?.1;
        let spawn = time_each(self.rounds, process)?.percentile_ms(50);
        let spawns = processes(PROCESSES, 2 * self.rounds).await?;
        let (socket, http) = (self.socket().await?.percentile_ms(50), self.http().await?.percentile_ms(50));
        self.disk.push(disk);
        self.commit.push(commit);
        self.commits.push(single);
        self.grouped.push(grouped);
        self.spawn.push(spawn);
        self.spawns.push(spawns);
        self.socket.push(socket);
        self.http.push(http);
        // Out to the agent, back, and out to the listener: three ways of a socket, each half a round trip.
        Ok(http + 2.0 * commit + 1.5 * socket + disk + spawn)
    }

    /// Prints them.
    pub fn report(&self, report: &mut Report) {
        let engine = self.engine.name();
        report.limit("append of 512 bytes with fdatasync, p50", &self.disk, "ms");
        report.limit(format!("durable commit on {engine}, one at a time, p50"), &self.commit, "ms");
        report.limit(format!("durable commits on {engine}, one at a time"), &self.commits, "/s");
        report.limit(format!("transitions made durable, {SIDE_BY_SIDE} side by side"), &self.grouped, "/s");
        report.limit("`sh -e -c true`, one at a time, p50", &self.spawn, "ms");
        report.limit(format!("`sh -e -c true`, {PROCESSES} side by side"), &self.spawns, "/s");
        report.limit("WebSocket round trip, p50", &self.socket, "ms");
        report.limit("HTTP round trip, p50", &self.http, "ms");
    }

    fn disk(&self) -> anyhow::Result<Times> {
        let mut file = File::create(&self.file)?;
        time_each(self.rounds, || {
            file.write_all(&[7; 512])?;
            Ok(file.sync_data()?)
        })
    }

    /// Each commit's time, and how many there were in a second.
    async fn commits(&self, side_by_side: usize, count: usize) -> anyhow::Result<(Times, f64)> {
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        for _ in 0..side_by_side {
            let (writer, own) = (self.writer.clone(), count.div_ceil(side_by_side));
            tasks.spawn(async move {
                let mut times = Vec::with_capacity(own);
                for _ in 0..own {
                    let begun = Instant::now();
                    let id = uuid::Uuid::now_v7().to_string();
                    writer.commit(Transition { id, seq: 1, status: "running" }).await?;
                    times.push(begun.elapsed());
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(own) = tasks.join_next().await {
            times.extend(own??);
        }
        let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
        Ok((Times::new(times)?, rate))
    }

    async fn socket(&self) -> anyhow::Result<Times> {
        let stream = TcpStream::connect(self.peer.address).await?;
        stream.set_nodelay(true)?;
        let (mut socket, _) = tokio_tungstenite::client_async(format!("ws://{}/echo", self.peer.address), stream).await?;
        let text = "x".repeat(200);
        let mut times = Vec::new();
        for _ in 0..5 * self.rounds {
            let begun = Instant::now();
            socket.send(Message::text(text.clone())).await?;
            socket.next().await.context("closed")??;
            times.push(begun.elapsed());
        }
        Times::new(times)
    }

    async fn http(&self) -> anyhow::Result<Times> {
        let mut http = Http::connect(&self.peer).await?;
        let mut times = Vec::new();
        for _ in 0..5 * self.rounds {
            let begun = Instant::now();
            http.get("/ping").await?;
            times.push(begun.elapsed());
        }
        Times::new(times)
    }
}

fn process() -> anyhow::Result<()> {
    let status = Command::new("/bin/sh").args(["-e", "-c", "true"]).env_clear().stdin(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "{status}");
    Ok(())
}

async fn processes(side_by_side: usize, count: usize) -> anyhow::Result<f64> {
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..side_by_side {
        tasks.spawn(async move {
            for _ in 0..count / side_by_side {
                shell("true").env_clear().stdin(Stdio::null()).status().await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(count as f64 / begun.elapsed().max(Duration::from_millis(1)).as_secs_f64())
}
