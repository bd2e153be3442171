//! `route` steps.

use super::params::text;
use super::steps::{Fields, Reader, entry};
use super::yaml::Yaml;
use serde_json::Value;

/// JavaScript takes it for true.
fn is_truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(_) => true,
    }
}

impl Reader<'_> {
    /// `conditions` as `routes`.
    pub fn route(&mut self, step: &Value) -> Option<Fields> {
        let place = self.place.field("conditions");
        let empty = Vec::new();
        let conditions = match step.get("conditions") {
            None | Some(Value::Null) => &empty,
            Some(Value::Array(conditions)) => conditions,
            Some(_) => return self.notes.error(&place, "this is no list", "write `[{\"if\": \"…\", \"goto\": \"id\"}]`"),
        };
        let (mut routes, mut closed, mut wrong) = (Vec::new(), false, false);
        for (number, condition) in conditions.iter().enumerate().map(|(index, condition)| (index + 1, condition)) {
            if closed {
                self.notes.note(&place, format!("number {number} was left out: the default before it always held"));
                continue;
            }
            closed = is_truthy(condition.get("default"));
            let test = match (closed, condition.get("if")) {
                (true, _) => entry("default", Yaml::word(true)),
                (false, test) if !is_truthy(test) => {
                    self.notes.note(&place, format!("number {number} was left out: it has no `if`, so it never held"));
                    continue;
                }
                (false, test) => match self.condition(test.unwrap_or(&Value::Null), &format!("conditions.{number}.if")) {
                    Some(test) => entry("if", Yaml::Text(test)),
                    None => {
                        wrong = true;
                        continue;
                    }
                },
            };
            let goto = self.flow.goto(condition, &place, self.notes).map(|goto| entry("goto", Yaml::Text(goto)));
            let label = condition
                .get("label")
                .and_then(text)
                .filter(|label| !label.is_empty())
                .map(|label| entry("label", Yaml::Text(label)));
            routes.push((Vec::new(), Yaml::Short(std::iter::once(test).chain(goto).chain(label).collect())));
        }
        if wrong {
            return None;
        }
        if routes.is_empty() {
            self.notes.note(&place, "no route could ever hold, so the next step follows");
            routes.push((Vec::new(), Yaml::Short(vec![entry("default", Yaml::word(true))])));
        }
        Some(vec![entry("routes", Yaml::Items(routes))])
    }
}
