//! Rules for names. The same rules stand as patterns in the JSON Schemas; a test holds the two together.

use super::value::Broken;
use crate::manifest::files::MAX_PATH_BYTES;
use crate::problem::code;
use crate::tree::clip;

/// Bytes in one value that a command receives.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Bytes between two `/` of a path; file systems take no more.
const MAX_PART_BYTES: usize = 255;

type Checked = Result<(), Broken>;

fn broken(code: &'static str, message: String, help: &str) -> Checked {
    Err(Broken { code, message, help: Some(help.to_owned()) })
}

/// The form of a manifest's name, for people.
pub const NAME_FORM: &str = "1 to 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit";

/// Could a manifest have this name? An RFC 1123 label.
pub fn is_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| lower(b) || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// An RFC 1123 label.
pub fn name(text: &str) -> Checked {
    if is_name(text) {
        return Ok(());
    }
    broken(code::BAD_NAME, format!("`{}` is no valid name", clip(text)), NAME_FORM)
}

/// `everyone`, `role:…` with a role that there is, or `user:…`, `group:…`, `token:…` with a name.
pub fn subject(text: &str) -> Checked {
    let help = "write `user:NAME`, `group:NAME`, `token:NAME`, `everyone`, or `role:` with admin, operator, viewer or auditor";
    let fits = match text.split_once(':') {
        None => text == "everyone",
        Some(("role", role)) => ["admin", "operator", "viewer", "auditor"].contains(&role),
        Some(("user" | "group" | "token", name)) => {
            (1..=190).contains(&name.chars().count()) && name.trim() == name && !name.chars().any(char::is_control)
        }
        Some(_) => false,
    };
    if fits { Ok(()) } else { broken(code::BAD_VALUE, format!("`{}` names nobody", clip(text)), help) }
}

/// A name that `targets` can hold without meaning every agent.
pub fn agent_name(text: &str) -> Checked {
    name(text)?;
    if text == "all" {
        return broken(
            code::RESERVED_NAME,
            "`all` means every agent, so nothing else can have this name".into(),
            "choose another name",
        );
    }
    Ok(())
}

/// A name of an agent, or a text with `{{ … }}`, which is checked elsewhere.
pub fn agent_or_value(text: &str) -> Checked {
    if text.contains("{{") { Ok(()) } else { agent_name(text) }
}

/// `[a-z][a-z0-9_-]{0,62}`, not `end`.
pub fn step_id(text: &str) -> Checked {
    let fits = (1..=63).contains(&text.len()) && starts_lower(text) && text.bytes().all(|b| lower(b) || b == b'_' || b == b'-');
    if !fits {
        let help = "at most 63 of a-z, 0-9, `_` and `-`, beginning with a letter";
        return broken(code::BAD_NAME, format!("`{}` is no valid step id", clip(text)), help);
    }
    if text == "end" {
        return broken(
            code::RESERVED_NAME,
            "`end` means the end of the workflow, so no step can have this id".into(),
            "choose another id",
        );
    }
    Ok(())
}

/// A name under `state`: `[A-Za-z_][A-Za-z0-9_]{0,62}`.
pub fn state_name(text: &str) -> Checked {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if first && text.len() <= 63 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(());
    }
    let help = "at most 63 letters, digits and `_`, beginning with a letter or `_`";
    broken(code::BAD_NAME, format!("`{}` is no valid name of a value in `state`", clip(text)), help)
}

/// `[a-z][a-z0-9_]{0,39}`.
pub fn param_name(text: &str) -> Checked {
    let fits = (1..=40).contains(&text.len()) && starts_lower(text) && text.bytes().all(|b| lower(b) || b == b'_');
    if fits {
        return Ok(());
    }
    let help = "at most 40 of a-z, 0-9 and `_`, beginning with a letter";
    broken(code::BAD_NAME, format!("`{}` is no valid parameter name", clip(text)), help)
}

/// The name of a value in `vars`: `[A-Za-z_][A-Za-z0-9_-]{0,62}`.
pub fn var_name(text: &str) -> Checked {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if first && text.len() <= 63 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Ok(());
    }
    let help = "at most 63 letters, digits, `_` and `-`, beginning with a letter or `_`";
    broken(code::BAD_NAME, format!("`{}` is no valid name of a var", clip(text)), help)
}

/// The name of an environment variable that is not PULSE's own.
pub fn env_name(text: &str) -> Checked {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if !first || text.len() > 255 || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        let help = "letters, digits and `_`, beginning with a letter or `_`";
        return broken(code::BAD_NAME, format!("`{}` is no valid name of an environment variable", clip(text)), help);
    }
    if text.starts_with("PULSE_") {
        return broken(
            code::RESERVED_NAME,
            format!("`{}`: names in PULSE_ are set by PULSE itself", clip(text)),
            "choose another name",
        );
    }
    Ok(())
}

/// The key of a label: letters, digits, `.`, `_`, `-`, `/`, at most 253, beginning and ending with a letter or digit; not `self/…`.
pub fn label_key(text: &str) -> Checked {
    if !(1..=253).contains(&text.len()) || !label_text(text, b"._-/") {
        let help = "letters, digits, `.`, `_`, `-` and `/`, beginning and ending with a letter or digit";
        return broken(code::BAD_NAME, format!("`{}` is no valid key of a label", clip(text)), help);
    }
    if text.starts_with("self/") {
        return broken(code::RESERVED_NAME, "labels in self/ are what an agent says of itself".into(), "choose another key");
    }
    Ok(())
}

/// The value of a label: empty, or letters, digits, `.`, `_` and `-`, at most 63, beginning and ending with a letter or digit.
pub fn label_value(text: &str) -> Checked {
    if text.is_empty() || (text.len() <= 63 && label_text(text, b"._-")) {
        return Ok(());
    }
    let help = "at most 63 letters, digits, `.`, `_` and `-`, beginning and ending with a letter or digit";
    broken(code::BAD_VALUE, format!("`{}` is no valid value of a label", clip(text)), help)
}

/// An absolute path.
pub fn absolute_path(text: &str) -> Checked {
    if text.starts_with('/') && text.len() <= 4096 {
        return Ok(());
    }
    broken(
        code::BAD_VALUE,
        format!("`{}` is no absolute path", clip(text)),
        "begin it with `/`; without `cwd` the command runs in a private folder",
    )
}

/// The name of a user of a host.
pub fn user_name(text: &str) -> Checked {
    let first = |c: char| c.is_ascii_lowercase() || c == '_';
    let fits = |c: char| first(c) || c.is_ascii_digit() || ".-".contains(c);
    if text.len() <= 32 && text.starts_with(first) && text.chars().all(fits) {
        return Ok(());
    }
    let help = "write a name such as `postgres`: at most 32 lower-case letters, digits, `_`, `.` and `-`; it is fixed when the commit is checked";
    broken(code::BAD_VALUE, format!("`{}` is no name of a user", clip(text)), help)
}

/// A path below the source's root or the work folder: parts between `/`, none of them empty, `.` or `..`, no control character.
pub fn work_path(text: &str) -> Checked {
    let bad = |message: &str, help: &str| broken(code::BAD_VALUE, format!("`{}` {message}", clip(text)), help);
    let part = |part: &str| (1..=MAX_PART_BYTES).contains(&part.len()) && part != "." && part != "..";
    if text.contains("{{") {
        return bad("holds `{{`; a path is fixed when the commit is checked", "values can stand in `args` and `env`");
    }
    if let Some(rest) = text.strip_prefix("./").filter(|rest| work_path(rest).is_ok()) {
        return bad("begins with `./`", &format!("write `{}`", clip(rest)));
    }
    if text.len() > MAX_PATH_BYTES {
        let message = format!("the path has {} bytes; at most {MAX_PATH_BYTES} are allowed", text.len());
        return broken(code::OUT_OF_RANGE, message, "put the file nearer to the root");
    }
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return bad("holds a control character", "rename the file");
    }
    if !text.split('/').all(part) {
        let help = "write `folder/file`, relative, without `..`, and at most 255 bytes between two `/`";
        return bad("is no path below a folder", help);
    }
    Ok(())
}

/// A file of the commit: as [`work_path`], and nothing of Git's own.
pub fn source_path(text: &str) -> Checked {
    if text.split('/').any(|part| part.eq_ignore_ascii_case(".git")) {
        let message = format!("`{}` leads into `.git`, which is no part of a commit", clip(text));
        return broken(code::BAD_VALUE, message, "put the file beside it");
    }
    work_path(text)
}

/// A value that a command can receive: at most 64 KiB.
pub fn sized(text: &str) -> Checked {
    if text.len() <= MAX_VALUE_BYTES {
        return Ok(());
    }
    let message = format!("the value has {} bytes; at most {MAX_VALUE_BYTES} are allowed", text.len());
    broken(code::OUT_OF_RANGE, message, "put it into a file that the command reads")
}

/// Anything.
pub fn any(_: &str) -> Checked {
    Ok(())
}

fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}
fn starts_lower(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}
fn label_text(text: &str, between: &[u8]) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric());
    ends(text.bytes().next())
        && ends(text.bytes().last())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || between.contains(&b))
}
