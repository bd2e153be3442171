//! The administrator's token.

use super::Secret;
use pulse_settings::Layers;

/// The one token that may do everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminToken(pub Secret);

impl AdminToken {
    /// Shorter ones can be guessed.
    pub const SHORTEST: usize = 16;
    const LONGEST: usize = 512;

    /// A token that an `Authorization` header can carry, or why the text is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token may hold letters, digits and punctuation of ASCII only".to_owned());
        }
        if !(Self::SHORTEST..=Self::LONGEST).contains(&text.len()) {
            return Err(format!(
                "the token has {} characters; {} to {} are allowed, and shorter ones can be guessed",
                text.len(),
                Self::SHORTEST,
                Self::LONGEST
            ));
        }
        Ok(Self(Secret::new(text)))
    }

    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Option<Self> {
        let given = layers.get("PULSE_ADMIN_TOKEN")?;
        Self::parse(&given.text).map_err(|error| errors.push(format!("{}: {error}", given.place))).ok()
    }
}
