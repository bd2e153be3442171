//! Flags, environment and file laid over each other. Each value keeps where it came from, so that errors can name the place.

use crate::environment::{self, Environment};
use crate::file;
use crate::flags::Flag;
use crate::place::Place;
use crate::program::Program;
use crate::setting::{Setting, Unless};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most bytes of a secret's file.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// A value and its place. It may be a secret, so that it cannot be shown by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The value.
    pub text: String,
    /// Where it stands.
    pub place: Place,
    /// The file that holds it, where the place only names that.
    pub held_in: Option<PathBuf>,
}

/// What one layer says of a setting.
pub(crate) struct Said {
    pub(crate) setting: &'static Setting,
    /// The text is the path of a file that holds the secret.
    pub(crate) is_file: bool,
    pub(crate) text: String,
    pub(crate) place: Place,
}

pub(crate) type Layer = Vec<Said>;

/// Every value that was given, and the defaults.
#[derive(Clone)]
pub struct Layers {
    program: &'static Program,
    /// By the key of the file, which every setting has.
    values: BTreeMap<&'static str, Given>,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    /// What to tell people, though nothing is wrong.
    pub warnings: Vec<String>,
}

impl Layers {
    /// Takes all layers in. What is wrong is added to the errors; what is right is there all the same.
    pub fn gather(
        program: &'static Program,
        flags: &[Flag],
        config: Option<&Path>,
        environment: &Environment,
        errors: &mut Vec<String>,
    ) -> Self {
        let named = config.map(Path::to_owned).or_else(|| environment::file(program, environment));
        Self::of(program, flags, named.or_else(|| usual_file(program)), environment, errors)
    }

    /// The same without any file.
    pub fn without_file(program: &'static Program, flags: &[Flag], environment: &Environment, errors: &mut Vec<String>) -> Self {
        Self::of(program, flags, None, environment, errors)
    }

    fn of(
        program: &'static Program,
        flags: &[Flag],
        file: Option<PathBuf>,
        environment: &Environment,
        errors: &mut Vec<String>,
    ) -> Self {
        let mut layers = Self { program, values: BTreeMap::new(), file, warnings: Vec::new() };
        for setting in program.built() {
            if let Unless::Is(text) = setting.unless {
                let given = Given { text: text.to_owned(), place: Place::Default, held_in: None };
                layers.values.insert(setting.key, given);
            }
        }
        let from_file = layers.file.as_deref().map(|path| file::layer(program, path, errors)).unwrap_or_default();
        let from_environment = environment::layer(program, environment, &mut layers.warnings, errors);
        let from_flags = flags.iter().map(Flag::said).collect();
        for layer in [from_file, from_environment, from_flags] {
            layers.lay(layer, errors);
        }
        layers
    }

    /// A value that was given, by the setting's name in the environment.
    pub fn get(&self, name: &str) -> Option<&Given> {
        self.value(name).filter(|given| given.place != Place::Default)
    }

    /// A value that was given, else the default, by the setting's name in the environment.
    pub fn value(&self, name: &str) -> Option<&Given> {
        self.of_key(self.program.named(name)?.key)
    }

    /// The same by the key of the file.
    pub fn of_key(&self, key: &str) -> Option<&Given> {
        self.values.get(key)
    }

    /// Takes something that the program itself has decided.
    pub fn decide(&mut self, name: &str, text: impl Into<String>, by: &'static str) {
        if let Some(setting) = self.program.named(name) {
            self.values.insert(setting.key, Given { text: text.into(), place: Place::Program(by), held_in: None });
        }
    }

    /// Whose they are.
    pub fn program(&self) -> &'static Program {
        self.program
    }

    /// These, with the values of others for every setting for which `chosen` says so.
    pub fn with(&self, others: &Self, chosen: impl Fn(&Setting) -> bool) -> Self {
        let mut mixed = self.clone();
        for setting in self.program.built().filter(|setting| chosen(setting)) {
            match others.of_key(setting.key) {
                Some(given) => drop(mixed.values.insert(setting.key, given.clone())),
                None => drop(mixed.values.remove(setting.key)),
            }
        }
        mixed
    }

    fn lay(&mut self, layer: Layer, errors: &mut Vec<String>) {
        for (index, said) in layer.iter().enumerate() {
            if let Some(first) = layer[..index].iter().find(|other| other.setting.key == said.setting.key) {
                if !is_older(said) {
                    errors.push(format!("{}: {} says the same thing; keep one of the two", said.place, first.place));
                }
                continue;
            }
            match given(said) {
                Ok(given) => drop(self.values.insert(said.setting.key, given)),
                Err(error) => errors.push(error),
            }
        }
    }
}

impl std::fmt::Debug for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secrets.
        f.debug_struct("Layers").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Both names of an environment that serves the old program, too: ours counts.
fn is_older(said: &Said) -> bool {
    said.setting.older.iter().any(|older| said.place == Place::Environment((*older).to_owned()))
}

/// The program's own file, where it exists.
fn usual_file(program: &Program) -> Option<PathBuf> {
    // One that may not be looked at is read, too, so that the error says so.
    let exists = |path: &&str| !matches!(Path::new(path).try_exists(), Ok(false));
    program.file.filter(exists).map(PathBuf::from)
}

fn given(said: &Said) -> Result<Given, String> {
    let Said { setting, is_file, text, place } = said;
    let (text, place) = (text.clone(), place.clone());
    if !is_file {
        return Ok(Given { text, place, held_in: None });
    }
    let held_in = Some(PathBuf::from(&text));
    if setting.watched {
        return Ok(Given { text, place, held_in });
    }
    let text = secret_of(&text, &place)?;
    if text.is_empty() && !setting.once {
        return Err(format!("{place}: {} is empty; write the secret into it", said.text));
    }
    Ok(Given { text, place, held_in })
}

pub(crate) fn unsupported(place: &Place) -> String {
    format!("{place}: unsupported in this release; remove it")
}

/// The secret that a file holds, without the newline at its end; it may be empty.
fn secret_of(path: &str, place: &Place) -> Result<String, String> {
    use std::io::Read;
    let blame = |error: std::io::Error| format!("{place}: cannot read {path}: {error}");
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(blame)?;
    let read = file.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text).map_err(blame)?;
    if read as u64 > MAX_SECRET_BYTES {
        return Err(format!("{place}: {path} is longer than 64 KiB, so it holds no secret"));
    }
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    Ok(secret.to_owned())
}
