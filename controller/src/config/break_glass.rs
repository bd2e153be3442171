//! What `break-glass` needs to know: where the controller of the same settings listens, and its administrator's token.

use super::flags::BreakGlassFlags;
use super::{AdminToken, ConfigError, Data, Environment, Listen, Tls};
use pulse_settings::{CONTROLLER, Layers};
use std::ffi::OsStr;
use std::path::PathBuf;

/// Where to ask, and with what.
#[derive(Debug, Clone)]
pub struct BreakGlass {
    /// Where the controller listens.
    pub listen: Listen,
    /// Its data folder.
    pub folder: PathBuf,
    /// Its administrator's token, where it is set; else it is in the data folder.
    pub admin_token: Option<AdminToken>,
    /// The authorities to trust, where they are set.
    pub ca: Option<PathBuf>,
}

impl BreakGlass {
    /// The settings, as `serve` would find them.
    pub fn load(flags: &BreakGlassFlags, environment: &Environment) -> Result<Self, ConfigError> {
        let mut errors = Vec::new();
        let settings = &flags.settings;
        let layers = Layers::gather(&CONTROLLER, settings.given(), settings.config(), environment, &mut errors);
        let tls = Tls::read(&layers, &mut errors);
        let (listen, data) = (Listen::read(&layers, &tls, &mut errors), Data::read(&layers, &mut errors));
        let admin_token = AdminToken::read(&layers, &mut errors);
        if !errors.is_empty() {
            return Err(ConfigError(errors));
        }
        let of_environment = environment.get(OsStr::new("PULSE_CA")).filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(Self { listen, folder: data.folder, admin_token, ca: flags.ca.clone().or(of_environment) })
    }
}
