//! How many requests are taken of whom.

use pulse_core::rate::Rate;
use pulse_settings::Layers;

/// How many requests are taken of whom. Probes, webhooks and agents have bounds of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of each principal; as many as they like where there is none.
    pub principals: Option<Rate>,
    /// Of each address, requests that do not say who asks, or say it wrongly.
    pub strangers: Option<Rate>,
}

/// Enough for a person who mistypes and for a page that loads, and little for whoever guesses or floods.
const STRANGERS: Rate = Rate { requests: 300, seconds: 60 };

impl Default for Limits {
    fn default() -> Self {
        Self { principals: None, strangers: Some(STRANGERS) }
    }
}

impl Limits {
    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Self {
        let mut rate = |name, default| {
            let Some(given) = layers.get(name) else { return default };
            match given.text.as_str() {
                "off" => None,
                text => text.parse().map_err(|error| errors.push(format!("{}: {error}, or `off`", given.place))).ok(),
            }
        };
        let default = Self::default();
        Self {
            principals: rate("PULSE_RATE_LIMIT", default.principals),
            strangers: rate("PULSE_RATE_LIMIT_STRANGERS", default.strangers),
        }
    }
}
