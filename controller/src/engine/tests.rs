//! What the engine does with what cannot be written.

use super::EngineError;
use super::start::StartRequest;
use crate::schedules::tests::bench::Bench;
use pulse_core::execution::{CancelMode, Input, Outcome, Trigger};
use pulse_store::WriteError;
use serde_json::json;
use std::collections::BTreeMap;

#[tokio::test]
async fn an_input_that_cannot_be_written_is_refused_alone() {
    let ask = json!({"id": "ask", "type": "prompt", "message": "Go on?", "options": ["Yes", "No"]});
    let workflow = json!({"kind": "Workflow", "metadata": {"name": "work"}, "spec": {"steps": [ask]}});
    let bench = Bench::new(&[workflow]).await;
    let engine = &bench.engine;
    let request = StartRequest {
        workflow: "work".to_owned(),
        source: None,
        params: BTreeMap::new(),
        limit: None,
        trigger: Trigger::person("anna".to_owned()),
        idempotency: None,
        audit: None,
        trace: None,
    };
    let id = engine.start(request).await.unwrap().id;
    let prompt = engine.view(id).await.unwrap().unwrap().prompt.expect("it asks");
    // Longer than the column of who answered.
    let by = "x".repeat(300);
    let answer = Input::Answer { prompt, answer: "Yes".to_owned(), by, comment: None };
    let cancel = Input::Cancel { mode: CancelMode::Drain, by: "anna".to_owned(), reason: "enough".to_owned() };
    let (answered, cancelled) = (engine.enqueue(id, answer).unwrap(), engine.enqueue(id, cancel).unwrap());
    let refused = answered.await.unwrap();
    assert!(matches!(refused, Err(EngineError::Commit(WriteError::Invalid { .. }))), "{refused:?}");
    let outcome = cancelled.await.unwrap().unwrap();
    assert_eq!(outcome, Outcome::Done, "the one behind it goes on");
    assert_eq!(engine.why(id).await.unwrap().unwrap(), [], "and nothing is left of it");
}
