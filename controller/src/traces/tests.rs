//! What goes to a collector, and what a full queue does.

use super::{Tracer, otlp, sync};
use crate::metrics::Metrics;
use pulse_core::Timestamp;
use pulse_protocol::ExecutionId;
use pulse_store::{SyncOutcome, SyncRecord};
use serde_json::json;
use uuid::Uuid;

fn record(outcome: SyncOutcome) -> SyncRecord {
    SyncRecord {
        id: Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0004),
        source: "default".into(),
        commit: Some("abc".into()),
        author: None,
        title: None,
        outcome,
        reason: Some("InvalidManifests".into()),
        generation: None,
        problems: json!([]),
        counts: json!({}),
        message: Some("1 error in 1 file".into()),
        started_at: Timestamp(5_000_000),
        duration_us: 250_000,
    }
}

#[test]
fn a_sync_is_a_trace_with_the_webhook_that_asked_for_it() {
    let spans = sync::spans(&record(SyncOutcome::Applied), Some(Timestamp(4_900_000)));
    let body = otlp::body("pulse", "host:1", &spans);
    let told = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
    assert_eq!(
        (&told[0]["name"], &told[0]["kind"], &told[0]["spanId"]),
        (&json!("SYNC default"), &json!(2), &json!("8000000000000004"))
    );
    assert_eq!(told[0]["traceId"], "01930000000070008000000000000004");
    assert_eq!((&told[0]["startTimeUnixNano"], &told[0]["endTimeUnixNano"]), (&json!("4900000000"), &json!("5250000000")));
    assert_eq!(
        (&told[1]["name"], &told[1]["parentSpanId"], &told[1]["spanId"]),
        (&json!("webhook"), &told[0]["spanId"], &json!("8000000000000005"))
    );
    assert_eq!((&told[0]["status"], told[0].get("parentSpanId")), (&json!({}), None));
    let refused = sync::spans(&record(SyncOutcome::Refused), None);
    assert_eq!((refused.len(), refused[0].error.as_deref()), (1, Some("InvalidManifests")));
}

#[test]
fn a_full_queue_drops_counts_and_waits_for_nobody() {
    let metrics = Metrics::default();
    let (tracer, ends) = Tracer::new(metrics.clone());
    for _ in 0..super::QUEUE + 7 {
        tracer.ended(ExecutionId(Uuid::now_v7()));
    }
    assert_eq!(metrics.work().traces("dropped"), 7);
    drop(ends);
    tracer.ended(ExecutionId(Uuid::now_v7()));
    assert_eq!(metrics.work().traces("dropped"), 8);
    assert!(tracer.is_on() && !Tracer::default().is_on());
}
