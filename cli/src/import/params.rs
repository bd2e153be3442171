//! Parameters: those that a definition declares, those that it uses, and `{{ … }}` in its texts.

use super::names;
use super::note::{Notes, Place};
use super::yaml::Yaml;
use serde_json::Value;

/// The parameters of one workflow.
#[derive(Debug, Clone, Default)]
pub struct Params {
    declared: Vec<Param>,
}

#[derive(Debug, Clone)]
struct Param {
    old: String,
    new: String,
    fields: Vec<(String, Yaml)>,
}

impl Params {
    /// What stands under `params`: a map of names, or a list of names or of maps with a `name`.
    pub fn read(value: &Value, place: &Place, notes: &mut Notes) -> Self {
        let (mut params, place) = (Self::default(), place.field("params"));
        match value {
            Value::Null => {}
            Value::Object(entries) => entries.iter().for_each(|(name, value)| params.declare(name, value, &place, notes)),
            Value::Array(items) => {
                for item in items {
                    let name = item.as_str().or_else(|| item.get("name")?.as_str());
                    match name {
                        Some(name) => params.declare(name, if item.is_object() { item } else { &Value::Null }, &place, notes),
                        None => {
                            notes.error::<()>(&place, "a parameter has no name", "write `{\"name\": \"…\"}`");
                        }
                    }
                }
            }
            _ => {
                notes.error::<()>(&place, "this is neither a map nor a list", "write `{\"name\": {\"default\": \"…\"}}`");
            }
        }
        params
    }

    fn declare(&mut self, old: &str, value: &Value, place: &Place, notes: &mut Notes) {
        if self.declared.iter().any(|param| param.old == old) {
            notes.error::<()>(place, format!("two parameters are named `{old}`"), "rename one of them");
            return;
        }
        let field = |names: &[&str]| names.iter().find_map(|name| value.get(name)).filter(|value| !value.is_null());
        let default = if value.is_object() { field(&["default", "defaultValue", "value"]).and_then(text) } else { text(value) };
        let required = field(&["required"]).and_then(Value::as_bool) == Some(true);
        let mut fields = Vec::new();
        match default {
            Some(default) => fields.push(("default".to_owned(), Yaml::Text(default))),
            None if required => fields.push(("required".to_owned(), Yaml::word(true))),
            None => {}
        }
        if let Some(description) = field(&["description", "label"]).and_then(Value::as_str) {
            fields.push(("description".to_owned(), Yaml::text(description)));
        }
        let known = ["name", "default", "defaultValue", "value", "required", "description", "label"];
        let unknown: Vec<&str> =
            value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).filter(|name| !known.contains(name)).collect();
        if !unknown.is_empty() {
            let message = format!("of the parameter `{old}` this was left out: {}", unknown.join(", "));
            notes.check(place, message, "say it with `type`, `pattern`, `values`, `min` or `max`");
        }
        self.add(old, fields, place, notes);
    }

    fn add(&mut self, old: &str, fields: Vec<(String, Yaml)>, place: &Place, notes: &mut Notes) -> String {
        let new = names::param(old, |name| self.declared.iter().any(|param| param.new == name));
        if new != old {
            notes.note(place, format!("the parameter `{old}` is named `{new}`"));
        }
        self.declared.push(Param { old: old.to_owned(), new: new.clone(), fields });
        new
    }

    /// The new name of a parameter. One that is not declared is declared now.
    pub fn named(&mut self, old: &str, place: &Place, notes: &mut Notes) -> String {
        if let Some(param) = self.declared.iter().find(|param| param.old == old) {
            return param.new.clone();
        }
        let message = format!("the definition uses the parameter `{old}` and does not declare it; here it has to be given");
        notes.check(place, message, "give it a `default` where it may be left out");
        self.add(old, vec![("required".to_owned(), Yaml::word(true))], place, notes)
    }

    /// What stands under `params` of the manifest.
    pub fn yaml(&self) -> Option<Yaml> {
        let item = |param: &Param| {
            let name = ("name".to_owned(), Yaml::text(&param.new));
            (Vec::new(), Yaml::Short(std::iter::once(name).chain(param.fields.clone()).collect()))
        };
        (!self.declared.is_empty()).then(|| Yaml::Items(self.declared.iter().map(item).collect()))
    }

    /// A text with `{{name}}` as PULSE writes it. Other braces are for other programs and stay.
    pub fn template(&mut self, text: &str, place: &Place, notes: &mut Notes) -> String {
        braces(text, |name| Some(self.named(name, place, notes)))
    }
}

/// A text in which braces mean nothing.
pub fn literal(text: &str) -> String {
    braces(text, |_| None)
}

fn braces(text: &str, mut param: impl FnMut(&str) -> Option<String>) -> String {
    let (mut said, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("{{") {
        said.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let close = inside.find("}}").filter(|close| !inside[..*close].contains(['\n', '"', '{']));
        let inner = close.map(|close| &inside[..close]);
        match (inner, inner.map(param_name).filter(|name| is_name(name)).and_then(&mut param)) {
            (Some(inner), Some(name)) => {
                said.push_str(&format!("{{{{ params.{name} }}}}"));
                rest = &inside[inner.len() + 2..];
            }
            (Some(inner), None) => {
                said.push_str(&format!("{{{{ \"{{{{{inner}}}}}\" }}}}"));
                rest = &inside[inner.len() + 2..];
            }
            (None, _) => {
                said.push_str("{{ \"{{\" }}");
                rest = inside;
            }
        }
    }
    said + rest
}

/// The name between braces. `params.name` is taken, too: so say the remedies that errors show.
fn param_name(inner: &str) -> &str {
    let inner = inner.trim();
    inner.strip_prefix("params.").unwrap_or(inner)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A value as text; nothing for maps, lists and `null`.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Params, literal};
    use crate::import::note::{Level, Notes, Place};
    use serde_json::json;

    #[test]
    fn braces_name_parameters_or_stay() {
        let (mut notes, place) = (Notes::default(), Place::default());
        let mut params = Params::read(&json!({"Name": "x", "limit": {"default": 80, "min": 1}}), &place, &mut notes);
        let mut said = |text| params.template(text, &place, &mut notes);
        assert_eq!(said("echo {{Name}} {{ limit }}"), "echo {{ params.name }} {{ params.limit }}");
        assert_eq!(said("echo {{ params.limit }}"), "echo {{ params.limit }}");
        assert_eq!(said("docker ps --format '{{.Names}}'"), "docker ps --format '{{ \"{{.Names}}\" }}'");
        assert_eq!(said("a {{ b \"c\" }} {{{x}}} {{"), "a {{ \"{{\" }} b \"c\" }} {{ \"{{\" }}{x}}} {{ \"{{\" }}");
        assert_eq!(said("{{other}}"), "{{ params.other }}");
        assert_eq!(literal("{{name}}"), "{{ \"{{name}}\" }}");
        let yaml = format!("{:?}", params.yaml());
        assert!(yaml.contains("other") && yaml.contains("required"), "{yaml}");
        let levels: Vec<Level> = notes.0.iter().map(|note| note.level).collect();
        assert_eq!(levels, [Level::Note, Level::Check, Level::Check], "{notes:?}");
    }

    #[test]
    fn declarations_have_several_forms() {
        let (mut notes, place) = (Notes::default(), Place::default());
        let read = |value, notes: &mut Notes| Params::read(&value, &place, notes).declared.len();
        assert_eq!(read(json!(["a", {"name": "b", "required": true, "description": "B"}]), &mut notes), 2);
        assert_eq!((read(json!(null), &mut notes), notes.0.len()), (0, 0));
        for wrong in [json!("a"), json!([1]), json!(["a", "a"])] {
            let before = notes.0.len();
            read(wrong.clone(), &mut notes);
            assert!(notes.has_errors(before), "{wrong}");
        }
    }
}
