//! The controller's database: an engine that every scene can have, and a server of a test's own that can be stopped.

#[path = "../../../store/src/test_database.rs"]
mod test_database;

use super::process::Process;
use super::{port, wait};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::path::{Path, PathBuf};
use std::process::Command;
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

    /// One that somebody else makes and drops.
    pub const fn at(url: String) -> Self {
        Self { url, _made: None }
    }

    /// A number, read behind the controller's back.
    pub fn number(&self, sql: &str) -> i64 {
        sqlx::any::install_default_drivers();
        runtime().block_on(async {
            let mut connection = AnyConnection::connect(&self.url).await.expect("the side door opens");
            let number = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.expect(sql);
            connection.close().await.expect("the side door closes");
            number
        })
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A MariaDB server of one test alone, which may stop and start it.
pub struct Server {
    process: Option<Process>,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Makes its data; it does not run yet.
    pub fn new(root: &Path) -> Self {
        let folder = root.join("mariadb");
        std::fs::create_dir(&folder).unwrap();
        let data = format!("--datadir={}", folder.join("data").display());
        let made = Command::new(program("mariadb-install-db"))
            .args(["--no-defaults", &format!("--user={}", user()), &data, "--auth-root-authentication-method=normal"])
            .args(["--skip-test-db", "--skip-name-resolve"])
            .output()
            .unwrap();
        assert!(made.status.success(), "mariadb-install-db: {}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(folder.join("init.sql"), "CREATE DATABASE IF NOT EXISTS pulse;\n").unwrap();
        Self { process: None, folder, port: port::free() }
    }

    /// The database on it.
    pub fn url(&self) -> String {
        format!("mariadb://root@127.0.0.1:{}/pulse", self.port)
    }

    /// Starts it, and waits until it answers.
    pub fn start(&mut self) {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let log = self.folder.join("server.log");
        let before = readies(&log);
        let arguments = [
            // It ends with the test, however that ends.
            "--pdeathsig".to_owned(),
            "TERM".to_owned(),
            program("mariadbd").display().to_string(),
            "--no-defaults".to_owned(),
            format!("--user={}", user()),
            format!("--datadir={}", path("data")),
            format!("--socket={}", path("socket")),
            format!("--pid-file={}", path("pid")),
            format!("--init-file={}", path("init.sql")),
            format!("--port={}", self.port),
            "--bind-address=127.0.0.1".to_owned(),
            "--skip-name-resolve".to_owned(),
            "--innodb-buffer-pool-size=32M".to_owned(),
            "--performance-schema=OFF".to_owned(),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let process = self.process.insert(Process::start(&program("setpriv"), &arguments, &[], &log));
        wait("the server to be ready", || {
            assert!(process.ended().is_none(), "the server ended at its start:\n{}", process.log());
            (readies(&log) > before).then_some(())
        });
    }

    /// SIGTERM, and waits for its end.
    pub fn stop(&mut self) {
        self.process.take().expect("a server").terminate();
    }

    /// SIGKILL, and waits for its end.
    pub fn kill(&mut self) {
        self.process = None;
    }
}

fn readies(log: &Path) -> usize {
    std::fs::read_to_string(log).unwrap_or_default().matches("ready for connections").count()
}

fn program(name: &str) -> PathBuf {
    let folders = ["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin", "/bin"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing; `make setup` installs it"))
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
