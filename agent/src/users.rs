//! As whom commands run. A file of this host alone says it: no message of a controller reaches what is decided here.
//!
//! ```yaml
//! # /etc/pulse/agent.yaml
//! allowUsers: [root, postgres]   # who a step's `user` may be, beside the agent's own
//! defaultUser: pulse-jobs        # whose commands are those that name nobody; the agent's own unless said
//! ```

mod account;

pub use account::{Account, find};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where the file is unless said.
pub const DEFAULT_FILE: &str = "/etc/pulse/agent.yaml";
/// Longest file.
const MAX_FILE: u64 = 64 * 1024;
/// The uid of root.
const ROOT: u32 = 0;

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Local {
    allow_users: Option<BTreeSet<String>>,
    default_user: Option<String>,
    // The agent's settings, which may stand in the same file; `config` reads them.
    server: Other,
    token: Other,
    token_file: Other,
    name: Other,
    labels: Other,
    slots: Other,
    data_dir: Other,
    ca: Other,
    insecure_http: Other,
    heartbeat: Other,
    log: Other,
    local: Other,
    shims: Other,
}

/// Something that is none of this file's business.
#[derive(Debug, Default, PartialEq, Eq)]
struct Other;

impl<'de> Deserialize<'de> for Other {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// Who commands may be.
#[derive(Debug)]
pub struct Users {
    /// The agent's own uid.
    own: u32,
    /// The file, for people.
    file: PathBuf,
    local: Local,
}

impl Users {
    /// Reads the file. One that is not there allows nothing, unless it was named.
    pub fn read(named: Option<&Path>) -> Result<Self> {
        let own = rustix::process::geteuid().as_raw();
        let file = named.unwrap_or(Path::new(DEFAULT_FILE)).to_owned();
        let local = match File::open(&file) {
            Ok(open) => read(&open, &file, own).with_context(|| format!("{} (PULSE_AGENT_LOCAL)", file.display()))?,
            Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => Local::default(),
            Err(error) => return Err(error).with_context(|| format!("{} (PULSE_AGENT_LOCAL) cannot be read", file.display())),
        };
        Ok(Self { own, file, local })
    }

    /// Who a command is that wants to be `wanted`; `None` is the agent's own user. An error is the reason for people why it
    /// must not start.
    pub fn judge(
        &self,
        wanted: Option<&str>,
        find: impl Fn(&str) -> std::io::Result<Option<Account>>,
    ) -> Result<Option<Account>, String> {
        let by_default = self.local.default_user.as_deref();
        let Some(name) = wanted.or(by_default) else { return self.as_own().map(|()| None) };
        let account = find(name).map_err(|error| format!("the user {name} cannot be looked up: {error}"))?;
        let account = account.ok_or_else(|| format!("the user {name} is not known on this host"))?;
        if account.uid == self.own && self.own != ROOT {
            return Ok(None);
        }
        if !self.allows(name) && (wanted.is_some() && by_default != Some(name)) {
            return Err(format!(
                "this host does not allow commands as {name}: its owner adds it to `allowUsers` in {}",
                self.place()
            ));
        }
        match self.own {
            ROOT => Ok(Some(account).filter(|account| account.uid != ROOT)),
            _ => Err(format!(
                "the agent is not root, so it cannot become {name}: its owner starts it as root, or the command uses sudo"
            )),
        }
    }

    /// Root itself is refused once the file says who is allowed, and names it not.
    fn as_own(&self) -> Result<(), String> {
        if self.own != ROOT || self.local.allow_users.is_none() || self.allows("root") {
            return Ok(());
        }
        Err(format!("the agent runs as root, and {} does not allow commands as root: name a `user` that it allows", self.place()))
    }

    fn allows(&self, name: &str) -> bool {
        match &self.local.allow_users {
            Some(allowed) => allowed.contains(name),
            // Whoever started the agent as root has said so already.
            None => self.own == ROOT && name == "root",
        }
    }

    fn place(&self) -> std::path::Display<'_> {
        self.file.display()
    }
}

fn read(open: &File, path: &Path, own: u32) -> Result<Local> {
    if own == ROOT {
        guarded(&open.metadata()?)?;
        let folder = std::path::absolute(path)?;
        let folder = folder.parent().unwrap_or(Path::new("/"));
        guarded(&std::fs::metadata(folder)?).with_context(|| format!("its folder {}", folder.display()))?;
    }
    let mut text = String::new();
    open.take(MAX_FILE).read_to_string(&mut text)?;
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Local::default());
    }
    serde_saphyr::from_str(&text).context("it is wrong")
}

/// It says who may be root, so nobody else may write it.
fn guarded(found: &Metadata) -> Result<()> {
    ensure!(
        found.uid() == ROOT && found.mode() & 0o022 == 0,
        "the agent runs as root, so this must be root's and writable by nobody else: chown root and chmod go-w (uid {}, mode {:o} now)",
        found.uid(),
        found.mode() & 0o7777
    );
    Ok(())
}

#[cfg(test)]
#[path = "users_tests.rs"]
mod tests;
