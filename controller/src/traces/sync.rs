//! A sync as a trace: the look at the source, and what asked for it. Executions link to the one that made their commit live.

use pulse_core::Timestamp;
use pulse_core::trace::{Link, Result, Span, SpanKind, Value, of_id};
use pulse_store::{SyncOutcome, SyncRecord};
use uuid::Uuid;

/// The spans of a recorded sync; `asked` is when a webhook came that it followed.
pub(super) fn spans(record: &SyncRecord, asked: Option<Timestamp>) -> Vec<Span> {
    let over = Timestamp(record.started_at.0.saturating_add(record.duration_us));
    let Link { trace, span: id } = link(record.id);
    let result = match record.outcome {
        SyncOutcome::Applied | SyncOutcome::Unchanged => Result::Success,
        SyncOutcome::Held => Result::Skip,
        SyncOutcome::Refused => Result::Failure,
        SyncOutcome::Unreachable => Result::Error,
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let mut attributes = vec![
        ("cicd.pipeline.name", text(&record.source)),
        ("cicd.pipeline.action.name", text("SYNC")),
        ("cicd.pipeline.run.id", text(&record.id.to_string())),
        ("cicd.pipeline.result", text(result.as_str())),
        ("pulse.sync.outcome", text(record.outcome.as_str())),
    ];
    attributes.extend(record.commit.as_deref().map(|commit| ("vcs.ref.head.revision", text(commit))));
    let (kind, start) = (SpanKind::Server, asked.map_or(record.started_at, |asked| asked.min(record.started_at)));
    let error = result.is_error().then(|| record.reason.clone().unwrap_or_default());
    let name = format!("SYNC {}", record.source);
    let (moments, links) = (Vec::new(), Vec::new());
    let root = Span { trace, id, parent: None, name, kind, start, end: over, attributes, moments, links, error };
    let webhook = asked.map(|_| Span {
        id: flipped(&root.id),
        parent: Some(root.id.clone()),
        name: "webhook".to_owned(),
        kind: SpanKind::Internal,
        end: record.started_at.max(start),
        attributes: Vec::new(),
        error: None,
        ..root.clone()
    });
    std::iter::once(root).chain(webhook).collect()
}

/// The span of a sync.
pub(super) fn link(sync: Uuid) -> Link {
    Link { trace: sync.as_simple().to_string(), span: of_id(sync.as_bytes()) }
}

/// Another id that belongs to the first one.
fn flipped(id: &str) -> String {
    u64::from_str_radix(id, 16).map_or_else(|_| id.to_owned(), |id| format!("{:016x}", id ^ 1))
}
