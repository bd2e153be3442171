//! The enrolment token: from an inherited descriptor, else from the settings.

use anyhow::{Context, Result, ensure};
use pulse_settings::Layers;
use std::fmt;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::path::Path;

/// Longest content of a descriptor.
const MAX_TOKEN: u64 = 4096;

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, for sending.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The token that the settings name, if they do.
pub(super) fn of(layers: &Layers) -> Option<Secret> {
    let text = layers.get("PULSE_AGENT_TOKEN")?.text.trim();
    (!text.is_empty()).then(|| Secret(text.to_owned()))
}

/// The token that comes by a descriptor, which can be read once.
pub(super) fn by_descriptor(fd: RawFd) -> Result<Option<Secret>> {
    ensure!(fd > 2, "--token-fd {fd}: 0, 1 and 2 are in use; give a higher descriptor");
    ensure!(Path::new(&format!("/proc/self/fd/{fd}")).exists(), "--token-fd {fd}: this descriptor is not open");
    // SAFETY: the descriptor is open, and nobody else in this process knows of it.
    let file = std::fs::File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    let mut text = String::new();
    file.take(MAX_TOKEN).read_to_string(&mut text).with_context(|| format!("--token-fd {fd} cannot be read"))?;
    Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(|text| Secret(text.to_owned())))
}
