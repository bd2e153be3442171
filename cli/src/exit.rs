//! What `pulse` tells scripts when it ends. docs/cli.md has the table for people.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked; the execution succeeded, the manifests are valid, nothing would change.
    Success,
    /// The answer is a no: the execution failed, the manifests have problems, something would change.
    Negative,
    /// It could not answer: wrong usage, an unreadable file, an unreachable server, a refused request.
    Error,
    /// The execution was cancelled.
    Cancelled,
    /// The execution waits for a person.
    Waiting,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Negative => 1,
            Self::Error => 2,
            Self::Cancelled => 3,
            Self::Waiting => 5,
            Self::Interrupted => 130,
        }
    }

    /// What following an execution answers at this status; `None` while it goes on. What waits for a time, for its turn or for the end
    /// of a pause goes on without the one who follows.
    pub fn of_status(status: &str, waits_for: Option<&str>) -> Option<Self> {
        match (status, waits_for) {
            ("succeeded", _) => Some(Self::Success),
            ("failed", _) => Some(Self::Negative),
            ("cancelled", _) => Some(Self::Cancelled),
            ("waiting", Some("timer" | "queue" | "pause")) => None,
            ("waiting", _) => Some(Self::Waiting),
            _ => None,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn every_status_of_an_execution_has_its_exit_code() {
        let code = |status| Exit::of_status(status, None).map(Exit::code);
        assert_eq!(code("succeeded"), Some(0));
        assert_eq!(code("failed"), Some(1));
        assert_eq!(code("cancelled"), Some(3));
        assert_eq!(code("waiting"), Some(5));
        assert_eq!((code("pending"), code("running")), (None, None));
        let waiting = |reason| Exit::of_status("waiting", Some(reason)).map(Exit::code);
        assert_eq!(["person", "unknown"].map(waiting), [Some(5); 2]);
        assert_eq!(["timer", "queue", "pause"].map(waiting), [None; 3]);
    }
}
