//! Steps: what all have, and those that run no command and choose nothing.

use super::flow::Flow;
use super::input::left;
use super::js::{self, Answer, Names};
use super::note::{Level, Notes, Place};
use super::number::{self, TimeoutUnit};
use super::params::{Params, text};
use super::yaml::Yaml;
use serde_json::Value;

/// How long the old PULSE waited for an answer.
const PROMPT_TIMEOUT: &str = "1h";

/// Entries of a map.
pub type Fields = Vec<(String, Yaml)>;

/// Reads one step.
pub struct Reader<'a> {
    /// Where it stands.
    pub place: Place,
    /// All steps.
    pub flow: &'a Flow,
    /// All steps, as they were.
    pub old: &'a [Value],
    /// Which of them it is.
    pub index: usize,
    /// What the numbers of `timeout` are.
    pub unit: TimeoutUnit,
    /// The workflow's parameters.
    pub params: &'a mut Params,
    /// What is to be said.
    pub notes: &'a mut Notes,
}

/// An entry.
pub fn entry(name: &str, value: Yaml) -> (String, Yaml) {
    (name.to_owned(), value)
}

impl<'a> Reader<'a> {
    /// A reader of the step `index`.
    pub fn new(
        flow: &'a Flow,
        old: &'a [Value],
        index: usize,
        unit: TimeoutUnit,
        place: &Place,
        params: &'a mut Params,
        notes: &'a mut Notes,
    ) -> Self {
        let shown = ["name", "id"]
            .iter()
            .find_map(|field| old[index].get(field).and_then(text))
            .unwrap_or_else(|| format!("Step {}", index + 1));
        Self { place: place.step(index + 1, &shown), flow, old, index, unit, params, notes }
    }

    /// The step; nothing where it could not be built.
    pub fn step(&mut self, step: &Value) -> Option<Yaml> {
        let place = self.place.clone();
        let Some(fields) = step.as_object() else {
            return self.notes.error(&place, "this is no step", "write `{\"type\": \"execute\", …}`");
        };
        let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
        let known: &[&str] = match kind {
            "execute" => &["targets", "command", "timeout", "retries", "retryDelayMs"],
            "prompt" => &["message", "options"],
            "wait" => &["duration"],
            "parse" => &[],
            "route" => &["conditions"],
            _ => {
                let message = if kind.is_empty() {
                    "the step has no `type`".to_owned()
                } else {
                    format!("there is no type of steps {kind:?}")
                };
                return self.notes.error(&place, message, "the types are `execute`, `prompt`, `wait`, `parse` and `route`");
            }
        };
        let unknown = left(fields, &[&["id", "name", "type", "condition", "goto", "gotoId"], known].concat());
        if !unknown.is_empty() {
            self.notes.check(&place, format!("this was left out: {}", unknown.join(", ")), "say it by hand where it matters");
        }
        let mut yaml = vec![entry("id", Yaml::text(self.flow.id(self.index)))];
        let name = fields.get("name").and_then(text).filter(|name| !name.trim().is_empty() && name != self.flow.id(self.index));
        yaml.extend(name.map(|name| entry("name", Yaml::Text(name))));
        yaml.push(entry("type", Yaml::text(kind)));
        yaml.extend(self.when(fields.get("condition")).map(|when| entry("when", Yaml::Text(when))));
        yaml.extend(match kind {
            "execute" => self.execute(step),
            "prompt" => self.prompt(step),
            "wait" => self.wait(step),
            "parse" => Some(self.parse()),
            _ => self.route(step),
        }?);
        yaml.extend(self.flow.goto(step, &place, self.notes).map(|goto| entry("goto", Yaml::Text(goto))));
        Some(Yaml::Map(yaml))
    }

    fn when(&mut self, condition: Option<&Value>) -> Option<String> {
        match condition {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => {
                self.notes.note(&self.place.field("condition"), "an empty condition is none");
                None
            }
            Some(condition) => self.condition(condition, "condition"),
        }
    }

    /// A condition as an expression.
    pub fn condition(&mut self, condition: &Value, field: &str) -> Option<String> {
        let place = self.place.field(field);
        let Some(written) = text(condition) else {
            return self.notes.error(&place, "this is no condition", "write it as a text");
        };
        let mut names = StepNames {
            place: place.clone(),
            flow: self.flow,
            index: self.index,
            params: &mut *self.params,
            notes: &mut *self.notes,
        };
        match js::translate(&written, &mut names) {
            Ok(translated) => {
                for (level, remark) in translated.remarks {
                    match level {
                        Level::Note => self.notes.note(&place, remark),
                        _ => self.notes.check(&place, format!("was {}", shown(&written)), remark),
                    }
                }
                Some(translated.text)
            }
            Err(error) => {
                let message = format!("{} cannot be translated: {}", shown(&written), error.message);
                let help = format!(
                    "{}; take the condition out of the definition, import it again, and write `when` or `if` by hand",
                    error.help
                );
                self.notes.error(&place, message, help)
            }
        }
    }

    fn prompt(&mut self, step: &Value) -> Option<Fields> {
        let place = self.place.field("message");
        let message = step.get("message").and_then(text).filter(|message| !message.trim().is_empty());
        let message = message.unwrap_or_else(|| "Please choose an option:".to_owned());
        let message = self.params.template(&message, &place, self.notes);
        let options = match step.get("options") {
            None | Some(Value::Null) => vec![Yaml::text("Continue")],
            Some(Value::Array(options)) if options.is_empty() => vec![Yaml::text("Continue")],
            Some(Value::Array(options)) => options.iter().map(|option| self.option(option)).collect::<Option<_>>()?,
            Some(_) => return self.notes.error(&self.place.field("options"), "this is no list", "write `[\"Yes\", \"No\"]`"),
        };
        Some(vec![
            entry("message", Yaml::Text(message)),
            entry("options", Yaml::List(options)),
            // The old PULSE gave up after an hour; what came then is not known, so the step fails.
            entry("timeout", Yaml::word(PROMPT_TIMEOUT)),
        ])
    }

    fn option(&mut self, option: &Value) -> Option<Yaml> {
        let place = self.place.field("options");
        let value = text(option).or_else(|| ["value", "label", "text"].iter().find_map(|field| option.get(field).and_then(text)));
        let Some(value) = value else {
            return self.notes.error(
                &place,
                "an option is no text",
                "write `\"Yes\"`, or `{\"value\": \"Yes\", \"goto\": \"id\"}`",
            );
        };
        if let (Some(shown), Some(label)) = (option.get("value").and_then(text), option.get("label").and_then(text))
            && shown != label
        {
            self.notes.check(
                &place,
                format!("people saw {label:?} and now see the answer itself"),
                "rename the answer where it matters",
            );
        }
        // A quoted answer is the same to every program that reads YAML.
        match self.flow.goto(option, &place, self.notes) {
            Some(goto) => Some(Yaml::Short(vec![entry("value", Yaml::Text(value)), entry("goto", Yaml::Text(goto))])),
            None => Some(Yaml::Text(value)),
        }
    }

    fn wait(&mut self, step: &Value) -> Option<Fields> {
        match number::wait(step.get("duration").unwrap_or(&Value::Null)) {
            Ok(duration) => Some(vec![entry("duration", Yaml::word(duration))]),
            Err((message, help)) => self.notes.error(&self.place.field("duration"), message, help),
        }
    }

    /// The old PULSE read the stdout of whichever target ran last; with several an agent has to be named.
    fn parse(&mut self) -> Fields {
        let is_execute = |step: &&Value| step.get("type").and_then(Value::as_str) == Some("execute");
        let Some(source) = self.old[..self.index].iter().rev().find(is_execute) else { return Vec::new() };
        let names: Vec<String> = super::execute::old_targets(source);
        let place = self.place.clone();
        match names.as_slice() {
            [only] if !super::execute::is_many(only) => Vec::new(),
            [.., last] if !names.iter().any(|name| super::execute::is_many(name)) => {
                let message =
                    format!("the old PULSE read what the target that ran last wrote; that was {last:?} unless it was offline");
                self.notes.check(&place, message, "say `each: true` to read what every target wrote");
                vec![entry("agent", Yaml::Text(super::names::target(last)))]
            }
            _ => {
                let message = "the old PULSE read what the target that ran last wrote; where the step before ran on several agents, this one fails";
                self.notes.check(&place, message, "say whose output with `agent: NAME`, or `each: true`");
                Vec::new()
            }
        }
    }
}

/// A condition as a message shows it: on one line and not for ever.
fn shown(condition: &str) -> String {
    let line = condition.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 120 { format!("`{line}`") } else { format!("`{}…`", line.chars().take(120).collect::<String>()) }
}

/// What the conditions of one step can name.
struct StepNames<'a> {
    place: Place,
    flow: &'a Flow,
    index: usize,
    params: &'a mut Params,
    notes: &'a mut Notes,
}

impl Names for StepNames<'_> {
    fn param(&mut self, old: &str) -> Result<String, String> {
        let name = !old.is_empty() && old.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if !name || matches!(old, "constructor" | "__proto__" | "prototype") {
            return Err(format!("`params.{old}` is no parameter"));
        }
        Ok(self.params.named(old, &self.place, self.notes))
    }

    fn answer(&mut self) -> Result<Answer, String> {
        let none = "`promptResponse` is no one's answer here: no `prompt` step comes before this one".to_owned();
        let asked = self.flow.asked(self.index).ok_or(none)?;
        let step = &asked.step;
        if !asked.others.is_empty() && asked.certain {
            self.notes.note(&self.place, format!("`promptResponse` is the answer of the nearest prompt before, `{step}`"));
        } else if !asked.certain {
            let others = asked.others.iter().map(|other| format!("`{other}`")).collect::<Vec<_>>().join(", ");
            let or = if others.is_empty() { String::new() } else { format!(" and not that of {others}") };
            let jumped =
                if asked.jumped { format!("; a `goto` can jump over `{step}`, and then this step fails") } else { String::new() };
            self.notes.check(
                &self.place,
                format!("`promptResponse` was taken for the answer of the nearest prompt before, `{step}`{or}{jumped}"),
                "name another prompt as `steps.<id>.answer` where that is meant",
            );
        }
        Ok(Answer { step: asked.step, optional: asked.optional })
    }
}
