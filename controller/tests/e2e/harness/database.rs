//! The controller's database: an engine that every scene can have, and a server of a test's own that can be stopped.

#[path = "../../support/mariadb.rs"]
mod mariadb;
#[path = "../../../store/src/test_database.rs"]
mod test_database;

use super::port;
pub use mariadb::OwnServer;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};
use std::path::Path;
use test_database::TestDatabase;

/// An engine of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file in the controller's data folder.
    Sqlite,
    /// A database of its own on the server that `PULSE_TEST_MARIADB_URL` names.
    MariaDb,
}

/// One scene's database. Dropped with it.
pub struct Database {
    /// As in `PULSE_DATABASE_URL`.
    pub url: String,
    _made: Option<TestDatabase>,
}

impl Database {
    /// An empty one of this engine.
    pub fn new(engine: Engine, root: &Path) -> Self {
        match engine {
            Engine::Sqlite => Self::at(format!("sqlite://{}", root.join("controller/pulse.db").display())),
            Engine::MariaDb => {
                let made = runtime().block_on(TestDatabase::new());
                Self { url: made.url.clone(), _made: Some(made) }
            }
        }
    }

    /// The one on a server of the test's own.
    pub fn of(server: &OwnServer) -> Self {
        Self::at(format!("mariadb://root@127.0.0.1:{}/pulse", server.port()))
    }

    /// One that is there, at this URL.
    pub const fn open(url: String) -> Self {
        Self::at(url)
    }

    const fn at(url: String) -> Self {
        Self { url, _made: None }
    }

    /// A number, read behind the controller's back.
    pub fn number(&self, sql: &str) -> i64 {
        self.rows(sql, |row| row.get(0)).into_iter().next().expect(sql)
    }

    /// Rows of texts, read behind the controller's back.
    pub fn texts<const N: usize>(&self, sql: &str) -> Vec<[String; N]> {
        self.rows(sql, |row| std::array::from_fn(|at| row.get(at)))
    }

    fn rows<T>(&self, sql: &str, of: impl Fn(&AnyRow) -> T) -> Vec<T> {
        sqlx::any::install_default_drivers();
        runtime().block_on(async {
            let mut connection = AnyConnection::connect(&self.url).await.expect("the side door opens");
            let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.expect(sql);
            connection.close().await.expect("the side door closes");
            rows.iter().map(of).collect()
        })
    }

    /// A statement behind the controller's back.
    pub fn execute(&self, sql: &str) -> Result<(), sqlx::Error> {
        sqlx::any::install_default_drivers();
        runtime().block_on(async {
            let mut connection = AnyConnection::connect(&self.url).await?;
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
            connection.close().await
        })
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A MariaDB server of one test alone, with an empty database; it does not run yet.
pub fn own_server(root: &Path) -> OwnServer {
    own_server_with(root, "")
}

/// The same with further statements at each of its starts.
pub fn own_server_with(root: &Path, init: &str) -> OwnServer {
    let folder = root.join("mariadb");
    std::fs::create_dir(&folder).unwrap();
    OwnServer::new(&folder, port::free(), &format!("CREATE DATABASE IF NOT EXISTS pulse;\n{init}"))
}
