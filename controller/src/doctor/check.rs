//! One check, and how all of them are shown.

use serde_json::{Value, json};
use std::fmt::Write;

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    name: &'static str,
    outcome: &'static str,
    message: String,
    remedy: Option<String>,
}

impl Check {
    /// As it should be.
    pub(super) fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, outcome: "ok", message: message.into(), remedy: None }
    }

    /// It works, and somebody should look at it.
    pub(super) fn warn(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, outcome: "warn", message: message.into(), remedy: Some(remedy.into()) }
    }

    /// It does not work.
    pub(super) fn fail(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, outcome: "fail", message: message.into(), remedy: Some(remedy.into()) }
    }

    /// Whether it does not work.
    pub(super) fn is_failure(&self) -> bool {
        self.outcome == "fail"
    }

    /// What was looked at, and what came of it.
    #[cfg(test)]
    pub(super) fn told(&self) -> (&'static str, &'static str) {
        (self.name, self.outcome)
    }
}

/// A line for each check, and one below for what to do.
pub(super) fn text(checks: &[Check]) -> String {
    let mut lines = String::new();
    for Check { name, outcome, message, remedy } in checks {
        // Writing to a string does not fail.
        let _ = writeln!(lines, "{outcome:<5} {name:<12} {message}");
        if let Some(remedy) = remedy {
            let _ = writeln!(lines, "{:<18} → {remedy}", "");
        }
    }
    lines
}

/// For scripts.
pub(super) fn view(checks: &[Check]) -> Value {
    let worst = ["fail", "warn"].into_iter().find(|outcome| checks.iter().any(|check| check.outcome == *outcome));
    let one = |Check { name, outcome, message, remedy }: &Check| json!({ "name": name, "outcome": outcome, "message": message, "remedy": remedy });
    json!({ "outcome": worst.unwrap_or("ok"), "checks": checks.iter().map(one).collect::<Vec<_>>() })
}
