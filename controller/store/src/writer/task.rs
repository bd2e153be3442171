//! The writer's task: forms batches, commits them, answers each caller.

use super::batch;
use super::item::Prepared;
use super::{Pending, WriteError, settle};
use crate::candidate::TRUSTED;
use crate::dialect::Purpose;
use crate::faults;
use crate::open::Database;
use crate::sql::MAX_ROWS;
use crate::statement::{Conflict, Refused};
use crate::transact::{LIMIT, Tries, silent};
use crate::transaction::Transaction;
use pulse_protocol::failpoint::Act;
use pulse_protocol::planted::{self, Bug};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Why a try at a batch did not end in a known commit.
enum Failure {
    /// Rolled back because of one or more of its items.
    Conflict(WriteError),
    /// The database is away or refuses everything; nothing was written.
    Down(WriteError),
    /// COMMIT was sent and its answer is an error.
    Unclear(String),
}

/// Runs until the store is closed and everything submitted is answered. `_done` is dropped at the end.
pub(super) async fn run(
    database: Arc<Database>,
    mut items: mpsc::Receiver<Pending>,
    mut stopped: watch::Receiver<bool>,
    _done: watch::Sender<()>,
) {
    let (mut waiting, mut door) = (VecDeque::new(), Door::new(&database));
    while fill(&mut items, &mut waiting, &mut stopped).await {
        let batch = cut(&mut waiting);
        write(&mut door, batch).await;
    }
}

/// The way into the database. Between two batches the connection is kept, unless it is the only one: giving it back among the others costs
/// a round trip.
struct Door<'a> {
    database: &'a Database,
    kept: Option<(Transaction, Instant)>,
}

impl<'a> Door<'a> {
    const fn new(database: &'a Database) -> Self {
        Self { database, kept: None }
    }

    /// A connection on which nothing is begun. One that was not used for long may have broken meanwhile.
    async fn open(&mut self) -> Result<Transaction, sqlx::Error> {
        match self.kept.take() {
            Some((connection, used)) if used.elapsed() <= TRUSTED => Ok(connection),
            _ => Ok(Transaction::on(self.database.ground.write.acquire().await?)),
        }
    }

    fn keep(&mut self, connection: Transaction) {
        if self.database.ground.dialect.pool_size(Purpose::Write) > 1 {
            self.kept = Some((connection, Instant::now()));
        }
    }
}

/// Takes what waits, without waiting for more once there is something. False at the end.
async fn fill(items: &mut mpsc::Receiver<Pending>, waiting: &mut VecDeque<Pending>, stopped: &mut watch::Receiver<bool>) -> bool {
    while waiting.is_empty() {
        let mut taken = Vec::with_capacity(MAX_ROWS);
        tokio::select! {
            biased;
            count = items.recv_many(&mut taken, MAX_ROWS) => if count == 0 { return false },
            _ = stopped.wait_for(|stop| *stop), if !items.is_closed() => items.close(),
        }
        waiting.extend(taken);
    }
    while waiting.len() < MAX_ROWS
        && let Ok(item) = items.try_recv()
    {
        waiting.push_back(item);
    }
    true
}

/// The next batch: as many as fit, but each execution once, so that its items keep their order.
fn cut(waiting: &mut VecDeque<Pending>) -> Vec<Pending> {
    let mut seen = HashSet::new();
    let length = waiting.iter().take(MAX_ROWS).take_while(|pending| seen.insert(pending.item.item.execution)).count();
    waiting.drain(..length).collect()
}

async fn write(door: &mut Door<'_>, batch: Vec<Pending>) {
    let items: Vec<&Prepared> = batch.iter().map(|pending| &pending.item).collect();
    let answers = match commit(door, &items).await {
        Ok(()) => vec![Ok(()); items.len()],
        Err(Failure::Down(error)) => vec![Err(error); items.len()],
        Err(Failure::Conflict(error)) if items.len() == 1 => vec![Err(error)],
        Err(Failure::Conflict(error)) if planted::is(Bug::NeighboursDropped) => vec![Err(error); items.len()],
        Err(Failure::Conflict(_)) => one_by_one(door, &items).await,
        Err(Failure::Unclear(cause)) => settled(door, &items, &cause).await,
    };
    for (pending, answer) in batch.into_iter().zip(answers) {
        // A caller that has gone needs no answer.
        drop(pending.answer.send(answer));
    }
}

/// Each item in a transaction of its own, so that only the ones in conflict fail. Once the database is down, the rest is not
/// tried any more.
async fn one_by_one(door: &mut Door<'_>, items: &[&Prepared]) -> Vec<Result<(), WriteError>> {
    let mut answers = Vec::with_capacity(items.len());
    for item in items {
        let one = std::slice::from_ref(item);
        answers.push(match commit(door, one).await {
            Ok(()) => Ok(()),
            Err(Failure::Conflict(error)) => Err(error),
            Err(Failure::Down(error)) => {
                answers.resize(items.len(), Err(error));
                return answers;
            }
            Err(Failure::Unclear(cause)) => match settle::committed(door.database, one).await {
                Ok(there) if there == [true] => Ok(()),
                Ok(_) => Err(WriteError::Database { reason: cause }),
                Err(error) => Err(WriteError::Unclear { cause: format!("{cause}; reading back: {error}") }),
            },
        });
    }
    answers
}

/// What an unclear COMMIT has written is done; the rest is written again.
async fn settled(door: &mut Door<'_>, items: &[&Prepared], cause: &str) -> Vec<Result<(), WriteError>> {
    if planted::is(Bug::BlindRetry) {
        return one_by_one(door, items).await;
    }
    tracing::warn!(cause, items = items.len(), "a commit's outcome is unclear, reading it back");
    let there = match settle::committed(door.database, items).await {
        Ok(there) => there,
        Err(error) => {
            let unclear = WriteError::Unclear { cause: format!("{cause}; reading back: {error}") };
            return vec![Err(unclear); items.len()];
        }
    };
    let absent: Vec<&Prepared> = items.iter().zip(&there).filter(|(_, there)| !**there).map(|(item, _)| *item).collect();
    let mut again = one_by_one(door, &absent).await.into_iter();
    there.iter().map(|there| if *there { Ok(()) } else { again.next().unwrap_or(Err(WriteError::Closed)) }).collect()
}

/// One transaction for all items, tried again where the engine asks for it or the connection broke.
async fn commit(door: &mut Door<'_>, items: &[&Prepared]) -> Result<(), Failure> {
    let database = door.database;
    let vitals = &database.ground.vitals;
    let begun = Instant::now();
    let mut tries = Tries::default();
    loop {
        let error = match tokio::time::timeout(LIMIT, write_once(door, items)).await {
            Ok(Ok(transaction)) => match send_commit(database, transaction).await {
                Ok(connection) => {
                    door.keep(connection);
                    if items.iter().any(|item| !item.item.audit.is_empty()) {
                        database.audited.notify_one();
                    }
                    vitals.batch_size.observe(f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX)));
                    vitals.batch_seconds.observe(begun.elapsed().as_secs_f64());
                    return Ok(());
                }
                Err(error) if faults::asks_to_try_again(&error) => error,
                Err(error) => {
                    vitals.unclear.inc();
                    return Err(Failure::Unclear(error.to_string()));
                }
            },
            Ok(Err(Retry::No(failure))) => return Err(failure),
            Ok(Err(Retry::Again(error))) => error,
            Err(_) => silent(),
        };
        vitals.note_database(&error);
        if !tries.another().await {
            return Err(Failure::Down(error.into()));
        }
        vitals.retries.inc();
    }
}

async fn send_commit(database: &Database, transaction: Transaction) -> Result<Transaction, sqlx::Error> {
    let committed = tokio::time::timeout(LIMIT, database.commit(Act::Commit, transaction)).await;
    committed.unwrap_or_else(|_| Err(silent()))
}

enum Retry {
    Again(sqlx::Error),
    No(Failure),
}

/// Everything up to the COMMIT.
async fn write_once(door: &mut Door<'_>, items: &[&Prepared]) -> Result<Transaction, Retry> {
    let database = door.database;
    let mut transaction = door.open().await.map_err(|error| judge(database, error))?;
    let Err(refused) = batch::write(database, transaction.begins(), items).await else { return Ok(transaction) };
    let retry = match refused {
        Refused::Database(error) => judge(database, error),
        // Only one item can be explained; a batch is replayed one by one and needs no explanation.
        Refused::Conflict(conflict) => {
            if conflict == Conflict::Fenced {
                database.ground.vitals.fenced.inc();
            }
            Retry::No(Failure::Conflict(batch::explain(&mut transaction, items[0], conflict).await))
        }
    };
    // Now, so that its locks are gone before the next try. A broken connection has none.
    if let Ok(connection) = transaction.rollback().await {
        door.keep(connection);
    }
    Err(retry)
}

/// An error before COMMIT: try again, blame the items, or give up on the database.
fn judge(database: &Database, error: sqlx::Error) -> Retry {
    if faults::is_worth_another_try(&error) {
        return Retry::Again(error);
    }
    database.ground.vitals.note_database(&error);
    let of_the_data = matches!(error, sqlx::Error::Database(_) | sqlx::Error::Encode(_)) && !faults::is_transient(&error);
    let error = WriteError::from(error);
    Retry::No(if of_the_data { Failure::Conflict(error) } else { Failure::Down(error) })
}
