//! Why a command could not do its work. Policy: one sentence that says what is wrong and where, and one that says what to do.
//! A closed pipe (`pulse get … | head`) is no failure: the reader has what it wanted.

use crate::exit::Exit;
use serde_json::Value;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// What went wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    message: String,
    help: Option<String>,
    kind: Kind,
    /// What the server said, where it said no; boxed, since most results carry none.
    problem: Box<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The server did not answer, or answered that it cannot now: trying again later may help.
    Passing,
    /// Nothing of the request reached the server; trying again later may help.
    Unsent,
    /// Trying again changes nothing.
    Lasting,
    /// Whoever read stdout has gone.
    PipeClosed,
}

impl Failure {
    /// A failure that lasts.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, kind: Kind::Lasting, problem: Box::default() }
    }
    /// A failure that may pass.
    pub fn passing(message: impl Into<String>) -> Self {
        Self { kind: Kind::Passing, ..Self::new(message) }
    }
    /// A failure that may pass, of a request that did not reach the server.
    pub fn unsent(message: impl Into<String>) -> Self {
        Self { kind: Kind::Unsent, ..Self::new(message) }
    }
    /// The same with what to do about it.
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
    /// The same with the server's refusal, for callers that branch on it.
    pub fn with_problem(self, problem: Value) -> Self {
        Self { problem: Box::new(problem), ..self }
    }
    /// The server's refusal: null where it was none, or said nothing of use.
    pub fn problem(&self) -> &Value {
        &self.problem
    }
    /// The stable code of the server's refusal.
    pub fn code(&self) -> Option<&str> {
        self.problem.get("code")?.as_str()
    }
    /// Whether trying again may help.
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, Kind::Passing | Kind::Unsent)
    }
    /// Nothing of the request reached the server.
    pub fn is_unsent(&self) -> bool {
        self.kind == Kind::Unsent
    }
    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
    /// Says it on stderr, and how the process ends.
    pub fn report(&self) -> ExitCode {
        if self.kind == Kind::PipeClosed {
            return Exit::Success.into();
        }
        crate::output::message(&self.to_string());
        Exit::Error.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if let Some(help) = &self.help { write!(f, "\nhelp: {help}") } else { Ok(()) }
    }
}

impl From<io::Error> for Failure {
    /// Only writing to stdout ends here; files and the network have their own sentences.
    fn from(error: io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe { Kind::PipeClosed } else { Kind::Lasting };
        Self { kind, ..Self::new(format!("cannot write to stdout: {error}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use std::io;

    #[test]
    fn it_says_what_to_do_and_a_closed_pipe_is_no_failure() {
        let failure = Failure::new("no").with_help("say yes");
        assert_eq!(failure.to_string(), "error: no\nhelp: say yes");
        assert!(!failure.is_passing() && Failure::passing("later").is_passing());
        let closed = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(format!("{:?}", closed.report()), format!("{:?}", std::process::ExitCode::SUCCESS));
    }
}
