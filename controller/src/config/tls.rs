//! Whether connections are encrypted, and by which certificate.

use super::Secret;
use pulse_settings::{Given, Layers};
use std::path::PathBuf;

/// How connections are encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tls {
    /// Not at all: plain HTTP.
    #[default]
    Off,
    /// By a certificate of an authority of our own, made at the first start.
    Auto,
    /// By a certificate that somebody else looks after.
    Given {
        /// The certificate, with those between it and its authority.
        certificate: Pem,
        /// Its private key.
        key: Pem,
    },
}

/// Something in PEM, and the setting that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pem {
    /// Where it is set, for errors.
    pub place: String,
    /// Where it is.
    pub source: PemSource,
}

/// Where a PEM text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PemSource {
    /// In a file, which is read again when it changes.
    File(PathBuf),
    /// In the setting itself.
    Text(Secret),
}

impl Tls {
    /// Whether connections are encrypted.
    pub const fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Self {
        let mode = layers.get("PULSE_TLS");
        let is_auto = match mode.map(|given| (given.text.as_str(), given)) {
            None | Some(("off", _)) => false,
            Some(("auto", _)) => true,
            Some((other, given)) => {
                errors.push(format!(
                    "{}: `{other}` is neither `off` nor `auto`; for a certificate of your own set PULSE_TLS_CERT and PULSE_TLS_KEY",
                    given.place
                ));
                false
            }
        };
        match (layers.get("PULSE_TLS_CERT"), layers.get("PULSE_TLS_KEY"), mode) {
            (None, None, _) if is_auto => Self::Auto,
            (None, None, _) => Self::Off,
            (Some(given), _, Some(mode)) | (None, Some(given), Some(mode)) => {
                errors.push(format!(
                    "{}: `{}` and {} contradict each other; remove one of the two",
                    mode.place, mode.text, given.place
                ));
                Self::Off
            }
            (Some(certificate), Some(key), None) => Self::Given { certificate: pem(certificate), key: pem(key) },
            (Some(given), None, None) => lonely(given, "PULSE_TLS_KEY_FILE, the file of its private key", errors),
            (None, Some(given), None) => lonely(given, "PULSE_TLS_CERT, the file of its certificate", errors),
        }
    }
}

fn lonely(given: &Given, other: &str, errors: &mut Vec<String>) -> Tls {
    errors.push(format!("{}: one goes with the other; set {other}, too", given.place));
    Tls::Off
}

fn pem(given: &Given) -> Pem {
    let is_text = given.text.trim_start().starts_with("-----BEGIN");
    let source =
        if is_text { PemSource::Text(Secret::new(given.text.clone())) } else { PemSource::File(given.text.clone().into()) };
    Pem { place: given.place.to_string(), source }
}
