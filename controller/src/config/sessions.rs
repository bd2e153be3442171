//! How long the sessions of browsers last.

use pulse_settings::{Given, Layers};

/// In microseconds, as times are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// It ends after so long in any case, so that a right that was taken away is gone then at the latest.
    pub life: i64,
    /// It ends after so long without use.
    pub idle: i64,
}

const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;
/// Longer ones would outlive what an issuer says of a person.
const LONGEST: i64 = 30 * 24 * HOUR;

impl Default for SessionLimits {
    fn default() -> Self {
        Self { life: 24 * HOUR, idle: 8 * HOUR }
    }
}

impl SessionLimits {
    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Self {
        let default = Self::default();
        let mut of = |name, otherwise| {
            layers.get(name).map_or(otherwise, |given| time(given).map_err(|error| errors.push(error)).unwrap_or(otherwise))
        };
        let (life, idle) = (of("PULSE_SESSION_LIFE", default.life), of("PULSE_SESSION_IDLE", default.idle));
        Self { life, idle: idle.min(life) }
    }
}

fn time(given: &Given) -> Result<i64, String> {
    let time = given.text.parse::<crd_schemas::Duration>().map_err(|error| format!("{}: {error}", given.place))?.as_micros();
    if !(MINUTE..=LONGEST).contains(&time) {
        return Err(format!("{}: `{}` is out of bounds; give 1m to 720h", given.place, given.text));
    }
    Ok(time)
}
