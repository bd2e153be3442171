//! Spans as OTLP writes them in JSON: ids in hex, times as text of nanoseconds, keys in lower camel case.

use pulse_core::Timestamp;
use pulse_core::trace::{Link, Moment, Span, SpanKind, Value as Attribute};
use serde_json::{Value, json};

/// The body of a request with these spans.
pub(super) fn body(service: &str, instance: &str, spans: &[Span]) -> Value {
    let release = env!("CARGO_PKG_VERSION");
    let resource = [("service.name", service), ("service.version", release), ("service.instance.id", instance)];
    let attributes: Vec<Value> =
        resource.iter().map(|(key, value)| attribute(key, &Attribute::Text((*value).to_owned()))).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": attributes },
        "scopeSpans": [{
            "scope": { "name": "pulse-controller", "version": release },
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }] })
}

fn span(span: &Span) -> Value {
    let mut told = json!({
        "traceId": span.trace,
        "spanId": span.id,
        "name": span.name,
        "kind": match span.kind { SpanKind::Internal => 1, SpanKind::Server => 2 },
        "startTimeUnixNano": nanoseconds(span.start),
        "endTimeUnixNano": nanoseconds(span.end),
        "attributes": span.attributes.iter().map(|(key, value)| attribute(key, value)).collect::<Vec<_>>(),
        "events": span.moments.iter().map(moment).collect::<Vec<_>>(),
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "status": span.error.as_ref().map_or_else(|| json!({}), |message| json!({ "code": 2, "message": message })),
    });
    if let Some(parent) = &span.parent {
        told["parentSpanId"] = json!(parent);
    }
    told
}

fn attribute(key: &str, value: &Attribute) -> Value {
    let value = match value {
        Attribute::Text(text) => json!({ "stringValue": text }),
        Attribute::Number(number) => json!({ "intValue": number.to_string() }),
    };
    json!({ "key": key, "value": value })
}

fn moment(moment: &Moment) -> Value {
    json!({ "name": moment.name, "timeUnixNano": nanoseconds(moment.at) })
}

fn link(link: &Link) -> Value {
    json!({ "traceId": link.trace, "spanId": link.span })
}

fn nanoseconds(at: Timestamp) -> String {
    (i128::from(at.0) * 1000).to_string()
}
