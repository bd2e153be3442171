//! The output of an execution's attempts: what was shown of each stream, and the lines that are new.

use super::lines::Lines;
use crate::client::{Client, encode, query, view};
use crate::failure::Failure;
use crate::output;
use crate::output::escape::visible;
use crate::output::style::Style;
use crate::views::{Attempt, Execution, Stream};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::io::Write;

/// Pages of one stream that are read at one look.
const MAX_PAGES: usize = 256;

/// One of the two streams of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum StreamName {
    /// What it wrote
    Stdout,
    /// What it complained
    Stderr,
}

impl StreamName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
    fn of(self, attempt: &Attempt) -> Option<&Stream> {
        match self {
            Self::Stdout => attempt.stdout.as_ref(),
            Self::Stderr => attempt.stderr.as_ref(),
        }
    }
}

/// Which output to show; what is not said does not narrow it.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Of this step.
    pub step: Option<String>,
    /// Of this agent.
    pub agent: Option<String>,
    /// This stream.
    pub stream: Option<StreamName>,
    /// Of this attempt.
    pub attempt: Option<String>,
}

/// What was shown so far.
#[derive(Debug)]
pub struct Streams {
    selection: Selection,
    raw: bool,
    style: Style,
    shown: HashMap<(String, StreamName), Shown>,
    width: usize,
    /// What stands before each line in place of the agent's name.
    prefix: Option<String>,
}

#[derive(Debug, Default)]
struct Shown {
    agent: String,
    /// The first byte that was not shown.
    offset: u64,
    lines: Lines,
    /// The attempt ended before this look, and everything it announced is shown.
    closed: bool,
}

impl Streams {
    /// Nothing shown yet.
    pub fn new(selection: Selection, raw: bool) -> Self {
        Self { selection, raw, style: Style::of_stdout(), shown: HashMap::new(), width: 0, prefix: None }
    }

    /// The same with this before each line, and without the agent's name.
    pub fn under(self, prefix: &str) -> Self {
        Self { prefix: Some(prefix.to_owned()), ..self }
    }

    /// Shows what is new; whether there was anything.
    pub fn show(&mut self, client: &Client, execution: &Execution) -> Result<bool, Failure> {
        let agents = execution.attempts().map(|(_, target, _)| target.agent.chars().count());
        self.width = agents.max().unwrap_or(0).max(self.width);
        let mut news = false;
        for (attempt, agent, stream) in self.selected(execution) {
            let key = (attempt.id.clone(), stream);
            let shown = self.shown.entry(key.clone()).or_insert_with(|| Shown { agent, ..Shown::default() });
            if shown.closed || never_started(attempt) {
                continue;
            }
            let total = stream.of(attempt).map(|stream| stream.bytes);
            if attempt.ended_at.is_none() || total.is_none_or(|total| shown.offset < total) {
                news |= self.read(client, execution, &key)?;
            }
            self.close(&key, attempt, total)?;
        }
        Ok(news)
    }

    /// Everything that was announced is shown.
    pub fn is_complete(&self, execution: &Execution) -> bool {
        self.selected(execution).into_iter().all(|(attempt, _, stream)| {
            let total = stream.of(attempt).map_or(0, |stream| stream.bytes);
            total == 0 || self.shown.get(&(attempt.id.clone(), stream)).is_some_and(|shown| shown.offset >= total)
        })
    }

    /// A step or agent was asked for that the execution does not have.
    pub fn unmatched(&self, execution: &Execution) -> Option<Failure> {
        let steps: BTreeSet<&str> = execution.steps.iter().map(|step| step.id.as_str()).collect();
        let targets = execution.steps.iter().flat_map(|step| &step.targets);
        let agents: BTreeSet<&str> = targets.map(|target| target.agent.as_str()).collect();
        let missing = |what: &str, asked: &Option<String>, known: BTreeSet<&str>| {
            let asked = asked.as_deref().filter(|asked| !known.contains(asked))?;
            let known = known.into_iter().take(20).collect::<Vec<_>>().join(", ");
            let help = if known.is_empty() { "none has begun".to_owned() } else { format!("it has {known}") };
            Some(Failure::new(format!("{} has no {what} {asked} so far", execution.name)).with_help(help))
        };
        missing("step", &self.selection.step, steps).or_else(|| missing("agent", &self.selection.agent, agents))
    }

    /// Lines without an end, when nothing more will come.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let mut rest: Vec<_> =
            self.shown.iter_mut().filter_map(|(key, shown)| Some((key.clone(), shown.lines.finish()?))).collect();
        rest.sort_by(|((a, _), _), ((b, _), _)| a.cmp(b));
        for ((attempt, stream), line) in rest {
            let agent = self.shown.get(&(attempt, stream)).map_or_else(String::new, |shown| shown.agent.clone());
            self.print(&agent, stream, vec![line])?;
        }
        Ok(())
    }

    fn selected<'e>(&self, execution: &'e Execution) -> Vec<(&'e Attempt, String, StreamName)> {
        let asked = |asked: &Option<String>, value: &str| asked.as_ref().is_none_or(|asked| asked == value);
        let attempts = execution
            .attempts()
            .filter(|(step, target, _)| asked(&self.selection.step, &step.id) && asked(&self.selection.agent, &target.agent))
            .filter(|(_, _, attempt)| asked(&self.selection.attempt, &attempt.id));
        let streams = [StreamName::Stdout, StreamName::Stderr];
        attempts
            .flat_map(|(_, target, attempt)| streams.map(|stream| (attempt, target.agent.clone(), stream)))
            .filter(|(_, _, stream)| self.selection.stream.is_none_or(|asked| asked == *stream))
            .collect()
    }

    /// Reads a stream from where it was left, page by page.
    fn read(&mut self, client: &Client, execution: &Execution, key: &(String, StreamName)) -> Result<bool, Failure> {
        let (attempt, stream) = key;
        let mut news = false;
        for _ in 0..MAX_PAGES {
            let Some(shown) = self.shown.get_mut(key) else { break };
            let from = shown.offset.to_string();
            let parts = [("attempt", Some(attempt.as_str())), ("stream", Some(stream.as_str())), ("from", Some(&from))];
            let path = format!("/executions/{}/output{}", encode(&execution.id), query(&parts));
            let page: Page = view(client.get(&path)?)?;
            let mut lines = Vec::new();
            let (before, mut total) = (shown.offset, 0);
            for piece in page.items {
                if piece.offset > shown.offset {
                    lines.extend(shown.lines.finish());
                    lines.push(format!("[{} were not kept]", output::when::bytes(piece.offset - shown.offset)));
                }
                lines.extend(shown.lines.push(&piece.text));
                shown.offset = shown.offset.max(piece.end());
                total = piece.total;
            }
            let (agent, moved, all) = (shown.agent.clone(), shown.offset > before, shown.offset >= total);
            self.print(&agent, *stream, lines)?;
            news |= moved;
            if !moved || all {
                break;
            }
        }
        Ok(news)
    }

    /// Once an attempt is over and all it announced is shown, its streams are not asked for again.
    fn close(&mut self, key: &(String, StreamName), attempt: &Attempt, total: Option<u64>) -> Result<(), Failure> {
        let Some(shown) = self.shown.get_mut(key) else { return Ok(()) };
        if attempt.ended_at.is_none() || total.is_none_or(|total| shown.offset < total) {
            return Ok(());
        }
        shown.closed = true;
        let (agent, rest) = (shown.agent.clone(), shown.lines.finish());
        self.print(&agent, key.1, rest.into_iter().collect())
    }

    fn print(&self, agent: &str, stream: StreamName, lines: Vec<String>) -> Result<(), Failure> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        for line in lines {
            let line = if self.raw { line } else { visible(&line) };
            let line = if stream == StreamName::Stderr { self.style.error(&line) } else { line };
            let named = || self.style.named(agent, &format!("{agent:<width$} |", width = self.width)) + " ";
            writeln!(out, "{}{line}", self.prefix.clone().unwrap_or_else(named))?;
        }
        Ok(out.flush()?)
    }
}

/// An attempt that has not begun, or is proven never to have begun, wrote nothing.
fn never_started(attempt: &Attempt) -> bool {
    matches!(attempt.state.as_str(), "assigned" | "accepted" | "not_started")
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Piece>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    /// Its first byte in the stream.
    offset: u64,
    /// What it holds.
    text: String,
    /// The first byte after it; the text may be longer or shorter than the bytes it stands for.
    #[serde(default)]
    end: Option<u64>,
    /// All bytes that the command wrote, or that are stored so far.
    #[serde(default)]
    total: u64,
}

impl Piece {
    fn end(&self) -> u64 {
        self.end.unwrap_or(self.offset + self.text.len() as u64)
    }
}
