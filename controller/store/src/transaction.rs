//! A transaction that writes, and its connection. One that is neither committed nor rolled back, because its future was dropped or its
//! connection broke, ends with the connection: it never goes back among those that others get.

use crate::sql::plain;
use pulse_protocol::failpoint::{self, Act};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection};
use std::ops::{Deref, DerefMut};

/// A connection with the transaction that is open on it, or that its next statement begins.
#[derive(Debug)]
pub(crate) struct Transaction {
    connection: PoolConnection<Any>,
    open: bool,
}

impl Transaction {
    /// On this connection; nothing is begun yet.
    pub(crate) const fn on(connection: PoolConnection<Any>) -> Self {
        Self { connection, open: false }
    }

    /// Begins it.
    pub(crate) async fn begin(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        plain(self.begins(), statement).await
    }

    /// The connection for the statements that begin it.
    pub(crate) fn begins(&mut self) -> &mut AnyConnection {
        self.open = true;
        &mut self.connection
    }

    /// Commits, which is `act`, and answers the connection for another one. An error leaves it open whether it happened.
    pub(crate) async fn commit(self, act: Act) -> Result<Self, sqlx::Error> {
        failpoint::before(act)?;
        let connection = self.end("COMMIT").await?;
        failpoint::after(act)?;
        Ok(connection)
    }

    /// Rolls back, and answers the connection for another one.
    pub(crate) async fn rollback(self) -> Result<Self, sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, statement: &'static str) -> Result<Self, sqlx::Error> {
        plain(&mut self.connection, statement).await?;
        self.open = false;
        Ok(self)
    }
}

impl Deref for Transaction {
    type Target = AnyConnection;
    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.open {
            self.connection.close_on_drop();
        }
    }
}
