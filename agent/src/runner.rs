//! Gives attempts to shims, follows them, passes stop requests on. Each attempt in hand has one thread (see `followers`) that waits for what its shim
//! says; the number of these attempts is bounded by the session.

use crate::budget::Held;
use crate::folder::DataDir;
use crate::followers::Followers;
use crate::record::Exit;
use crate::recovery;
use crate::shim::server::{Ends, Shims};
use crate::shim::{self, Said, requests, spec::Spec};
use crate::users::{self, Users};
use pulse_protocol::failpoint::{self, Act};
use pulse_protocol::{AttemptId, CommandSpec, Ended};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How often an adopted shim is looked at; it has no pipe to this agent.
const LOOK: Duration = Duration::from_millis(50);

/// News of a shim.
#[derive(Debug)]
pub enum News {
    /// The command runs.
    Started {
        /// Its process id.
        pid: i32,
    },
    /// It is over, as the exit record says; how, unless that stands there alone. The shim waits to hear whether it has to outlive a power cut.
    Ended(Option<Box<Ended>>, Word),
    /// Something people should see in the log.
    Note {
        /// What.
        text: String,
    },
    /// It is gone, or done with the attempt, of which the files tell what became.
    Gone {
        /// Why it started nothing, if it did not.
        reason: String,
        /// That was seen, or there never was one: no shim can claim the attempt any more.
        surely: bool,
    },
}

/// What a shim waits for at a command's end. Where it is dropped and not given, the shim makes its record durable by itself.
#[derive(Debug)]
pub struct Word(Option<Arc<File>>);

impl Word {
    /// For nobody.
    pub const fn to_nobody() -> Self {
        Self(None)
    }

    /// The end stands in the journal, which outlives a power cut.
    /// A folder may be used for another attempt, which the shim shall make ready.
    pub fn give(mut self, spare: Option<Uuid>) {
        self.say(true, spare);
    }

    fn say(&mut self, is_known: bool, spare: Option<Uuid>) {
        if let Some(shim) = self.0.take() {
            // One that is gone needs no answer.
            drop((&*shim).write_all(&shim::word(is_known, spare)));
        }
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        self.say(false, None);
    }
}

/// Gives the attempt to a shim, the kept one if there is one, and tells its news until it is done with it. The command's part of the budget is
/// given back once the shim has it. An error: there is no thread to do so, and no shim that gets the command.
pub fn start(
    followers: &Followers,
    shims: &Arc<Shims>,
    users: &Arc<Users>,
    attempt: AttemptId,
    (command, held, kept): (CommandSpec, Option<Held>, Option<Ends>),
    tell: impl Fn(News) + Send + 'static,
) -> io::Result<()> {
    let (shims, users) = (shims.clone(), users.clone());
    follow(followers, tell, move |tell| {
        let account = match users.judge(command.user.as_deref(), users::find) {
            Ok(account) => account,
            Err(reason) => return (reason, true),
        };
        let spec = match (Spec { attempt, account, command }).into_wire() {
            Ok(spec) => spec,
            Err(error) => return (format!("the command cannot be handed over: {error}"), true),
        };
        match shims.start(kept) {
            Ok(ends) => {
                hand_over(&ends.spec, spec, held);
                listen(ends, &shims, tell)
            }
            Err(error) => (format!("the shim cannot be started: {error}"), true),
        }
    })
}

/// Follows a shim that another run of the agent started.
pub fn adopt(followers: &Followers, data: &DataDir, attempt: AttemptId, tell: impl Fn(News) + Send + 'static) -> io::Result<()> {
    let dir = data.attempt(attempt);
    follow(followers, tell, move |tell| {
        let mut pid = None;
        while dir.is_supervised().unwrap_or(false) && !matches!(Exit::read(&dir), Ok(Some(_))) {
            if pid.is_none() {
                pid = recovery::pid(&dir);
                pid.into_iter().for_each(|pid| tell(News::Started { pid }));
            }
            std::thread::sleep(LOOK);
        }
        ("the shim ended before it started the command".into(), false)
    })
}

/// Asks the attempt's shim to end the command. `false`: there is no shim, or not yet.
pub fn stop(data: &DataDir, attempt: AttemptId) -> io::Result<bool> {
    failpoint::around(Act::StopShim, || requests::ask(&data.attempt(attempt)))
}

/// Has a thread run `watch`, and tell at its end that the shim is gone, why, and whether that is sure.
fn follow<T: Fn(News) + Send + 'static>(
    followers: &Followers,
    tell: T,
    watch: impl FnOnce(&T) -> (String, bool) + Send + 'static,
) -> io::Result<()> {
    followers.follow(move || {
        let (reason, surely) = watch(&tell);
        tell(News::Gone { reason, surely });
    })
}

/// Gives the shim its command, whose memory and whose part of the budget are free after that.
fn hand_over(mut shim: &File, spec: Vec<u8>, held: Option<Held>) {
    if let Err(error) = shim.write_all(&spec) {
        tracing::warn!(%error, "a shim did not take its command");
    }
    drop((spec, held));
}

/// Hears the shim until it is done with the attempt: it says so, or its pipe ends, as it does when the shim does, because nobody else has its
/// other end.
fn listen(mut ends: Ends, shims: &Shims, tell: impl Fn(News)) -> (String, bool) {
    let mut reason = String::from("the shim ended before it started the command");
    let mut line = String::new();
    loop {
        line.clear();
        match ends.said.read_line(&mut line) {
            Ok(0) => return (reason, true),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "a shim cannot be heard");
                return (reason, false);
            }
        }
        match serde_json::from_str(&line) {
            Ok(Said::Refused { reason: said }) => reason = said,
            Ok(Said::Started { pid }) => tell(News::Started { pid }),
            Ok(Said::Note { text }) => tell(News::Note { text }),
            Ok(Said::Ended(ended)) => tell(News::Ended(ended, Word(Some(ends.spec.clone())))),
            Ok(Said::Ready) => {
                shims.keep(ends);
                return (reason, true);
            }
            Err(error) => tracing::warn!(%error, "a shim said something strange"),
        }
    }
}
