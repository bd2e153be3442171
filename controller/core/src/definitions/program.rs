//! A workflow compiled: templates and expressions parsed, everything they name checked.

use super::finding::escaped;
use super::{Files, Finding, PinnedFile, Snapshot};
use crate::expression::Expression;
use crate::template::{ShellKind, Template, TemplateError, evaluated_by_shells};
use crate::values::Scope;
use crd_schemas::manifest::{Action, ConcurrencyPolicy, Execute, NamedShell, Run, Script, Shell, Step, Workflow};
use std::collections::{BTreeMap, BTreeSet};

/// A compiled workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Whether its executions exclude each other.
    pub concurrency: ConcurrencyPolicy,
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
            step.capture_stdout = used.contains(&step.spec.id);
        }
        Ok(Self { concurrency: workflow.spec.concurrency.policy, steps, files: Files::new() })
    }

    /// The step with this id, and its place.
    pub fn step(&self, id: &str) -> Option<(usize, &CompiledStep)> {
        self.steps.iter().enumerate().find(|(_, step)| step.spec.id == id)
    }

    /// The program and its arguments before the step's text or script; none for a script that is executed as it is.
    pub fn argv(&self, step: &CompiledStep) -> Vec<String> {
        match &step.run {
            CompiledRun::Script { file, .. } if self.files.get(file).is_some_and(PinnedFile::has_shebang) => Vec::new(),
            CompiledRun::Command(_) | CompiledRun::Script { .. } => step.argv.clone(),
        }
    }
}

impl CompiledStep {
    /// What the step executes.
    pub fn execute(&self) -> &Execute {
        let Action::Execute(execute) = &self.spec.action;
        execute
    }

    /// Ids of the steps whose stdout it uses.
    fn stdout_of(&self) -> BTreeSet<String> {
        let when = self.when.iter().flat_map(|when| when.stdout_of().iter().cloned());
        let env = self.env.values().flat_map(Template::stdout_of);
        let run: Vec<&Template> = match &self.run {
            CompiledRun::Command(text) => vec![text],
            CompiledRun::Script { args, .. } => args.iter().collect(),
        };
        run.into_iter().flat_map(Template::stdout_of).chain(env).chain(when).collect()
    }
}

fn compile_step(step: &Step, pointer: &str, scope: &Scope, findings: &mut Vec<Finding>) -> Option<CompiledStep> {
    let before = findings.len();
    let when = step.when.as_deref().and_then(|text| {
        let found = Expression::compile(text, scope);
        found.map_err(|error| findings.push(Finding::expression(&format!("{pointer}/when"), error))).ok()
    });
    let scope = Scope { in_target: true, ..scope.clone() };
    let Action::Execute(execute) = &step.action;
    let (kind, mut argv) = shell(&execute.shell);
    let run = match &execute.run {
        Run::Command(text) => {
            argv.extend(text_option(&execute.shell));
            keep(Template::compile_shell(text, kind, &scope), &format!("{pointer}/command"), findings).map(CompiledRun::Command)
        }
        Run::Script(script) => compile_script(script, pointer, &scope, findings),
    };
    let env = compile_env(execute, pointer, &scope, findings);
    let spec = step.clone();
    let ok = findings.len() == before;
    run.filter(|_| ok).map(|run| CompiledStep { spec, when, run, env, capture_stdout: false, argv })
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
