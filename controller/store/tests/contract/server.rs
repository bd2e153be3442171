//! A MariaDB server of a test's own, for what would disturb others: killing it, and making it read-only.

use pulse_store::Store;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long a server may take to come up, in steps of a twentieth of a second.
const STEPS: u32 = 1200;

pub struct Server {
    folder: TempDir,
    port: u16,
    process: Child,
}

/// A command with the folders of daemons in its path.
fn command(program: &str) -> Command {
    let folders = ["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin"];
    let found = folders.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.exists());
    Command::new(found.unwrap_or_else(|| panic!("{program} is missing: `make setup` installs Debian's mariadb-server")))
}

fn user() -> String {
    let id = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(id.stdout).expect("a name").trim().to_owned()
}

fn run(folder: &Path, port: u16) -> Child {
    let place = |name: &str| folder.join(name).display().to_string();
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).expect("a log");
    command("mariadbd")
        .args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-buffer-pool-size=64M"])
        .arg(format!("--user={}", user()))
        .arg(format!("--datadir={}", place("data")))
        .arg(format!("--socket={}", place("socket")))
        .arg(format!("--pid-file={}", place("pid")))
        .arg(format!("--init-file={}", place("init.sql")))
        .arg(format!("--port={port}"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("mariadbd starts")
}

impl Server {
    /// A new server with a database `pulse`, a user with the rights that docs/mariadb.md grants, and
    /// one who may do everything.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let installed = command("mariadb-install-db")
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--user={}", user()))
            .arg(format!("--datadir={}", folder.path().join("data").display()))
            .output()
            .expect("mariadb-install-db runs");
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        let init = "CREATE DATABASE IF NOT EXISTS pulse;\n\
            CREATE USER IF NOT EXISTS 'pulse'@'%' IDENTIFIED BY 'p@ss/w?rd';\n\
            GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX ON pulse.* TO 'pulse'@'%';\n";
        std::fs::write(folder.path().join("init.sql"), init).expect("written");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        drop(listener);
        let process = run(folder.path(), port);
        let server = Self { folder, port, process };
        server.is_up().await;
        server
    }

    pub fn url(&self) -> String {
        format!("mariadb://pulse:p%40ss%2Fw%3Frd@127.0.0.1:{}/pulse?ssl-mode=DISABLED", self.port)
    }

    /// A statement of the one who may do everything.
    pub async fn rule(&self, sql: &str) -> Result<(), sqlx::Error> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&format!("mysql://root@127.0.0.1:{}/pulse", self.port)).await?;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
        connection.close().await
    }

    /// How often anybody began a transaction.
    pub async fn begun(&self) -> u64 {
        let mut connection = AnyConnection::connect(&format!("mysql://root@127.0.0.1:{}/pulse", self.port)).await.expect("up");
        let select = "SELECT CAST(variable_value AS INTEGER) FROM information_schema.global_status \
            WHERE variable_name = 'Com_begin'";
        let begun: i64 = sqlx::query_scalar(select).fetch_one(&mut connection).await.expect("readable");
        connection.close().await.expect("closed");
        begun.unsigned_abs()
    }

    /// As when the power fails.
    pub fn kill(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
    }

    pub async fn start_again(&mut self) {
        self.process = run(self.folder.path(), self.port);
        self.is_up().await;
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.url(), "controller-1").await.expect("the store opens")
    }

    #[expect(clippy::disallowed_methods, reason = "nothing tells when another process listens")]
    async fn is_up(&self) {
        for _ in 0..STEPS {
            if self.rule("SELECT 1 FROM mysql.db WHERE Db = 'pulse'").await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("the server does not come up: {log}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed by the test already.
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
