//! The controller's own checks, asked of a manifest that was made: what it would refuse is an error of the import.

use super::note::{Notes, Place};
use crd_schemas::{Problem, Severity, parse_file};
use pulse_core::definitions;

/// Says everything that the controller would say, at the places of the definition.
pub fn check(file: &str, text: &str, place: &Place, steps: &[Place], notes: &mut Notes) {
    let parsed = parse_file(file, text.as_bytes());
    let own = parsed.documents.iter().flat_map(definitions::own_problems);
    for problem in parsed.problems.iter().cloned().chain(own) {
        let Problem { pointer, severity, message, help, .. } = problem;
        let mut parts = pointer.strip_prefix("/spec/").unwrap_or_default().splitn(3, '/');
        let of_step = match (parts.next(), parts.next().and_then(|index| index.parse::<usize>().ok())) {
            (Some("steps"), Some(index)) => steps.get(index),
            _ => None,
        };
        let field = if of_step.is_some() {
            parts.next().unwrap_or_default().to_owned()
        } else {
            pointer.trim_start_matches('/').replace('/', ".")
        };
        let at = of_step.unwrap_or(place);
        let at = if field.is_empty() { at.clone() } else { at.field(field.replace('/', ".")) };
        let help = help.map_or_else(String::new, |help| format!("{help}; "));
        match severity {
            Severity::Error => {
                notes.error::<()>(&at, message, format!("{help}change it in the definition and import it again"));
            }
            Severity::Warning => notes.check(&at, message, format!("{help}look whether it is meant so")),
        }
    }
}
