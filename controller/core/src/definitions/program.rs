//! A workflow compiled: templates and expressions parsed, everything they name checked.

use super::{Files, Finding, PinnedFile, Snapshot, compile};
use crate::expression::Expression;
use crate::pattern::Pattern;
use crate::template::Template;
use crate::values::{Lone, Scope};
use crd_schemas::Duration;
use crd_schemas::manifest::{Action, ConcurrencyPolicy, Execute, ParamType, Step, Workflow};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    /// Types of its parameters.
    pub param_types: Arc<BTreeMap<String, ParamType>>,
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
        compile::program(workflow, Scope { params: params.collect(), ..Scope::default() })
    }

    /// The same for the workflow that is made of a command which stands alone; what is wrong is said in its terms.
    pub(super) fn compile_command(workflow: &Workflow, lone: Lone) -> Result<Self, Vec<Finding>> {
        compile::program(workflow, Scope { lone: Some(lone), ..Scope::default() })
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

    /// Ids of the steps whose stdout its templates and expressions use.
    pub(super) fn stdout_of(&self) -> BTreeSet<String> {
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
