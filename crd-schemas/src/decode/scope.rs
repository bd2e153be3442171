//! The steps of a workflow, known before the first one is decoded, so that each place that names one is judged on the spot.

use super::cursor::Cursor;
use super::report::Report;
use super::steps::StepType;
use super::suggest::nearest;
use super::value;
use crate::problem::code;
use crate::tree::{Node, Value, clip};
use std::cell::Cell;
use std::collections::HashMap;

/// Names compared to find a near one, for all of a workflow; what comes after them gets a plain remedy.
const MAX_COMPARED: usize = 5000;

/// The ids of a workflow's steps with the steps' types, as they are written.
pub struct Scope<'a> {
    ids: Vec<&'a str>,
    types: HashMap<&'a str, Option<&'a str>>,
    compared: Cell<usize>,
}

impl<'a> Scope<'a> {
    /// The steps of a list; what is wrong with them is said elsewhere.
    pub fn of(steps: Option<&'a Node>) -> Self {
        let list = match steps.map(|node| &node.value) {
            Some(Value::List(items)) => items.as_slice(),
            _ => &[],
        };
        let named = list.iter().filter_map(|step| Some((field(step, "id")?, field(step, "type"))));
        let mut scope = Self { ids: Vec::new(), types: HashMap::new(), compared: Cell::new(0) };
        for (id, kind) in named {
            scope.ids.push(id);
            scope.types.entry(id).or_insert(kind);
        }
        scope
    }

    /// A `goto`: the id of a step, or `end`.
    pub fn goto(&self, at: Cursor, report: &mut Report) -> Option<String> {
        let (place, pointer) = (at.place(), at.pointer.clone());
        let named = value::filled_text(at, report)?;
        if named == "end" || self.types.contains_key(named.as_str()) {
            return Some(named);
        }
        let help = self.near(&named, true).map(|near| format!("did you mean `{near}`?"));
        let help = help.unwrap_or_else(|| "write the id of a step of this workflow, or `end`".into());
        report.error_at(place, &pointer, code::UNKNOWN_STEP, format!("there is no step `{}`", clip(&named)), Some(help))
    }

    /// A `from`: the id of an `execute` step. `what` is what only such a step has.
    pub fn source(&self, at: Cursor, what: &str, report: &mut Report) -> Option<String> {
        let (place, pointer) = (at.place(), at.pointer.clone());
        let named = value::filled_text(at, report)?;
        match self.types.get(named.as_str()) {
            Some(Some(kind)) if is_other(kind) => {
                let message = format!("`{}` is a step of the type `{}`, which has no {what}", clip(&named), clip(kind));
                report.error_at(place, &pointer, code::BAD_VALUE, message, Some("name an `execute` step".into()))
            }
            // A type that is missing or does not exist is said at its own place.
            Some(_) => Some(named),
            None => {
                let help = self.near(&named, false).map(|near| format!("did you mean `{near}`?"));
                let help = help.unwrap_or_else(|| "write the id of an `execute` step of this workflow".into());
                report.error_at(place, &pointer, code::UNKNOWN_STEP, format!("there is no step `{}`", clip(&named)), Some(help))
            }
        }
    }

    fn near(&self, named: &str, or_end: bool) -> Option<&str> {
        let compared = self.compared.get() + self.ids.len();
        if compared > MAX_COMPARED {
            return None;
        }
        self.compared.set(compared);
        nearest(named, self.ids.iter().copied().chain(or_end.then_some("end")))
    }
}

fn is_other(kind: &str) -> bool {
    StepType::ALL.iter().any(|(word, of)| *word == kind && *of != StepType::Execute)
}

fn field<'a>(step: &'a Node, name: &str) -> Option<&'a str> {
    let Value::Map(entries) = &step.value else { return None };
    entries.iter().find(|entry| entry.key.text() == Some(name)).and_then(|entry| entry.value.text())
}
