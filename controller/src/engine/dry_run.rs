//! What a start would do: everything is checked, resolved and rendered as far as it can be; nothing is written.

use super::start::{Prepared, StartRequest};
use super::{Engine, StartError};
use crd_schemas::Duration;
use crd_schemas::manifest::prompt::OnTimeout;
use crd_schemas::manifest::{Action, Execute, Parse, PromptOption, Route, Run, StepFile, Targets, TargetsFrom, Wait};
use pulse_core::definitions::{CompiledAction, CompiledExecute, CompiledRun, CompiledStep, Program};
use pulse_core::execution::{Execution, context};
use pulse_core::values::Context;
use pulse_protocol::{AgentName, ExecutionId};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a start would do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    /// Commit it would be pinned to.
    pub commit: String,
    /// Parameters, defaults filled in.
    pub params: BTreeMap<String, String>,
    /// Steps in order.
    pub steps: Vec<DryStep>,
}

/// What a step would do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryStep {
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its condition; judged only when its turn comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The step that follows it where nothing else is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goto: Option<String>,
    /// What it would run; for `execute`.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub command: Option<DryCommand>,
    /// What is known of any other type, as people write it; the message of a prompt with the values that are known.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub other: Option<DryOther>,
}

/// What is known of a step that runs no command.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DryOther {
    /// A question.
    Prompt(DryPrompt),
    /// A time to wait for.
    Wait(Wait),
    /// Values to read.
    Parse(Parse),
    /// A choice.
    Route(Route),
}

/// What a `prompt` step would ask.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryPrompt {
    /// The question, with the values that are known.
    pub message: String,
    /// What can be answered.
    pub options: Vec<PromptOption>,
    /// How long an answer is waited for.
    pub timeout: Option<Duration>,
    /// What happens then.
    pub on_timeout: OnTimeout,
}

/// What an `execute` step would run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryCommand {
    /// Its targets; none where an earlier step says them.
    pub targets: Vec<AgentName>,
    /// The earlier step that says them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets_from: Option<TargetsFrom>,
    /// Program and arguments before the script; none where a script file is executed as it is.
    pub argv: Vec<String>,
    /// The script's text; of a script file what it holds, as far as that is UTF-8.
    pub script: String,
    /// The script file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The script file's arguments; one whose values come when it runs is shown as it is written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Files in the work folder beside it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<DryFile>,
    /// Variables that can be told now; values of earlier steps and of agents come when it runs.
    pub env: BTreeMap<String, String>,
}

/// A file of a step's work folder.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryFile {
    /// Where it will lie, relative to the work folder.
    pub path: String,
    /// Where it is in the commit.
    pub from: String,
    /// Its size.
    pub bytes: usize,
    /// It can be executed.
    pub executable: bool,
}

impl Engine {
    /// What a start would do; nothing is written.
    pub async fn dry_run(&self, request: &StartRequest) -> Result<DryRun, StartError> {
        self.dry(self.prepare(request)?, request)
    }

    /// The same for what is prepared.
    pub(super) fn dry(&self, prepared: Prepared, request: &StartRequest) -> Result<DryRun, StartError> {
        let (execution, _) = self.unstarted(&prepared, request, ExecutionId(Uuid::nil()), 0)?;
        let values = context(&execution);
        let steps = prepared.program.steps.iter().map(|step| dry_step(&prepared.program, step, &execution, &values));
        Ok(DryRun { commit: prepared.commit, steps: steps.collect(), params: prepared.params })
    }
}

fn dry_step(program: &Program, step: &CompiledStep, execution: &Execution, values: &Context) -> DryStep {
    let command = step.execute().zip(step.command());
    let other = match (&step.spec.action, &step.action) {
        (Action::Prompt(prompt), CompiledAction::Prompt(message)) => {
            let message = message.render(values).unwrap_or_else(|_| prompt.message.clone());
            let (options, timeout, on_timeout) = (prompt.options.clone(), prompt.timeout, prompt.on_timeout.clone());
            Some(DryOther::Prompt(DryPrompt { message, options, timeout, on_timeout }))
        }
        (Action::Wait(wait), _) => Some(DryOther::Wait(wait.clone())),
        (Action::Parse(parse), _) => Some(DryOther::Parse(parse.clone())),
        (Action::Route(route), _) => Some(DryOther::Route(route.clone())),
        _ => None,
    };
    DryStep {
        id: step.spec.id.clone(),
        kind: step.spec.action.type_name(),
        when: step.spec.when.clone(),
        goto: step.spec.goto.clone(),
        command: command.map(|(spec, command)| dry_command(program, spec, command, execution, values)),
        other,
    }
}

fn dry_command(
    program: &Program,
    spec: &Execute,
    command: &CompiledExecute,
    execution: &Execution,
    values: &Context,
) -> DryCommand {
    let mut env = BTreeMap::new();
    for (name, template) in &command.env {
        if let Ok(value) = template.render(values) {
            env.insert(name.clone(), value);
        }
    }
    let (script, file, args) = match (&command.run, &spec.run) {
        (CompiledRun::Command(template), _) => {
            let known = template.bindings.iter().filter_map(|(name, path)| Some((name.clone(), values.lookup(path).ok()?)));
            env.extend(known);
            (template.text.clone(), None, Vec::new())
        }
        (CompiledRun::Script { file, args }, run) => {
            let text = program.files.get(file).map(|pinned| String::from_utf8_lossy(&pinned.content).into_owned());
            let written = if let Run::Script(script) = run { script.args.as_slice() } else { &[] };
            let args = args.iter().zip(written).map(|(arg, written)| arg.render(values).unwrap_or_else(|_| written.clone()));
            (text.unwrap_or_default(), Some(file.clone()), args.collect())
        }
    };
    DryCommand {
        targets: execution.targets(&spec.targets),
        targets_from: if let Targets::From(from) = &spec.targets { Some(from.clone()) } else { None },
        argv: program.argv(command),
        script,
        file,
        args,
        files: spec.files.iter().filter_map(|file| dry_file(program, file)).collect(),
        env,
    }
}

fn dry_file(program: &Program, file: &StepFile) -> Option<DryFile> {
    let pinned = program.files.get(&file.from)?;
    let (path, from) = (file.to.clone(), file.from.clone());
    Some(DryFile { path, from, bytes: pinned.content.len(), executable: pinned.executable })
}
