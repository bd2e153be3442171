//! A MariaDB database of its own for one test, dropped with it. Used by the unit tests here and by the contract suite.

use sqlx::{AnyConnection, AssertSqlSafe, Connection};

/// The server's URL, without a database.
const VARIABLE: &str = "PULSE_TEST_MARIADB_URL";

/// An empty database.
pub struct TestDatabase {
    /// What `Store::open` takes.
    pub url: String,
    name: String,
}

/// The server that the tests run on.
#[expect(clippy::disallowed_methods, reason = "tests are told by their environment which server to use")]
fn server() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| {
        panic!(
            "{VARIABLE} is not set: this test needs a MariaDB; run it as `scripts/with-mariadb cargo test …`, or run `make test`"
        )
    })
}

async fn statement(sql: String) -> Result<(), sqlx::Error> {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&server()).await?;
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await
}

impl TestDatabase {
    /// Makes it.
    pub async fn new() -> Self {
        let name = format!("pulse_{}", uuid::Uuid::new_v4().simple());
        statement(format!("CREATE DATABASE {name}")).await.expect("the test's database is made");
        Self { url: format!("{}/{name}", server()), name }
    }
}

impl Drop for TestDatabase {
    /// On a thread of its own, because the test's runtime may be ending. A test that failed in the middle of a transaction still
    /// holds its tables; that is not waited for long.
    fn drop(&mut self) {
        let drop = format!("SET STATEMENT lock_wait_timeout = 5 FOR DROP DATABASE IF EXISTS {}", self.name);
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(statement(drop))
        });
        // The server is the test run's own and goes with it; what is left behind does no harm.
        let _left_behind = dropped.join();
    }
}
