//! OpenSSH's server on a free port of loopback, run by the test's own user with keys of its own, for one user key.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often, and how far apart, a server that starts is asked whether it listens.
const LISTEN_TRIES: usize = 1000;
const LISTEN_PAUSE: Duration = Duration::from_millis(20);
/// Debian's bash reads `~/.bashrc` for a command of sshd's unless it runs below another shell. What the user who tests has there
/// may take long, and must not decide.
const NO_BASHRC: &str = "SetEnv SHLVL=1";

/// The server; it ends when it is dropped.
pub struct SshRemote {
    folder: tempfile::TempDir,
    child: Child,
    port: u16,
    root: PathBuf,
}

impl SshRemote {
    /// Serves the repositories below this folder.
    pub fn open(root: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, kind) in [("host_ed25519", "ed25519"), ("host_ecdsa", "ecdsa"), ("user", "ed25519"), ("stranger", "ed25519")] {
            keygen(&folder.path().join(name), kind);
        }
        std::fs::copy(folder.path().join("user.pub"), folder.path().join("authorized_keys")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = serve(folder.path(), port);
        let remote = Self { folder, child, port, root: root.to_owned() };
        remote.await_listening();
        remote
    }

    /// The server comes back with other host keys.
    pub fn change_host_keys(&mut self) {
        self.end();
        for (name, kind) in [("host_ed25519", "ed25519"), ("host_ecdsa", "ecdsa")] {
            let path = self.folder.path().join(name);
            std::fs::remove_file(&path).unwrap();
            keygen(&path, kind);
        }
        self.child = serve(self.folder.path(), self.port);
        self.await_listening();
    }

    /// The URL of a repository below the root.
    pub fn url(&self, name: &str) -> String {
        self.url_at(self.port, name)
    }

    /// The same by another port of this host.
    pub fn url_at(&self, port: u16, name: &str) -> String {
        format!("ssh://{}@127.0.0.1:{port}{}/{name}", user(), self.root.display())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The private key that may log in.
    pub fn key(&self) -> String {
        self.read("user")
    }

    /// One that may not.
    pub fn strangers_key(&self) -> String {
        self.read("stranger")
    }

    /// The lines of known hosts, one for each kind of key: `ed25519`, `ecdsa`.
    pub fn known_hosts(&self, kinds: &[&str]) -> String {
        self.known_hosts_at(self.port, kinds)
    }

    /// The same for another port of this host.
    pub fn known_hosts_at(&self, port: u16, kinds: &[&str]) -> String {
        let line = |kind: &&str| {
            let key = self.read(&format!("host_{kind}.pub"));
            let mut words = key.split_whitespace();
            format!("[127.0.0.1]:{port} {} {}\n", words.next().unwrap(), words.next().unwrap())
        };
        kinds.iter().map(line).collect()
    }

    /// The same with the names hashed, as `ssh-keygen -H` writes them.
    pub fn hashed_known_hosts(&self, kinds: &[&str]) -> String {
        let path = self.folder.path().join("known_hosts");
        std::fs::write(&path, self.known_hosts(kinds)).unwrap();
        let answer = Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&path).output().unwrap();
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        std::fs::read_to_string(path).unwrap()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn await_listening(&self) {
        let listens = (0..LISTEN_TRIES).any(|_| {
            // sshd says nobody when it listens; only trying tells.
            TcpStream::connect(("127.0.0.1", self.port)).inspect_err(|_| std::thread::park_timeout(LISTEN_PAUSE)).is_ok()
        });
        assert!(listens, "sshd does not listen: {}", self.read("log"));
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for SshRemote {
    fn drop(&mut self) {
        self.end();
    }
}

fn user() -> String {
    let answer = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(answer.stdout).unwrap().trim().to_owned()
}

fn keygen(path: &Path, kind: &str) {
    let status = Command::new("ssh-keygen").args(["-q", "-N", "", "-t", kind, "-f"]).arg(path).stdin(Stdio::null()).status();
    assert!(status.unwrap().success());
}

fn serve(folder: &Path, port: u16) -> Child {
    let at = |name: &str| folder.join(name).display().to_string();
    let settings = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nHostKey {}\nPidFile none\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nPermitUserEnvironment no\nLogLevel VERBOSE\n\
         {NO_BASHRC}\n",
        at("host_ed25519"),
        at("host_ecdsa"),
        at("authorized_keys"),
    );
    let file = folder.join("sshd_config");
    std::fs::write(&file, settings).unwrap();
    if user() == "root" {
        // Where it is root that tests, sshd wants its folder for privilege separation.
        std::fs::create_dir_all("/run/sshd").unwrap();
    }
    let mut command = Command::new("/usr/sbin/sshd");
    command.arg("-D").arg("-E").arg(folder.join("log")).arg("-f").arg(file).stdin(Stdio::null());
    command.spawn().expect("openssh-server is installed")
}
