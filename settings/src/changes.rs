//! What differs between the settings of before and those of now.

use crate::layers::Layers;
use crate::setting::Setting;

/// A setting that differs.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// Which.
    pub setting: &'static Setting,
}

/// The settings whose values differ. Where they stand does not count.
pub fn changes(before: &Layers, now: &Layers) -> Vec<Change> {
    let text = |layers: &Layers, setting: &Setting| layers.of_key(setting.key).map(|given| given.text.clone());
    let differs = |setting: &&'static Setting| text(before, setting) != text(now, setting);
    now.program().built().filter(differs).map(|setting| Change { setting }).collect()
}
