//! The settings as they count.

use super::super::time::At;
use super::words;
use schemars::JsonSchema;
use serde::Serialize;

/// Every setting of this controller.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Settings")]
pub(in crate::api) struct SettingsView {
    /// Each, in the order of the documentation.
    pub(in crate::api) items: Vec<SettingView>,
    /// What to know about them, though nothing is wrong.
    pub(in crate::api) warnings: Vec<String>,
    /// When they were read last: at the start, or at a SIGHUP that changed nothing or something, and was not refused.
    pub(in crate::api) read_at: At,
}

/// One setting as it counts.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Setting")]
pub(in crate::api) struct SettingView {
    /// Its key in the file.
    pub(in crate::api) name: &'static str,
    /// Its name in the environment.
    pub(in crate::api) environment: Option<&'static str>,
    /// Its value; `[redacted]` for a secret, `null` where nothing is said.
    pub(in crate::api) value: Option<String>,
    /// What counts where nothing is said, in words.
    pub(in crate::api) otherwise: Option<&'static str>,
    /// The layer that says it.
    #[schemars(with = "words::SettingOrigin")]
    pub(in crate::api) origin: &'static str,
    /// Where in the layer: the flag, the variable, `PATH:LINE`.
    pub(in crate::api) place: Option<String>,
    /// The file that holds the secret.
    pub(in crate::api) held_in: Option<String>,
    /// Its value is never shown.
    pub(in crate::api) secret: bool,
    /// SIGHUP takes a change over.
    pub(in crate::api) live: bool,
    /// It was said otherwise when the settings were read last, and needs a restart.
    pub(in crate::api) waiting: bool,
    /// What it is for.
    pub(in crate::api) text: &'static str,
}
