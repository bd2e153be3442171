//! The environment as a layer.

use crate::layers::{Layer, Said};
use crate::near::nearest;
use crate::place::Place;
use crate::program::Program;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The environment, as it was when the process began.
pub type Environment = BTreeMap<OsString, OsString>;

/// What it says, and what to tell people of it.
pub(crate) fn layer(program: &Program, environment: &Environment, warnings: &mut Vec<String>, errors: &mut Vec<String>) -> Layer {
    let mut layer = Layer::new();
    for (name, value) in environment {
        let Some(name) = name.to_str() else { continue };
        let place = Place::Environment(name.to_owned());
        let Some((setting, is_file)) = program.of_env(name) else {
            warnings.extend(unknown(program, name));
            continue;
        };
        // Compose files and unit files leave variables empty where they mean nothing.
        if value.is_empty() {
            continue;
        }
        match value.to_str() {
            _ if !setting.is_built() => errors.push(crate::layers::unsupported(&place)),
            Some(text) => layer.push(Said { setting, is_file, text: text.to_owned(), place }),
            None => errors.push(format!("{place}: its value is no UTF-8")),
        }
    }
    // A name of ours before an older one for the same.
    layer.sort_by_key(|said| said.setting.older.iter().any(|older| said.place == Place::Environment((*older).to_owned())));
    layer
}

/// Where the file is, if the environment says so.
pub(crate) fn file(program: &Program, environment: &Environment) -> Option<PathBuf> {
    let named = program.file_names.iter().filter_map(|name| environment.get(OsStr::new(name)));
    named.into_iter().find(|path| !path.is_empty()).map(PathBuf::from)
}

/// A misspelt name would be ignored without a word. It is no error: Kubernetes sets `PULSE_PORT_…` and `PULSE_SERVICE_…` by itself, and an
/// environment is shared with programs of other releases.
fn unknown(program: &Program, name: &str) -> Option<String> {
    let is_kubernetes = name.contains("_PORT") || name.contains("_SERVICE_");
    if !name.starts_with("PULSE_") || program.is_others(name) || is_kubernetes {
        return None;
    }
    let meant = nearest(name, &program.names()).map_or(String::new(), |meant| format!("; did you mean {meant}?"));
    Some(format!("{name} is no setting of {}; it has no effect{meant}", program.name))
}
