//! One check, and how all of them are shown.

use crate::failure::Failure;
use crate::output::escape::visible;
use serde_json::{Value, json};
use std::fmt::Write;

/// What came of a check; the worse the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warn,
    /// It does not work.
    Fail,
}

impl Outcome {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// What was seen, in one sentence.
    pub message: String,
    /// What to do.
    pub remedy: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Ok, message: message.into(), remedy: None }
    }

    /// It works, and somebody should look at it.
    pub fn warn(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Warn, message: message.into(), remedy: Some(remedy.into()) }
    }

    /// It does not work.
    pub fn fail(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Fail, message: message.into(), remedy: Some(remedy.into()) }
    }

    /// A request failed, with its own words. What a token may not see is no failure of the server's.
    pub fn of(name: &'static str, failure: &Failure) -> Self {
        let outcome = if failure.code() == Some("forbidden") { Outcome::Warn } else { Outcome::Fail };
        Self { name, outcome, message: failure.message().to_owned(), remedy: failure.help().map(str::to_owned) }
    }

    /// For scripts.
    pub fn view(&self) -> Value {
        let Self { name, outcome, message, remedy } = self;
        json!({ "name": name, "outcome": outcome.as_str(), "message": message, "remedy": remedy })
    }
}

/// A line for each check, and one below for what to do.
pub fn text(checks: &[Check]) -> String {
    let mut lines = String::new();
    for Check { name, outcome, message, remedy } in checks {
        let _ = writeln!(lines, "{:<5} {name:<12} {}", outcome.as_str(), visible(message));
        if let Some(remedy) = remedy {
            let _ = writeln!(lines, "{:<18} → {}", "", visible(remedy));
        }
    }
    let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let _ = write!(lines, "{} checks: {} warn, {} fail", checks.len(), count(Outcome::Warn), count(Outcome::Fail));
    lines
}
