//! What the controller is told at its start, and again at SIGHUP. Names, order and origins are the table's (`pulse-settings`); here is what the
//! values mean, and every way in which they are refused, all errors at once. Nothing outside this folder reads the environment.

mod admin;
mod break_glass;
mod data;
mod flags;
mod keep;
mod limits;
mod listen;
mod log;
mod mix;
mod observe;
mod oidc;
mod people;
mod proxies;
mod secret;
mod sessions;
mod source;
mod source_git;
mod stop;
mod tls;
mod webhook;

pub use admin::AdminToken;
pub use break_glass::BreakGlass;
pub use data::Data;
pub use flags::{
    BackupFlags, BreakGlassFlags, Cli, Command, DevFlags, DoctorFlags, Form, MigrateFlags, Migrating, Report, RestoreFlags,
    ServeFlags, SettingsFlags,
};
pub use limits::Limits;
pub use listen::Listen;
pub use log::{Log, LogFormat};
pub use mix::Outcome;
pub use observe::{Observe, Traces};
pub use oidc::Oidc;
pub use people::People;
pub use proxies::TrustedProxies;
pub use pulse_settings::{Environment, Errors as ConfigError};
pub use secret::Secret;
pub use sessions::SessionLimits;
pub use source::{Origin, Source};
pub use stop::DEFAULT as STOP_TIMEOUT;
pub use tls::{Pem, PemSource, Tls};
pub use webhook::WebhookSecrets;

use crate::keep::Keep;
use pulse_settings::{CONTROLLER, Flag, Flags, Layers};
use std::time::Duration;

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
    /// How long requests that are being answered may go on after a stop.
    pub stop_timeout: Duration,
    /// What is kept, and for how long.
    pub keep: Keep,
    /// Who may read the metrics, and where traces go.
    pub observe: Observe,
    /// What it logs.
    pub log: Log,
    /// What to tell people about the settings, though nothing is wrong.
    pub warnings: Vec<String>,
    /// All of it as it was said, with where it was.
    pub layers: Layers,
}

/// The environment of this process.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn environment() -> Environment {
    std::env::vars_os().collect()
}

impl Config {
    /// The settings of `serve`.
    pub fn load(flags: &ServeFlags, environment: &Environment) -> Result<Self, ConfigError> {
        look(flags, environment).1
    }

    /// What these layers mean. `errors`: what is wrong with them already.
    pub fn of(layers: Layers, mut errors: Vec<String>) -> Result<Self, ConfigError> {
        let tls = Tls::read(&layers, &mut errors);
        let listen = Listen::read(&layers, &tls, &mut errors);
        let data = Data::read(&layers, &mut errors);
        let source = Source::read(&layers, &mut errors);
        let admin_token = AdminToken::read(&layers, &mut errors);
        let people = People::read(&layers, &mut errors);
        let webhook_secrets = WebhookSecrets::read(&layers, &mut errors);
        let limits = Limits::read(&layers, &mut errors);
        let stop_timeout = stop::read(&layers, &mut errors);
        let keep = Keep::read(&layers, &mut errors);
        let observe = Observe::read(&layers, &mut errors);
        let log = Log::read(&layers, Log::DEFAULT_FILTER, &mut errors);
        if !errors.is_empty() {
            return Err(ConfigError(errors));
        }
        let warnings = warnings(&layers, &listen, &tls, source.is_some());
        Ok(Self {
            listen,
            tls,
            data,
            source,
            admin_token,
            people,
            webhook_secrets,
            limits,
            stop_timeout,
            keep,
            observe,
            log,
            warnings,
            layers,
        })
    }
}

#[cfg(test)]
impl Config {
    /// Nothing but defaults.
    pub(crate) fn for_tests() -> Self {
        let mut errors = Vec::new();
        Self::of(Layers::without_file(&CONTROLLER, &[], &Environment::new(), &mut errors), Vec::new()).unwrap()
    }
}

fn warnings(layers: &Layers, listen: &Listen, tls: &Tls, has_source: bool) -> Vec<String> {
    let mut warnings = layers.warnings.clone();
    if !has_source {
        warnings.push(
            "no source is set, so no workflow can be live; set --source-url or PULSE_SOURCE_URL to a repository or a folder"
                .into(),
        );
    }
    if tls.is_on() && listen.public_url.as_ref().is_some_and(|url| url.starts_with("http://")) {
        warnings.push(
            "PULSE_PUBLIC_URL begins with http://, and this controller speaks https: agents and people are told an address that does \
             not work unless a proxy answers there"
                .into(),
        );
    }
    warnings
}

/// The settings of `serve` as they stand, and what comes of them.
pub fn look(flags: &ServeFlags, environment: &Environment) -> (Layers, Result<Config, ConfigError>) {
    let mut errors = Vec::new();
    let layers = Layers::gather(&CONTROLLER, flags.given(), flags.config(), environment, &mut errors);
    (layers.clone(), Config::of(layers, errors))
}

/// The settings of `migrate`, `backup` and `restore`: the database and what to log.
pub fn load_data(flags: &Flags<Migrating>, environment: &Environment) -> Result<(Data, Log), ConfigError> {
    let mut errors = Vec::new();
    let layers = Layers::gather(&CONTROLLER, flags.given(), flags.config(), environment, &mut errors);
    let data = Data::read(&layers, &mut errors);
    let log = Log::read(&layers, Log::DEFAULT_FILTER, &mut errors);
    if errors.is_empty() { Ok((data, log)) } else { Err(ConfigError(errors)) }
}

/// What `dev` is told by others than itself: what to log, because everything else is its own.
pub fn load_dev(flags: &[Flag], environment: &Environment) -> Result<(Layers, Log), ConfigError> {
    let mut errors = Vec::new();
    let wanted = ["PULSE_LOG", "PULSE_LOG_FORMAT"];
    let environment =
        environment.iter().filter(|(name, _)| wanted.iter().any(|wanted| name == wanted)).map(|(n, v)| (n.clone(), v.clone()));
    let layers = Layers::without_file(&CONTROLLER, flags, &environment.collect(), &mut errors);
    let log = Log::read(&layers, Log::DEV_FILTER, &mut errors);
    if errors.is_empty() { Ok((layers, log)) } else { Err(ConfigError(errors)) }
}

#[cfg(test)]
mod source_tests;
#[cfg(test)]
mod tests;
