//! The witness: a file that commands append to and PULSE never touches. It says what really ran.

use super::Attempt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file, and what commands need to write it.
#[derive(Clone)]
pub struct Witness {
    path: PathBuf,
}

/// How often an attempt's command was seen at its start and at its end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Lines at the start.
    pub starts: usize,
    /// Lines at the end.
    pub ends: usize,
}

impl Witness {
    /// In the scene's folder.
    pub fn new(root: &Path) -> Self {
        Self { path: root.join("witness") }
    }

    /// Shell text that signs the start of a command.
    pub fn start(&self) -> String {
        self.sign("start")
    }

    /// Shell text that signs the end of a command.
    pub fn end(&self) -> String {
        self.sign("end")
    }

    fn sign(&self, what: &str) -> String {
        // One write of a short line to a file opened with O_APPEND: lines never mix.
        format!("echo \"$PULSE_ATTEMPT $PULSE_STEP $PULSE_AGENT {what}\" >> '{}'", self.path.display())
    }

    /// The lines: attempt, step, agent, `start` or `end`.
    pub fn lines(&self) -> Vec<[String; 4]> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>().try_into();
        text.lines().map(|line| words(line).unwrap_or_else(|words| panic!("a strange line: {words:?}"))).collect()
    }

    /// What was seen of each attempt.
    pub fn seen(&self) -> BTreeMap<String, Seen> {
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        for [attempt, _, _, what] in self.lines() {
            let entry = seen.entry(attempt).or_default();
            match what.as_str() {
                "start" => entry.starts += 1,
                "end" => entry.ends += 1,
                other => panic!("the witness says {other:?}"),
            }
        }
        seen
    }

    /// What must be true after every run, whatever was killed: no attempt started twice (P1), none started that the controller
    /// does not know, none that it calls exited 0 without its end (P7), none started that it calls not started.
    #[track_caller]
    pub fn judge(&self, attempts: &[Attempt]) {
        let seen = self.seen();
        for (id, seen) in &seen {
            assert!(seen.starts == 1, "attempt {id} was started {} times", seen.starts);
            assert!(attempts.iter().any(|attempt| attempt.id == *id), "attempt {id} ran, and the controller does not know it");
        }
        for attempt in attempts {
            let Seen { starts, ends } = seen.get(&attempt.id).copied().unwrap_or_default();
            if attempt.exited() == Some(0) {
                assert_eq!((starts, ends), (1, 1), "the controller says that {attempt:?} ran to its end");
            }
            if attempt.state == "not_started" {
                assert_eq!(starts, 0, "the controller says that {attempt:?} never started");
            }
        }
    }
}
