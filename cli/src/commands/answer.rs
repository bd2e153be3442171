//! `pulse answer PROMPT|EXECUTION [OPTION]`.

use crate::args::Common;
use crate::client::view;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::prompts::{self, Answered, Wanted};
use crate::typed;
use crate::views::Prompt;
use jiff::Timestamp;
use std::io::IsTerminal;

/// Answer a question of an execution. Exits 0 when your answer counts, 1 when somebody was quicker or nothing was answered
#[derive(Debug, clap::Args)]
pub struct Answer {
    /// The prompt's id, or its execution: id or workflow#number
    #[arg(value_name = "PROMPT|EXECUTION")]
    subject: String,
    /// The option: its text, or its number; without it you are shown the question and asked
    option: Option<String>,
    /// What to say of it, for everyone who reads the history
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

impl Answer {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml])?;
        let client = common.client()?;
        let prompt: Prompt = view(prompts::find(&client, &self.subject, Wanted::Open)?)?;
        let option = match &self.option {
            Some(said) => prompts::choose(&prompt.asked.options, said)?,
            None => match prompts::closed(&prompt) {
                Some(how) => return Ok(late(&prompt, &how)),
                None => match ask(&prompt)? {
                    Some(option) => option,
                    None => {
                        output::message("nothing was answered");
                        return Ok(Exit::Negative);
                    }
                },
            },
        };
        match prompts::send(&client, &prompt.asked.id, option, self.comment.as_deref())? {
            Answered::Late(how) => return Ok(late(&prompt, &how)),
            Answered::Taken(answer) => match format {
                Format::Json => output::print(&output::json(&answer))?,
                Format::Yaml => output::print(&output::yaml(&answer)?)?,
                _ => output::message(&prompts::taken(&answer, option)),
            },
        }
        Ok(Exit::Success)
    }
}

/// Somebody or something was quicker.
fn late(prompt: &Prompt, how: &str) -> Exit {
    output::message(&format!("too late for step {} of {}: {how}", prompt.step, prompt.name));
    Exit::Negative
}

/// Shows the question, and asks until an option is said; `None` when nothing is. Without a terminal there is nobody to ask.
fn ask(prompt: &Prompt) -> Result<Option<&str>, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let failure = Failure::new("which option? There is no terminal to ask on");
        return Err(failure.with_help(prompt.asked.mend()));
    }
    typed::forget();
    output::message(prompts::described(prompt, false, Timestamp::now()).trim_end());
    loop {
        output::cue(&format!("Your answer ({}, Enter for none): ", prompts::range(prompt.asked.options.len())));
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        read.map_err(|error| Failure::new(format!("cannot read your answer: {error}")).with_help(prompt.asked.mend()))?;
        if line.trim().is_empty() {
            return Ok(None);
        }
        match prompts::choose(&prompt.asked.options, &line) {
            Ok(option) => return Ok(Some(option)),
            Err(failure) => output::message(&failure.to_string()),
        }
    }
}
