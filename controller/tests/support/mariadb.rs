//! A MariaDB server of one test alone, for what would disturb others: the test stops, kills and starts it as it likes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a server may take to come up or to end, in steps of a fiftieth of a second.
const STEPS: u32 = 3000;

/// A server with its data in a folder of its own; it ends with the test, however that ends.
pub struct OwnServer {
    folder: PathBuf,
    port: u16,
    process: Option<Child>,
    /// Arguments of its starts beside those that every server has.
    pub more: &'static [&'static str],
}

impl OwnServer {
    /// Makes its data in this folder, which is its own, also for temporary tables: a server that starts removes all that it finds.
    /// It does not run yet. `init`: statements of each start, one a line; it answers nobody before they are done. `root` has no
    /// password.
    pub fn new(folder: &Path, port: u16, init: &str) -> Self {
        let server = Self { folder: folder.to_owned(), port, process: None, more: &[] };
        std::fs::create_dir_all(folder.join("tmp")).expect("a folder");
        let made = Command::new(program("mariadb-install-db"))
            .env("TMPDIR", folder.join("tmp"))
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"])
            .args([format!("--user={}", user()), format!("--datadir={}", server.path("data"))])
            .output()
            .expect("mariadb-install-db runs");
        assert!(made.status.success(), "mariadb-install-db: {}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(folder.join("init.sql"), init).expect("written");
        server
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, and waits until it answers.
    pub fn start(&mut self) {
        let before = self.readies();
        let log = File::options().create(true).append(true).open(self.folder.join("log")).expect("a log");
        // A write beyond a limit that a test sets shall fail as on a full disk, and not end the server.
        let child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
            .arg(program("setpriv"))
            .args(["--pdeathsig", "TERM"])
            .env("TMPDIR", self.folder.join("tmp"))
            .arg(program("mariadbd"))
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--performance-schema=OFF"])
            .args(["--innodb-buffer-pool-size=64M".to_owned(), format!("--user={}", user()), format!("--port={}", self.port)])
            .args([format!("--datadir={}", self.path("data")), format!("--socket={}", self.path("socket"))])
            .args([format!("--pid-file={}", self.path("pid")), format!("--init-file={}", self.path("init.sql"))])
            .args(self.more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("setpriv starts");
        self.process = Some(child);
        self.wait("be ready", |server| server.readies() > before);
    }

    /// SIGTERM, and waits for its end.
    pub fn stop(&mut self) {
        self.signal("TERM");
        self.wait("end", |server| server.has_ended());
        self.process = None;
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let id = self.id();
        let told = Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs");
        assert!(told.success(), "it runs");
    }

    /// From now on its file of tables (with `--innodb-file-per-table=0` there is one) cannot grow: what needs room fails as on a full
    /// disk. Any user may do that to a server of its own, where a small disk would have to be mounted.
    pub fn fill_disk(&self) {
        let size = std::fs::metadata(self.folder.join("data/ibdata1")).expect("tables").len();
        self.limit_files(&size.to_string());
    }

    /// There is room again.
    pub fn free_disk(&self) {
        self.limit_files("unlimited");
    }

    fn limit_files(&self, size: &str) {
        let limited =
            Command::new(program("prlimit")).args(["--pid", &self.id()]).arg(format!("--fsize={size}:unlimited")).status();
        assert!(limited.expect("prlimit runs").success(), "it runs");
    }

    fn id(&self) -> String {
        self.process.as_ref().expect("a server").id().to_string()
    }

    /// As when the power fails.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            // It may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }

    #[expect(clippy::disallowed_methods, reason = "nothing tells when another process is ready, or has ended")]
    fn wait(&mut self, what: &str, is_so: impl Fn(&mut Self) -> bool) {
        for _ in 0..STEPS {
            // Asked first: what it wrote at its end is read after that.
            let ended = self.has_ended();
            if is_so(self) {
                return;
            }
            assert!(!ended, "the server ended; it should {what}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server does not {what}:\n{}", self.log());
    }

    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(|child| child.try_wait().expect("asked").is_some())
    }

    fn readies(&self) -> usize {
        self.log().matches("ready for connections").count()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program, also one of the folders of daemons, which are in no path of a user.
fn program(name: &str) -> PathBuf {
    let folders = ["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin", "/bin"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: `make setup` installs Debian's mariadb-server"))
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(output.stdout).expect("a name").trim().to_owned()
}
