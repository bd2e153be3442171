//! A database of its own for each controller, and the side door by which rows come in that no controller has written.

use anyhow::{Context, ensure};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::path::Path;

/// The server that `scripts/with-mariadb` started.
const VARIABLE: &str = "PULSE_TEST_MARIADB_URL";

/// Which engine keeps the executions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A server.
    MariaDb,
    /// Embedded.
    Sqlite,
}

impl Engine {
    /// Both.
    pub const ALL: [Self; 2] = [Self::MariaDb, Self::Sqlite];

    /// Its name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MariaDb => "MariaDB",
            Self::Sqlite => "SQLite",
        }
    }
}

/// An empty database; it is dropped with this.
pub struct Database {
    /// As in `PULSE_DATABASE_URL`.
    pub url: String,
    /// What keeps it.
    pub engine: Engine,
    name: Option<String>,
}

impl Database {
    /// Makes one; SQLite's file lies in the folder.
    pub async fn new(engine: Engine, folder: &Path) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        if engine == Engine::Sqlite {
            return Ok(Self { url: format!("sqlite://{}", folder.join("bench.db").display()), engine, name: None });
        }
        let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
        let mut connection = server().await?;
        let mode: i64 =
            sqlx::query_scalar("SELECT CAST(@@innodb_flush_log_at_trx_commit AS SIGNED)").fetch_one(&mut connection).await?;
        ensure!(mode == 1, "the server forgets commits (innodb_flush_log_at_trx_commit={mode}): its figures would say nothing");
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        connection.close().await?;
        Ok(Self { url: format!("{}/{name}", server_url()?), engine, name: Some(name) })
    }

    /// A connection beside the controller's.
    pub async fn side_door(&self) -> anyhow::Result<AnyConnection> {
        let url = if self.engine == Engine::Sqlite { format!("{}?mode=rwc", self.url) } else { self.url.clone() };
        Ok(AnyConnection::connect(&url).await?)
    }
}

impl Drop for Database {
    /// On a thread of its own, because the runtime may be ending.
    fn drop(&mut self) {
        let Some(name) = self.name.take() else { return };
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let statement = format!("SET STATEMENT lock_wait_timeout = 5 FOR DROP DATABASE IF EXISTS {name}");
                sqlx::query(AssertSqlSafe(statement)).execute(&mut server().await?).await?;
                anyhow::Ok(())
            })
        });
        // The server is this run's own and goes with it; what is left behind does no harm.
        drop(dropped.join());
    }
}

fn server_url() -> anyhow::Result<String> {
    std::env::var(VARIABLE).with_context(|| format!("{VARIABLE} is not set: use `make bench`, which starts a private MariaDB"))
}

async fn server() -> anyhow::Result<AnyConnection> {
    Ok(AnyConnection::connect(&server_url()?).await?)
}
