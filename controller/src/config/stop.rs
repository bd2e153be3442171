//! How a stop goes.

use pulse_settings::Layers;
use std::time::Duration;

/// Unless said.
pub const DEFAULT: Duration = Duration::from_secs(10);
/// Longer ones would have every orchestrator kill the process first.
const LONGEST: Duration = Duration::from_secs(600);

/// How long requests that are being answered may go on after a stop.
pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Duration {
    let Some(given) = layers.get("PULSE_STOP_TIMEOUT") else { return DEFAULT };
    match given.text.parse::<crd_schemas::Duration>() {
        Ok(time) if Duration::from_millis(time.as_millis()) <= LONGEST => Duration::from_millis(time.as_millis()),
        Ok(_) => {
            errors.push(format!("{}: `{}` is too long; at most 10m", given.place, given.text));
            DEFAULT
        }
        Err(error) => {
            errors.push(format!("{}: {error}", given.place));
            DEFAULT
        }
    }
}
