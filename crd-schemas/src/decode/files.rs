//! What an `execute` step runs and which files it takes from its commit: `command` or `script`, and `files`.

use super::cursor::{Cursor, Fields};
use super::report::Report;
use super::{rules, value};
use crate::manifest::files::{MAX_ARGS, MAX_FILES};
use crate::manifest::{Run, Script, StepFile};
use crate::problem::code;
use crate::tree::{Span, Value, clip};

/// A file of the step: where it comes from, where it will lie in the work folder, and where the manifest says so.
struct Placed {
    from: String,
    to: String,
    place: Span,
    pointer: String,
}

/// What a step runs and the files beside it, which are of its commit.
pub fn run_and_files(fields: &mut Fields, report: &mut Report) -> (Option<Run>, Option<Vec<StepFile>>) {
    let mut placed = Vec::new();
    let run = run(fields, &mut placed, report);
    let step_files = fields.or("files", Vec::new(), report, |at, report| files(at, &mut placed, report));
    (run, apart(&placed, report).and(step_files))
}

/// What runs where there is no commit.
pub fn only_command(fields: &mut Fields, report: &mut Report) -> Option<Run> {
    for name in ["script", "files"] {
        fields.elsewhere(
            name,
            "a command by itself has no commit whose files it could take; write a Workflow with this as its step",
        );
    }
    fields.required("command", report, value::filled_text).map(Run::Command)
}

/// `command` or `script`, exactly one of them; a script's file is added to `placed`.
fn run(fields: &mut Fields, placed: &mut Vec<Placed>, report: &mut Report) -> Option<Run> {
    let both = fields.has("command") && fields.has("script");
    let neither = !fields.has("command") && !fields.has("script");
    let command = fields.optional("command", report, value::filled_text);
    let script = fields.optional("script", report, |at, report| {
        if both {
            let help = Some("leave one of the two out".into());
            return report.error(&at, code::CONFLICTING_FIELDS, "`command` and `script` exclude each other", help);
        }
        self::script(at, placed, report)
    });
    if neither {
        let message = format!("{} has no `command`", fields.cursor().label());
        let help = Some("add `command: …`, or `script: {file: …}` for a file of the commit".into());
        return report.error(fields.cursor(), code::MISSING_FIELD, message, help);
    }
    match (command?, script?) {
        (_, Some(script)) => Some(Run::Script(script)),
        (Some(command), None) => Some(Run::Command(command)),
        (None, None) => None,
    }
}

/// For whoever writes as a text what is a map: a path, or the script itself.
fn script_help(text: &str) -> String {
    if text.contains(char::is_whitespace) {
        return "the text of a script is a `command: |`; `script: {file: …}` names a file of the commit".into();
    }
    format!("write `script: {{file: {}}}`", clip(text))
}

fn script(at: Cursor, placed: &mut Vec<Placed>, report: &mut Report) -> Option<Script> {
    if let Value::String(path) = &at.node.value {
        let help = Some(script_help(path));
        return at.wrong_type("a map with `file`", report, help);
    }
    let mut fields = Fields::of(at, report)?;
    let file = fields.required("file", report, |at, report| {
        let (place, pointer) = (at.place(), at.pointer.clone());
        let file = value::ruled(at, report, rules::source_path)?;
        placed.push(Placed { from: file.clone(), to: file.clone(), place, pointer });
        Some(file)
    });
    let args = fields.or("args", Vec::new(), report, |at, report| {
        value::items(at, 0..=MAX_ARGS, report, |at, report| value::ruled(at, report, rules::sized))
    });
    fields.finish(report);
    Some(Script { file: file?, args: args? })
}

/// The items of `files`, which are added to `placed`.
fn files(at: Cursor, placed: &mut Vec<Placed>, report: &mut Report) -> Option<Vec<StepFile>> {
    value::items(at, 1..=MAX_FILES, report, |at, report| {
        let (mut place, mut pointer) = (at.place(), at.pointer.clone());
        let file = match &at.node.value {
            Value::Map(_) => {
                let mut fields = Fields::of(at, report)?;
                let from = fields.required("from", report, |at, report| value::ruled(at, report, rules::source_path));
                let to = fields.optional("to", report, |at, report| {
                    (place, pointer) = (at.place(), at.pointer.clone());
                    value::ruled(at, report, rules::work_path)
                });
                fields.finish(report);
                let (from, to) = (from?, to?);
                StepFile { to: to.unwrap_or_else(|| from.clone()), from }
            }
            Value::String(_) => StepFile::kept(value::ruled(at, report, rules::source_path)?),
            _ => return at.wrong_type("a path or `{from: path, to: path}`", report, None),
        };
        placed.push(Placed { from: file.from.clone(), to: file.to.clone(), place, pointer });
        Some(file)
    })
}

/// Reports files that are named twice, or that would lie at the same place of the work folder or below each other.
fn apart(placed: &[Placed], report: &mut Report) -> Option<()> {
    let before = report.count();
    for (index, file) in placed.iter().enumerate() {
        let Some((message, help)) = placed[..index].iter().find_map(|other| clash(other, file)) else { continue };
        let _: Option<()> = report.error_at(file.place, &file.pointer, code::DUPLICATE_FILE, message, Some(help.into()));
    }
    (report.count() == before).then_some(())
}

fn clash(other: &Placed, file: &Placed) -> Option<(String, &'static str)> {
    let below = |path: &str, folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let (to, other_to) = (clip(&file.to), clip(&other.to));
    if other.from == file.from {
        return Some((format!("this step has the file `{}` already", clip(&file.from)), "leave it out here"));
    }
    let help = "give one of the two another place: `{from: path, to: path}`";
    if other.to == file.to {
        Some((format!("another file of this step lies at `{to}` of the work folder"), help))
    } else if below(&file.to, &other.to) {
        Some((format!("`{other_to}` is a file of this step, so `{to}` cannot lie below it"), help))
    } else if below(&other.to, &file.to) {
        Some((format!("`{to}` is a folder of this step, because `{other_to}` lies below it"), help))
    } else {
        None
    }
}
