//! Redirections and here-documents.

use super::command::Command;
use super::refusal::Refusal;
use super::scan::{Place, Scan, Scanner};
use crate::template::ShellKind;

/// A here-document whose body is yet to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HereDocument {
    delimiter: Vec<u8>,
    /// Nothing is expanded in it.
    quoted: bool,
    /// `<<-`: leading tabs do not count.
    strip: bool,
    /// Why its command may be given no value, if so.
    pub(super) refusal: Option<Refusal>,
}

const OPERATORS: [&str; 12] = ["&>>", "&>", "<<<", "<<-", "<<", "<>", "<&", ">>", ">&", ">|", "<", ">"];

impl Scanner<'_> {
    /// A redirection: its operator and its target.
    pub(super) fn redirection(&mut self, command: &mut Command) -> Scan {
        let Some(operator) = OPERATORS.into_iter().find(|operator| self.starts_with(operator)) else {
            return self.lost("an unknown operator");
        };
        if matches!(operator, "&>" | "&>>" | "<<<") && self.shell != ShellKind::Bash {
            return self.lost("an operator that only bash knows (`shell: bash`)");
        }
        self.at += operator.len();
        self.blanks()?;
        if matches!(operator, "<<" | "<<-") {
            return self.here_document(operator == "<<-");
        }
        if matches!(self.peek(), None | Some(b'\n' | b';' | b'&' | b'|' | b')' | b'(' | b'#')) {
            return self.lost("a redirection without its target");
        }
        // bash expands what it duplicates a second time.
        let duplicates = matches!(operator, ">&" | "<&");
        let word = if duplicates { self.refuse(Refusal::Descriptor, Self::word) } else { self.word() };
        let mut word = word?;
        if word.raw.is_empty() {
            return self.lost("a redirection without its target");
        }
        word.redirection = true;
        command.push(word);
        Ok(())
    }

    /// Behind `<<`: the delimiter, a plain word, quoted or not.
    fn here_document(&mut self, strip: bool) -> Scan {
        let start = self.at;
        let word = self.refuse(Refusal::HereDocumentDelimiter, Self::word)?;
        if !word.values.is_empty() {
            // The value is refused; any delimiter does to go on.
            return Ok(());
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-' | b'!' | b'%');
        if word.dynamic || word.text.is_empty() || !word.text.bytes().all(plain) {
            self.at = start;
            return self.lost("a here-document whose delimiter is no plain word");
        }
        let document = HereDocument { delimiter: word.text.into_bytes(), quoted: word.quoted, strip, refusal: None };
        if let Some(pending) = self.pending.last_mut() {
            pending.push(document);
        }
        Ok(())
    }

    /// Behind a newline: the bodies of the here-documents of the line before.
    pub(super) fn here_documents(&mut self) -> Scan {
        let documents = self.pending.last_mut().map(std::mem::take).unwrap_or_default();
        documents.into_iter().try_for_each(|document| self.body(document))
    }

    fn body(&mut self, document: HereDocument) -> Scan {
        let mut start = self.at;
        // The line before, when a backslash joins it with this one: shells differ on which of the two is looked at first.
        let mut joined: Option<Vec<u8>> = None;
        let (end, next) = loop {
            if start >= self.limit {
                return self.lost("a here-document without its end");
            }
            let line = self.text[start..self.limit].split(|byte| *byte == b'\n').next().unwrap_or_default();
            let next = (start + line.len() + 1).min(self.limit);
            let line = if document.strip { without_tabs(line) } else { line };
            let ends = line == document.delimiter;
            if joined.is_some_and(|before| ends || [&before, line].concat() == document.delimiter) {
                return self.lost("a here-document's end behind a backslash");
            }
            if ends {
                break (start, next);
            }
            let backslashes = line.iter().rev().take_while(|byte| **byte == b'\\').count();
            joined = (!document.quoted && backslashes % 2 == 1).then(|| line[..line.len() - 1].to_vec());
            start = next;
        };
        self.within(end, &document)?;
        self.at = next;
        Ok(())
    }

    /// Scans a body up to its end as a text of its own.
    fn within(&mut self, end: usize, document: &HereDocument) -> Scan {
        let limit = std::mem::replace(&mut self.limit, end);
        let refusal = document.refusal.clone().or_else(|| document.quoted.then_some(Refusal::QuotedHereDocument));
        let result = match refusal {
            Some(refusal) => self.refuse(refusal, |scanner| scanner.body_text(!document.quoted)),
            None => self.body_text(true),
        };
        self.limit = limit;
        result
    }

    fn body_text(&mut self, expands: bool) -> Scan {
        while let Some(byte) = self.peek() {
            match byte {
                0 => self.value(Place::Quoted),
                b'\\' if expands => self.escape(true)?,
                b'$' if expands => self.dollar(true)?,
                b'`' if expands => self.backticks()?,
                _ => self.at += 1,
            }
        }
        Ok(())
    }
}

fn without_tabs(line: &[u8]) -> &[u8] {
    let tabs = line.iter().take_while(|byte| **byte == b'\t').count();
    &line[tabs..]
}
