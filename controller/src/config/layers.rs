//! Flags, environment and file laid over each other. Each value keeps where it came from, so that errors can name the place.

use super::settings::{OTHERS, SETTINGS, Setting, file_variant};
use super::{Environment, file};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Most bytes of a secret's file.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// A value and its place.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) place: Place,
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A flag, with its dashes.
    Flag(&'static str),
    /// A variable of the environment.
    Environment(String),
    /// A key of the file.
    File { path: PathBuf, line: u64, column: u64, key: String },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Environment(name) => f.write_str(name),
            Self::File { path, line, column, key } => write!(f, "{}:{line}:{column}: {key}", path.display()),
        }
    }
}

/// Every value that was given, by the setting's name in the environment.
pub(super) struct Layers {
    values: BTreeMap<&'static str, Given>,
    /// What to tell people.
    pub(super) warnings: Vec<String>,
}

/// One layer's values by the setting's name; `true` where the value is the path of a file that holds the secret.
type Layer = Vec<(&'static str, bool, Given)>;

impl Layers {
    /// Takes all layers in.
    pub(super) fn gather(
        flags: Vec<(&'static str, bool, &'static str, String)>,
        config: Option<&Path>,
        environment: &Environment,
        errors: &mut Vec<String>,
    ) -> Self {
        let mut layers = Self { values: BTreeMap::new(), warnings: Vec::new() };
        let from_file = match config.map(Path::to_owned).or_else(|| config_of(environment)) {
            Some(path) => file_layer(&path, errors),
            None => Layer::new(),
        };
        let from_environment = layers.environment_layer(environment, errors);
        let from_flags = flags
            .into_iter()
            .map(|(name, is_file, flag, text)| (name, is_file, Given { text, place: Place::Flag(flag) }))
            .collect();
        for layer in [from_file, from_environment, from_flags] {
            layers.lay(layer, errors);
        }
        layers
    }

    /// A value.
    pub(super) fn get(&self, name: &'static str) -> Option<&Given> {
        self.values.get(name)
    }

    fn lay(&mut self, layer: Layer, errors: &mut Vec<String>) {
        for (index, (name, is_file, given)) in layer.iter().enumerate() {
            if let Some((_, _, first)) = layer[..index].iter().find(|(other, ..)| other == name) {
                errors.push(format!("{}: {} says the same thing; keep one of the two", given.place, first.place));
                continue;
            }
            let text = if *is_file && !is_watched(name) { secret_of(given) } else { Ok(given.text.clone()) };
            match text {
                Ok(text) => drop(self.values.insert(name, Given { text, place: given.place.clone() })),
                Err(error) => errors.push(error),
            }
        }
    }

    fn environment_layer(&mut self, environment: &Environment, errors: &mut Vec<String>) -> Layer {
        let mut layer = Layer::new();
        for (name, value) in environment {
            let Some(name) = name.to_str() else { continue };
            let place = Place::Environment(name.to_owned());
            let Some((setting, is_file)) = find(name, |setting| setting.env) else {
                self.warn_unknown(name);
                continue;
            };
            // Compose files and unit files leave variables empty where they mean nothing.
            if value.is_empty() {
                continue;
            }
            match value.to_str() {
                _ if !setting.built => errors.push(unsupported(&place)),
                Some(text) => layer.push((setting.env, is_file, Given { text: text.to_owned(), place })),
                None => errors.push(format!("{place}: its value is no UTF-8")),
            }
        }
        layer
    }

    /// A misspelt name would be ignored without a word. Kubernetes sets `PULSE_PORT_…` and `PULSE_SERVICE_…` by itself.
    fn warn_unknown(&mut self, name: &str) {
        let known = OTHERS.contains(&name) || name.starts_with("PULSE_AGENT_");
        if name.starts_with("PULSE_") && !known && !name.contains("_PORT") && !name.contains("_SERVICE_") {
            self.warnings.push(format!("{name} is no setting of pulse-controller; it has no effect"));
        }
    }
}

fn config_of(environment: &Environment) -> Option<PathBuf> {
    environment.get(std::ffi::OsStr::new("PULSE_CONFIG")).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn file_layer(path: &Path, errors: &mut Vec<String>) -> Layer {
    let entries = match file::read(path) {
        Ok(entries) => entries,
        Err(error) => {
            errors.push(error);
            return Layer::new();
        }
    };
    let mut layer = Layer::new();
    for file::Entry { key, text, line, column } in entries {
        let place = Place::File { path: path.to_owned(), line, column, key: key.clone() };
        match find(&key, |setting| setting.key) {
            Some((setting, _)) if !setting.built => errors.push(unsupported(&place)),
            Some((setting, is_file)) => layer.push((setting.env, is_file, Given { text, place })),
            None => errors.push(format!("{place}: there is no such setting; there are {}", known_keys())),
        }
    }
    layer
}

fn known_keys() -> String {
    let built = SETTINGS.iter().filter(|setting| setting.built);
    let keys = built.flat_map(|setting| {
        let variant = setting.secret.then(|| file_variant(setting.key));
        std::iter::once(setting.key.to_owned()).chain(variant)
    });
    keys.collect::<Vec<_>>().join(", ")
}

/// The setting of a name, and whether the name is that of its file variant.
fn find(name: &str, of: fn(&Setting) -> &'static str) -> Option<(&'static Setting, bool)> {
    SETTINGS.iter().find_map(|setting| match of(setting) {
        plain if plain == name => Some((setting, false)),
        plain if setting.secret && file_variant(plain) == name => Some((setting, true)),
        _ => None,
    })
}

fn is_watched(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.env == name && setting.watched)
}

fn unsupported(place: &Place) -> String {
    format!("{place}: unsupported in this release; remove it")
}

/// The secret that a file holds, without the newline at its end.
fn secret_of(given: &Given) -> Result<String, String> {
    use std::io::Read;
    let blame = |error: std::io::Error| format!("{}: cannot read {}: {error}", given.place, given.text);
    let mut text = String::new();
    let file = std::fs::File::open(&given.text).map_err(blame)?;
    let read = file.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text).map_err(blame)?;
    if read as u64 > MAX_SECRET_BYTES {
        return Err(format!("{}: {} is longer than 64 KiB, so it holds no secret", given.place, given.text));
    }
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        return Err(format!("{}: {} is empty; write the secret into it", given.place, given.text));
    }
    Ok(secret.to_owned())
}
