//! On the way to a store: a database that is connected and migrated, and whose leases may be another controller's.

use crate::dialect::{Dialect, Purpose};
use crate::leases::{self, Leases};
use crate::lock::FolderLock;
use crate::transaction::Transaction;
use crate::{Error, Store, Vitals, backup, migrations};
use pulse_protocol::failpoint::Act;
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, Connection};
use std::sync::Arc;
use std::time::Duration;

/// A database that is connected and migrated; it holds no lease.
#[derive(Debug)]
pub struct Candidate {
    owner: String,
    pub(crate) ground: Ground,
}

/// What a candidate hands on to its store.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) dialect: Dialect,
    pub(crate) write: AnyPool,
    pub(crate) read: AnyPool,
    /// What is counted.
    pub(crate) vitals: Vitals,
    /// Dropped last: an embedded database is this process's until its connections are gone.
    pub(crate) _lock: Option<Arc<FolderLock>>,
}

/// What came of trying to take the leases.
#[derive(Debug)]
pub enum Taken {
    /// They are this controller's.
    Store(Store),
    /// Another controller has them: this one stands by.
    StandBy(Holder),
}

/// The controller that has the leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The name it was opened with.
    pub name: String,
    /// When its leases expire unless it renews them, by the database's clock.
    pub expires_in: Duration,
}

impl Candidate {
    /// Connects to the database at `url` for the controller `owner` (a name of this process and no other) and migrates it. On an
    /// embedded database it takes the data folder's lock; a second controller is refused with [`Error::Locked`].
    pub async fn connect(url: &str, owner: &str) -> Result<Self, Error> {
        Self::watched(url, owner, Vitals::default()).await
    }

    /// The same, with somebody who watches what is counted.
    pub async fn watched(url: &str, owner: &str, vitals: Vitals) -> Result<Self, Error> {
        let connected = Self::connected(url, owner, vitals.clone()).await;
        connected.inspect_err(|error| vitals.note(error))
    }

    async fn connected(url: &str, owner: &str, vitals: Vitals) -> Result<Self, Error> {
        let dialect = Dialect::of(url)?;
        let lock = dialect.exclusive()?.map(Arc::new);
        let mut connection = migrations::connect(&dialect).await?;
        migrations::run(&dialect, &mut connection).await?;
        connection.close().await?;
        let write = pool(&dialect, Purpose::Write).await?;
        let read = pool(&dialect, Purpose::Read).await?;
        Ok(Self { owner: owner.to_owned(), ground: Ground { dialect, write, read, vitals, _lock: lock } })
    }

    /// Takes every lease if all are free or have expired by the database's clock; on an embedded database the kernel's lock has
    /// decided already. May be asked again, also after an error.
    pub async fn take(&self) -> Result<Taken, Error> {
        let Ground { dialect, write, .. } = &self.ground;
        // A look first, so that standing by locks no row. It is a hint; the update decides.
        if !dialect.takes_all_leases()
            && let Some(holder) = leases::holder(dialect, &mut *write.acquire().await?).await?
            && holder.name != self.owner
        {
            return Ok(Taken::StandBy(holder));
        }
        // Should the answer to an earlier try have got lost, the leases stand under this name.
        self.take_from(&self.owner).await
    }

    /// The same where the caller has proof that the controller of the name `dead` runs no more: its leases count as expired.
    pub async fn take_from(&self, dead: &str) -> Result<Taken, Error> {
        let Ground { dialect, write, .. } = &self.ground;
        let mut transaction = Transaction::on(write.acquire().await?);
        transaction.begin(dialect.begin_write()).await?;
        // One that stood by while the database was restored finds it as it is now.
        backup::refuse_half_restored(&mut transaction).await?;
        let Some(leases) = Leases::take(dialect, &mut transaction, &self.owner, dead).await? else {
            transaction.rollback().await?;
            let holder = leases::holder(dialect, &mut *write.acquire().await?).await?;
            // Given back or expired since: the next try finds them free.
            let gone = || Holder { name: String::new(), expires_in: Duration::ZERO };
            return Ok(Taken::StandBy(holder.unwrap_or_else(gone)));
        };
        transaction.commit(Act::TakeLeases).await?;
        Ok(Taken::Store(Store::start(self.ground.clone(), leases)))
    }
}

/// For so long after its last use a writing connection counts as a good one; later it is tried first.
pub(crate) const TRUSTED: Duration = Duration::from_secs(1);

async fn pool(dialect: &Dialect, purpose: Purpose) -> Result<AnyPool, Error> {
    let set_up = dialect.clone();
    let may_break = dialect.can_lose_connections();
    // What is written is tried again where its connection breaks (but for leases that are given back, which expire by themselves); a
    // reader is not.
    let trusted = if purpose == Purpose::Write { TRUSTED } else { Duration::ZERO };
    let options = AnyPoolOptions::new()
        .max_connections(dialect.pool_size(purpose))
        .min_connections(1)
        .acquire_timeout(dialect.patience())
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(move |connection, connection_is| {
            Box::pin(async move {
                if may_break && connection_is.idle_for > trusted {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            let dialect = set_up.clone();
            // The pool logs it and asks for another connection, until its patience ends.
            let refused = |error| match error {
                Error::Database(error) => error,
                error => sqlx::Error::Configuration(Box::new(error)),
            };
            Box::pin(async move { dialect.set_up(connection, purpose).await.map_err(refused) })
        });
    Ok(options.connect_with(dialect.connect_options(purpose)?).await?)
}
