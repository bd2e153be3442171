//! Settings: what they mean, and every way in which they are refused. Names, order and origins are the table's (`pulse-settings`). Everything
//! is checked here, before anything is touched.

mod server;
mod token;
mod values;

pub use pulse_settings::Environment;
pub use server::Server;
pub(crate) use server::parse_server;
pub use token::Secret;
use values::default_data_dir;

use crate::{trust, users};
use anyhow::{Context, Result, ensure};
use pulse_protocol::AgentName;
use pulse_protocol::token::{Fingerprint, authority_of};
use pulse_settings::{AGENT, Errors, Layers, Part, Program};
use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The settings of an agent: all of them.
#[derive(Debug, Clone, Default)]
pub struct Serving;

impl Part for Serving {
    const PROGRAM: &'static Program = &AGENT;
}

/// The flags of `pulse-agent`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// The settings.
    #[command(flatten)]
    pub(crate) settings: pulse_settings::Flags<Serving>,
    /// An inherited file descriptor to read the enrolment token from
    #[arg(long, value_name = "N", conflicts_with = "token-file")]
    pub(crate) token_fd: Option<RawFd>,
}

/// Settings that have been checked.
#[derive(Debug, Clone)]
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
    /// The shortest heartbeat interval.
    pub heartbeat: Option<Duration>,
    /// All of it as it was said, with where it was.
    pub layers: Layers,
}

/// The environment of this process.
pub fn environment() -> Environment {
    std::env::vars_os().collect()
}

/// The settings that say where the agent of this host keeps its things.
#[derive(Debug, Clone, Default)]
pub struct Keeping;

impl Part for Keeping {
    const PROGRAM: &'static Program = &AGENT;
    const NAMES: Option<&'static [&'static str]> = Some(&["PULSE_AGENT_DATA_DIR"]);
}

/// The data folder of the agent of this host.
pub fn data_dir(flags: &pulse_settings::Flags<Keeping>, environment: &Environment) -> Result<PathBuf> {
    let mut errors = Vec::new();
    let layers = Layers::gather(&AGENT, flags.given(), flags.config(), environment, &mut errors);
    if !errors.is_empty() {
        return Err(Errors(errors).into());
    }
    folder(&layers, environment)
}

fn folder(layers: &Layers, environment: &Environment) -> Result<PathBuf> {
    path(layers, "PULSE_AGENT_DATA_DIR").map_or_else(|| default_data_dir(environment), Ok)
}

/// The layers alone, and what is wrong with them: what says what to log is needed before anything else.
pub fn look(flags: &Flags, environment: &Environment) -> (Layers, Vec<String>) {
    let mut errors = Vec::new();
    let layers = Layers::gather(&AGENT, flags.settings.given(), flags.settings.config(), environment, &mut errors);
    (layers, errors)
}

impl Settings {
    /// Brings flags, environment and file together.
    pub fn gather(flags: &Flags, environment: &Environment) -> Result<Self> {
        let (layers, errors) = look(flags, environment);
        let mut settings = Self::of(layers, errors, environment)?;
        if let Some(fd) = flags.token_fd {
            settings.take_token(token::by_descriptor(fd)?)?;
        }
        Ok(settings)
    }

    /// What these layers mean. `errors`: what is wrong with them already.
    pub fn of(layers: Layers, errors: Vec<String>, environment: &Environment) -> Result<Self> {
        if !errors.is_empty() {
            return Err(Errors(errors).into());
        }
        let insecure = values::read(&layers, "PULSE_INSECURE_HTTP", values::boolean)?.unwrap_or_default();
        let server = values::read(&layers, "PULSE_SERVER", |text| parse_server(text, insecure))?;
        let server = server.context("PULSE_SERVER is not set: give the controller's address, such as http://127.0.0.1:8080")?;
        let mut settings = Self {
            ca: authorities(&layers, &server)?,
            server,
            token: None,
            authority: None,
            name: values::read(&layers, "PULSE_AGENT_NAME", values::name)?.map_or_else(values::host_name, Ok)?,
            labels: values::read(&layers, "PULSE_AGENT_LABELS", values::labels)?.unwrap_or_default(),
            slots: values::read(&layers, "PULSE_AGENT_SLOTS", values::slots)?.context("PULSE_AGENT_SLOTS is not set")?,
            data_dir: folder(&layers, environment)?,
            local: path(&layers, "PULSE_AGENT_LOCAL"),
            shims: path(&layers, "PULSE_AGENT_SHIMS"),
            heartbeat: values::read(&layers, "PULSE_AGENT_HEARTBEAT", values::heartbeat)?,
            layers,
        };
        settings.take_token(token::of(&settings.layers))?;
        settings.check_policy()?;
        Ok(settings)
    }

    /// What this host allows stands in one file; the same said in another one would be ignored.
    fn check_policy(&self) -> Result<()> {
        let policy = self.local.as_deref().unwrap_or(Path::new(users::DEFAULT_FILE));
        for given in ["allowUsers", "defaultUser"].into_iter().filter_map(|key| self.layers.of_key(key)) {
            let is_there = self.layers.file.as_deref() == Some(policy);
            ensure!(is_there, "{}: this counts in {} only (PULSE_AGENT_LOCAL)", given.place, policy.display());
        }
        Ok(())
    }

    /// With another enrolment token.
    fn take_token(&mut self, token: Option<Secret>) -> Result<()> {
        let authority = token.as_ref().map(|token| authority_of(token.reveal())).transpose().context("PULSE_AGENT_TOKEN")?;
        (self.token, self.authority) = (token, authority.flatten());
        Ok(())
    }
}

fn path(layers: &Layers, name: &str) -> Option<PathBuf> {
    layers.get(name).map(|given| PathBuf::from(&given.text))
}

fn authorities(layers: &Layers, server: &Server) -> Result<Option<PathBuf>> {
    values::read(layers, "PULSE_CA", |text| {
        let path = PathBuf::from(text);
        ensure!(
            server.tls,
            "PULSE_CA goes with an https address, and PULSE_SERVER is {}: change one of the two",
            server.address()
        );
        trust::authorities(&path).map(|_| path)
    })
}

#[cfg(test)]
mod tests;
