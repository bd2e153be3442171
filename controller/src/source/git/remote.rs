//! What is needed to reach a repository.

use super::http::{basic, certificates};
use super::{Limits, Location};
use crate::config::Secret;
use base64::Engine;

/// Who logs in where the settings do not say it.
pub(crate) const DEFAULT_USER: &str = "git";

/// A repository, the part of it that is the source, and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Where it is.
    pub location: Location,
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// The folder within it that is the source's root, `/` between parts; empty for all of it.
    pub path: String,
    /// How to log in.
    pub credentials: Credentials,
    /// PEM text of the authorities that may vouch for the host; this machine's unless said.
    pub ca: Option<String>,
    /// The host's keys in OpenSSH's format.
    pub known_hosts: Option<String>,
    /// How long and how much.
    pub limits: Limits,
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Not at all.
    None,
    /// By HTTP's Basic scheme.
    UserToken {
        /// The user.
        user: String,
        /// The token or password.
        token: Secret,
    },
    /// By SSH with the text of a private key that has no passphrase.
    SshKey(Secret),
}

impl Credentials {
    /// Every text that must not be shown.
    pub(super) fn secrets(&self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::UserToken { user, token } => vec![basic(user, token.reveal()), token.reveal().to_owned()],
            Self::SshKey(key) => key.reveal().lines().filter(|line| line.len() > 16).map(str::to_owned).collect(),
        }
    }
}

/// Checks a PEM text of authorities.
pub(crate) fn check_ca(pem: &str) -> Result<(), String> {
    certificates(pem).map(drop)
}

/// Checks the text of a private key, as far as that goes without using it.
pub(crate) fn check_key(text: &str) -> Result<(), &'static str> {
    let mut lines = text.trim().lines();
    let kind = lines.next().and_then(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("PRIVATE KEY-----"));
    let Some(kind) = kind else { return Err("it is no private key; it begins with -----BEGIN OPENSSH PRIVATE KEY-----") };
    let body: String = lines.take_while(|line| !line.starts_with("-----")).map(str::trim).collect();
    let encrypted = match kind.trim() {
        "OPENSSH" => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(&body).map_err(|_| "it is no whole private key")?;
            // After the magic comes the cipher's name with its length.
            !bytes.starts_with(b"openssh-key-v1\0\0\0\0\x04none")
        }
        kind => kind == "ENCRYPTED" || body.contains("Proc-Type") || body.contains("ENCRYPTED"),
    };
    if encrypted {
        Err("it has a passphrase, or is damaged; make one without: ssh-keygen -t ed25519 -N '' -f pulse_key")
    } else {
        Ok(())
    }
}
