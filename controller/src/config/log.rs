//! What is logged, and how.

use pulse_settings::Layers;
use tracing_subscriber::EnvFilter;

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// In tracing's filter language; known to parse.
    pub filter: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object for each line.
    Json,
}

impl Log {
    /// What `serve` logs unless said.
    pub const DEFAULT_FILTER: &'static str = "info";
    /// What `dev` logs unless said: its own words are enough.
    pub const DEV_FILTER: &'static str = "warn";

    pub(super) fn read(layers: &Layers, default: &str, errors: &mut Vec<String>) -> Self {
        let filter = match layers.get("PULSE_LOG") {
            None => default.to_owned(),
            Some(given) => {
                if let Err(error) = EnvFilter::builder().parse(&given.text) {
                    errors.push(format!("{}: `{}` is no filter: {error}; write `info` or `debug`", given.place, given.text));
                }
                given.text.clone()
            }
        };
        let format = match layers.get("PULSE_LOG_FORMAT").map(|given| (given.text.as_str(), given)) {
            None | Some(("text", _)) => LogFormat::Text,
            Some(("json", _)) => LogFormat::Json,
            Some((other, given)) => {
                errors.push(format!("{}: `{other}` is neither `text` nor `json`", given.place));
                LogFormat::Text
            }
        };
        Self { filter, format }
    }
}
