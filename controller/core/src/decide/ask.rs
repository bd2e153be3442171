//! The rule that asks a person: the question is asked once, has one answer, and its time runs only while a controller does.

use super::{Decision, Reason, ReasonKind, View};
use crate::elapsed::deadline;
use crate::execution::{Event, PromptRun, StepRun, context};
use crate::template::Template;
use crate::transition::StepStatus;
use crd_schemas::manifest::{OnTimeout, Prompt};
use pulse_protocol::{AttemptId, PromptId};

/// Ends the step whose question has found its end. It comes before the rule for cancels: what was answered stays answered.
pub(super) fn close(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    let Some(run) = view.execution.current() else { return };
    let Some((prompt, end)) = run.prompt.as_ref().and_then(|prompt| Some((prompt, prompt.end.as_ref()?))) else { return };
    let (status, message) = match (&end.answer, prompt.timeout) {
        (Some(_), _) => (StepStatus::Succeeded, None),
        (None, Some(timeout)) => (StepStatus::Failed, Some(format!("nobody answered within {timeout}"))),
        (None, None) => (StepStatus::Failed, Some("nobody answered".into())),
    };
    decision.events.push(Event::StepEnded { step: run.path.clone(), visit: run.visit, status, message });
}

pub(super) fn ask(
    view: &View<'_>,
    run: &StepRun,
    (prompt, message): (&Prompt, &Template),
    decision: &mut Decision,
    ids: &mut dyn FnMut() -> AttemptId,
) {
    match &run.prompt {
        Some(open) => wait(view, run, open, prompt, decision),
        None => {
            let options = prompt.options.iter().map(|option| option.value.clone()).collect();
            decision.events.push(match message.render(&context(view.execution)) {
                Ok(message) => Event::PromptOpened {
                    prompt: PromptId(ids().0),
                    message,
                    options,
                    who: prompt.who.clone(),
                    timeout: prompt.timeout,
                },
                Err(missing) => Event::StepEnded {
                    step: run.path.clone(),
                    visit: run.visit,
                    status: StepStatus::Failed,
                    message: Some(format!("the message cannot be written: {missing}")),
                },
            });
        }
    }
}

fn wait(view: &View<'_>, run: &StepRun, open: &PromptRun, prompt: &Prompt, decision: &mut Decision) {
    let until = open.timeout.map(|timeout| deadline(open.opened_at, timeout, view.world.absences().iter().copied()));
    if until.is_some_and(|until| view.now >= until) {
        let answer = match &prompt.on_timeout {
            OnTimeout::Fail => None,
            OnTimeout::Answer(answer) => Some(answer.clone()),
        };
        decision.events.push(Event::PromptExpired { prompt: open.id, answer });
        return;
    }
    if let Some(until) = until {
        decision.wake(until);
    }
    let kind = ReasonKind::Person { prompt: open.id, message: open.message.clone(), since: open.opened_at, until };
    decision.report.push(Reason::of_step(run, kind));
}
