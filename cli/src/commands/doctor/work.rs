//! Executions that nobody but a person can help.

use super::check::Check;
use crate::client::Client;
use crate::views::text;

/// Executions that are looked through.
const MOST: usize = 500;

/// Those that wait for somebody to say what became of a command.
pub fn check(client: &Client) -> Check {
    let waiting = match client.list("/executions?status=waiting&limit=500", Some(MOST)) {
        Ok((waiting, _)) => waiting,
        Err(failure) => return Check::of("executions", &failure),
    };
    let unknown: Vec<String> =
        waiting.iter().filter(|one| text(one, "/waits/reason") == "unknown").map(|one| text(one, "/name")).collect();
    match unknown.first() {
        None => Check::ok("executions", "none waits for word of a lost command"),
        Some(first) => Check::warn(
            "executions",
            format!("of {} nobody knows whether a command ran, first {first}", unknown.len()),
            format!("`pulse why '{first}'`, then `pulse resolve`"),
        ),
    }
}
