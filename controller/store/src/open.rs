//! An open store: its pools and its two writer tasks, from the leases it was given until it gives them back.

use crate::candidate::{Candidate, Ground, Taken};
use crate::leases::{LEASE, Leases};
use crate::output::OutputWriter;
use crate::transact::Tries;
use crate::transaction::Transaction;
use crate::writer::Writer;
use crate::{Error, faults, migrations};
use pulse_protocol::failpoint::{self, Act};
use sqlx::Any;
use sqlx::pool::PoolConnection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

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
    pub(crate) ground: Ground,
    pub(crate) leases: Leases,
    /// A row of the audit log was written that is to be sealed.
    pub(crate) audited: Notify,
    /// What the next commits meet, in tests.
    #[cfg(test)]
    pub(crate) fault: PlannedFaults,
}

/// What can happen to a COMMIT on its way.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(crate) enum CommitFault {
    /// It happened; the answer got lost.
    AnswerLost,
    /// It never arrived.
    RequestLost,
    /// It happens, a second after its answer got lost.
    Late,
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
    /// Opens the database at `url` for the controller `owner`: [`Candidate::connect`], then [`Candidate::take`]. An error if
    /// another controller has it: [`Error::Locked`] on an embedded database, else [`Error::Held`].
    pub async fn open(url: &str, owner: &str) -> Result<Self, Error> {
        match Candidate::connect(url, owner).await?.take().await? {
            Taken::Store(store) => Ok(store),
            Taken::StandBy(holder) => Err(Error::Held { holder: holder.name, expires_in: holder.expires_in }),
        }
    }

    /// Starts the writers on leases that were taken.
    pub(crate) fn start(ground: Ground, leases: Leases) -> Self {
        let database = Arc::new(Database {
            ground,
            leases,
            audited: Notify::new(),
            #[cfg(test)]
            fault: PlannedFaults::default(),
        });
        let (stop, stopped) = watch::channel(false);
        let writer = Writer::start(Arc::clone(&database), stopped.clone());
        let output = OutputWriter::start(Arc::clone(&database), stopped);
        Self { database, writer, output, stop: Arc::new(stop) }
    }

    /// The writer of executions.
    pub const fn writer(&self) -> &Writer {
        &self.writer
    }

    /// The writer of output.
    pub const fn output_writer(&self) -> &OutputWriter {
        &self.output
    }

    /// Connections to the database, and how many of them nobody uses: those that write, those that read.
    pub fn connections(&self) -> [(u32, u32); 2] {
        let of = |pool: &sqlx::AnyPool| (pool.size(), u32::try_from(pool.num_idle()).unwrap_or(u32::MAX));
        [of(&self.database.ground.write), of(&self.database.ground.read)]
    }

    /// How long no controller had held the leases when this one took them, by the database's clock, a clean stop of the last one
    /// included; none where none ever had. See [`Store::note_absence`].
    pub fn absence(&self) -> Option<Duration> {
        self.database.leases.absence
    }

    /// Every migration of this database and of this release.
    pub async fn migration_status(&self) -> Result<Vec<crate::MigrationState>, Error> {
        migrations::status(&self.database.ground.dialect, &mut *self.reader().await?).await
    }

    /// How long the leases hold after a renewal. Nothing on an embedded database: there the folder's lock says whose they are, and
    /// nobody can take them while this process lives.
    pub fn lease(&self) -> Option<Duration> {
        (!self.database.ground.dialect.takes_all_leases()).then_some(LEASE)
    }

    /// Renews the leases, which every batch does for its own; called every few seconds, so that they hold while nothing is
    /// written. [`Error::Fenced`] once another controller has taken one.
    pub async fn renew_leases(&self) -> Result<(), Error> {
        // One statement, which is its own transaction, and harmless twice.
        let mut tries = Tries::default();
        loop {
            match self.database.renew().await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(self.database.noted(Error::Fenced)),
                Err(error) => {
                    self.database.ground.vitals.note_database(&error);
                    if !faults::is_worth_another_try(&error) || !tries.another().await {
                        return Err(error.into());
                    }
                    self.database.ground.vitals.retries.inc();
                }
            }
        }
    }

    /// Writes what was submitted, gives the leases back, closes the database and lets go of the folder's lock once the last
    /// clone and the candidate are gone. Later calls answer that the store is closed.
    pub async fn close(self) {
        self.stop.send_replace(true);
        self.writer.ended().await;
        self.output.ended().await;
        if let Err(error) = self.give_back().await {
            tracing::warn!(%error, "the leases could not be given back; they expire by themselves");
        }
        self.database.ground.read.close().await;
        self.database.ground.write.close().await;
    }

    async fn give_back(&self) -> Result<(), Error> {
        let Database { ground, leases, .. } = &*self.database;
        let mut connection = ground.write.acquire().await?;
        failpoint::before(Act::ReturnLeases).map_err(sqlx::Error::from)?;
        leases.give_back(&ground.dialect, &mut connection).await?;
        Ok(failpoint::after(Act::ReturnLeases).map_err(sqlx::Error::from)?)
    }

    /// A connection to read with.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Any>, Error> {
        self.database.reader().await
    }
}

impl Database {
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Any>, Error> {
        match self.ground.read.acquire().await {
            Err(sqlx::Error::PoolClosed) => Err(Error::Closed),
            acquired => acquired.map_err(|error| self.noted(error.into())),
        }
    }

    /// The error, counted.
    fn noted(&self, error: Error) -> Error {
        self.ground.vitals.note(&error);
        error
    }

    async fn renew(&self) -> Result<bool, sqlx::Error> {
        let mut connection = self.ground.write.acquire().await?;
        failpoint::before(Act::RenewLeases)?;
        let renewed = self.leases.renew(&self.ground.dialect, &mut connection).await?;
        failpoint::after(Act::RenewLeases)?;
        Ok(renewed)
    }

    pub(crate) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        let mut transaction = Transaction::on(self.ground.write.acquire().await?);
        transaction.begin(self.ground.dialect.begin_write()).await?;
        Ok(transaction)
    }

    /// The same behind the fence of what is not written by partition. A controller that another has replaced would otherwise
    /// still apply an old commit, raise an agent's epoch under the new one's session, spend tokens, or cut output in two places.
    pub(crate) async fn begin_fenced(&self) -> Result<Transaction, Error> {
        let mut transaction = self.begin().await?;
        if self.leases.share(&self.ground.dialect, &mut transaction).await? {
            return Ok(transaction);
        }
        transaction.rollback().await?;
        Err(Error::Fenced)
    }

    /// Commits, and answers the connection. An error leaves it open whether it happened.
    pub(crate) async fn commit(&self, act: Act, transaction: Transaction) -> Result<Transaction, sqlx::Error> {
        #[cfg(test)]
        match self.fault.take() {
            Some(CommitFault::AnswerLost) => {
                transaction.commit(act).await?;
                return Err(sqlx::Error::Protocol("the answer got lost".to_owned()));
            }
            Some(CommitFault::RequestLost) => {
                transaction.rollback().await?;
                return Err(sqlx::Error::Protocol("the request got lost".to_owned()));
            }
            Some(CommitFault::Late) => {
                tokio::spawn(late(transaction, act));
                return Err(sqlx::Error::Protocol("the answer got lost".to_owned()));
            }
            None => {}
        }
        transaction.commit(act).await
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the commit is late by this time")]
async fn late(transaction: Transaction, act: Act) {
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    transaction.commit(act).await.unwrap();
}
