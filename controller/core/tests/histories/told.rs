//! What a folded execution is, in words that later releases can say as well: what people and scripts see of it, and nothing of how it is kept.

use pulse_core::execution::{Execution, StepRun};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// An execution, told.
pub fn told(execution: &Execution) -> Value {
    let mut attempts: Vec<_> = execution.attempts.iter().collect();
    attempts.sort_unstable_by_key(|(id, _)| **id);
    let attempts: Vec<Value> = attempts
        .into_iter()
        .map(|(id, attempt)| {
            let times = [Some(attempt.assigned_at), attempt.started_at, attempt.ended_at];
            json!([id, attempt.target, attempt.number, attempt.state.as_str(), times, attempt.ended])
        })
        .collect();
    json!({
        "id": execution.id(),
        "name": execution.name(),
        "seq": execution.seq,
        "status": execution.status.as_str(),
        "message": execution.message,
        "times": [Some(execution.created_at), execution.started_at, execution.ended_at],
        "params": execution.created.params,
        "state": execution.state,
        "claims": execution.claims.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "waiting": execution.unknown.len(),
        "active": execution.active.len(),
        "cancelled": execution.cancel.as_ref().map(|cancel| (cancel.by.clone(), cancel.reason.clone())),
        "timedOut": execution.timed_out,
        "steps": execution.steps.iter().map(step).collect::<Vec<_>>(),
        "attempts": attempts,
    })
}

fn step(run: &StepRun) -> Value {
    let targets = run.targets.iter().map(|(name, target)| json!([name, target.state.as_str(), target.attempts, target.tries]));
    let prompt = run.prompt.as_ref().map(|prompt| {
        let end = prompt.end.as_ref().map(|end| json!([end.answer, end.by, end.comment, end.at]));
        json!([prompt.id, prompt.message, prompt.options, end])
    });
    json!({
        "path": run.path,
        "visit": run.visit,
        "status": run.status.as_str(),
        "condition": run.condition,
        "message": run.message,
        "answer": run.answer,
        "until": run.until,
        "counts": [run.succeeded, run.failed, run.unknown, run.busy],
        "parsed": run.parsed,
        "route": run.route.as_ref().map(|route| json!([route.route, route.label, route.goto])),
        "carried": run.carried,
        "prompt": prompt,
        "targets": targets.collect::<Vec<_>>(),
    })
}

/// SHA-256 in digits of hex.
pub fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
