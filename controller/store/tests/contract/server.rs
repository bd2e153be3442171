//! A MariaDB server of a test's own, with a user who has the rights that docs/mariadb.md grants, and one who may do everything.

#[expect(dead_code, reason = "these tests stop it by force only")]
#[path = "../../../tests/support/mariadb.rs"]
mod mariadb;

use mariadb::OwnServer;
use pulse_store::Store;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use tempfile::TempDir;

const INIT: &str = "CREATE DATABASE IF NOT EXISTS pulse;
CREATE USER IF NOT EXISTS 'pulse'@'%' IDENTIFIED BY 'p@ss/w?rd';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX ON pulse.* TO 'pulse'@'%';
";

pub struct Server {
    own: OwnServer,
    _folder: TempDir,
}

impl Server {
    /// A new server with a database `pulse`.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further arguments.
    pub fn start_with(more: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        drop(listener);
        let mut own = OwnServer::new(folder.path(), port, INIT);
        own.more = more;
        own.start();
        Self { own, _folder: folder }
    }

    pub fn url(&self) -> String {
        format!("mariadb://pulse:p%40ss%2Fw%3Frd@127.0.0.1:{}/pulse?ssl-mode=DISABLED", self.own.port())
    }

    /// A statement of the one who may do everything.
    pub async fn rule(&self, sql: &str) -> Result<(), sqlx::Error> {
        let mut connection = self.root().await?;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
        connection.close().await
    }

    /// How often anybody began a transaction.
    pub async fn begun(&self) -> u64 {
        let mut connection = self.root().await.expect("up");
        let select = "SELECT CAST(variable_value AS INTEGER) FROM information_schema.global_status \
            WHERE variable_name = 'Com_begin'";
        let begun: i64 = sqlx::query_scalar(select).fetch_one(&mut connection).await.expect("readable");
        connection.close().await.expect("closed");
        begun.unsigned_abs()
    }

    /// As when the power fails.
    pub fn kill(&mut self) {
        self.own.kill();
    }

    pub fn start_again(&mut self) {
        self.own.start();
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.url(), "controller-1").await.expect("the store opens")
    }

    async fn root(&self) -> Result<AnyConnection, sqlx::Error> {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&format!("mysql://root@127.0.0.1:{}/pulse", self.own.port())).await
    }
}
