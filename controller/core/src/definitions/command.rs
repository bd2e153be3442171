//! Commands that stand alone, a schedule's and that of a request: each becomes a workflow of one step, so that it runs as any other.

use super::own::check_targets;
use super::{Finding, Program};
use crate::values::Lone;
use crd_schemas::manifest::{Action, Concurrency, ConcurrencyPolicy, Execute, Metadata, Step, Workflow, WorkflowSpec};
use std::collections::BTreeMap;

/// The name under which commands of requests are numbered, and the id of the step of every command that stands alone. No workflow of
/// a source has the name, so that `command#7` means one execution.
pub const COMMAND: &str = "command";

/// The workflow that a request's command is.
pub fn command_workflow(execute: Execute) -> Workflow {
    let metadata = Metadata { name: COMMAND.to_owned(), labels: BTreeMap::new(), annotations: BTreeMap::new() };
    workflow_of(metadata, None, Box::new(execute))
}

/// What is wrong with a request's command beside its form. Pointers begin at its fields.
pub fn check_command(workflow: &Workflow) -> Vec<Finding> {
    let mut findings = Program::compile_command(workflow, Lone::Request).err().unwrap_or_default();
    let commands = workflow.spec.steps.iter().filter_map(|step| match &step.action {
        Action::Execute(execute) => Some(execute),
        _ => None,
    });
    findings.extend(commands.flat_map(|execute| check_targets(execute, STEP, Err(Lone::Request))));
    findings.into_iter().map(|finding| at(finding, "")).collect()
}

/// A workflow whose one step is a command. Its executions do not exclude each other.
pub(super) fn workflow_of(metadata: Metadata, description: Option<String>, execute: Box<Execute>) -> Workflow {
    let id = COMMAND.to_owned();
    let step = Step { id, name: None, when: None, continue_on_error: false, goto: None, action: Action::Execute(execute) };
    let concurrency = Concurrency { policy: ConcurrencyPolicy::Allow, ..Concurrency::default() };
    let spec = WorkflowSpec { description, params: Vec::new(), concurrency, timeout: None, retention: None, steps: vec![step] };
    Workflow { metadata, spec }
}

/// Where the workflow that is made has its step.
const STEP: &str = "/spec/steps/0";

/// A finding about the step, where its fields really stand.
pub(super) fn at(finding: Finding, place: &str) -> Finding {
    let pointer = finding.pointer.strip_prefix(STEP).map(|rest| format!("{place}{rest}"));
    Finding { pointer: pointer.unwrap_or(finding.pointer), ..finding }
}

/// A source cannot have the name.
pub(super) fn reserved(what: &str) -> Finding {
    let message = format!("the {what} is named `{COMMAND}`, under which the commands that people run by themselves are numbered");
    Finding::error("/metadata/name", "reserved-name", message).with_help("choose another name")
}
