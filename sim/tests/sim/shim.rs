//! A shim and its command, step by step: each step is one that the real shim (`agent/src/shim`) makes durable or shows to others. The
//! files are real ones, in the attempt's real folder.

use crate::shared::{Shared, short};
use pulse_agent::folder::{AttemptDir, DataDir, OUTPUT, WORK};
use pulse_agent::record::{Exit, Started, Writer};
use pulse_agent::runner::{News, Word};
use pulse_agent::spare::Spare;
use pulse_agent::spool;
use pulse_protocol::observation::EndKind;
use pulse_protocol::{AttemptId, CommandSpec, Ended, OutputTotals};
use std::fs::File;

/// Where the spool's text begins.
const DATA_AT: usize = 4096;

/// What a shim does next.
enum Stage {
    /// It claims the attempt.
    Born,
    /// It starts the command.
    Claimed,
    /// The command runs: until when, how it then ends, and when its time is over.
    Running { until: i64, how: EndKind, deadline: i64 },
    /// The command is over.
    Ended(Ended),
    /// The record lies there.
    Recorded,
}

/// What became of a step.
pub enum Step {
    /// Nothing yet.
    Waits,
    /// It went on, and says this to the agent that started it.
    Says(Option<News>),
    /// It is gone; the reason why it started nothing, if it did not.
    Gone(String),
}

pub struct Shim {
    pub attempt: AttemptId,
    pub pid: i32,
    command: CommandSpec,
    data: DataDir,
    dir: AttemptDir,
    record: Writer,
    /// Held for its whole life.
    lock: Option<File>,
    stage: Stage,
    pub stop: bool,
    /// The run of the agent that started it and hears what it says.
    pub follower: Option<u64>,
    /// How often its host's journal had been deleted before.
    pub wipes: u32,
    begun: i64,
}

impl Shim {
    pub fn new(data: &DataDir, (attempt, pid): (AttemptId, i32), command: CommandSpec, follower: u64, wipes: u32) -> Self {
        let dir = data.attempt(attempt);
        let (stage, follower, record) = (Stage::Born, Some(follower), Writer::new(attempt, dir.path()));
        Self { attempt, pid, command, data: data.clone(), dir, record, lock: None, stage, stop: false, follower, wipes, begun: 0 }
    }

    /// Its command has been started and has not ended.
    pub fn runs(&self) -> bool {
        matches!(self.stage, Stage::Running { .. })
    }

    /// Until when its command runs by itself.
    pub fn until(&self) -> Option<i64> {
        if let Stage::Running { until, .. } = self.stage { Some(until) } else { None }
    }

    /// It can be asked to stop.
    pub fn listens(&self) -> bool {
        matches!(self.stage, Stage::Running { .. } | Stage::Ended(_))
    }

    pub fn step(&mut self, s: &mut Shared, host: &Witness<'_>) -> Step {
        let said = match std::mem::replace(&mut self.stage, Stage::Recorded) {
            Stage::Born => match self.claim() {
                None => return Step::Gone("the attempt has been claimed before".into()),
                Some(lock) => {
                    self.lock = Some(lock);
                    self.stage = Stage::Claimed;
                    None
                }
            },
            Stage::Claimed => return self.start(s, host),
            Stage::Running { until, how, deadline } => {
                let over = match () {
                    () if self.stop => EndKind::Cancelled,
                    () if s.now >= until => how.clone(),
                    () if s.now >= deadline => EndKind::TimedOut,
                    () => {
                        self.stage = Stage::Running { until, how, deadline };
                        return Step::Waits;
                    }
                };
                let bytes = self.write(s, b" done\n");
                let stdout = OutputTotals { bytes, sha256: String::new() };
                let duration_ms = u64::try_from((s.now - self.begun) / 1000).expect("later");
                let captured = self.command.capture_stdout.then(|| "X=1\n".to_owned());
                s.say(|| format!("{}: command of {} ends: {over:?}", host.name, short(self.attempt.0)));
                s.judge.ended(self.attempt, &over);
                self.stage = Stage::Ended(Ended { duration_ms, stdout, captured, ..Ended::bare(over) });
                None
            }
            Stage::Ended(ended) => {
                self.record.exit(Exit { ended: ended.clone() }).expect("the disk is well");
                std::fs::remove_dir(self.dir.file(WORK)).expect("the disk is well");
                Some(News::Ended(Some(Box::new(ended)).filter(|_| s.dice.once_in(2)), Word::to_nobody()))
            }
            Stage::Recorded => return Step::Gone("the shim ended before it started the command".into()),
        };
        Step::Says(said)
    }

    /// With a folder that was another attempt's, where there is one.
    fn claim(&self) -> Option<File> {
        let names =
            std::fs::read_dir(self.data.attempts()).expect("the disk is well").map(|entry| entry.expect("an entry").file_name());
        let spares = names.filter_map(|name| name.to_str()?.strip_suffix(".spare")?.parse().ok());
        let spare = Spare::make_ready(&self.data, spares.min()).expect("the disk is well");
        spare.claim(&self.dir).expect("the disk is well")
    }

    fn start(&mut self, s: &mut Shared, host: &Witness<'_>) -> Step {
        let refuses = s.fault("command cannot be spawned", 40);
        if refuses {
            let reason = "cannot start the program".to_owned();
            self.stage = Stage::Ended(Ended::bare(EndKind::NotStarted { reason }));
            return Step::Says(None);
        }
        self.begun = s.now;
        s.judge.started(self.attempt, host);
        s.say(|| format!("{}: command of {} STARTS", host.name, short(self.attempt.0)));
        let how = match s.dice.below(12) {
            0 if s.may_fail() => EndKind::Exited { code: 1 },
            1 if s.may_fail() => EndKind::Signalled { signal: 9 },
            _ => EndKind::Exited { code: 0 },
        };
        let long = s.may_fail() && s.dice.once_in(6);
        let length = if long { s.dice.below(120_000_000) } else { s.dice.below(3_000_000) };
        let until = s.now + i64::try_from(length).expect("short");
        let deadline = s.now + i64::try_from(self.command.timeout_ms).expect("short") * 1000;
        self.stage = Stage::Running { until, how, deadline };
        self.write(s, format!("output of {}", self.attempt).as_bytes());
        self.record.started(Started { pid: self.pid }).expect("the disk is well");
        Step::Says(Some(News::Started { pid: self.pid }))
    }

    /// Appends to what the command has written, in the spool's form; its length.
    fn write(&self, s: &mut Shared, bytes: &[u8]) -> u64 {
        let text = s.judge.writes(self.attempt, bytes);
        let mut file = spool::header([text.len() as u64, 0], self.attempt).to_vec();
        file.resize(DATA_AT, 0);
        file.extend_from_slice(text);
        let length = text.len() as u64;
        std::fs::write(self.dir.file(OUTPUT), file).expect("the disk is well");
        length
    }
}

/// The host as a witness of what it starts.
pub struct Witness<'a> {
    pub host: usize,
    pub name: &'a pulse_protocol::AgentName,
    /// What of the journal would survive a power cut; nothing where somebody has deleted it since the shim was started.
    pub durable: Option<&'a [u8]>,
}
