//! A store method is a transaction that is tried again as a whole: after a deadlock, a lock that came too late, a record that
//! changed, a connection that broke. When the answer to COMMIT gets lost, keys are read first.

#[cfg(test)]
mod tests;

use crate::faults;
use crate::open::Database;
use crate::{AdvanceError, ApplyError, EnrolError, Error, SessionError, Store};
use futures_util::future::BoxFuture;
use pulse_protocol::failpoint::Act;
use pulse_protocol::planted::{self, Bug};
use sqlx::AnyConnection;
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;
use std::time::Duration;

/// Tries of a transaction, and the pause before the second, doubled each time.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// How long one try may take. Only a server that has stopped answering takes that long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// An error of a store method.
pub(crate) trait Failure: From<Error> + Send {
    /// The error of the store that it is, if it is one.
    fn store(&self) -> Option<&Error>;
}

impl Failure for Error {
    fn store(&self) -> Option<&Error> {
        Some(self)
    }
}

/// Errors that hold one of the store's in their variant `Store`.
macro_rules! failures {
    ($($error:ident)*) => { $(
        impl Failure for $error {
            fn store(&self) -> Option<&Error> {
                if let Self::Store(error) = self { Some(error) } else { None }
            }
        }
    )* };
}
failures!(AdvanceError ApplyError EnrolError SessionError);

/// How one try ended without an answer.
enum Ended<E> {
    /// Nothing was written.
    Failed(E),
    /// COMMIT was sent and its answer is an error.
    Unclear(sqlx::Error),
}

/// Counts tries and waits between them, a little longer each time and not in step with others.
#[derive(Debug, Default)]
pub(crate) struct Tries(u32);

impl Tries {
    /// Waits; false when the tries are used up.
    #[expect(clippy::disallowed_methods, reason = "nothing tells when another process's transaction ends")]
    pub(crate) async fn another(&mut self) -> bool {
        self.0 += 1;
        if self.0 >= TRIES {
            return false;
        }
        let full = FIRST_PAUSE * (1 << (self.0 - 1));
        // Between half and the whole of it. The hasher's keys are random; nothing here needs better dice.
        let share = RandomState::new().hash_one(self.0) % 512;
        tokio::time::sleep(full / 2 + full * u32::try_from(share).unwrap_or(0) / 1024).await;
        true
    }
}

/// Says that what the work borrows (`'a`) outlives the connection it is lent (`'c`), which a closure's type cannot say otherwise.
#[derive(Debug)]
pub(crate) struct Within<'c, 'a>(PhantomData<&'c &'a ()>);

/// What is done in a transaction, as often as it takes: `|connection, _| Box::pin(async move { … })`.
pub(crate) trait Work<'a, T, E>:
    for<'c> Fn(&'c mut AnyConnection, Within<'c, 'a>) -> BoxFuture<'c, Result<T, E>> + Send + Sync
{
}
impl<'a, T, E, F> Work<'a, T, E> for F where
    F: for<'c> Fn(&'c mut AnyConnection, Within<'c, 'a>) -> BoxFuture<'c, Result<T, E>> + Send + Sync
{
}

/// For work that finds what it has written before and answers the same again.
pub(crate) fn look_again<'c, T: Send + 'static, E: Send + 'static>(
    _: &'c mut AnyConnection,
    _: Within<'c, '_>,
) -> BoxFuture<'c, Result<Option<T>, E>> {
    Box::pin(std::future::ready(Ok(None)))
}

impl Store {
    /// See [`Database::transact`].
    pub(crate) async fn transact<'a, T: Send, E: Failure>(
        &self,
        act: Act,
        work: impl Work<'a, T, E>,
        settle: impl Work<'a, Option<T>, E>,
    ) -> Result<T, E> {
        self.database.transact(act, work, settle).await
    }
}

impl Database {
    /// Runs `work` in one transaction behind the fence of what is not written by partition, and commits, which is `act`. An error of
    /// `work` rolls back.
    ///
    /// After a COMMIT without an answer `settle` looks whether it happened, and answers as `work` would have. It locks a row that
    /// `work` has written, so that it waits until the lost transaction has ended. `None` means that it did not happen, or that
    /// `work` will find out by itself.
    pub(crate) async fn transact<'a, T: Send, E: Failure>(
        &self,
        act: Act,
        work: impl Work<'a, T, E>,
        settle: impl Work<'a, Option<T>, E>,
    ) -> Result<T, E> {
        let mut tries = Tries::default();
        loop {
            let error = match self.once(act, &work).await {
                Ok(answer) => return Ok(answer),
                Err(Ended::Failed(error)) => error,
                Err(Ended::Unclear(cause)) if planted::is(Bug::BlindRetry) => Error::from(cause).into(),
                Err(Ended::Unclear(cause)) => {
                    tracing::warn!(%cause, "a commit's outcome is unclear, reading it back");
                    match self.settled(&settle, &cause).await? {
                        Some(answer) => return Ok(answer),
                        None => Error::from(cause).into(),
                    }
                }
            };
            if let Some(error) = error.store() {
                self.ground.vitals.note(error);
            }
            if !worth_another_try(&error) || !tries.another().await {
                return Err(error);
            }
            self.ground.vitals.retries.inc();
        }
    }

    async fn once<'a, T, E: Failure>(&self, act: Act, work: &impl Work<'a, T, E>) -> Result<T, Ended<E>> {
        let worked = async {
            let mut transaction = self.begin_fenced().await?;
            match work(&mut transaction, Within(PhantomData)).await {
                Ok(answer) => Ok((transaction, answer)),
                Err(error) => {
                    // Now, so that its locks are gone before the next try. A broken connection has none.
                    let _broken = transaction.rollback().await;
                    Err(error)
                }
            }
        };
        let worked = tokio::time::timeout(LIMIT, worked).await.map_err(|_| Ended::Failed(Error::from(silent()).into()))?;
        let (transaction, answer) = worked.map_err(Ended::Failed)?;
        let committed = tokio::time::timeout(LIMIT, self.commit(act, transaction)).await.unwrap_or_else(|_| Err(silent()));
        match committed {
            Ok(_) => Ok(answer),
            Err(error) if faults::asks_to_try_again(&error) => Err(Ended::Failed(Error::from(error).into())),
            Err(error) => Err(Ended::Unclear(error)),
        }
    }

    /// Looks, as often as it takes, whether a lost transaction happened.
    async fn settled<'a, T, E: Failure>(
        &self,
        settle: &impl Work<'a, Option<T>, E>,
        cause: &sqlx::Error,
    ) -> Result<Option<T>, E> {
        let mut tries = Tries::default();
        loop {
            let looked = async {
                let mut transaction = self.begin().await.map_err(Error::from)?;
                let found = settle(&mut transaction, Within(PhantomData)).await;
                let _broken = transaction.rollback().await;
                found
            };
            let looked = tokio::time::timeout(LIMIT, looked).await.unwrap_or_else(|_| Err(Error::from(silent()).into()));
            let error = match looked {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            if !worth_another_try(&error) || !tries.another().await {
                return Err(Error::Unclear { cause: cause.to_string() }.into());
            }
        }
    }
}

/// What a server that does not answer is taken for: a connection that broke.
pub(crate) fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database does not answer"))
}

fn worth_another_try<E: Failure>(error: &E) -> bool {
    matches!(error.store(), Some(Error::Database(error)) if faults::is_worth_another_try(error))
}
