//! Makes a program of a workflow: parses every template and expression, and checks what each of them names.

use super::finding::escaped;
use super::flow::Flow;
use super::program::{CompiledAction, CompiledExecute, CompiledRun, CompiledStep, Program};
use super::{Files, Finding, param_check};
use crate::expression::Expression;
use crate::pattern::Pattern;
use crate::template::{ShellKind, Template, TemplateError, evaluated_by_shells};
use crate::time::Timestamp;
use crate::until;
use crate::values::{EarlierStep, Scope};
use crd_schemas::manifest::{Action, Concurrency, Execute, NamedShell, Parse, Run, Script, Shell, Step, Targets, Wait, Workflow};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The program, or every error at once. The scope is that of the first step.
pub(super) fn program(workflow: &Workflow, base: Scope) -> Result<Program, Vec<Finding>> {
    let spec = &workflow.spec;
    let mut findings = param_check::check(&spec.params);
    let concurrency_key = compile_key(&spec.concurrency, &base, &mut findings);
    let ids: Vec<EarlierStep> = spec.steps.iter().map(|step| EarlierStep::new(&step.id, step.action.type_name())).collect();
    check_gotos(&spec.steps, &mut findings);
    let flow = Flow::of(&spec.steps);
    let (mut steps, mut captured) = (Vec::new(), BTreeSet::new());
    for (index, step) in spec.steps.iter().enumerate() {
        let earlier_steps = flow.before(index).map(|before| ids[before].clone()).collect();
        let scope = Scope { earlier_steps, ..base.clone() };
        captured.extend(parsed_by(step, &scope));
        steps.extend(compile_step(step, &format!("/spec/steps/{index}"), &scope, &mut findings));
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    captured.extend(steps.iter().flat_map(CompiledStep::stdout_of));
    for step in &mut steps {
        if let CompiledAction::Execute(command) = &mut step.action {
            command.capture_stdout = captured.contains(&step.spec.id);
        }
    }
    Ok(Program {
        labels: workflow.metadata.labels.clone(),
        concurrency: spec.concurrency.policy,
        concurrency_key,
        max_queued: spec.concurrency.max_queued.unwrap_or(Concurrency::DEFAULT_MAX_QUEUED),
        param_types: Arc::new(spec.params.iter().map(|param| (param.name.clone(), param.kind)).collect()),
        timeout: spec.timeout,
        steps,
        files: Files::new(),
    })
}

/// Every `goto` names a step or the end. The decoder says so with its place; a snapshot that was never decoded is refused here, so
/// that no execution ends where it should go on.
fn check_gotos(steps: &[Step], findings: &mut Vec<Finding>) {
    for (index, step) in steps.iter().enumerate() {
        let chosen: Vec<&Option<String>> = match &step.action {
            Action::Prompt(prompt) => prompt.options.iter().map(|option| &option.goto).collect(),
            Action::Route(route) => route.routes.iter().map(|case| &case.goto).collect(),
            Action::Execute(_) | Action::Wait(_) | Action::Parse(_) => Vec::new(),
        };
        let named = chosen.into_iter().chain([&step.goto]).flatten();
        for goto in named.filter(|goto| *goto != "end" && !steps.iter().any(|step| step.id == **goto)) {
            findings.push(Finding::error(format!("/spec/steps/{index}"), "unknown-step", format!("there is no step `{goto}`")));
        }
    }
}

/// The key is made when the execution is accepted, of its parameters.
fn compile_key(concurrency: &Concurrency, base: &Scope, findings: &mut Vec<Finding>) -> Option<Template> {
    let scope = Scope { before_start: true, ..base.clone() };
    keep(Template::compile_text(concurrency.key.as_ref()?, &scope), "/spec/concurrency/key", findings)
}

/// Ids of the steps whose stdout a `parse` step may read: the one it names, or whichever comes last before it.
fn parsed_by(step: &Step, scope: &Scope) -> Vec<String> {
    match &step.action {
        Action::Parse(Parse { from: Some(from), .. }) => vec![from.clone()],
        Action::Parse(Parse { from: None, .. }) => scope.of_kind("execute").map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// A `from` names an `execute` step that can have run before.
fn check_from(from: &str, pointer: String, scope: &Scope) -> Option<Finding> {
    if scope.of_kind("execute").any(|id| id == from) {
        return None;
    }
    let message = format!("no `execute` step `{from}` can have run before this step");
    let known = crate::values::listed(scope.of_kind("execute"));
    let help = match known.is_empty() {
        true => "put an `execute` step before this one".to_owned(),
        false => format!("the `execute` steps that can come before this one are {known}"),
    };
    Some(Finding::error(pointer, "not-before", message).with_help(help))
}

fn compile_step(step: &Step, pointer: &str, scope: &Scope, findings: &mut Vec<Finding>) -> Option<CompiledStep> {
    let before = findings.len();
    let when = step.when.as_deref().and_then(|text| compile_condition(text, &format!("{pointer}/when"), scope, findings));
    let action = match &step.action {
        Action::Execute(execute) => compile_execute(execute, pointer, scope, findings).map(Box::new).map(CompiledAction::Execute),
        Action::Prompt(prompt) => keep(Template::compile_text(&prompt.message, scope), &format!("{pointer}/message"), findings)
            .map(CompiledAction::Prompt),
        Action::Wait(wait) => compile_wait(wait, pointer, scope, findings),
        Action::Parse(parse) => compile_parse(parse, pointer, scope, findings),
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
    if let Targets::From(targets) = &execute.targets {
        findings.extend(check_from(&targets.from, format!("{pointer}/targets/from"), scope));
    }
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

fn compile_parse(parse: &Parse, pointer: &str, scope: &Scope, findings: &mut Vec<Finding>) -> Option<CompiledAction> {
    match &parse.from {
        Some(from) => findings.extend(check_from(from, format!("{pointer}/from"), scope)),
        None if scope.of_kind("execute").next().is_none() => {
            let message = "no `execute` step can have run before this one, so there is no stdout to read";
            findings.push(Finding::error(pointer, "not-before", message).with_help("put an `execute` step before this one"));
        }
        None => {}
    }
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
