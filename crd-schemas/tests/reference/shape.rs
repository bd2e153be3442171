//! What a node of a schema says, in words: its type, its default, its limits.

use serde_json::Value;

/// A schema, and what its nodes refer to.
#[derive(Clone, Copy)]
pub struct Schema<'a>(pub &'a Value);

/// How a path below the source's root is told from other patterns.
const PATH_START: &str = "^([^/.";

impl<'a> Schema<'a> {
    /// The definition of a name.
    pub fn definition(self, name: &str) -> &'a Value {
        &self.0["definitions"][name]
    }

    /// The name that a node refers to, directly or as the only one of a group.
    pub fn referred(self, node: &'a Value) -> Option<&'a str> {
        let alone = |key: &str| node.get(key).and_then(Value::as_array).filter(|list| list.len() == 1).map(|list| &list[0]);
        // `metadata` of what targets can name has a second part, which only forbids `all`.
        let first = |key: &str| node.get(key).and_then(Value::as_array).and_then(|list| list.first());
        let node = alone("allOf").or_else(|| alone("anyOf")).or_else(|| first("allOf")).unwrap_or(node);
        let deeper = node.get("allOf").map(|_| node).and_then(|node| self.referred(node));
        node.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/definitions/")).or(deeper)
    }

    /// The words that a node may be, each with its meaning; none where it is no choice of words.
    pub fn words(self, node: &'a Value) -> Vec<(&'a str, &'a str)> {
        let node = self.referred(node).map_or(node, |name| self.definition(name));
        let word = |one: &'a Value| Some((one.get("const")?.as_str()?, one["description"].as_str().unwrap_or("")));
        let forms = node.get("oneOf").and_then(Value::as_array);
        forms.and_then(|forms| forms.iter().map(word).collect::<Option<Vec<_>>>()).unwrap_or_default()
    }

    /// The objects that a node holds and that have a name of their own: `Retry`, `Param`.
    pub fn parts(self, node: &'a Value) -> Vec<&'a str> {
        let mut found = Vec::new();
        if let Some(name) = self.referred(node) {
            let definition = self.definition(name);
            if definition.get("properties").is_some() {
                return vec![name];
            }
            found.extend(alternatives(definition).flat_map(|one| self.parts(one)));
        }
        found.extend(node.get("items").map(|items| self.parts(items)).unwrap_or_default());
        found
    }

    /// The fields of an object that has no name of its own, such as `{file, args}`, each with its meaning.
    pub fn inner(self, node: &'a Value) -> Vec<(&'a str, &'a str)> {
        if let Some(name) = self.referred(node) {
            return alternatives(self.definition(name)).flat_map(|one| self.inner(one)).collect();
        }
        let own = node.get("properties").and_then(Value::as_object).into_iter().flatten();
        let own = own.map(|(name, field)| (name.as_str(), field["description"].as_str().unwrap_or("")));
        let of_items = node.get("items").map(|items| self.inner(items)).unwrap_or_default();
        own.chain(alternatives(node).flat_map(|one| self.inner(one))).chain(of_items).collect()
    }

    /// Its type, for people.
    pub fn kind(self, node: &'a Value) -> String {
        if let Some(name) = self.referred(node) {
            return match name {
                "Duration" => "duration".to_owned(),
                "Step" => "step".to_owned(),
                _ if self.definition(name).get("properties").is_some() => format!("[{name}](#{})", name.to_lowercase()),
                _ => self.kind(self.definition(name)),
            };
        }
        if !self.words(node).is_empty() {
            return "word".to_owned();
        }
        if let Some(word) = node.get("const") {
            return format!("`{}`", word.as_str().unwrap_or("?"));
        }
        if alternatives(node).next().is_some() {
            let mut kinds: Vec<String> = alternatives(node).map(|one| self.kind(one)).collect();
            kinds.dedup();
            return kinds.join(", or ");
        }
        self.plain(node)
    }

    fn plain(self, node: &'a Value) -> String {
        match node["type"].as_str() {
            Some("string") => "text".to_owned(),
            Some("integer") => "whole number".to_owned(),
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("array") => format!("list of {}", plural(&self.kind(&node["items"]))),
            Some("object") if node.get("properties").is_some() => braces(node),
            Some("object") => "map of texts".to_owned(),
            Some(other) => other.to_owned(),
            None => "any".to_owned(),
        }
    }

    /// Its limits; empty where there are none that a schema knows.
    pub fn limits(self, node: &'a Value) -> String {
        let mut said = Vec::new();
        let referred = self.referred(node).map(|name| self.definition(name)).filter(|found| found.get("properties").is_none());
        said.extend(node.get("pattern").and_then(Value::as_str).map(pattern));
        said.extend(range(node, ["minimum", "maximum"], ""));
        said.extend(range(node, ["minItems", "maxItems"], "items"));
        said.extend(node.get("maxLength").map(|most| format!("at most {} characters", number(most))));
        said.extend(node.get("uniqueItems").map(|_| "no two alike".to_owned()));
        said.extend(node.pointer("/not/const").map(|word| format!("not `{}`", word.as_str().unwrap_or("?"))));
        let keys = node.pointer("/propertyNames/pattern").and_then(Value::as_str);
        said.extend(keys.map(|keys| format!("keys: {}", pattern(keys))));
        let values = node.pointer("/additionalProperties/pattern").and_then(Value::as_str);
        said.extend(values.map(|values| format!("values: {}", pattern(values))));
        if let Some(items) = node.get("items").filter(|items| items.get("$ref").is_none()) {
            let each = self.limits(items);
            said.extend((!each.is_empty()).then(|| format!("each: {each}")));
        }
        if said.is_empty() {
            said.extend(referred.filter(|found| found.get("oneOf").is_none()).map(|found| self.limits(found)));
            said.extend(alternatives(referred.unwrap_or(&Value::Null)).map(|one| self.limits(one)));
        }
        said.retain(|said| !said.is_empty());
        said.dedup();
        said.join("; ")
    }
}

/// Which fields exclude each other, and of which there must be one, in sentences.
pub fn rules(node: &Value) -> Vec<String> {
    let parts = node.get("allOf").and_then(Value::as_array).into_iter().flatten().chain(std::iter::once(node));
    let ways = [("oneOf", "Exactly one of"), ("anyOf", "At least one of")];
    let rule = |part: &Value| ways.map(|(key, words)| Some(format!("{words} {}.", choice(part.get(key)?)?)));
    parts.flat_map(rule).flatten().collect()
}

/// `a` and `b`, where each form is told by a field that it needs.
fn choice(forms: &Value) -> Option<String> {
    let needed = |form: &Value| Some(format!("`{}`", form["required"].as_array()?.first()?.as_str()?));
    let names: Vec<String> = forms.as_array()?.iter().map(needed).collect::<Option<_>>()?;
    (names.len() > 1).then(|| names.join(" and "))
}

/// The forms of which a node is one.
fn alternatives(node: &Value) -> impl Iterator<Item = &Value> {
    node.get("anyOf").and_then(Value::as_array).filter(|list| list.len() > 1).into_iter().flatten()
}

/// `{value, goto}`.
fn braces(node: &Value) -> String {
    let names = node["properties"].as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    format!("`{{{}}}`", names.join(", "))
}

fn plural(kind: &str) -> String {
    match kind {
        "text" => "texts".to_owned(),
        "word" => "words".to_owned(),
        "whole number" => "whole numbers".to_owned(),
        "step" => "steps".to_owned(),
        other => other.strip_prefix("text, ").map_or_else(|| other.to_owned(), |rest| format!("texts, {rest}")),
    }
}

fn pattern(pattern: &str) -> String {
    match pattern {
        r"\S" => "not empty".to_owned(),
        path if path.starts_with(PATH_START) => "a path below the source's root, without `.` and `..`".to_owned(),
        duration if duration.starts_with("^(0*[1-9]") => String::new(),
        "^[0-9]+(ms|s|m|h|d)$" => "at most 366 days".to_owned(),
        other => format!("matches `{}`", other.replace('|', r"\|")),
    }
}

fn range(node: &Value, names: [&str; 2], unit: &str) -> Option<String> {
    let [least, most] = names.map(|name| node.get(name).filter(|bound| bound.is_number()).map(number));
    let said = match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        // Whole numbers without a sign begin there by themselves.
        (Some(least), None) if least == "0" => return None,
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => return None,
    };
    Some(if unit.is_empty() { said } else { format!("{said} {unit}") })
}

/// `10,000`.
fn number(value: &Value) -> String {
    let digits = value.to_string();
    if digits.contains('.') || digits.len() < 5 {
        return digits;
    }
    let groups: Vec<String> =
        digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join(",")
}
