//! Schedules in a set: their timing, the workflow that each starts, and the workflow that a schedule with a command stands for.

use super::command::{COMMAND, at, reserved, workflow_of};
use super::finding::escaped;
use super::{Finding, Params, Program};
use crate::schedule::{Timing, TimingError};
use crate::selector::Selector;
use crate::values::Lone;
use crd_schemas::manifest::{Execute, Schedule, ScheduledAction, ScheduledWorkflow, Workflow};
use serde_json::Value;
use std::collections::BTreeMap;

/// The workflow that a schedule with a command runs: the schedule's name, and its command as the one step. None for a schedule
/// that starts a workflow of the set.
pub fn schedule_workflow(schedule: &Schedule) -> Option<Workflow> {
    let ScheduledAction::Command(execute) = &schedule.spec.action else { return None };
    // Whether its executions exclude each other is the schedule's to say: `concurrencyPolicy`.
    Some(workflow_of(schedule.metadata.clone(), schedule.spec.description.clone(), execute.clone()))
}

/// What is wrong with a schedule by itself.
pub(super) fn check_own_schedule(schedule: &Schedule) -> Vec<Finding> {
    let mut findings = check_timing(schedule);
    match &schedule.spec.action {
        ScheduledAction::Workflow(started) => findings.extend(check_limit(started)),
        ScheduledAction::Command(_) => {
            let compiled =
                schedule_workflow(schedule).and_then(|workflow| Program::compile_command(&workflow, Lone::Schedule).err());
            // The fields of the step stand flat in the schedule's `spec`.
            findings.extend(compiled.into_iter().flatten().map(|finding| at(finding, "/spec")));
        }
    }
    findings
}

/// What is wrong with a schedule among the workflows of its set.
pub(super) fn check_schedule_in_set(schedule: &Schedule, workflows: &BTreeMap<&str, &Workflow>) -> Vec<Finding> {
    match &schedule.spec.action {
        ScheduledAction::Workflow(started) => check_started(started, workflows),
        ScheduledAction::Command(_) => check_command_name(schedule, workflows).into_iter().collect(),
    }
}

/// The command of a schedule, with the pointer of its fields.
pub(super) fn command(schedule: &Schedule) -> Option<(&Execute, &'static str)> {
    match &schedule.spec.action {
        ScheduledAction::Command(execute) => Some((execute, "/spec")),
        ScheduledAction::Workflow(_) => None,
    }
}

fn check_timing(schedule: &Schedule) -> Vec<Finding> {
    let timing = match Timing::compile(&schedule.spec.rhythm) {
        Ok(timing) => timing,
        Err(errors) => return errors.into_iter().map(wrong_timing).collect(),
    };
    let mut findings = Vec::new();
    if let Some(surprise) = timing.surprise() {
        let help = "for the first Monday of a month write `MON#1`, for the last day `L`; or set only one of the two fields";
        findings.push(Finding::warning("/spec/cron", "ambiguous-days", surprise).with_help(help));
    }
    let jitter = schedule.spec.jitter;
    // Most schedules have none; the search is for those alone that may be wrong.
    let gap = if jitter < timing.least_gap() { None } else { timing.shortest_gap() };
    if let Some(gap) = gap.filter(|gap| jitter >= *gap) {
        let message = format!("`jitter` is {jitter}, but the shortest time between two slots is {gap}");
        findings.push(Finding::error("/spec/jitter", "out-of-range", message).with_help("make it shorter than that"));
    }
    findings
}

fn wrong_timing(TimingError { field, error }: TimingError) -> Finding {
    let code = if field == "timeZone" { "unknown-time-zone" } else { "bad-cron" };
    let offset = Some((error.at.start, error.at.len()));
    Finding { offset, help: error.help, ..Finding::error(format!("/spec/{field}"), code, error.message) }
}

/// Its executions are numbered and found under its own name, `nightly#12`, as a workflow's are.
fn check_command_name(schedule: &Schedule, workflows: &BTreeMap<&str, &Workflow>) -> Option<Finding> {
    let name = schedule.metadata.name.as_str();
    if name == COMMAND {
        return Some(reserved("Schedule with a command"));
    }
    workflows.contains_key(name).then(|| {
        let message =
            format!("the Schedule `{name}` runs a command, and a Workflow has the same name: `{name}#1` could mean either");
        Finding::error("/metadata/name", "duplicate-name", message).with_help("rename one of the two")
    })
}

fn check_limit(started: &ScheduledWorkflow) -> Option<Finding> {
    let error = started.limit.as_ref()?.parse::<Selector>().err()?;
    let help = "write labels, such as `role=web,env!=dev`";
    Some(Finding::error("/spec/limit", "bad-value", error.message).with_help(help))
}

fn check_started(started: &ScheduledWorkflow, workflows: &BTreeMap<&str, &Workflow>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(workflow) = workflows.get(started.workflow.as_str()) else {
        let message = format!("no Workflow of this source is named `{}`", started.workflow);
        let finding = Finding::error("/spec/workflow", "unknown-workflow", message);
        let near = crd_schemas::nearest(&started.workflow, workflows.keys().copied());
        findings.push(match near {
            Some(near) => finding.with_help(format!("did you mean `{near}`?")),
            None => finding.with_help("a schedule starts a workflow of its own source; if that has problems, mend those first"),
        });
        return findings;
    };
    let given = started.params.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    for error in Params::resolve(&workflow.spec.params, given).err().into_iter().flatten() {
        let pointer = match (started.params.contains_key(&error.name), started.params.is_empty()) {
            (true, _) => format!("/spec/params/{}", escaped(&error.name)),
            (false, false) => "/spec/params".to_owned(),
            (false, true) => "/spec/workflow".to_owned(),
        };
        let message = format!("workflow `{}`, {error}", started.workflow);
        findings.push(Finding::error(pointer, "bad-params", message));
    }
    findings
}
