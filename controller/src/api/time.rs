//! Times as people and machines read them: RFC 3339, UTC, microseconds.

use pulse_core::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;

/// A time that is written as people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At(pub(super) Timestamp);

impl From<Timestamp> for At {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        rfc3339(self.0).serialize(serializer)
    }
}

impl JsonSchema for At {
    fn schema_name() -> Cow<'static, str> {
        Timestamp::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        Timestamp::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Timestamp::json_schema(generator)
    }
}

/// What the core writes, with its times as text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Readable(Value);

impl Readable {
    /// Of the core's own form.
    pub(super) fn of(said: &impl Serialize) -> Self {
        let mut value = json!(said);
        readable(&mut value);
        Self(value)
    }

    /// As JSON.
    pub(super) fn into_value(self) -> Value {
        self.0
    }
}

/// A time as text; outside the years 1 to 9999, which nothing here produces, the bare number.
pub(super) fn rfc3339(at: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(at) => format!("{at:.6}"),
        Err(_) => at.0.to_string(),
    }
}

/// Fields that hold a time wherever they stand in the core's JSON, where times are numbers.
const TIME_FIELDS: [&str; 3] = ["at", "since", "until"];

/// Turns the times of the core's JSON to text. A value that users give is never a number there, so none is mistaken for a time.
fn readable(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match (TIME_FIELDS.contains(&name.as_str()), field.as_i64()) {
                    (true, Some(at)) => *field = Value::String(rfc3339(Timestamp(at))),
                    _ => readable(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(readable),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{readable, rfc3339};
    use pulse_core::Timestamp;
    use serde_json::json;

    #[test]
    fn times_are_utc_with_microseconds() {
        assert_eq!(rfc3339(Timestamp(1_795_000_000_000_001)), "2026-11-18T11:06:40.000001Z");
        let mut value = json!({"at": 0, "verdict": {"at": 1_000_000}, "params": {"at": "12"}, "since": null});
        readable(&mut value);
        let (zero, one) = ("1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:01.000000Z");
        assert_eq!(value, json!({"at": zero, "verdict": {"at": one}, "params": {"at": "12"}, "since": null}));
    }
}
