//! Executions as JSON for people and scripts.

use super::answers::{
    AttemptDetail, AttemptEnd, AttemptView, BegunStep, BegunTarget, CancelView, ExecutionSummary, ExecutionView, ReasonView,
    RouteView, StepExtras, StepPrompt, StepView, SummaryWaits, TargetView, TriggerView, Waits,
};
use super::time::At;
use pulse_core::decide::Reason;
use pulse_core::definitions::CompiledStep;
use pulse_core::execution::{Attempt, Execution, PromptRun, StepRun, Summary, Target, TargetState};
use pulse_core::transition::{AttemptState, StepStatus};
use pulse_protocol::{AgentName, AttemptId};

/// A line of a list.
pub(super) fn summary(summary: Summary) -> ExecutionSummary {
    ExecutionSummary {
        id: summary.id,
        number: summary.number,
        name: format!("{}#{}", summary.workflow, summary.number),
        workflow: summary.workflow,
        source: summary.source,
        status: summary.status,
        commit: summary.commit,
        labels: summary.labels,
        waits: summary.waits.map(|reason| SummaryWaits { reason }),
        retry_of: summary.retry_of,
        started_by: summary.started_by,
        schedule: summary.schedule,
        created_at: summary.created_at.into(),
        started_at: summary.started_at.map(At),
        ended_at: summary.ended_at.map(At),
        wake_at: summary.wake_at.map(At),
        message: summary.message,
        seq: summary.seq,
    }
}

/// A whole execution.
pub(super) fn execution(execution: &Execution, why: &[Reason]) -> ExecutionView {
    let created = &execution.created;
    let trigger = &created.trigger;
    ExecutionView {
        id: created.id,
        number: created.number,
        name: format!("{}#{}", created.workflow, created.number),
        workflow: created.workflow.clone(),
        source: created.source.clone(),
        status: execution.status.as_str(),
        commit: created.commit.clone(),
        labels: execution.program.labels.clone(),
        params: created.params.clone(),
        limit: created.limit.clone(),
        concurrency_key: created.concurrency_key.clone(),
        retry_of: created.retry_of,
        waits: execution.waits.map(|(since, reason)| Waits { reason, since: At(since) }),
        state: execution.state.clone(),
        started_by: trigger.by.clone(),
        schedule: trigger.schedule().map(str::to_owned),
        trigger: TriggerView {
            kind: trigger.kind,
            by: trigger.by.clone(),
            slot: trigger.slot.map(At),
            reason: trigger.reason.clone(),
        },
        created_at: execution.created_at.into(),
        started_at: execution.started_at.map(At),
        ended_at: execution.ended_at.map(At),
        message: execution.message.clone(),
        seq: execution.seq,
        cancel: cancel(execution),
        steps: steps(execution),
        reasons: why.iter().map(ReasonView::of).collect(),
    }
}

fn cancel(execution: &Execution) -> Option<CancelView> {
    let cancel = execution.cancel.as_ref()?;
    Some(CancelView { mode: cancel.mode, by: cancel.by.clone(), reason: cancel.reason.clone(), at: cancel.at.into() })
}

/// Those that have begun, and while it is not over those whose turn has not come.
fn steps(execution: &Execution) -> Vec<StepView> {
    let begun = execution.steps.iter().map(|run| step(execution, run));
    let next = execution.steps.last().map_or(0, |run| run.index + 1);
    let later = execution.program.steps.iter().skip(next).filter(|_| !execution.status.is_terminal());
    begun.chain(later.map(|step| to_come(execution, step))).collect()
}

/// A step whose turn has not come.
fn to_come(execution: &Execution, step: &CompiledStep) -> StepView {
    let targets = step.execute().map_or_else(Vec::new, |spec| execution.targets(&spec.targets));
    let target = |agent| TargetView { agent, status: "pending", begun: None, attempts: Vec::new() };
    StepView {
        id: step.spec.id.clone(),
        kind: step.spec.action.type_name(),
        visit: execution.visits(&step.spec.id) + 1,
        status: StepStatus::Pending,
        begun: None,
        targets: targets.into_iter().map(target).collect(),
        extras: StepExtras::default(),
    }
}

fn step(execution: &Execution, run: &StepRun) -> StepView {
    StepView {
        id: run.path.0.clone(),
        kind: execution.compiled(run).spec.action.type_name(),
        visit: run.visit,
        status: run.status,
        begun: Some(BegunStep {
            condition: run.condition,
            message: run.message.clone(),
            started_at: run.started_at.into(),
            ended_at: run.ended_at.map(At),
        }),
        targets: run.targets.iter().map(|(agent, one)| target(execution, agent, one)).collect(),
        extras: extras(run),
    }
}

fn extras(run: &StepRun) -> StepExtras {
    StepExtras {
        carried: run.carried.then_some(true),
        prompt: run.prompt.as_ref().map(prompt),
        until: run.until.map(At),
        parsed: run.parsed.clone(),
        route: run.route.as_ref().map(|taken| RouteView {
            place: taken.route,
            label: taken.label.clone(),
            goto: taken.goto.clone(),
        }),
        answer: run.answer.clone(),
    }
}

fn prompt(asked: &PromptRun) -> StepPrompt {
    let end = asked.end.as_ref();
    StepPrompt {
        id: asked.id,
        message: asked.message.clone(),
        options: asked.options.clone(),
        timeout: asked.timeout,
        opened_at: asked.opened_at.into(),
        answer: end.and_then(|end| end.answer.clone()),
        answered_by: end.and_then(|end| end.by.clone()),
        comment: end.and_then(|end| end.comment.clone()),
        closed_at: end.map(|end| At(end.at)),
    }
}

fn target(execution: &Execution, agent: &AgentName, target: &Target) -> TargetView {
    let (reason, until) = match &target.state {
        TargetState::Backoff { until, reason } => (Some(reason.clone()), Some(*until)),
        TargetState::Rebooting { until, .. } => (None, Some(*until)),
        TargetState::Failed { reason } | TargetState::Skipped { reason } => (Some(reason.clone()), None),
        _ => (None, None),
    };
    let attempts = target.attempts.iter().filter_map(|id| Some(attempt(*id, execution.attempts.get(id)?)));
    TargetView {
        agent: agent.clone(),
        status: target.state.as_str(),
        begun: Some(BegunTarget { reason, next_try_at: until.map(At) }),
        attempts: attempts.collect(),
    }
}

fn attempt(id: AttemptId, attempt: &Attempt) -> AttemptView {
    let ended = attempt.ended.as_ref();
    AttemptView {
        id,
        number: attempt.number,
        state: attempt.state.as_str(),
        slot: attempt.slot,
        assigned_at: attempt.assigned_at.into(),
        started_at: attempt.started_at.map(At),
        ended_at: attempt.ended_at.map(At),
        detail: detail(&attempt.state),
        end: ended.map(|ended| AttemptEnd {
            duration_ms: ended.duration_ms,
            stdout: ended.stdout.clone(),
            stderr: ended.stderr.clone(),
            left_behind: ended.left_behind,
        }),
    }
}

fn detail(state: &AttemptState) -> AttemptDetail {
    let mut detail = AttemptDetail::default();
    match state {
        AttemptState::Started { pid } => detail.pid = Some(*pid),
        AttemptState::Exited { code } => detail.exit_code = Some(*code),
        AttemptState::Signalled { signal } => detail.signal = Some(*signal),
        AttemptState::NotStarted { reason } => detail.reason = Some(reason.clone()),
        AttemptState::Unknown(loss) => detail.reason = Some(loss.to_string()),
        AttemptState::Resolved(outcome) => detail.resolved_as = Some(*outcome),
        AttemptState::Assigned | AttemptState::Accepted | AttemptState::TimedOut | AttemptState::Cancelled => {}
    }
    detail
}
