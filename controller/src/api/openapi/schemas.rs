//! Types become schemas. What comes in and what goes out differ: a field with a default may be left out of a request, and is always
//! there in an answer.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

/// Where the document keeps schemas.
const PLACE: &str = "/components/schemas";

/// The schemas of one document.
pub(in crate::api) struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

/// A set takes an item that comes twice as one; so nobody is told that it may not.
fn without_unique(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.shift_remove("uniqueItems");
            fields.values_mut().for_each(without_unique);
        }
        Value::Array(items) => items.iter_mut().for_each(without_unique),
        _ => {}
    }
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = PLACE.into();
            settings.meta_schema = None;
        });
        let requests = settings.clone().for_deserialize().into_generator();
        Self { requests, answers: settings.for_serialize().into_generator() }
    }
}

impl Schemas {
    /// Of what a request brings.
    pub(in crate::api) fn request<T: JsonSchema>(&mut self) -> Value {
        self.requests.subschema_for::<T>().to_value()
    }

    /// Of a query: its parameters, not the whole.
    pub(in crate::api) fn query<T: JsonSchema>(&mut self) -> Value {
        T::json_schema(&mut self.requests).to_value()
    }

    /// Of an answer.
    pub(in crate::api) fn answer<T: JsonSchema>(&mut self) -> Value {
        self.answers.subschema_for::<T>().to_value()
    }

    /// All that have a name. An answer's form of a type stands for a request's: they differ in no type that both hold.
    pub(in crate::api) fn into_named(mut self) -> Map<String, Value> {
        let mut named = self.requests.take_definitions(true);
        named.extend(self.answers.take_definitions(true));
        named.sort_keys();
        named.values_mut().for_each(without_unique);
        named
    }

    /// Names that mean one thing in requests and another in answers.
    #[cfg(test)]
    pub(in crate::api) fn clashes(mut self) -> Vec<String> {
        let (requests, answers) = (self.requests.take_definitions(true), self.answers.take_definitions(true));
        let differs = |(name, schema): (String, Value)| answers.get(&name).is_some_and(|other| *other != schema).then_some(name);
        requests.into_iter().filter_map(differs).collect()
    }
}
