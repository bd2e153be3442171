//! The one who follows on a terminal: a question that is open is offered to them, and what they type is their answer. While
//! they think, the following goes on; the thread that reads their lines decides nothing.

use crate::prompts::{choose, range};
use crate::typed;
use crate::views::StepPrompt;
use std::io::{BufRead, IsTerminal};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

/// A line that comes sooner after the question than a person can read it was typed for something else.
const TO_READ: Duration = Duration::from_millis(500);

/// Who follows.
#[derive(Debug, Default)]
pub struct Person {
    there: bool,
    lines: Option<Receiver<String>>,
    offered: Option<Offer>,
}

#[derive(Debug)]
struct Offer {
    prompt: String,
    options: Vec<String>,
    since: Instant,
    /// Something was chosen, so the cursor does not stand behind the cue.
    chosen: bool,
}

/// What came of looking whether something was typed.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing so far.
    Quiet,
    /// This option of this prompt.
    Chose { prompt: String, option: String },
    /// Something that is no answer; what to say about it.
    Unclear(String),
    /// Nothing more will be typed.
    Gone,
}

impl Person {
    /// Somebody is at a terminal: reads, and sees both output and questions.
    pub fn at_terminal() -> Self {
        let there = std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        Self { there, ..Self::default() }
    }

    /// Somebody is there to be asked.
    pub fn is_there(&self) -> bool {
        self.there
    }

    /// Offers a question, unless that is the one that is offered already; whether it is a new one. Only now is the terminal read: a
    /// process in the background is stopped once it reads, and should not be before somebody is needed.
    pub fn offer(&mut self, prompt: &StepPrompt, now: Instant) -> bool {
        if !self.is_there() || self.offered.as_ref().is_some_and(|offered| offered.prompt == prompt.id) {
            return false;
        }
        // Of a line that was begun for another question, the end would be taken for the whole.
        typed::forget();
        let lines = self.lines.get_or_insert_with(lines);
        while lines.try_recv().is_ok() {}
        self.offered = Some(Offer { prompt: prompt.id.clone(), options: prompt.options.clone(), since: now, chosen: false });
        true
    }

    /// No question but this one, if any, is open any more; whether the cursor stands behind the cue of one that was offered.
    pub fn withdraw(&mut self, but: Option<&StepPrompt>) -> bool {
        self.offered
            .take_if(|offered| but.is_none_or(|prompt| prompt.id != offered.prompt))
            .is_some_and(|offered| !offered.chosen)
    }

    /// Looks whether something was typed.
    pub fn turn(&mut self, now: Instant) -> Turn {
        let Some(lines) = &self.lines else { return Turn::Quiet };
        let line = match lines.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Empty) => return Turn::Quiet,
            Err(TryRecvError::Disconnected) => {
                *self = Self::default();
                return Turn::Gone;
            }
        };
        let Some(offer) = &mut self.offered else { return Turn::Quiet };
        if now.saturating_duration_since(offer.since) < TO_READ {
            return Turn::Unclear("that was typed before the question could be read, so it is no answer".to_owned());
        }
        if line.trim().is_empty() {
            return Turn::Unclear("nothing was answered".to_owned());
        }
        match choose(&offer.options, &line) {
            Ok(option) => {
                offer.chosen = true;
                Turn::Chose { prompt: offer.prompt.clone(), option: option.to_owned() }
            }
            Err(failure) => Turn::Unclear(failure.message().to_owned()),
        }
    }

    /// What is put before the cursor while a question is offered.
    pub fn cue(&mut self) -> Option<String> {
        let offer = self.offered.as_mut()?;
        offer.chosen = false;
        Some(format!("Your answer ({}, Ctrl-D to leave it to others): ", range(offer.options.len())))
    }
}

/// The lines of the terminal, as they are typed. The thread ends with the process, or with the terminal's end of input.
fn lines() -> Receiver<String> {
    let (say, lines) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if say.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::{Person, TO_READ, Turn};
    use crate::views::StepPrompt;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Instant;

    fn prompt(id: &str) -> StepPrompt {
        serde_json::from_value(serde_json::json!({"id": id, "message": "Go?", "options": ["Yes", "No"]})).unwrap()
    }

    fn person() -> (Sender<String>, Person) {
        let (typed, lines) = channel();
        (typed, Person { there: true, lines: Some(lines), offered: None })
    }

    #[test]
    fn an_answer_belongs_to_the_question_that_was_read() {
        let (typed, mut person) = person();
        let begin = Instant::now();
        let say = |line: &str| typed.send(line.to_owned()).unwrap();
        say("1");
        assert_eq!(person.turn(begin), Turn::Quiet, "nothing is asked");
        assert!(person.offer(&prompt("p1"), begin) && !person.offer(&prompt("p1"), begin));
        say("1");
        assert!(matches!(person.turn(begin), Turn::Unclear(why) if why.contains("before the question")));
        let read = begin + TO_READ;
        say("maybe");
        assert!(matches!(person.turn(read), Turn::Unclear(why) if why.contains("none of the options")));
        say(" no ");
        assert_eq!(person.turn(read), Turn::Chose { prompt: "p1".into(), option: "No".into() });
        assert!(!person.withdraw(Some(&prompt("p2"))), "the cursor stands on a line of its own");
        assert!(person.offer(&prompt("p2"), read), "another question is offered anew");
        say("1");
        assert!(matches!(person.turn(read), Turn::Unclear(_)), "it was typed for the one before");
        say("1");
        assert!(person.offer(&prompt("p1"), read) && person.offer(&prompt("p2"), read));
        assert_eq!(person.turn(read + TO_READ), Turn::Quiet, "what was typed for another question is forgotten");
        assert!(!person.withdraw(Some(&prompt("p2"))) && person.withdraw(Some(&prompt("p3"))) && !person.withdraw(None));
        say("1");
        assert_eq!((person.turn(read + TO_READ), person.cue()), (Turn::Quiet, None));
    }

    #[test]
    fn who_leaves_is_not_asked_again() {
        let (typed, mut person) = person();
        person.offer(&prompt("p1"), Instant::now());
        assert!(person.cue().unwrap().contains("1 to 2"));
        drop(typed);
        assert_eq!(person.turn(Instant::now()), Turn::Gone);
        assert!(!person.is_there() && !person.offer(&prompt("p2"), Instant::now()) && person.cue().is_none());
    }
}
