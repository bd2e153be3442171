//! Measures the writer: transitions per second at some concurrencies, beside the fdatasync rate of the same disk.
//!
//! `cargo run --release -p pulse-store --example commit_rate -- /path/on/the/disk [seconds [database URL]]`
//!
//! Without a URL it makes a SQLite file on that disk. A MariaDB database must be empty or PULSE's own, and it is filled.

use pulse_core::execution::{CancelMode, Event, EventRecord, Summary};
use pulse_core::time::Timestamp;
use pulse_protocol::ExecutionId;
use pulse_store::{Store, WriteItem};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

const USAGE: &str = "usage: commit_rate FOLDER [SECONDS [DATABASE_URL]]";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or(USAGE)?;
    let seconds: u64 = arguments.next().map_or(Ok(3), |text| text.parse()).map_err(|error| format!("{USAGE}: {error}"))?;
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir_in(&folder).map_err(|error| format!("{folder}: {error}"))?;

    println!("fdatasync, 512 bytes appended   {:>8.0}/s", fdatasync_rate(folder.path(), time)?);
    let url = arguments.next().unwrap_or_else(|| format!("sqlite://{}", folder.path().join("rate.db").display()));
    let store = Store::open(&url, "commit_rate").await?;
    let mut number = store.next_number("main", "rate").await?;
    for tasks in [1, 8, 50, 256] {
        let rate = transition_rate(&store, tasks, &mut number, time).await?;
        println!("transitions, {tasks:>3} side by side   {rate:>8.0}/s");
    }
    store.close().await;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a measurement is real time")]
fn fdatasync_rate(folder: &Path, time: Duration) -> Result<f64, Box<dyn Error>> {
    let mut file = File::create(folder.join("sync"))?;
    let (begin, mut count) = (Instant::now(), 0_u32);
    while begin.elapsed() < time {
        file.write_all(&[7; 512])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begin.elapsed().as_secs_f64())
}

/// Each task moves an execution of its own on, one event and one row at a time, and waits for each commit.
#[expect(clippy::disallowed_methods, reason = "a measurement is real time")]
async fn transition_rate(store: &Store, tasks: i64, number: &mut i64, time: Duration) -> Result<f64, Box<dyn Error>> {
    let begin = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        *number += 1;
        let (writer, mut item) = (store.writer().clone(), first(*number));
        running.spawn(async move {
            let mut count = 0_u32;
            while begin.elapsed() < time {
                writer.submit(item.clone()).await?;
                count += 1;
                item.summary.seq += 1;
                item.events[0].seq += 1;
            }
            Ok::<_, pulse_store::WriteError>(count)
        });
    }
    let mut sum = 0;
    while let Some(count) = running.join_next().await {
        sum += count??;
    }
    Ok(f64::from(sum) / begin.elapsed().as_secs_f64())
}

fn first(number: i64) -> WriteItem {
    let execution = ExecutionId(Uuid::now_v7());
    let at = Timestamp(0);
    let event = Event::CancelRequested { mode: CancelMode::Drain, by: "nobody".to_owned(), reason: "to measure".to_owned() };
    let summary = Summary {
        id: execution,
        source: "main".to_owned(),
        workflow: "rate".to_owned(),
        number,
        status: "running",
        waits: None,
        terminal: false,
        commit: "0".repeat(40),
        snapshot: "0".repeat(64),
        started_by: "nobody".to_owned(),
        schedule: None,
        retry_of: None,
        labels: BTreeMap::new(),
        created_at: at,
        started_at: Some(at),
        ended_at: None,
        seq: 1,
        wake_at: Some(at),
        message: None,
    };
    WriteItem {
        execution,
        events: vec![EventRecord { seq: 1, at, event }],
        summary,
        take: Vec::new(),
        release: Vec::new(),
        attempts_opened: Vec::new(),
        attempts_closed: Vec::new(),
        prompts_opened: Vec::new(),
        prompts_closed: Vec::new(),
        snapshot: None,
        idempotency: None,
        advance: None,
        audit: Vec::new(),
    }
}
