//! The scanner's walk over commands: separators, keywords and groups. `case` and `[[ … ]]` are in `compound`, words in `word`,
//! the rules for what a command does with its words in `command`.

use super::command::Command;
use super::heredoc::HereDocument;
use super::refusal::Refusal;
use crate::template::ShellKind;

/// How a value can be written at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Outside of quotes: `"${NAME}"`.
    Bare,
    /// Within double quotes or a here-document: `${NAME}`.
    Quoted,
    /// Not at all.
    Refused(Refusal),
}

/// The scanner does not know how a shell goes on from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

pub(super) type Scan<T = ()> = Result<T, Lost>;

/// What ends a list of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Text,
    Paren,
    Clause,
}

/// How a clause of `case` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    List,
    Esac,
}

/// Nesting deeper than this is refused.
const MAX_DEPTH: usize = 40;

/// A walk over one script.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    pub(super) text: &'a [u8],
    pub(super) shell: ShellKind,
    pub(super) at: usize,
    /// Where the text ends for now: a here-document's body is scanned by itself.
    pub(super) limit: usize,
    pub(super) places: Vec<Place>,
    /// Why no value may stand here, whatever its quoting: innermost last.
    pub(super) refusing: Vec<Refusal>,
    /// Here-documents whose bodies have yet to come, for each command substitution that is open.
    pub(super) pending: Vec<Vec<HereDocument>>,
    depth: usize,
}

impl<'a> Scanner<'a> {
    /// The place of every value of the text, in order.
    pub(super) fn scan(text: &'a str, shell: ShellKind) -> Scan<Vec<Place>> {
        let marks = text.bytes().filter(|byte| *byte == 0).count();
        let mut scanner = Self {
            text: text.as_bytes(),
            shell,
            at: 0,
            limit: text.len(),
            places: Vec::new(),
            refusing: Vec::new(),
            pending: vec![Vec::new()],
            depth: 0,
        };
        if text.contains('\r') {
            return Err(Lost { at: text.find('\r').unwrap_or(0), what: "a carriage return" });
        }
        scanner.list(End::Text)?;
        if scanner.places.len() != marks {
            return scanner.lost("not every value was reached");
        }
        Ok(scanner.places)
    }

    pub(super) fn lost<T>(&self, what: &'static str) -> Scan<T> {
        Err(Lost { at: self.at.min(self.text.len().saturating_sub(1)), what })
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, by: usize) -> Option<u8> {
        self.text.get(self.at + by).copied().filter(|_| self.at + by < self.limit)
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.text[self.at.min(self.limit)..self.limit].starts_with(text.as_bytes())
    }

    /// Takes the value that stands here.
    pub(super) fn value(&mut self, place: Place) {
        let place = self.refusing.last().map_or(place, |refusal| Place::Refused(refusal.clone()));
        self.places.push(place);
        self.at += 1;
    }

    /// Runs a part in which no value may stand.
    pub(super) fn refuse<T>(&mut self, refusal: Refusal, part: impl FnOnce(&mut Self) -> Scan<T>) -> Scan<T> {
        self.refusing.push(refusal);
        let result = part(self);
        self.refusing.pop();
        result
    }

    /// Runs a nested part, unless it is nested too deeply.
    pub(super) fn nested<T>(&mut self, part: impl FnOnce(&mut Self) -> Scan<T>) -> Scan<T> {
        if self.depth >= MAX_DEPTH {
            return self.lost("it is nested too deeply");
        }
        self.depth += 1;
        let result = part(self);
        self.depth -= 1;
        result
    }

    /// The commands of a substitution, from behind its opening parenthesis to behind its closing one.
    pub(super) fn substitution(&mut self) -> Scan {
        self.pending.push(Vec::new());
        self.nested(|scanner| scanner.list(End::Paren).map(drop))?;
        if self.pending.pop().is_some_and(|pending| !pending.is_empty()) {
            return self.lost("a here-document whose body does not come before the closing `)`");
        }
        Ok(())
    }

    /// A newline within something: shells differ on where a waiting here-document begins then.
    pub(super) fn newline_within(&self) -> Scan {
        if self.pending.iter().all(Vec::is_empty) { Ok(()) } else { self.lost("a line break between `<<` and its here-document") }
    }

    pub(super) fn list(&mut self, end: End) -> Scan<Ended> {
        let mut command = Command::new(self);
        loop {
            self.blanks()?;
            let Some(byte) = self.peek() else {
                command.finish(self)?;
                let waiting = self.pending.iter().any(|pending| !pending.is_empty());
                return match end {
                    End::Text if !waiting => Ok(Ended::List),
                    End::Text => self.lost("a here-document without its end"),
                    _ => self.lost("something is left open at the end"),
                };
            };
            match byte {
                b'\n' => {
                    std::mem::replace(&mut command, Command::new(self)).finish(self)?;
                    self.newline()?;
                    command = Command::new(self);
                }
                b'#' => self.comment(),
                b';' | b'&' | b'|' if !(byte == b'&' && self.ahead(1) == Some(b'>')) => {
                    command.finish(self)?;
                    if self.separator(end)? {
                        return Ok(Ended::List);
                    }
                    command = Command::new(self);
                }
                b')' if end == End::Paren => {
                    command.finish(self)?;
                    self.at += 1;
                    return Ok(Ended::List);
                }
                b')' => return self.lost("a `)` without its `(`"),
                b'(' => command = self.parenthesis(command)?,
                b'<' | b'>' | b'&' if !self.substitutes_process() => self.redirection(&mut command)?,
                _ => {
                    if self.word_of(&mut command, end)? {
                        return Ok(Ended::Esac);
                    }
                }
            }
        }
    }

    /// `;`, `&`, `|` and their doubles. True when it ended a clause of `case`.
    fn separator(&mut self, end: End) -> Scan<bool> {
        if self.starts_with(";;") || self.starts_with(";&") {
            if end != End::Clause {
                return self.lost("`;;` outside of `case`");
            }
            self.at += if self.starts_with(";;&") { 3 } else { 2 };
            return Ok(true);
        }
        let double = self.starts_with("&&") || self.starts_with("||") || self.starts_with("|&");
        self.at += if double { 2 } else { 1 };
        Ok(false)
    }

    pub(super) fn newline(&mut self) -> Scan {
        let outer = self.pending.len() - 1;
        if self.pending[..outer].iter().any(|pending| !pending.is_empty()) {
            return self.lost("a line break between `<<` and its here-document");
        }
        self.at += 1;
        self.here_documents()
    }

    /// Spaces, tabs and line continuations.
    pub(super) fn blanks(&mut self) -> Scan {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if self.ahead(1) == Some(b'\n') && self.begins_fresh() => {
                    self.newline_within()?;
                    self.at += 2;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Nothing stands before this place that it could be joined with.
    fn begins_fresh(&self) -> bool {
        self.at == 0 || matches!(self.text[self.at - 1], b' ' | b'\t' | b'\n')
    }

    /// A comment up to its line's end. A value in it is never seen by anything, however it is written.
    pub(super) fn comment(&mut self) {
        while let Some(byte) = self.peek().filter(|byte| *byte != b'\n') {
            if byte == 0 { self.value(Place::Quoted) } else { self.at += 1 }
        }
    }

    /// `(`: a subshell, `((…))`, or a function's `()`.
    fn parenthesis(&mut self, command: Command) -> Scan<Command> {
        if command.is_function_name() {
            self.at += 1;
            self.blanks()?;
            if self.peek() != Some(b')') {
                return self.lost("a `(` within a command");
            }
            self.at += 1;
            return Ok(Command::new(self));
        }
        if !command.is_empty() {
            return self.lost("a `(` within a command");
        }
        if self.ahead(1) == Some(b'(') {
            self.at += 2;
            self.refuse(Refusal::Arithmetic, |scanner| scanner.arithmetic(false))?;
        } else {
            self.at += 1;
            self.nested(|scanner| scanner.list(End::Paren))?;
        }
        Ok(Command::closed(self))
    }

    /// The next word, with what keywords make of it. True when it was the `esac` of this clause.
    fn word_of(&mut self, command: &mut Command, end: End) -> Scan<bool> {
        let start = self.at;
        let word = self.word()?;
        if word.raw.bytes().all(|byte| byte.is_ascii_digit()) && matches!(self.peek(), Some(b'<' | b'>')) {
            // The number of a descriptor, a part of the redirection that follows.
            return Ok(false);
        }
        match command.keyword(&word) {
            "esac" if end == End::Clause => return Ok(true),
            "if" | "then" | "else" | "elif" | "while" | "until" | "do" | "{" | "!" => *command = Command::new(self),
            "fi" | "done" | "}" => *command = Command::closed(self),
            "case" => {
                self.nested(Self::case)?;
                *command = Command::closed(self);
            }
            "[[" => {
                self.refuse(Refusal::DoubleBrackets, Self::double_brackets)?;
                *command = Command::closed(self);
            }
            "for" | "select" => {
                self.blanks()?;
                if self.starts_with("((") {
                    self.at += 2;
                    self.refuse(Refusal::Arithmetic, |scanner| scanner.arithmetic(false))?;
                    *command = Command::closed(self);
                } else {
                    command.push(word);
                }
            }
            "function" => {
                self.blanks()?;
                self.refuse(Refusal::Name, |scanner| scanner.word().map(drop))?;
                self.blanks()?;
                if self.starts_with("()") {
                    self.at += 2;
                }
                *command = Command::new(self);
            }
            "coproc" | "alias" | "esac" => {
                self.at = start;
                return self.lost("`coproc`, `alias` or `esac`");
            }
            _ => command.push(word),
        }
        Ok(false)
    }
}
