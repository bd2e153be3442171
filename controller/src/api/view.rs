//! Executions as JSON for people and scripts.

use super::time::{optional, readable, rfc3339};
use pulse_core::decide::Reason;
use pulse_core::execution::{Attempt, Execution, PromptRun, StepRun, Summary, Target, TargetState};
use pulse_core::transition::AttemptState;
use pulse_protocol::{AgentName, AttemptId};
use serde_json::{Value, json};

/// A line of a list.
pub(super) fn summary(summary: &Summary) -> Value {
    json!({
        "id": summary.id,
        "number": summary.number,
        "name": format!("{}#{}", summary.workflow, summary.number),
        "workflow": summary.workflow,
        "source": summary.source,
        "status": summary.status,
        "commit": summary.commit,
        "labels": summary.labels,
        "waits": summary.waits.map(|reason| json!({ "for": reason.as_str() })),
        "retryOf": summary.retry_of,
        "startedBy": summary.started_by,
        "schedule": summary.schedule,
        "createdAt": rfc3339(summary.created_at),
        "startedAt": optional(summary.started_at),
        "endedAt": optional(summary.ended_at),
        "wakeAt": optional(summary.wake_at),
        "message": summary.message,
        "seq": summary.seq,
    })
}

/// A whole execution.
pub(super) fn execution(execution: &Execution, why: &[Reason]) -> Value {
    let created = &execution.created;
    let mut steps: Vec<Value> = execution.steps.iter().map(|run| step(execution, run)).collect();
    if !execution.status.is_terminal() {
        steps.extend(to_come(execution));
    }
    json!({
        "id": created.id,
        "number": created.number,
        "name": format!("{}#{}", created.workflow, created.number),
        "workflow": created.workflow,
        "source": created.source,
        "status": execution.status.as_str(),
        "commit": created.commit,
        "labels": execution.program.labels,
        "params": created.params,
        "limit": created.limit,
        "concurrencyKey": created.concurrency_key,
        "retryOf": created.retry_of,
        "waits": execution.waits.map(|(since, reason)| json!({ "for": reason.as_str(), "since": rfc3339(since) })),
        "state": execution.state,
        "startedBy": created.trigger.by,
        "schedule": created.trigger.schedule(),
        "trigger": { "kind": created.trigger.kind, "by": created.trigger.by, "slot": optional(created.trigger.slot) },
        "createdAt": rfc3339(execution.created_at),
        "startedAt": optional(execution.started_at),
        "endedAt": optional(execution.ended_at),
        "message": execution.message,
        "seq": execution.seq,
        "cancel": execution.cancel.as_ref().map(|cancel| json!({
            "mode": cancel.mode, "by": cancel.by, "reason": cancel.reason, "at": rfc3339(cancel.at),
        })),
        "steps": steps,
        "reasons": reasons(why),
    })
}

/// Why it stands where it stands: a sentence each, and the fields it is made of.
pub(super) fn reasons(reasons: &[Reason]) -> Vec<Value> {
    let one = |reason: &Reason| {
        let mut value = json!(reason);
        readable(&mut value);
        value["message"] = json!(reason.to_string());
        value
    };
    reasons.iter().map(one).collect()
}

/// Steps whose turn has not come.
fn to_come(execution: &Execution) -> Vec<Value> {
    let begun = execution.steps.last().map_or(0, |run| run.index + 1);
    let later = execution.program.steps.iter().skip(begun);
    let one = |step: &pulse_core::definitions::CompiledStep| {
        let targets = step.execute().map_or_else(Vec::new, |spec| execution.targets(&spec.targets));
        let targets = targets.iter().map(|agent| json!({ "agent": agent, "status": "pending", "attempts": [] }));
        let (id, visit) = (&step.spec.id, execution.visits(&step.spec.id) + 1);
        json!({
            "id": id,
            "type": step.spec.action.type_name(),
            "visit": visit,
            "status": "pending",
            "targets": targets.collect::<Vec<_>>(),
        })
    };
    later.map(one).collect()
}

fn step(execution: &Execution, run: &StepRun) -> Value {
    let mut value = json!({
        "id": run.path,
        "type": execution.compiled(run).spec.action.type_name(),
        "visit": run.visit,
        "status": run.status,
        "condition": run.condition,
        "message": run.message,
        "startedAt": rfc3339(run.started_at),
        "endedAt": optional(run.ended_at),
        "targets": run.targets.iter().map(|(agent, one)| target(execution, agent, one)).collect::<Vec<_>>(),
    });
    if run.carried {
        value["carried"] = json!(true);
    }
    if let Some(asked) = &run.prompt {
        value["prompt"] = prompt(asked);
    }
    if let Some(until) = run.until {
        value["until"] = json!(rfc3339(until));
    }
    if let Some(parsed) = &run.parsed {
        value["parsed"] = json!(parsed);
    }
    if let Some(route) = &run.route {
        value["route"] = json!({ "place": route.route, "label": route.label, "goto": route.goto });
    }
    if let Some(answer) = &run.answer {
        value["answer"] = json!(answer);
    }
    value
}

fn prompt(asked: &PromptRun) -> Value {
    let end = asked.end.as_ref();
    json!({
        "id": asked.id,
        "message": asked.message,
        "options": asked.options,
        "timeout": asked.timeout,
        "openedAt": rfc3339(asked.opened_at),
        "answer": end.and_then(|end| end.answer.as_ref()),
        "answeredBy": end.and_then(|end| end.by.as_ref()),
        "comment": end.and_then(|end| end.comment.as_ref()),
        "closedAt": optional(end.map(|end| end.at)),
    })
}

fn target(execution: &Execution, agent: &AgentName, target: &Target) -> Value {
    let (reason, until) = match &target.state {
        TargetState::Backoff { until, reason } => (Some(reason), Some(*until)),
        TargetState::Rebooting { until, .. } => (None, Some(*until)),
        TargetState::Failed { reason } | TargetState::Skipped { reason } => (Some(reason), None),
        _ => (None, None),
    };
    let attempts = target.attempts.iter().filter_map(|id| Some(attempt(*id, execution.attempts.get(id)?)));
    json!({
        "agent": agent,
        "status": target.state.as_str(),
        "reason": reason,
        "nextTryAt": optional(until),
        "attempts": attempts.collect::<Vec<_>>(),
    })
}

fn attempt(id: AttemptId, attempt: &Attempt) -> Value {
    let mut value = json!({
        "id": id,
        "try": attempt.number,
        "state": attempt.state.as_str(),
        "slot": attempt.slot,
        "assignedAt": rfc3339(attempt.assigned_at),
        "startedAt": optional(attempt.started_at),
        "endedAt": optional(attempt.ended_at),
    });
    match &attempt.state {
        AttemptState::Started { pid } => value["pid"] = json!(pid),
        AttemptState::Exited { code } => value["exitCode"] = json!(code),
        AttemptState::Signalled { signal } => value["signal"] = json!(signal),
        AttemptState::NotStarted { reason } => value["reason"] = json!(reason),
        AttemptState::Unknown(loss) => value["reason"] = json!(loss.to_string()),
        AttemptState::Resolved(outcome) => value["resolvedAs"] = json!(outcome),
        AttemptState::Assigned | AttemptState::Accepted | AttemptState::TimedOut | AttemptState::Cancelled => {}
    }
    if let Some(ended) = &attempt.ended {
        value["durationMs"] = json!(ended.duration_ms);
        value["stdout"] = json!(ended.stdout);
        value["stderr"] = json!(ended.stderr);
        value["leftBehind"] = json!(ended.left_behind);
    }
    value
}
