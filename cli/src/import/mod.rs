//! The old PULSE's definitions made manifests. Pure: text in, texts and notes out.
//!
//! ```text
//! JSON ─▶ input (definitions) ─▶ workflow, steps, schedule ─▶ yaml ─▶ check (the controller's own) ─▶ manifests + notes
//!                                  └─▶ js (conditions), params, number, names, secret
//! ```
//!
//! A definition that holds an error gives no manifest; each error says what to change in the definition. Whatever is given as a
//! manifest is valid: the controller's own checks have seen it.

mod check;
mod execute;
mod flow;
mod input;
mod js;
mod names;
mod note;
mod number;
mod params;
mod route;
mod schedule;
mod secret;
mod steps;
#[cfg(test)]
mod tests;
mod workflow;
mod yaml;

pub use input::InputError;
pub use note::{Level, Notes};
pub use number::TimeoutUnit;

use input::Definition;
use note::Place;
use std::collections::BTreeSet;
use yaml::Yaml;

/// How to import.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// What the numbers of `timeout` are.
    pub unit: TimeoutUnit,
    /// The name of the only manifest.
    pub name: Option<&'a str>,
    /// The name of a definition without one.
    pub otherwise: &'a str,
}

/// A manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The name of its file.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// What an import gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// The manifests, in the order of the input.
    pub manifests: Vec<Manifest>,
    /// What is to be said.
    pub notes: Notes,
    /// How many definitions were left out because of an error.
    pub left_out: usize,
}

/// Translates everything that a text holds.
pub fn convert(text: &str, options: Options<'_>) -> Result<Import, InputError> {
    let mut import = Import::default();
    let mut taken = BTreeSet::new();
    for definition in input::read(text, options)? {
        let start = import.notes.0.len();
        let built = one(&definition, options, &mut taken, &mut import.notes);
        match built.filter(|_| !import.notes.has_errors(start)) {
            Some(manifest) => import.manifests.push(manifest),
            None => import.left_out += 1,
        }
    }
    Ok(import)
}

/// What was made of a definition: the fields of `spec`, and which steps they hold.
struct Built {
    spec: Vec<(String, Yaml)>,
    /// Places of the steps, by index.
    steps: Vec<Place>,
}

fn one(
    definition: &Definition,
    options: Options<'_>,
    taken: &mut BTreeSet<(bool, String)>,
    notes: &mut Notes,
) -> Option<Manifest> {
    let (start, place, is_workflow) = (notes.0.len(), &definition.place, definition.is_workflow);
    if !definition.unknown.is_empty() {
        let message = format!("this was left out: {}", definition.unknown.join(", "));
        notes.check(place, message, "say it by hand where it matters");
    }
    let name = names::manifest(&definition.name, |name| taken.contains(&(is_workflow, name.to_owned())));
    taken.insert((is_workflow, name.clone()));
    let built = if is_workflow { workflow::build(definition, options, notes) } else { schedule::build(definition, notes) }?;
    let kind = if is_workflow { "Workflow" } else { "Schedule" };
    let mut metadata = vec![("name".to_owned(), Yaml::text(&name))];
    if name != definition.name {
        metadata.push(("annotations".to_owned(), Yaml::Short(vec![("imported-from".to_owned(), Yaml::text(&definition.name))])));
    }
    let entries = [
        ("apiVersion".to_owned(), Yaml::text(crd_schemas::manifest::API_VERSION)),
        ("kind".to_owned(), Yaml::text(kind)),
        ("metadata".to_owned(), Yaml::Map(metadata)),
        ("spec".to_owned(), Yaml::Map(built.spec)),
    ];
    let schema = format!("# yaml-language-server: $schema=../../crd-schemas/schemas/{}.json", kind.to_ascii_lowercase());
    let file = if is_workflow { format!("{name}.yaml") } else { format!("{name}.schedule.yaml") };
    let text = yaml::document(&schema, &notes.comments(start, None), &entries);
    check::check(&file, &text, place, &built.steps, notes);
    Some(Manifest { file, text })
}
