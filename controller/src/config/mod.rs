//! What the controller is told at its start. Flags win over the environment, the environment over the file; each error names
//! where the value came from, and all errors are told at once. Nothing outside this folder reads the environment.

mod admin;
mod break_glass;
mod data;
mod error;
mod file;
mod flags;
mod keep;
mod layers;
mod limits;
mod listen;
mod log;
mod observe;
mod oidc;
mod people;
mod proxies;
mod secret;
mod settings;
mod source;
mod source_git;
mod tls;
mod webhook;

pub use admin::AdminToken;
pub use break_glass::BreakGlass;
pub use data::Data;
pub use error::ConfigError;
pub use flags::{
    BackupFlags, BreakGlassFlags, Cli, Command, DataFlags, DevFlags, DoctorFlags, MigrateFlags, Report, RestoreFlags, ServeFlags,
};
pub use limits::Limits;
pub use listen::Listen;
pub use log::{Log, LogFormat};
pub use observe::{Observe, Traces};
pub use oidc::Oidc;
pub use people::People;
pub use proxies::TrustedProxies;
pub use secret::Secret;
pub use source::{Origin, Source};
pub use tls::{Pem, PemSource, Tls};
pub use webhook::WebhookSecrets;

use crate::keep::Keep;
use layers::Layers;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// The environment, as it was when the process began.
pub type Environment = BTreeMap<OsString, OsString>;

/// Everything that `serve` needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens.
    pub listen: Listen,
    /// Whether connections are encrypted, and how.
    pub tls: Tls,
    /// Where it keeps what it knows.
    pub data: Data,
    /// Where the manifests are; without one nothing can be started.
    pub source: Option<Source>,
    /// The administrator's token; made at the first start when absent.
    pub admin_token: Option<AdminToken>,
    /// How people come in.
    pub people: People,
    /// What signs webhooks; without one they are off.
    pub webhook_secrets: Option<WebhookSecrets>,
    /// How many requests are taken of whom.
    pub limits: Limits,
    /// What is kept, and for how long.
    pub keep: Keep,
    /// Who may read the metrics, and where traces go.
    pub observe: Observe,
    /// What it logs.
    pub log: Log,
    /// What to tell people about the settings, though nothing is wrong.
    pub warnings: Vec<String>,
}

/// The environment of this process.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn environment() -> Environment {
    std::env::vars_os().collect()
}

impl Config {
    /// The settings of `serve`.
    pub fn load(flags: &ServeFlags, environment: &Environment) -> Result<Self, ConfigError> {
        let mut errors = Vec::new();
        let layers = Layers::gather(flags.values(), flags.config.as_deref(), environment, &mut errors);
        let tls = Tls::read(&layers, &mut errors);
        let listen = Listen::read(&layers, &tls, &mut errors);
        let data = Data::read(&layers, &mut errors);
        let source = Source::read(&layers, &mut errors);
        let admin_token = AdminToken::read(&layers, &mut errors);
        let people = People::read(&layers, &mut errors);
        let webhook_secrets = WebhookSecrets::read(&layers, &mut errors);
        let limits = Limits::read(&layers, &mut errors);
        let keep = Keep::read(&layers, &mut errors);
        let observe = Observe::read(&layers, &mut errors);
        let log = Log::read(&layers, Log::DEFAULT_FILTER, &mut errors);
        if !errors.is_empty() {
            return Err(ConfigError(errors));
        }
        let mut warnings = layers.warnings;
        if source.is_none() {
            warnings.push(
                "no source is set, so no workflow can be live; set --source-url or PULSE_SOURCE_URL to a repository or a folder"
                    .into(),
            );
        }
        if tls.is_on() && listen.public_url.as_ref().is_some_and(|url| url.starts_with("http://")) {
            warnings.push(
                "PULSE_PUBLIC_URL begins with http://, and this controller speaks https: agents and people are told an address \
                 that does not work unless a proxy answers there"
                    .into(),
            );
        }
        Ok(Self { listen, tls, data, source, admin_token, people, webhook_secrets, limits, keep, observe, log, warnings })
    }
}

/// The settings of `migrate`: the database and what to log.
pub fn load_migrate(flags: &MigrateFlags, environment: &Environment) -> Result<(Data, Log), ConfigError> {
    let mut errors = Vec::new();
    let layers = Layers::gather(flags.values(), flags.config.as_deref(), environment, &mut errors);
    let data = Data::read(&layers, &mut errors);
    let log = Log::read(&layers, Log::DEFAULT_FILTER, &mut errors);
    if errors.is_empty() { Ok((data, log)) } else { Err(ConfigError(errors)) }
}

/// The settings of `backup` and `restore`: the same.
pub fn load_data(flags: &DataFlags, environment: &Environment) -> Result<(Data, Log), ConfigError> {
    let mut errors = Vec::new();
    let layers = Layers::gather(flags.values(), flags.config.as_deref(), environment, &mut errors);
    let data = Data::read(&layers, &mut errors);
    let log = Log::read(&layers, Log::DEFAULT_FILTER, &mut errors);
    if errors.is_empty() { Ok((data, log)) } else { Err(ConfigError(errors)) }
}

/// What `dev` logs: the only settings that it takes from the environment, because everything else is its own.
pub fn load_dev_log(flags: &DevFlags, environment: &Environment) -> Result<Log, ConfigError> {
    let mut errors = Vec::new();
    let wanted = ["PULSE_LOG", "PULSE_LOG_FORMAT"];
    let environment =
        environment.iter().filter(|(name, _)| wanted.iter().any(|wanted| name == wanted)).map(|(n, v)| (n.clone(), v.clone()));
    let layers = Layers::gather(flags.values(), None, &environment.collect(), &mut errors);
    let log = Log::read(&layers, Log::DEV_FILTER, &mut errors);
    if errors.is_empty() { Ok(log) } else { Err(ConfigError(errors)) }
}

#[cfg(test)]
mod source_tests;
#[cfg(test)]
mod tests;
