//! Settings: flags before environment before file. Everything is checked here, before anything is touched.

use crate::trust;
use anyhow::{Context, Result, bail, ensure};
use pulse_protocol::AgentName;
use pulse_protocol::token::{Fingerprint, authority_of};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::net::IpAddr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest token file or descriptor content.
const MAX_TOKEN: u64 = 4096;
/// Longest heartbeat interval, seconds; after 30 the controller takes an agent for offline.
const MAX_HEARTBEAT: u32 = 10;

/// The flags of `pulse-agent`; each names its environment variable.
#[derive(Debug, Default, clap::Args)]
pub struct Flags {
    /// The controller's address, such as https://pulse.example.org
    #[arg(long, env = "PULSE_SERVER", value_name = "URL")]
    server: Option<String>,
    /// A file with the enrolment token; the token itself may stand in PULSE_AGENT_TOKEN
    #[arg(long, env = "PULSE_AGENT_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// An inherited file descriptor to read the enrolment token from
    #[arg(long, value_name = "N", conflicts_with = "token_file")]
    token_fd: Option<RawFd>,
    /// The agent's name; the host's unless said (also WORKER_NAME)
    #[arg(long, env = "PULSE_AGENT_NAME")]
    name: Option<String>,
    /// Labels, such as role=web,env=prod; shown as self/role=web
    #[arg(long, env = "PULSE_AGENT_LABELS", value_name = "K=V,…")]
    labels: Option<String>,
    /// How many commands run side by side; 5 unless said (also MAX_CONCURRENT_TASKS)
    #[arg(long, env = "PULSE_AGENT_SLOTS", value_name = "N")]
    slots: Option<u32>,
    /// Where key, journal and output are kept; /var/lib/pulse-agent, or ~/.local/state/pulse-agent when not root
    #[arg(long, env = "PULSE_AGENT_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A PEM file with the only certificate authorities to trust over https; the one that the token names, or the machine's, unless said
    #[arg(long, env = "PULSE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Speak plain http also to other hosts (true or false)
    #[arg(long, env = "PULSE_INSECURE_HTTP", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    insecure_http: Option<bool>,
    /// A YAML file with settings (server, tokenFile, name, labels, slots, dataDir, ca, insecureHttp)
    #[arg(long, env = "PULSE_AGENT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What this host allows: as whom commands may run (allowUsers, defaultUser); /etc/pulse/agent.yaml, where there is one, unless said
    #[arg(long, env = "PULSE_AGENT_LOCAL", value_name = "FILE")]
    local: Option<PathBuf>,
    /// A socket at which a service manager starts what makes commands' processes, so that the agent's own bounds do not bind them
    #[arg(long, env = "PULSE_AGENT_SHIMS", value_name = "SOCKET")]
    shims: Option<PathBuf>,
}

/// The settings file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct File {
    server: Option<String>,
    token_file: Option<PathBuf>,
    name: Option<String>,
    labels: BTreeMap<String, String>,
    slots: Option<u32>,
    data_dir: Option<PathBuf>,
    ca: Option<PathBuf>,
    insecure_http: Option<bool>,
}

/// Settings that have been checked.
#[derive(Debug)]
pub struct Settings {
    /// The controller.
    pub server: Server,
    /// The enrolment token, where there is one.
    pub token: Option<Secret>,
    /// The authority that the token names, where it does.
    pub authority: Option<Fingerprint>,
    /// A file with the only authorities to trust over https.
    pub ca: Option<PathBuf>,
    /// This agent's name.
    pub name: AgentName,
    /// What it says of itself.
    pub labels: BTreeMap<String, String>,
    /// How many commands run side by side.
    pub slots: u32,
    /// Where it keeps its things.
    pub data_dir: PathBuf,
    /// What this host allows, where the file is named.
    pub local: Option<PathBuf>,
    /// Where a service manager starts fork servers.
    pub shims: Option<PathBuf>,
    /// The shortest heartbeat interval, from the old HEARTBEAT_INTERVAL.
    pub heartbeat: Option<Duration>,
}

/// A text that no log shows.
pub struct Secret(String);

impl Secret {
    /// The text, for sending.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The controller's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether it is https.
    pub tls: bool,
    path: String,
}

impl Server {
    /// Where agents come in.
    pub fn session_url(&self) -> String {
        format!("{}://{}{}/api/v1/agents/session", if self.tls { "wss" } else { "ws" }, self.authority(), self.path)
    }
    /// The address for people.
    pub fn address(&self) -> String {
        format!("{}://{}{}", if self.tls { "https" } else { "http" }, self.authority(), self.path)
    }
    fn authority(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}

impl Settings {
    /// Brings flags, environment and file together.
    pub fn gather(flags: Flags, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let file = flags.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let insecure = flags.insecure_http.or(file.insecure_http).unwrap_or(false);
        let server = flags.server.or(file.server);
        let server = server.context("PULSE_SERVER is not set: give the controller's address, such as http://127.0.0.1:8080")?;
        let name =
            flags.name.or_else(|| environment("WORKER_NAME")).or(file.name).map_or_else(host_name, |name| parse_name(&name))?;
        let slots = match flags.slots {
            Some(slots) => Some(slots),
            None => number(environment, "MAX_CONCURRENT_TASKS")?.or(file.slots),
        };
        let slots = slots.unwrap_or(5);
        ensure!((1..=256).contains(&slots), "PULSE_AGENT_SLOTS is {slots}: give a number from 1 to 256");
        let labels = flags.labels.as_deref().map(parse_labels).transpose()?.unwrap_or(file.labels);
        ensure!(labels.len() <= 64, "PULSE_AGENT_LABELS: {} labels are given, at most 64 are taken", labels.len());
        let server = parse_server(&server, insecure)?;
        let ca = flags.ca.or(file.ca);
        if let Some(ca) = &ca {
            ensure!(
                server.tls,
                "PULSE_CA goes with an https address, and PULSE_SERVER is {}: change one of the two",
                server.address()
            );
            trust::authorities(ca)?;
        }
        let token = token(flags.token_fd, environment("PULSE_AGENT_TOKEN"), flags.token_file.or(file.token_file))?;
        let authority = token.as_ref().map(|token| authority_of(token.reveal())).transpose().context("PULSE_AGENT_TOKEN")?;
        Ok(Self {
            server,
            token,
            authority: authority.flatten(),
            ca,
            name,
            labels,
            slots,
            data_dir: flags.data_dir.or(file.data_dir).map_or_else(|| default_data_dir(environment), Ok)?,
            local: flags.local,
            shims: flags.shims,
            heartbeat: heartbeat(environment)?,
        })
    }
}

fn read_file(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the settings file {}", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("the settings file {} is wrong", path.display()))
}

pub(crate) fn parse_server(text: &str, insecure: bool) -> Result<Server> {
    let wrong = || format!("PULSE_SERVER {text:?}: give an address such as https://pulse.example.org");
    let uri: tokio_tungstenite::tungstenite::http::Uri = text.trim_end_matches('/').parse().with_context(wrong)?;
    let tls = uri.scheme_str() == Some("https");
    ensure!((tls || uri.scheme_str() == Some("http")) && uri.query().is_none(), wrong());
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).with_context(wrong)?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if !tls && !loopback && !insecure {
        bail!(
            "PULSE_SERVER {text}: plain http to another host can be read and changed on its way; use https, or set \
             PULSE_INSECURE_HTTP=true where the network is trusted"
        );
    }
    let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
    Ok(Server { host, port, tls, path: uri.path().trim_end_matches('/').to_owned() })
}

fn token(fd: Option<RawFd>, text: Option<String>, file: Option<PathBuf>) -> Result<Option<Secret>> {
    let text = match (fd, text, file) {
        (Some(fd), _, _) => {
            ensure!(fd > 2, "--token-fd {fd}: 0, 1 and 2 are in use; give a higher descriptor");
            ensure!(Path::new(&format!("/proc/self/fd/{fd}")).exists(), "--token-fd {fd}: this descriptor is not open");
            // SAFETY: the descriptor is open, and nobody else in this process knows of it.
            let file = std::fs::File::from(unsafe { OwnedFd::from_raw_fd(fd) });
            Some(read_token(file).with_context(|| format!("--token-fd {fd} cannot be read"))?)
        }
        (None, Some(text), _) => Some(text),
        (None, None, Some(path)) => {
            let open = std::fs::File::open(&path).map_err(anyhow::Error::from).and_then(read_token);
            Some(open.with_context(|| format!("PULSE_AGENT_TOKEN_FILE {} cannot be read", path.display()))?)
        }
        (None, None, None) => None,
    };
    Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).map(Secret))
}

fn read_token(file: std::fs::File) -> Result<String> {
    let mut text = String::new();
    file.take(MAX_TOKEN).read_to_string(&mut text)?;
    Ok(text)
}

fn parse_name(text: &str) -> Result<AgentName> {
    text.parse().context("PULSE_AGENT_NAME is wrong")
}

/// The host's name made to fit: lower case, everything else that does not belong a `-`.
fn host_name() -> Result<AgentName> {
    let host = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.';
    let name: String = host.chars().map(|c| if fits(c) { c } else { '-' }).take(63).collect();
    let name = name.trim_matches(['-', '.']);
    name.parse().with_context(|| format!("the host's name {host:?} makes no agent name: set PULSE_AGENT_NAME"))
}

fn parse_labels(text: &str) -> Result<BTreeMap<String, String>> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let mut labels = BTreeMap::new();
    for item in items {
        let (key, value) = item.split_once('=').unwrap_or((item, ""));
        let wrong = || format!("PULSE_AGENT_LABELS: {item:?} is no label; write key=value, several with commas between");
        let fits = |text: &str| text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        ensure!(item.contains('=') && !key.is_empty() && fits(key) && fits(value), wrong());
        ensure!(labels.insert(key.into(), value.into()).is_none(), "PULSE_AGENT_LABELS: {key:?} is given twice");
    }
    Ok(labels)
}

fn number(environment: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<Option<u32>> {
    let text = environment(name);
    text.map(|text| text.parse().with_context(|| format!("{name} is {text:?}: give a whole number"))).transpose()
}

/// The old setting; longer than ten seconds would let the controller take this agent for offline.
fn heartbeat(environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Duration>> {
    let Some(seconds) = number(environment, "HEARTBEAT_INTERVAL")? else { return Ok(None) };
    if seconds > MAX_HEARTBEAT {
        tracing::warn!("HEARTBEAT_INTERVAL is {seconds} s: {MAX_HEARTBEAT} s is the longest in PULSE and is used");
    }
    Ok(Some(Duration::from_secs(seconds.min(MAX_HEARTBEAT).into())))
}

/// Where an agent keeps its things unless it is told.
pub fn default_data_dir(environment: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Ok("/var/lib/pulse-agent".into());
    }
    let state = environment("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(std::env::home_dir()?.join(".local/state")));
    Ok(state.context("there is no home folder: set PULSE_AGENT_DATA_DIR")?.join("pulse-agent"))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
