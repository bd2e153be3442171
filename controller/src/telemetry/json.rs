//! A line of the log as one JSON object. What the spans around it know (`request_id`, `execution`) stands beside its own fields, so that a
//! search for one of them finds every line that is about it.

use serde_json::{Map, Value};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes such lines.
pub(super) struct Lines;

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for Lines {
    fn format_event(&self, context: &FmtContext<'_, S, JsonFields>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Map::new();
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let metadata = event.metadata();
        line.insert("timestamp".to_owned(), time.into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("target".to_owned(), metadata.target().into());
        event.record(&mut Fields(&mut line));
        // From the outermost inwards; what the line says itself stands.
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let Some(known) = extensions.get::<FormattedFields<JsonFields>>() else { continue };
            let Ok(Value::Object(known)) = serde_json::from_str(known.fields.as_str()) else { continue };
            for (name, value) in known {
                line.entry(name).or_insert(value);
            }
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Takes the fields of an event.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;
    use serde_json::{Value, json};
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::format::JsonFields;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_what_the_spans_around_it_know() {
        let kept = Kept::default();
        let writer = {
            let kept = kept.clone();
            move || kept.clone()
        };
        let lines = tracing_subscriber::fmt().fmt_fields(JsonFields::new()).event_format(Lines).with_writer(writer).finish();
        tracing::subscriber::with_default(lines, || {
            let request = tracing::info_span!("request", request_id = "r-1", path = "/x");
            let _in = request.enter();
            tracing::info_span!("execution", execution = "e-1").in_scope(|| {
                tracing::warn!(again_in = ?std::time::Duration::from_secs(1), count = 3, "a \"line\"\nof two");
            });
            tracing::info!(execution = %"e-2", "its own word stands");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [first, second] = lines.as_slice() else { panic!("{text}") };
        assert_eq!((&first["request_id"], &first["execution"], &first["path"]), (&json!("r-1"), &json!("e-1"), &json!("/x")));
        assert_eq!(
            (&first["level"], &first["message"], &first["count"]),
            (&json!("WARN"), &json!("a \"line\"\nof two"), &json!(3))
        );
        assert_eq!((&first["again_in"], first["timestamp"].as_str().unwrap().ends_with('Z')), (&json!("1s"), true));
        assert_eq!((&second["request_id"], &second["execution"]), (&json!("r-1"), &json!("e-2")));
    }
}
