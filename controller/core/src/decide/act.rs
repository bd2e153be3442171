//! The rule for steps that run no command: each says once what it does, then ends.

use super::{Decision, Reason, ReasonKind, View, ask};
use crate::definitions::CompiledAction;
use crate::execution::{Event, Execution, StepRun, context};
use crate::expression::Expression;
use crate::pattern::Pattern;
use crate::template::Template;
use crate::time::Timestamp;
use crate::transition::StepStatus;
use crate::values::{StateMap, StateValue, StepValue, TargetValue};
use crate::{output, until};
use crd_schemas::manifest::{Action, Parse, Route, Wait};
use pulse_protocol::{AgentName, AttemptId};

pub(super) fn rule(view: &View<'_>, decision: &mut Decision, ids: &mut dyn FnMut() -> AttemptId) {
    let execution = view.execution;
    let Some(run) = execution.current() else { return };
    if execution.is_stopping() {
        return;
    }
    let compiled = execution.compiled(run);
    match (&compiled.spec.action, &compiled.action) {
        (Action::Prompt(prompt), CompiledAction::Prompt(message)) => ask::ask(view, run, (prompt, message), decision, ids),
        (Action::Wait(wait), CompiledAction::Wait(until)) => wait_for(view, run, wait, until.as_ref(), decision),
        (Action::Parse(parse), CompiledAction::Parse(pattern)) => decision.events.push(match &run.parsed {
            Some(_) => ended(run, StepStatus::Succeeded, None),
            None => match parsed(execution, parse, pattern.as_ref()) {
                Ok(values) => Event::Parsed { into: parse.into.clone(), values },
                Err(message) => ended(run, StepStatus::Failed, Some(message)),
            },
        }),
        (Action::Route(route), CompiledAction::Route(conditions)) => decision.events.push(match &run.route {
            Some(_) => ended(run, StepStatus::Succeeded, None),
            None => match chosen(execution, route, conditions) {
                Ok(event) => event,
                Err(message) => ended(run, StepStatus::Failed, Some(message)),
            },
        }),
        _ => {}
    }
}

fn ended(run: &StepRun, status: StepStatus, message: Option<String>) -> Event {
    Event::StepEnded { step: run.path.clone(), visit: run.visit, status, message }
}

fn wait_for(view: &View<'_>, run: &StepRun, wait: &Wait, until: Option<&Template>, decision: &mut Decision) {
    let Some(until) = run.until else {
        decision.events.push(match instant(view, wait, until) {
            Ok(until) => Event::TimerStarted { until },
            Err(message) => ended(run, StepStatus::Failed, Some(message)),
        });
        return;
    };
    if view.now >= until {
        decision.events.push(ended(run, StepStatus::Succeeded, None));
    } else {
        decision.wake(until);
        decision.report.push(Reason::of_step(run, ReasonKind::Timer { since: run.started_at, until }));
    }
}

fn instant(view: &View<'_>, wait: &Wait, until: Option<&Template>) -> Result<Timestamp, String> {
    match (wait.duration, until) {
        (Some(duration), _) => Ok(view.now.plus(duration)),
        (None, Some(text)) => {
            let text =
                text.render(&context(view.execution)).map_err(|missing| format!("`until` cannot be written: {missing}"))?;
            until::instant(&text, wait.time_zone.as_deref(), view.now)
        }
        (None, None) => Ok(view.now),
    }
}

/// What the named step, or the `execute` step that ran last, wrote.
fn parsed(execution: &Execution, parse: &Parse, pattern: Option<&Pattern>) -> Result<StateMap, String> {
    let (id, step) = match &parse.from {
        Some(id) => (id, execution.values.get(id).ok_or_else(|| format!("step `{id}` has not run in this execution"))?),
        None => last_command(execution).ok_or("no `execute` step has run in this execution")?,
    };
    let read = |name: &AgentName, target: &TargetValue| {
        let text = target.stdout.as_ref().ok_or_else(|| format!("step `{id}` on {name}: {}", crate::values::NO_STDOUT))?;
        output::read(parse.format, pattern, text).map_err(|message| format!("step `{id}` on {name}: {message}"))
    };
    let mut bytes = 0;
    let mut bounded = |name: &AgentName, target: &TargetValue| {
        let values = read(name, target)?;
        bytes += name.as_str().len() + output::size(&values);
        if bytes > output::MAX_TOTAL_BYTES {
            return Err(format!("step `{id}` gives more than 256 KiB of values in all; one `parse` step keeps no more"));
        }
        Ok(values)
    };
    if parse.each {
        let by_agent = step.targets.iter().map(|(name, target)| Ok((name.to_string(), StateValue::Map(bounded(name, target)?))));
        return by_agent.collect();
    }
    let (name, target) = one_target(id, step, parse.agent.as_deref())?;
    bounded(name, target)
}

fn last_command(execution: &Execution) -> Option<(&String, &std::sync::Arc<StepValue>)> {
    let run = execution.steps.iter().rev().find(|run| execution.compiled(run).execute().is_some() && !run.targets.is_empty())?;
    execution.values.get_key_value(&run.path.0)
}

fn one_target<'a>(id: &str, step: &'a StepValue, agent: Option<&str>) -> Result<(&'a AgentName, &'a TargetValue), String> {
    let mut targets = step.targets.iter();
    match (agent, targets.next(), targets.next()) {
        (Some(agent), ..) => {
            let found = step.targets.iter().find(|(name, _)| name.as_str() == agent);
            found.ok_or_else(|| format!("step `{id}` did not run on `{agent}`"))
        }
        (None, Some(only), None) => Ok(only),
        (None, None, _) => Err(format!("step `{id}` ran on no target (it is {})", step.status)),
        (None, Some(_), Some(_)) => {
            Err(format!("step `{id}` ran on {} targets; say which with `agent`, or `each: true` for all", step.targets.len()))
        }
    }
}

fn chosen(execution: &Execution, route: &Route, conditions: &[Option<Expression>]) -> Result<Event, String> {
    let values = context(execution);
    for (place, (case, condition)) in route.routes.iter().zip(conditions).enumerate() {
        let holds = match condition {
            None => true,
            Some(condition) => {
                let result = condition.evaluate(&values);
                result.map_err(|error| format!("`if` of route {} cannot be evaluated: {error}", place + 1))?
            }
        };
        if holds {
            let route = u32::try_from(place).ok();
            return Ok(Event::RouteTaken { route, label: case.label.clone(), goto: case.goto.clone() });
        }
    }
    Ok(Event::RouteTaken { route: None, label: None, goto: None })
}
