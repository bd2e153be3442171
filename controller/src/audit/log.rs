//! Writes rows that go with no commit of their own: a task takes what waits and writes it at once, so that many refusals cost one
//! commit. Whoever has something to write waits until it is written; a full queue makes them wait longer.

use super::Ticket;
use super::strangers::Strangers;
use super::ticket::fresh;
use crate::clock;
use pulse_store::{AuditWrite, Error, Store};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Rows of one commit.
const BATCH: usize = 128;
/// Rows that may wait.
const QUEUE: usize = 1024;

/// What waits to be written, and whoever waits for that.
type Waiting = (AuditWrite, oneshot::Sender<bool>);

/// A handle of the log; clones share it.
#[derive(Clone)]
pub struct Audit {
    queue: mpsc::Sender<Waiting>,
    strangers: Arc<Strangers>,
    stop: Arc<watch::Sender<bool>>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// A row could not be written.
#[derive(Debug, Clone, Copy)]
pub struct NotWritten;

impl Audit {
    /// Writes to a store until [`Audit::finish`].
    pub fn start(store: Store) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(store, waiting, stopped));
        Self { queue, strangers: Arc::default(), stop: Arc::new(stop), task: Arc::new(Mutex::new(Some(task))) }
    }

    /// Writes what is left, and ends.
    pub async fn finish(&self) {
        self.tell_strangers().await;
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // One that panicked has said so.
            drop(task.await);
        }
    }

    /// Writes a row, durably.
    pub async fn write(&self, write: AuditWrite) -> Result<(), NotWritten> {
        let (done, written) = oneshot::channel();
        self.queue.send((write, done)).await.map_err(|_| NotWritten)?;
        if written.await.unwrap_or(false) { Ok(()) } else { Err(NotWritten) }
    }

    /// Says that a request is being answered, before anything is done.
    pub async fn begin(&self, ticket: &Ticket) -> Result<(), NotWritten> {
        self.write(AuditWrite::Row(ticket.begin())).await
    }

    /// Says what came of a request, unless that went with its commit. `code` is that of the problem that was answered.
    pub async fn end(&self, ticket: &Ticket, status: u16, code: Option<&str>) {
        let mut row = ticket.end(status, code);
        if let Some(mut receipt) = ticket.receipt() {
            match receipt.written.try_recv() {
                Ok(()) => return,
                Err(oneshot::error::TryRecvError::Closed) if receipt.is_unclear() && status >= 500 => {
                    row.outcome = pulse_core::audit::Outcome::Unknown;
                }
                Err(oneshot::error::TryRecvError::Closed) => {}
                // It goes on without whoever asked, and its row goes with it; or it is refused later, and then this is its row.
                Err(oneshot::error::TryRecvError::Empty) => {
                    let log = self.clone();
                    drop(tokio::spawn(async move {
                        if receipt.written.await.is_err() {
                            log.write_or_say(AuditWrite::Row(row)).await;
                        }
                    }));
                    return;
                }
            }
        }
        // The log lies in the database that could not be reached: who waits for an answer should not wait for that twice.
        if code == Some("database_unavailable") && !ticket.is_begun() {
            return say(&row);
        }
        let write = match ticket.is_begun() {
            true => AuditWrite::End { late: fresh(clock::now()), record: row },
            false => AuditWrite::Row(row),
        };
        self.write_or_say(write).await;
    }

    /// Somebody without any credential, or with one too many that count for nothing, was refused: they are counted, so that nobody fills the
    /// log. `true` where the refusal has a row of its own.
    pub fn is_worth_a_row(&self, peer: Option<IpAddr>, ticket: &Ticket, nobody: bool) -> bool {
        self.strangers.is_worth_a_row(peer, &ticket.end(401, None).action, nobody, clock::now())
    }

    /// Writes down who was counted.
    pub async fn tell_strangers(&self) {
        for row in self.strangers.take(clock::now()) {
            self.write_or_say(AuditWrite::Row(row)).await;
        }
    }

    /// What cannot be written is in the log of this process at least.
    async fn write_or_say(&self, write: AuditWrite) {
        let row = match &write {
            AuditWrite::Row(row) | AuditWrite::End { record: row, .. } => row.clone(),
        };
        if self.write(write).await.is_err() {
            say(&row);
        }
    }
}

/// What cannot be written stands in the log outside.
fn say(row: &pulse_core::audit::Record) {
    let row = serde_json::to_string(row).unwrap_or_default();
    tracing::error!(row, "a row of the audit log could not be written");
}

async fn run(store: Store, mut waiting: mpsc::Receiver<Waiting>, mut stopped: watch::Receiver<bool>) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            count = waiting.recv_many(&mut batch, BATCH) => if count == 0 { return },
            _ = stopped.wait_for(|stop| *stop), if !waiting.is_closed() => waiting.close(),
        }
        write(&store, std::mem::take(&mut batch)).await;
    }
}

async fn write(store: &Store, batch: Vec<Waiting>) {
    let (writes, waiting): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let mut answers = vec![true; writes.len()];
    if !writes.is_empty()
        && let Err(error) = store.audit(&writes).await
    {
        tracing::error!(%error, rows = writes.len(), "the audit log cannot be written");
        answers.fill(false);
        // One that no engine takes must not keep the others out.
        if matches!(error, Error::Value { .. }) {
            for (write, answer) in writes.iter().zip(&mut answers) {
                *answer = store.audit(std::slice::from_ref(write)).await.is_ok();
            }
        }
    }
    for (waiting, answer) in waiting.into_iter().zip(answers) {
        // Whoever waited may be gone.
        let _ = waiting.send(answer);
    }
}
