//! The last webhook of each source.

use crate::bench::{Bench, NOW};
use pulse_core::time::Timestamp;
use pulse_store::WebhookRow;
use serde_json::json;

fn webhook(source: &str, after: i64, accepted: bool) -> WebhookRow {
    let reason = if accepted { "Accepted" } else { "Mismatch" }.to_owned();
    WebhookRow {
        source: source.to_owned(),
        received_at: Timestamp(NOW.0 + after),
        accepted,
        reason,
        detail: json!({ "event": "push" }),
    }
}

pub async fn the_last_webhook_of_each_source_is_kept(bench: Bench) {
    let store = bench.open().await;
    store.note_webhooks(&[]).await.expect("nothing to note");
    store.note_webhooks(&[webhook("*/Unsigned", 0, false), webhook("ops", 1, true)]).await.expect("noted");
    store.note_webhooks(&[webhook("ops", 2, true)]).await.expect("noted");
    let kept: Vec<_> = store.webhooks().await.expect("read").into_iter().map(|row| row.expect("readable")).collect();
    assert_eq!(kept, [webhook("*/Unsigned", 0, false), webhook("ops", 2, true)]);
    bench.meddle("UPDATE webhooks SET detail = 'nonsense' WHERE source LIKE '*%'").await;
    let rows = store.webhooks().await.expect("read");
    assert!(rows[0].is_err() && rows[1].is_ok(), "one bad row hides no other: {rows:?}");
}
