//! `execute` steps, and the commands of schedules.

use super::names;
use super::note::{Notes, Place};
use super::number;
use super::params::text;
use super::secret;
use super::steps::{Fields, Reader, entry};
use super::yaml::Yaml;
use serde_json::Value;

/// Commands that take their host down.
const REBOOTS: [&str; 8] = [
    "reboot",
    "systemctl reboot",
    "shutdown -r",
    "shutdown -r now",
    "shutdown -r +0",
    "init 6",
    "/sbin/reboot",
    "/sbin/shutdown -r now",
];

impl Reader<'_> {
    /// The fields of an `execute` step.
    pub fn execute(&mut self, step: &Value) -> Option<Fields> {
        let place = self.place.clone();
        let targets = targets(step.get("targets"), &place.field("targets"), self.notes);
        let command = command(step.get("command"), &place.field("command"), self.notes);
        let timeout = match number::timeout(step.get("timeout").unwrap_or(&Value::Null), self.unit) {
            Ok(timed) => {
                timed.remark.into_iter().for_each(|remark| self.notes.note(&place.field("timeout"), remark));
                Some(timed.duration)
            }
            Err((message, help)) => self.notes.error(&place.field("timeout"), message, help),
        };
        let retry = self.retry(step);
        let (mut targets, command, timeout, retry) = (targets?, command?, timeout?, retry?);
        let written = self.params.template(&command, &place.field("command"), self.notes);
        targets.push(command_entry(&command, written, &place, self.notes));
        targets.push(entry("timeout", Yaml::word(timeout)));
        targets.extend(retry);
        targets.extend(reboot(&command, &place, self.notes));
        Some(targets)
    }

    /// Tries with the same wait before each, as the old PULSE had them.
    #[expect(clippy::option_option, reason = "the outer one is `an error was found`")]
    fn retry(&mut self, step: &Value) -> Option<Option<(String, Yaml)>> {
        let place = self.place.clone();
        let field = |name: &str| step.get(name).unwrap_or(&Value::Null);
        let (retries, delay) = (number::retries(field("retries")), number::retry_delay(field("retryDelayMs")));
        for (name, error) in [("retries", retries.as_ref().err()), ("retryDelayMs", delay.as_ref().err())] {
            if let Some((message, help)) = error {
                self.notes.error::<()>(&place.field(name), message, help);
            }
        }
        let (retries, delay) = (retries.ok()?, delay.ok()?);
        let attempts = entry("attempts", Yaml::word(retries + 1));
        let waits = [entry("backoff", Yaml::word(delay)), entry("maxBackoff", Yaml::word(delay))];
        Some((retries > 0).then(|| entry("retry", Yaml::Short(std::iter::once(attempts).chain(waits).collect()))))
    }
}

/// The old names of a step's targets.
pub fn old_targets(step: &Value) -> Vec<String> {
    match step.get("targets") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
        _ => Vec::new(),
    }
}

/// It can be more than one agent.
pub fn is_many(target: &str) -> bool {
    target == "all" || target == "worker-group" || target.starts_with("group:")
}

/// `targets`, one after the other, as the old PULSE ran them.
pub fn targets(value: Option<&Value>, place: &Place, notes: &mut Notes) -> Option<Fields> {
    let help = "write `[\"all\"]`, or the names of workers";
    let old: Vec<String> = match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(items)) if items.iter().all(|item| text(item).is_some()) => items.iter().filter_map(text).collect(),
        None | Some(Value::Null) => return notes.error(place, "nothing says where the command ran", help),
        Some(_) => return notes.error(place, "these are no names", help),
    };
    if old.iter().all(|name| name.trim().is_empty()) {
        return notes.error(place, "nobody is named, so the old PULSE failed the step", help);
    }
    let mut new: Vec<String> = old.iter().map(|name| target(name, place, notes)).collect();
    let mut seen = std::collections::BTreeSet::new();
    new.retain(|name| seen.insert(name.clone()));
    let alone = new.len() == 1 && !old.iter().any(|name| is_many(name));
    let mut fields = vec![entry("targets", Yaml::List(new.into_iter().map(Yaml::Text).collect()))];
    if !alone {
        // One after the other; the first that fails stops the rest; those that are offline are left out.
        fields.push(entry("maxParallel", Yaml::word(1)));
        fields.push(entry("onOffline", Yaml::text("skip")));
        notes.note(place, "where every target is offline the step is left out; the old PULSE failed it");
    }
    Some(fields)
}

fn target(old: &str, place: &Place, notes: &mut Notes) -> String {
    if old == "all" {
        return old.to_owned();
    }
    let name = old.strip_prefix("group:").unwrap_or(old);
    let new = names::target(name);
    let is_id = new.len() == 36
        && new.bytes().enumerate().all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() });
    if is_many(old) {
        notes.check(
            place,
            format!("`{new}` is a group"),
            format!("declare it: `kind: AgentGroup` with the name `{new}`, and its agents"),
        );
    } else if is_id {
        notes.check(place, format!("`{new}` looks like the id of a worker, which no agent has"), "write the agent's name");
    } else if new != old {
        notes.check(
            place,
            format!("{old:?} is written as `{new}`, since names of agents are in small letters"),
            "name the agent so when it enrols (`PULSE_AGENT_NAME`)",
        );
    }
    new
}

/// The command's text.
pub fn command(value: Option<&Value>, place: &Place, notes: &mut Notes) -> Option<String> {
    match value {
        Some(Value::String(command)) if !command.trim().is_empty() => Some(command.clone()),
        None | Some(Value::Null | Value::String(_)) => notes.error(place, "there is no command", "write one"),
        Some(_) => notes.error(place, "this is no text", "write the command as a text"),
    }
}

/// `command`, with what has to be said about it.
pub fn command_entry(old: &str, written: String, place: &Place, notes: &mut Notes) -> (String, Yaml) {
    let place = place.field("command");
    if let Some(what) = secret::found(old) {
        notes.check(
            &place,
            format!("the command holds what looks like {what}"),
            "do not commit it: let the command read it from a file of the target, and change it where it was known",
        );
    }
    if !goes_on(old) {
        return entry("command", Yaml::Text(written));
    }
    notes.note(&place, "`set +e`, because the old PULSE went on after a part of the command that failed");
    entry("command", Yaml::Text(format!("set +e\n{written}")))
}

/// It has several parts, after any of which `sh -e` would end and `sh` goes on.
fn goes_on(command: &str) -> bool {
    let bare = unquoted(command.trim());
    let bytes = bare.as_bytes();
    let alone = |at: usize| {
        let beside = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|at| bytes.get(at));
        !beside.into_iter().any(|byte| matches!(byte, b'&' | b'>' | b'<'))
    };
    bytes.iter().enumerate().any(|(at, byte)| matches!(byte, b';' | b'\n') || (*byte == b'&' && alone(at)))
}

/// A command without its quoted texts, of which those in double quotes stay where they hold commands of their own.
fn unquoted(command: &str) -> String {
    let (mut bare, mut rest) = (String::new(), command);
    while let Some(at) = rest.find(['\'', '"', '\\']) {
        let (before, from) = rest.split_at(at);
        bare.push_str(before);
        let quote = &from[..1];
        let inside = &from[1..];
        // A backslash keeps the next character; a text that never ends is left as it is.
        let length =
            if quote == "\\" { inside.chars().next().map(char::len_utf8) } else { inside.find(quote).map(|end| end + 1) };
        let Some(length) = length else { return bare + from };
        let text = &inside[..length];
        if quote == "\"" && (text.contains("$(") || text.contains('`')) {
            bare.push_str(text);
        }
        rest = &inside[length..];
    }
    bare + rest
}

/// A command that takes its host down has succeeded once the host is back.
fn reboot(command: &str, place: &Place, notes: &mut Notes) -> Option<(String, Yaml)> {
    let command = command.trim();
    let plain = command.strip_prefix("sudo ").unwrap_or(command).trim();
    if REBOOTS.contains(&plain) {
        notes.note(
            &place.field("command"),
            "`expectDisconnect`: it has succeeded once the host is back with a new boot id within `timeout`",
        );
        return Some(entry("expectDisconnect", Yaml::word(true)));
    }
    let word = |found: &str| command.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|word| word == found);
    if word("reboot") || (word("shutdown") && word("-r")) {
        notes.check(
            &place.field("command"),
            "the command seems to restart its host",
            "add `expectDisconnect: true` where it does, and a `timeout` that is long enough",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::goes_on;

    #[test]
    fn a_command_of_several_parts_is_told() {
        for several in ["a; b", "a\nb", "a & b", "if a; then b; fi", "a \"$(b; c)\"", "a 'x'; b", "a \\'; b"] {
            assert!(goes_on(several), "{several}");
        }
        for one in [
            "a",
            "a && b",
            "a || b",
            "a | b",
            "a > f 2>&1",
            "a &> f\n",
            "df -h",
            "awk '{a; b}'",
            "echo \"a; b\"",
            "find . -exec a {} \\;",
        ] {
            assert!(!goes_on(one), "{one}");
        }
    }
}
