//! Opening a store: lock, migrations, leases, pools, the two writer tasks.

use crate::clock::Clock;
use crate::dialect::{Dialect, Purpose};
use crate::leases::Leases;
use crate::lock::FolderLock;
use crate::output::OutputWriter;
use crate::writer::Writer;
use crate::{Error, migrations};
use pulse_core::time::Timestamp;
use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Transaction};
use std::sync::Arc;
use tokio::sync::watch;

/// An open store. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) database: Arc<Database>,
    writer: Writer,
    output: OutputWriter,
    stop: Arc<watch::Sender<bool>>,
}

/// The pools and what goes with them. Dropped last, and with it the folder's lock.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) dialect: Dialect,
    pub(crate) leases: Leases,
    pub(crate) clock: Clock,
    write: AnyPool,
    read: AnyPool,
    /// What the next commits meet, in tests.
    #[cfg(test)]
    pub(crate) fault: PlannedFaults,
    _lock: Option<FolderLock>,
}

/// What can happen to a COMMIT on its way.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(crate) enum CommitFault {
    /// It happened; the answer got lost.
    AnswerLost,
    /// It never arrived.
    RequestLost,
}

/// Faults in the order in which they come.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct PlannedFaults(std::sync::Mutex<std::collections::VecDeque<CommitFault>>);

#[cfg(test)]
impl PlannedFaults {
    pub(crate) fn plan(&self, faults: impl IntoIterator<Item = CommitFault>) {
        self.0.lock().unwrap().extend(faults);
    }
    pub(crate) fn is_spent(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
    fn take(&self) -> Option<CommitFault> {
        self.0.lock().unwrap().pop_front()
    }
}

impl Store {
    /// Opens the database at `url` for the controller `owner`: takes the data folder's lock, migrates, takes the leases. On an
    /// embedded database a second controller is refused with [`Error::Locked`].
    pub async fn open(url: &str, owner: &str, now: Timestamp) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of(url)?;
        let lock = dialect.exclusive()?;
        let write = pool(&dialect, Purpose::Write).await?;
        migrations::run(&dialect, &mut *write.acquire().await?).await?;
        let read = pool(&dialect, Purpose::Read).await?;
        let leases = take_leases(&dialect, &write, owner, now).await?;
        let database = Arc::new(Database {
            dialect,
            leases,
            clock: Clock::starting(now),
            write,
            read,
            #[cfg(test)]
            fault: PlannedFaults::default(),
            _lock: lock,
        });
        let (stop, stopped) = watch::channel(false);
        let writer = Writer::start(Arc::clone(&database), stopped.clone());
        let output = OutputWriter::start(Arc::clone(&database), stopped);
        Ok(Self { database, writer, output, stop: Arc::new(stop) })
    }

    /// The writer of executions.
    pub const fn writer(&self) -> &Writer {
        &self.writer
    }

    /// The writer of output.
    pub const fn output_writer(&self) -> &OutputWriter {
        &self.output
    }

    /// Every migration of this database and of this release.
    pub async fn migration_status(&self) -> Result<Vec<crate::MigrationState>, Error> {
        migrations::status(&self.database.dialect, &mut *self.reader().await?).await
    }

    /// Writes what was submitted, then closes the database and lets go of the folder's lock once the last clone is gone.
    /// Later calls answer that the store is closed.
    pub async fn close(self) {
        self.stop.send_replace(true);
        self.writer.ended().await;
        self.output.ended().await;
        self.database.read.close().await;
        self.database.write.close().await;
    }

    /// A connection to read with.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Any>, Error> {
        self.database.reader().await
    }

    /// A transaction that will write.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, Error> {
        Ok(self.database.begin().await?)
    }
}

impl Database {
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Any>, Error> {
        match self.read.acquire().await {
            Err(sqlx::Error::PoolClosed) => Err(Error::Closed),
            acquired => Ok(acquired?),
        }
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.write.begin_with(self.dialect.begin_write()).await
    }

    /// Commits. An error leaves it open whether it happened.
    pub(crate) async fn commit(&self, transaction: Transaction<'static, Any>) -> Result<(), sqlx::Error> {
        #[cfg(test)]
        match self.fault.take() {
            Some(CommitFault::AnswerLost) => {
                transaction.commit().await?;
                return Err(sqlx::Error::Protocol("the answer got lost".to_owned()));
            }
            Some(CommitFault::RequestLost) => {
                transaction.rollback().await?;
                return Err(sqlx::Error::Protocol("the request got lost".to_owned()));
            }
            None => {}
        }
        transaction.commit().await
    }
}

async fn pool(dialect: &Dialect, purpose: Purpose) -> Result<AnyPool, Error> {
    let set_up = dialect.clone();
    let options = AnyPoolOptions::new()
        .max_connections(dialect.pool_size(purpose))
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(dialect.can_lose_connections())
        .after_connect(move |connection, _| {
            let dialect = set_up.clone();
            Box::pin(async move { dialect.set_up(connection, purpose).await })
        });
    Ok(options.connect_with(dialect.connect_options(purpose)?).await?)
}

async fn take_leases(dialect: &Dialect, write: &AnyPool, owner: &str, now: Timestamp) -> Result<Leases, Error> {
    debug_assert!(dialect.takes_all_leases(), "an engine whose leases are shared out waits for them to expire");
    let mut transaction = write.begin_with(dialect.begin_write()).await?;
    let leases = Leases::take_all(dialect, &mut transaction, owner, now).await?;
    transaction.commit().await?;
    Ok(leases)
}
