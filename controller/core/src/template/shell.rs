//! Compiles a command for a shell: every value becomes a reference to an environment variable, written so that the shell puts
//! the value in without parsing it, or is refused.
//!
//! ```text
//! items ─▶ source (one mark per value) ─▶ scan (how a shell reads each place) ─▶ script, or errors
//! ```
//!
//! The scanner follows what dash, busybox sh and bash agree on. Where they differ, or where it is not sure how the text goes
//! on, it refuses the values of the whole script. A script without values is passed on as it stands, whatever it holds.
//!
//! What this does not follow is a copy: after `v={{ … }}` the script has the value in a variable of its own, and `eval "$v"` or
//! `$((v))` would parse it. Nor does it look into programs: `sh -c "… {{ … }}"` hands the value to another shell as text.

mod arithmetic;
mod command;
mod compound;
mod heredoc;
mod quotes;
mod refusal;
mod scan;
mod source;
mod word;

use super::items::Items;
use super::{ShellKind, TemplateError};
use crate::values::Path;
pub(crate) use command::evaluated_by_shells;
use refusal::Refusal;
use scan::{Place, Scanner};
use source::Source;

/// A script, and the environment variables that it refers to.
pub(super) type Script = (String, Vec<(String, Path)>);

/// Writes the script, or says every value that cannot stand where it does.
pub(super) fn compile(items: &Items, shell: ShellKind) -> Result<Script, Vec<TemplateError>> {
    let source = Source::new(items);
    if source.values.is_empty() {
        return Ok((source.text, Vec::new()));
    }
    let places = match shell {
        ShellKind::Argv => vec![Place::Refused(Refusal::Argv); source.values.len()],
        _ => Scanner::scan(&source.text, shell).map_err(|lost| vec![source.lost(&lost)])?,
    };
    let refused = source.values.iter().zip(&places).filter_map(|(value, place)| match place {
        Place::Refused(refusal) => Some(refusal.error(value)),
        Place::Bare | Place::Quoted => None,
    });
    let errors: Vec<TemplateError> = refused.collect();
    if errors.is_empty() { Ok(write(&source, &places)) } else { Err(errors) }
}

fn write(source: &Source, places: &[Place]) -> Script {
    let mut bindings: Vec<(String, Path)> = Vec::new();
    let mut script = String::new();
    for (index, text) in source.text.split('\0').enumerate() {
        if let Some((value, place)) = index.checked_sub(1).and_then(|n| source.values.get(n).zip(places.get(n))) {
            let name = bind(&mut bindings, &value.path);
            match place {
                Place::Quoted => script.push_str(&format!("${{{name}}}")),
                Place::Bare | Place::Refused(_) => script.push_str(&format!("\"${{{name}}}\"")),
            }
        }
        script.push_str(text);
    }
    (script, bindings)
}

/// The environment variable of a path: a parameter's has its name, any other's a number.
fn bind(bindings: &mut Vec<(String, Path)>, path: &Path) -> String {
    if let Some((name, _)) = bindings.iter().find(|(_, bound)| bound == path) {
        return name.clone();
    }
    let name = match path {
        Path::Param(name) => format!("PULSE_PARAM_{}", name.to_ascii_uppercase()),
        _ => format!("PULSE_VALUE_{}", bindings.iter().filter(|(_, bound)| !matches!(bound, Path::Param(_))).count() + 1),
    };
    bindings.push((name.clone(), path.clone()));
    name
}
