//! Durable transitions: an upsert of the execution and its event, grouped as far as they wait.

use crate::world::Engine;
use anyhow::Context;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot};

/// Most transitions of one commit.
const BATCH: usize = 256;
/// What may wait.
const QUEUE: usize = 4 * BATCH;

const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS floor_executions (id CHAR(36) NOT NULL PRIMARY KEY, seq BIGINT NOT NULL, status VARCHAR(32) NOT NULL)",
    "CREATE TABLE IF NOT EXISTS floor_events (execution CHAR(36) NOT NULL, seq BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (execution, seq))",
];
const WAL: [&str; 3] = ["PRAGMA busy_timeout = 10000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"];

/// One step of an execution.
#[derive(Debug, Clone)]
pub struct Transition {
    /// Which execution.
    pub id: String,
    /// The sequence of its event.
    pub seq: i64,
    /// Where it stands after it.
    pub status: &'static str,
}

struct Pending {
    transition: Transition,
    done: oneshot::Sender<()>,
}

/// Hands transitions to the writers.
#[derive(Clone)]
pub struct Writer(mpsc::Sender<Pending>);

impl Writer {
    /// Two writers on a server, the one that is possible on SQLite.
    pub async fn start(url: &str) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let engine = if url.starts_with("sqlite:") { Engine::Sqlite } else { Engine::MariaDb };
        let url = if engine == Engine::Sqlite { format!("{url}?mode=rwc") } else { url.to_owned() };
        let (queue, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..if engine == Engine::Sqlite { 1 } else { 2 } {
            let mut connection = AnyConnection::connect(&url).await?;
            let set_up = if engine == Engine::Sqlite { &WAL[..] } else { &[] };
            for statement in set_up.iter().chain(&SCHEMA) {
                sqlx::query(*statement).execute(&mut connection).await?;
            }
            tokio::spawn(write(connection, engine, Arc::clone(&waiting)));
        }
        Ok(Self(queue))
    }

    /// Makes a transition durable.
    pub async fn commit(&self, transition: Transition) -> anyhow::Result<()> {
        let (done, told) = oneshot::channel();
        self.0.send(Pending { transition, done }).await.ok().context("the writers have ended")?;
        told.await.context("it was not written")
    }
}

async fn write(mut connection: AnyConnection, engine: Engine, waiting: Arc<Mutex<mpsc::Receiver<Pending>>>) {
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        if waiting.lock().await.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let (transitions, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|one| (one.transition, one.done)).unzip();
        match store(&mut connection, engine, &transitions).await {
            // Whoever asked may be gone.
            Ok(()) => answers.into_iter().for_each(|done| _ = done.send(())),
            Err(error) => eprintln!("a batch was not written: {error:#}"),
        }
    }
}

async fn store(connection: &mut AnyConnection, engine: Engine, transitions: &[Transition]) -> anyhow::Result<()> {
    let upsert = match engine {
        Engine::MariaDb => "ON DUPLICATE KEY UPDATE seq = VALUES(seq), status = VALUES(status)",
        Engine::Sqlite => "ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, status = excluded.status",
    };
    let mut transaction = connection.begin().await?;
    for rows in powers_of_two(transitions) {
        let values = vec!["(?,?,?)"; rows.len()].join(",");
        let statement = format!("INSERT INTO floor_executions (id, seq, status) VALUES {values} {upsert}");
        let query = rows
            .iter()
            .fold(sqlx::query(AssertSqlSafe(statement)), |query, row| query.bind(row.id.clone()).bind(row.seq).bind(row.status));
        query.execute(&mut *transaction).await?;
        let statement = format!("INSERT INTO floor_events (execution, seq, body) VALUES {values}");
        let query = rows.iter().fold(sqlx::query(AssertSqlSafe(statement)), |query, row| {
            let body = format!("{{\"type\":\"{}\",\"at\":1700000000000000,\"by\":\"somebody\"}}", row.status);
            query.bind(row.id.clone()).bind(row.seq).bind(body)
        });
        query.execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// The rows in slices whose lengths are powers of two, so that few statements have to be prepared.
fn powers_of_two<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let (slice, rest) = rows.split_at(1 << rows.len().checked_ilog2()?);
        rows = rest;
        Some(slice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_powers_of_two() {
        let lengths: Vec<_> = powers_of_two(&[0; 13]).map(<[_]>::len).collect();
        assert_eq!(lengths, [8, 4, 1]);
    }

    #[tokio::test]
    async fn what_is_committed_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("floor.db").display());
        let writer = Writer::start(&url).await.unwrap();
        let transition = |id: usize, seq, status| Transition { id: id.to_string(), seq, status };
        let all = (0..20).map(|id| writer.commit(transition(id, 1, "running")));
        futures_util::future::try_join_all(all).await.unwrap();
        writer.commit(transition(7, 2, "succeeded")).await.unwrap();
        let mut door = AnyConnection::connect(&url).await.unwrap();
        let count = |sql: &'static str| sqlx::query_scalar::<_, i64>(sql);
        assert_eq!(count("SELECT COUNT(*) FROM floor_executions").fetch_one(&mut door).await.unwrap(), 20);
        assert_eq!(count("SELECT COUNT(*) FROM floor_events").fetch_one(&mut door).await.unwrap(), 21);
        let ended = count("SELECT COUNT(*) FROM floor_executions WHERE status = 'succeeded'").fetch_one(&mut door).await.unwrap();
        assert_eq!(ended, 1);
    }
}
