//! The steps of a definition by their new ids: where each leads, and whose answer `promptResponse` is.

use super::names;
use super::note::{Notes, Place};
use super::params::text;
use serde_json::Value;

/// The steps as they lead to each other.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    steps: Vec<FlowStep>,
}

#[derive(Debug, Clone)]
struct FlowStep {
    old: Option<String>,
    id: String,
    is_prompt: bool,
    has_condition: bool,
    /// Steps that it can lead to beside the next one.
    jumps: Vec<usize>,
}

/// Whose answer `promptResponse` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The prompt.
    pub step: String,
    /// It may be left out.
    pub optional: bool,
    /// Other prompts whose answer it could be.
    pub others: Vec<String>,
    /// It may be jumped over.
    pub jumped: bool,
    /// There is one answer that it can be.
    pub certain: bool,
}

impl Flow {
    /// Gives every step its id, and finds where it leads.
    pub fn of(steps: &[Value]) -> Self {
        let mut flow = Self::default();
        for (index, step) in steps.iter().enumerate() {
            let field = |name: &str| step.get(name).and_then(text).filter(|text| !text.trim().is_empty());
            let old = field("id");
            let wish = old.clone().or_else(|| field("name")).unwrap_or_default();
            let id = names::step(&wish, index + 1, |id| flow.steps.iter().any(|step| step.id == id));
            let is_prompt = step.get("type").and_then(Value::as_str) == Some("prompt");
            flow.steps.push(FlowStep { old, id, is_prompt, has_condition: field("condition").is_some(), jumps: Vec::new() });
        }
        for (index, step) in steps.iter().enumerate() {
            let own = std::iter::once(step);
            let listed = ["options", "conditions"].into_iter().filter_map(|list| step.get(list)?.as_array()).flatten();
            let jumps = own.chain(listed).filter_map(|holder| flow.index(&goto_of(holder)?)).collect();
            flow.steps[index].jumps = jumps;
        }
        flow
    }

    /// The new id of a step.
    pub fn id(&self, index: usize) -> &str {
        &self.steps[index].id
    }

    fn index(&self, old: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.old.as_deref() == Some(old))
    }

    /// The step that a `goto` names, or `end`.
    pub fn goto(&self, holder: &Value, place: &Place, notes: &mut Notes) -> Option<String> {
        let place = place.field("goto");
        let old = match holder.get("goto").or_else(|| holder.get("gotoId")) {
            None | Some(Value::Null) => return None,
            Some(Value::String(old)) if old.is_empty() => return None,
            Some(value) => text(value),
        };
        let Some(old) = old else { return notes.error(&place, "this names no step", "write the id of a step") };
        match self.index(&old) {
            Some(index) => Some(self.steps[index].id.clone()),
            None if old == "end" => Some(old),
            None => {
                let known: Vec<&str> = self.steps.iter().filter_map(|step| step.old.as_deref()).collect();
                let help = if known.is_empty() {
                    "give the step that is meant an `id`".to_owned()
                } else {
                    format!("the ids are {}", known.join(", "))
                };
                notes.error(&place, format!("no step has the id {old:?}"), help)
            }
        }
    }

    /// Whose answer `promptResponse` is in a step: that of the nearest prompt before it.
    pub fn asked(&self, index: usize) -> Option<Asked> {
        let prompts = |from: usize, to: usize| (from..to).filter(|&at| self.steps[at].is_prompt);
        let nearest = prompts(0, index).next_back()?;
        let jumps = || self.steps.iter().enumerate().flat_map(|(from, step)| step.jumps.iter().map(move |&to| (from, to)));
        let jumped = jumps().any(|(from, to)| from < nearest && nearest < to && to <= index);
        // A way back brings the answers of later prompts.
        let back = jumps().filter(|&(from, to)| to <= index && index <= from).map(|(from, _)| from).max();
        let later = back.map_or(index, |from| from + 1);
        let others = prompts(0, nearest).chain(prompts(index, later)).map(|at| self.steps[at].id.clone()).collect::<Vec<_>>();
        let optional = self.steps[nearest].has_condition;
        let certain = !jumped && later == index && (!optional || others.is_empty());
        Some(Asked { step: self.steps[nearest].id.clone(), optional, others, jumped, certain })
    }
}

/// The old id that a `goto` of a step, an option or a condition names.
fn goto_of(holder: &Value) -> Option<String> {
    holder.get("goto").or_else(|| holder.get("gotoId")).and_then(text)
}

#[cfg(test)]
mod tests {
    use super::{Asked, Flow};
    use serde_json::json;

    fn asked(steps: serde_json::Value, index: usize) -> Option<Asked> {
        Flow::of(steps.as_array().unwrap()).asked(index)
    }

    #[test]
    fn the_nearest_prompt_is_meant() {
        let steps = json!([{"id": "a", "type": "prompt"}, {"id": "b", "type": "prompt"}, {"id": "c", "type": "execute"}]);
        let found = asked(steps.clone(), 2).unwrap();
        assert_eq!((found.step.as_str(), found.others.as_slice(), found.certain), ("b", &["a".to_owned()][..], true));
        assert_eq!(asked(steps, 0), None);
    }

    #[test]
    fn conditions_and_jumps_make_it_uncertain() {
        let optional = json!([{"id": "a", "type": "prompt"}, {"id": "b", "type": "prompt", "condition": "x"}, {"id": "c", "type": "execute"}]);
        assert!(asked(optional, 2).is_some_and(|found| found.optional && !found.certain));
        let jumped = json!([{"id": "r", "type": "route", "conditions": [{"goto": "c"}]}, {"id": "b", "type": "prompt"}, {"id": "c", "type": "execute"}]);
        assert!(asked(jumped, 2).is_some_and(|found| found.jumped && !found.certain));
        let back = json!([{"id": "a", "type": "prompt"}, {"id": "b", "type": "execute"}, {"id": "c", "type": "prompt", "options": ["x", {"value": "y", "goto": "b"}]}]);
        assert!(asked(back, 1).is_some_and(|found| found.others == ["c"] && !found.certain));
    }
}
