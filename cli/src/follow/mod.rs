//! Following an execution: look at it every fifth of a second, show what is new. Level-triggered: each look starts from
//! what the server says now, so that a lost connection or a controller that restarts costs nothing but time.

pub mod groups;
mod lines;
mod narrator;
mod person;
mod streams;

pub use streams::{Selection, StreamName};

use crate::client::{Client, encode, view};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::prompts::{self, Answered};
use crate::views::Execution;
use narrator::Narrator;
use person::{Person, Turn};
use std::time::{Duration, Instant};
use streams::Streams;

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(200);
/// Between two looks while the server does not answer.
const PERIOD_AWAY: Duration = Duration::from_millis(500);
/// How long output that was announced is waited for after the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Follows one execution.
#[derive(Debug)]
pub struct Follow<'a> {
    client: &'a Client,
    name: String,
    streams: Streams,
    narrator: Narrator,
    person: Person,
    /// The server answered before, so that a silence is one that may pass.
    answered: bool,
    away: bool,
    /// Output is somebody else's to show.
    silent: bool,
    last: Option<Execution>,
}

impl<'a> Follow<'a> {
    /// Nothing seen yet.
    pub fn new(client: &'a Client, name: &str, selection: Selection, raw: bool) -> Self {
        let streams = Streams::new(selection, raw);
        let (narrator, person) = (Narrator::default(), Person::default());
        let (answered, away, silent, last) = (false, false, false, None);
        Self { client, name: name.to_owned(), streams, narrator, person, answered, away, silent, last }
    }

    /// The same for an execution that the server has just spoken of.
    pub fn known(self) -> Self {
        Self { answered: true, ..self }
    }

    /// The same without the output.
    pub fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// The execution as it was seen last, once it was followed.
    pub fn last(&self) -> Option<&Execution> {
        self.last.as_ref()
    }

    /// Shows what there is now.
    pub fn once(&mut self) -> Result<Exit, Failure> {
        let execution = self.look()?;
        if let Some(failure) = self.streams.unmatched(&execution) {
            return Err(failure);
        }
        self.streams.show(self.client, &execution)?;
        self.streams.finish()?;
        Ok(Exit::Success)
    }

    /// Follows to the end, through every wait; the end is said, and is no failure of this command.
    pub fn until_ended(&mut self) -> Result<Exit, Failure> {
        let exit = self.watch(|exit| exit != Exit::Waiting)?;
        Ok(if exit == Exit::Interrupted { exit } else { Exit::Success })
    }

    /// Follows until it ends or waits for a person who is not here.
    pub fn until_settled(&mut self) -> Result<Exit, Failure> {
        self.watch(|_| true)
    }

    fn watch(&mut self, stops: impl Fn(Exit) -> bool) -> Result<Exit, Failure> {
        let interrupt = Interrupt::listen()?;
        self.person = Person::at_terminal();
        let mut settled_since = None;
        loop {
            if interrupt.pressed() {
                self.streams.finish()?;
                return Ok(self.interrupted());
            }
            if let Some(execution) = self.look_patiently()? {
                self.ask(&execution);
                let asking = self.person.is_there() && execution.waits_for() == Some("person");
                let exit = Exit::of_status(&execution.status, execution.waits_for());
                match exit.filter(|exit| stops(*exit) && !(asking && *exit == Exit::Waiting)) {
                    Some(exit) if self.is_shown(&execution, &mut settled_since) => return self.end(&execution, exit),
                    Some(_) => {}
                    None => settled_since = None,
                }
            }
            std::thread::sleep(if self.away { PERIOD_AWAY } else { PERIOD });
        }
    }

    /// Whether all output that was announced is shown, or has been waited for long enough.
    fn is_shown(&self, execution: &Execution, since: &mut Option<Instant>) -> bool {
        let since = *since.get_or_insert_with(Instant::now);
        self.silent || self.streams.is_complete(execution) || since.elapsed() > PATIENCE
    }

    fn end(&mut self, execution: &Execution, exit: Exit) -> Result<Exit, Failure> {
        self.streams.finish()?;
        self.last = Some(execution.clone());
        if !self.silent && !self.streams.is_complete(execution) {
            output::message(&format!("some output has not arrived yet; `pulse logs '{}'` shows it when it has", execution.name));
        }
        Narrator::end(execution);
        self.streams.unmatched(execution).map_or(Ok(exit), Err)
    }

    /// One look with everything new shown; `None` while the server does not answer.
    fn look_patiently(&mut self) -> Result<Option<Execution>, Failure> {
        let looked = self.look().and_then(|execution| {
            if self.person.withdraw(execution.open_prompts().next().map(|(_, prompt)| prompt)) {
                // The cursor stands behind the cue.
                output::message("");
            }
            self.narrator.before(&execution);
            let news = !self.silent && self.streams.show(self.client, &execution)?;
            self.narrator.after(&execution, news);
            Ok(execution)
        });
        match looked {
            Ok(execution) => {
                if std::mem::take(&mut self.away) {
                    output::message("the server answers again");
                }
                self.answered = true;
                Ok(Some(execution))
            }
            Err(failure) if failure.is_passing() && self.answered => {
                if !std::mem::replace(&mut self.away, true) {
                    output::message(&format!("{}; the execution does not depend on it, trying again", failure.message()));
                }
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Offers the question that is open to the one who follows, and sends what they say. No mishap ends the following.
    fn ask(&mut self, execution: &Execution) {
        let now = Instant::now();
        let mut cue = execution.open_prompts().next().is_some_and(|(_, prompt)| self.person.offer(prompt, now));
        match self.person.turn(now) {
            Turn::Quiet => {}
            Turn::Chose { prompt, option } => match prompts::send(self.client, &prompt, &option, None) {
                // The next look tells it as it tells everybody's.
                Ok(Answered::Taken(_)) => {}
                Ok(Answered::Late(how)) => output::message(&format!("your answer was not taken: {how}")),
                Err(failure) => {
                    output::message(&failure.to_string());
                    cue = true;
                }
            },
            Turn::Unclear(why) => {
                output::message(&why);
                cue = true;
            }
            Turn::Gone => output::message("\nthe question is left to others"),
        }
        if cue && let Some(cue) = self.person.cue() {
            output::cue(&cue);
        }
    }

    fn look(&self) -> Result<Execution, Failure> {
        view(self.client.get(&format!("/executions/{}", encode(&self.name)))?)
    }

    fn interrupted(&self) -> Exit {
        output::message(&format!(
            "\nno longer following; {0} goes on. To follow again: pulse logs -f '{0}'. To end it: pulse cancel '{0}' --reason …",
            self.name
        ));
        Exit::Interrupted
    }
}
