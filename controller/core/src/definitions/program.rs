//! A workflow compiled: templates and expressions parsed, everything they name checked.

use super::finding::escaped;
use super::{Files, Finding, PinnedFile, Snapshot};
use crate::expression::Expression;
use crate::pattern::Pattern;
use crate::template::{ShellKind, Template, TemplateError, evaluated_by_shells};
use crate::time::Timestamp;
use crate::until;
use crate::values::Scope;
use crd_schemas::Duration;
use crd_schemas::manifest::{
    Action, Concurrency, ConcurrencyPolicy, Execute, NamedShell, Parse, Run, Script, Shell, Step, Wait, Workflow,
};
use std::collections::{BTreeMap, BTreeSet};

/// A compiled workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its labels, by which pauses find it.
    pub labels: BTreeMap<String, String>,
    /// Whether its executions exclude each other.
    pub concurrency: ConcurrencyPolicy,
    /// Only executions with the same key exclude each other.
    pub concurrency_key: Option<Template>,
    /// Executions that may wait behind the running one.
    pub max_queued: u32,
    /// How long an execution may take in all.
    pub timeout: Option<Duration>,
    /// Its steps, in order.
    pub steps: Vec<CompiledStep>,
    /// The files of its commit that they use. None where only the manifest is known.
    pub files: Files,
}

/// A compiled step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledStep {
    /// The step as declared.
    pub spec: Step,
    /// Whether it runs.
    pub when: Option<Expression>,
    /// What of its action has to be compiled.
    pub action: CompiledAction,
}

/// What of an action has to be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompiledAction {
    /// A command.
    Execute(Box<CompiledExecute>),
    /// The message to a person.
    Prompt(Template),
    /// The time of `until`.
    Wait(Option<Template>),
    /// The expression that finds the values.
    Parse(Option<Pattern>),
    /// The condition of each route; none for the default.
    Route(Vec<Option<Expression>>),
}

/// A compiled command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledExecute {
    /// What it runs.
    pub run: CompiledRun,
    /// Declared environment variables.
    pub env: BTreeMap<String, Template>,
    /// A later step refers to its stdout.
    pub capture_stdout: bool,
    /// Program and arguments before the command's text, or before a script's path.
    pub argv: Vec<String>,
}

/// What a compiled step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompiledRun {
    /// Text for the shell.
    Command(Template),
    /// A file of the commit.
    Script {
        /// Its path.
        file: String,
        /// Its arguments.
        args: Vec<Template>,
    },
}

impl Program {
    /// The program of what an execution is pinned to.
    pub fn of(snapshot: &Snapshot) -> Result<Self, Vec<Finding>> {
        Ok(Self { files: snapshot.files.clone(), ..Self::compile(&snapshot.workflow)? })
    }

    /// Compiles a workflow, without its files; every error at once.
    pub fn compile(workflow: &Workflow) -> Result<Self, Vec<Finding>> {
        let params = workflow.spec.params.iter().map(|param| param.name.clone());
        Self::compile_in(workflow, Scope { params: params.collect(), ..Scope::default() })
    }

    /// The same for the workflow that a schedule's command makes; what is wrong is said in the schedule's terms.
    pub(super) fn compile_command(workflow: &Workflow) -> Result<Self, Vec<Finding>> {
        Self::compile_in(workflow, Scope { of_schedule: true, ..Scope::default() })
    }

    fn compile_in(workflow: &Workflow, mut scope: Scope) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut steps = Vec::new();
        for (index, step) in workflow.spec.steps.iter().enumerate() {
            steps.extend(compile_step(step, &format!("/spec/steps/{index}"), &scope, &mut findings));
            scope.earlier_steps.push(step.id.clone());
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let used: BTreeSet<String> = steps.iter().flat_map(CompiledStep::stdout_of).collect();
        for step in &mut steps {
            if let CompiledAction::Execute(command) = &mut step.action {
                command.capture_stdout = used.contains(&step.spec.id);
            }
        }
        let concurrency = &workflow.spec.concurrency;
        Ok(Self {
            labels: workflow.metadata.labels.clone(),
            concurrency: concurrency.policy,
            concurrency_key: None,
            max_queued: concurrency.max_queued.unwrap_or(Concurrency::DEFAULT_MAX_QUEUED),
            timeout: workflow.spec.timeout,
            steps,
            files: Files::new(),
        })
    }

    /// The step with this id, and its place.
    pub fn step(&self, id: &str) -> Option<(usize, &CompiledStep)> {
        self.steps.iter().enumerate().find(|(_, step)| step.spec.id == id)
    }

    /// The program and its arguments before the step's text or script; none for a script that is executed as it is.
    pub fn argv(&self, step: &CompiledExecute) -> Vec<String> {
        match &step.run {
            CompiledRun::Script { file, .. } if self.files.get(file).is_some_and(PinnedFile::has_shebang) => Vec::new(),
            CompiledRun::Command(_) | CompiledRun::Script { .. } => step.argv.clone(),
        }
    }
}

impl CompiledStep {
    /// The command, if it is an `execute` step.
    pub fn execute(&self) -> Option<&Execute> {
        match &self.spec.action {
            Action::Execute(execute) => Some(execute),
            _ => None,
        }
    }

    /// The command, compiled, if it is an `execute` step.
    pub fn command(&self) -> Option<&CompiledExecute> {
        match &self.action {
            CompiledAction::Execute(command) => Some(command),
            _ => None,
        }
    }

    /// Ids of the steps whose stdout it uses.
    fn stdout_of(&self) -> BTreeSet<String> {
        let conditions = match &self.action {
            CompiledAction::Route(conditions) => conditions.as_slice(),
            _ => &[],
        };
        let expressions = self.when.iter().chain(conditions.iter().flatten());
        let templates: Vec<&Template> = match &self.action {
            CompiledAction::Execute(command) => command.templates().collect(),
            CompiledAction::Prompt(message) => vec![message],
            CompiledAction::Wait(until) => until.iter().collect(),
            CompiledAction::Parse(_) | CompiledAction::Route(_) => Vec::new(),
        };
        let by_expressions = expressions.flat_map(|expression| expression.stdout_of().iter().cloned());
        by_expressions.chain(templates.into_iter().flat_map(Template::stdout_of)).collect()
    }
}

impl CompiledExecute {
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let run: &[Template] = match &self.run {
            CompiledRun::Command(text) => std::slice::from_ref(text),
            CompiledRun::Script { args, .. } => args,
        };
        run.iter().chain(self.env.values())
    }
}

fn compile_step(step: &Step, pointer: &str, scope: &Scope, findings: &mut Vec<Finding>) -> Option<CompiledStep> {
    let before = findings.len();
    let when = step.when.as_deref().and_then(|text| compile_condition(text, &format!("{pointer}/when"), scope, findings));
    let action = match &step.action {
        Action::Execute(execute) => compile_execute(execute, pointer, scope, findings).map(Box::new).map(CompiledAction::Execute),
        Action::Prompt(prompt) => keep(Template::compile_text(&prompt.message, scope), &format!("{pointer}/message"), findings)
            .map(CompiledAction::Prompt),
        Action::Wait(wait) => compile_wait(wait, pointer, scope, findings),
        Action::Parse(parse) => compile_parse(parse, pointer, findings),
        Action::Route(route) => {
            let compiled = route.routes.iter().enumerate().map(|(place, case)| {
                let text = case.condition.as_deref()?;
                compile_condition(text, &format!("{pointer}/routes/{place}/if"), scope, findings)
            });
            Some(CompiledAction::Route(compiled.collect()))
        }
    };
    let ok = findings.len() == before;
    action.filter(|_| ok).map(|action| CompiledStep { spec: step.clone(), when, action })
}

fn compile_condition(text: &str, pointer: &str, scope: &Scope, findings: &mut Vec<Finding>) -> Option<Expression> {
    let found = Expression::compile(text, scope);
    found.map_err(|error| findings.push(Finding::expression(pointer, error))).ok()
}

fn compile_execute(execute: &Execute, pointer: &str, scope: &Scope, findings: &mut Vec<Finding>) -> Option<CompiledExecute> {
    let scope = Scope { in_target: true, ..scope.clone() };
    let (kind, mut argv) = shell(&execute.shell);
    let run = match &execute.run {
        Run::Command(text) => {
            argv.extend(text_option(&execute.shell));
            keep(Template::compile_shell(text, kind, &scope), &format!("{pointer}/command"), findings).map(CompiledRun::Command)
        }
        Run::Script(script) => compile_script(script, pointer, &scope, findings),
    };
    let env = compile_env(execute, pointer, &scope, findings);
    run.map(|run| CompiledExecute { run, env, capture_stdout: false, argv })
}

/// A time without values is checked at once.
fn compile_wait(wait: &Wait, pointer: &str, scope: &Scope, findings: &mut Vec<Finding>) -> Option<CompiledAction> {
    let Some(text) = &wait.until else { return Some(CompiledAction::Wait(None)) };
    if let Err(message) = until::zone_of(wait.time_zone.as_deref()) {
        findings.push(Finding::error(format!("{pointer}/timeZone"), "unknown-time-zone", message));
        return None;
    }
    let pointer = format!("{pointer}/until");
    let template = keep(Template::compile_text(text, scope), &pointer, findings)?;
    if !template.has_values()
        && let Err(message) = until::instant(&template.text, None, Timestamp(0))
    {
        findings.push(Finding::error(pointer, "bad-value", message));
        return None;
    }
    Some(CompiledAction::Wait(Some(template)))
}

fn compile_parse(parse: &Parse, pointer: &str, findings: &mut Vec<Finding>) -> Option<CompiledAction> {
    let Some(text) = &parse.pattern else { return Some(CompiledAction::Parse(None)) };
    let finding = match Pattern::compile(text) {
        Ok(pattern) if pattern.names().next().is_some() => return Some(CompiledAction::Parse(Some(pattern))),
        Ok(_) => {
            Finding::error(format!("{pointer}/pattern"), "bad-pattern", "the pattern has no named group, so it gives no value")
                .with_help("name what is to be kept: `(?<name>…)`")
        }
        Err(error) => {
            Finding::error(format!("{pointer}/pattern"), "bad-pattern", format!("this is no regular expression: {error}"))
        }
    };
    findings.push(finding);
    None
}

/// A script's arguments are plain values, one argument each: no shell reads them.
fn compile_script(script: &Script, pointer: &str, scope: &Scope, findings: &mut Vec<Finding>) -> Option<CompiledRun> {
    let compiled = script
        .args
        .iter()
        .enumerate()
        .map(|(index, arg)| keep(Template::compile_text(arg, scope), &format!("{pointer}/script/args/{index}"), findings));
    let compiled: Vec<_> = compiled.collect();
    let args = compiled.into_iter().collect::<Option<Vec<_>>>()?;
    Some(CompiledRun::Script { file: script.file.clone(), args })
}

fn compile_env(execute: &Execute, pointer: &str, scope: &Scope, findings: &mut Vec<Finding>) -> BTreeMap<String, Template> {
    let mut env = BTreeMap::new();
    for (name, value) in &execute.env {
        let pointer = format!("{pointer}/env/{}", escaped(name));
        let Some(template) = keep(Template::compile_text(value, scope), &pointer, findings) else { continue };
        if template.has_values() && evaluated_by_shells(name) {
            let message = format!("a shell evaluates what `{name}` holds, so no `{{{{ … }}}}` may stand in it");
            findings.push(Finding::error(pointer, "bad-template", message).with_help("use a variable of another name"));
        }
        env.insert(name.clone(), template);
    }
    env
}

/// The template, or its errors among the findings.
fn keep(result: Result<Template, Vec<TemplateError>>, pointer: &str, findings: &mut Vec<Finding>) -> Option<Template> {
    let refuse = |errors: Vec<_>| findings.extend(errors.into_iter().map(|error| Finding::template(pointer, error)));
    result.map_err(refuse).ok()
}

/// How a command's text is read, and the program that reads it, with its arguments.
fn shell(shell: &Shell) -> (ShellKind, Vec<String>) {
    let owned = |argv: &[&str]| argv.iter().map(|&part| part.to_owned()).collect();
    match shell {
        Shell::Named(NamedShell::Sh) => (ShellKind::Posix, owned(&["/bin/sh", "-e"])),
        Shell::Named(NamedShell::Bash) => (ShellKind::Bash, owned(&["bash", "-eo", "pipefail"])),
        Shell::Argv(argv) => (ShellKind::Argv, argv.clone()),
    }
}

/// The argument that says that a text follows and no file; an argument list has it where it needs it.
fn text_option(shell: &Shell) -> Option<String> {
    matches!(shell, Shell::Named(_)).then(|| "-c".to_owned())
}
