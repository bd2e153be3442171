//! The tables as docs/settings.md shows them.

use crate::program::Program;
use crate::setting::{Reload, Setting, Unless};

/// The table of one program, in Markdown.
pub fn manual(program: &Program) -> String {
    let head = "| file | flag | environment | value | unless said | SIGHUP | since | |\n|---|---|---|---|---|---|---|---|\n";
    program.built().map(row).fold(head.to_owned(), |text, row| text + &row)
}

fn row(setting: &Setting) -> String {
    let Setting { key, text, since, .. } = setting;
    let file = two(key, setting.secret.then(|| setting.key_of_file()));
    let flag = if setting.flag.is_empty() { "–".to_owned() } else { format!("`{}`", setting.dashed()) };
    let env = match setting.env {
        "" => "–".to_owned(),
        env => {
            let older = setting.older.iter().map(|older| format!(", `{older}`")).collect::<String>();
            two(env, setting.secret.then(|| setting.env_of_file())) + &older
        }
    };
    let unless = match setting.unless {
        Unless::Is(value) => format!("`{value}`"),
        Unless::Said(said) => said.to_owned(),
        Unless::Nothing => "–".to_owned(),
    };
    let reload = if matches!(setting.reload, Reload::Live) { "yes" } else { "restart" };
    let kind = setting.kind.placeholder().replace('|', " or ");
    let secret = if setting.secret { " A secret." } else { "" };
    let since = since.unwrap_or_default();
    format!("| {file} | {flag} | {env} | {kind} | {unless} | {reload} | {since} | {text}{secret} |\n")
}

fn two(name: &str, file: Option<String>) -> String {
    file.map_or_else(|| format!("`{name}`"), |file| format!("`{name}`, `{file}`"))
}
