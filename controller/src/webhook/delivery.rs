//! What is shown of a delivery. All of it is somebody else's text: bounded, without control characters, and used for nothing.

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Characters of each text.
const LONGEST: usize = 200;

/// What a delivery says of itself, as far as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Delivery {
    /// Its kind, such as `push`.
    pub event: Option<String>,
    /// Its id, as Gitea's list of deliveries shows it.
    pub delivery: Option<String>,
    /// `owner/name`.
    pub repository: Option<String>,
    /// The ref that moved, such as `refs/heads/main`.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The commit that it says to be the newest.
    pub after: Option<String>,
    /// Who pushed.
    pub pusher: Option<String>,
}

impl Delivery {
    /// What the headers say, signed or not.
    pub fn of_headers(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| shown(&String::from_utf8_lossy(value.as_bytes())));
        Self { event: text("x-gitea-event"), delivery: text("x-gitea-delivery"), ..Self::default() }
    }

    /// Whether it carries the headers that Gitea puts on each of its deliveries. Anybody can write them: it decides what is shown
    /// first, and nothing else.
    pub const fn has_gitea_headers(&self) -> bool {
        self.event.is_some() && self.delivery.is_some()
    }

    /// With what a signed body says. One that is no JSON object, or has other fields, says nothing; it is a hint all the same.
    pub fn with_body(self, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).and_then(shown);
        Self {
            repository: text("/repository/full_name"),
            reference: text("/ref"),
            after: text("/after"),
            pusher: text("/pusher/login").or_else(|| text("/pusher/username")),
            ..self
        }
    }
}

/// A text made fit to be shown; nothing where it is empty.
fn shown(text: &str) -> Option<String> {
    let clean = |character: char| if is_hidden(character) { char::REPLACEMENT_CHARACTER } else { character };
    let mut characters = text.chars().map(clean);
    let mut shown: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    (!shown.is_empty()).then_some(shown)
}

/// Moves the cursor, ends a line or turns the direction of text.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}
