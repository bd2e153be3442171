//! A workflow compiled: templates and expressions parsed, everything they name checked.

use super::Finding;
use super::finding::escaped;
use crate::expression::Expression;
use crate::template::{ShellKind, Template, TemplateError, evaluated_by_shells};
use crate::values::Scope;
use crd_schemas::manifest::{Action, ConcurrencyPolicy, Execute, NamedShell, Shell, Step, Workflow};
use std::collections::{BTreeMap, BTreeSet};

/// A compiled workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Whether its executions exclude each other.
    pub concurrency: ConcurrencyPolicy,
    /// Its steps, in order.
    pub steps: Vec<CompiledStep>,
}

/// A compiled step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledStep {
    /// The step as declared.
    pub spec: Step,
    /// Whether it runs.
    pub when: Option<Expression>,
    /// The script.
    pub command: Template,
    /// Declared environment variables.
    pub env: BTreeMap<String, Template>,
    /// A later step refers to its stdout.
    pub capture_stdout: bool,
    /// Program and arguments before the script.
    pub argv: Vec<String>,
}

impl Program {
    /// Compiles a workflow; every error at once.
    pub fn compile(workflow: &Workflow) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut scope =
            Scope { params: workflow.spec.params.iter().map(|param| param.name.clone()).collect(), ..Scope::default() };
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
        Ok(Self { concurrency: workflow.spec.concurrency.policy, steps })
    }

    /// The step with this id, and its place.
    pub fn step(&self, id: &str) -> Option<(usize, &CompiledStep)> {
        self.steps.iter().enumerate().find(|(_, step)| step.spec.id == id)
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
        self.command.stdout_of().into_iter().chain(env).chain(when).collect()
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
    let (kind, argv) = shell(&execute.shell);
    let command = Template::compile_shell(&execute.command, kind, &scope);
    let command = keep(command, &format!("{pointer}/command"), findings);
    let env = compile_env(execute, pointer, &scope, findings);
    let spec = step.clone();
    let ok = findings.len() == before;
    command.filter(|_| ok).map(|command| CompiledStep { spec, when, command, env, capture_stdout: false, argv })
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

/// How a script is read, and by which program: its arguments before the script itself.
fn shell(shell: &Shell) -> (ShellKind, Vec<String>) {
    let owned = |argv: &[&str]| argv.iter().map(|&part| part.to_owned()).collect();
    match shell {
        Shell::Named(NamedShell::Sh) => (ShellKind::Posix, owned(&["/bin/sh", "-e", "-c"])),
        Shell::Named(NamedShell::Bash) => (ShellKind::Bash, owned(&["bash", "-eo", "pipefail", "-c"])),
        Shell::Argv(argv) => (ShellKind::Argv, argv.clone()),
    }
}
