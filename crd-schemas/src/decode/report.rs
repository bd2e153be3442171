//! Where decoders write what they find: problems of one file, bounded in number.

use super::cursor::Cursor;
use crate::problem::{Problem, Severity, code};
use crate::source::Source;
use crate::tree::Span;

/// Problems listed for one file; what comes after them is only counted.
pub const MAX_PROBLEMS: usize = 500;

/// The problems of one file.
pub struct Report<'s> {
    source: &'s Source,
    problems: Vec<Problem>,
    left_out: usize,
}

impl<'s> Report<'s> {
    /// None yet.
    pub fn new(source: &'s Source) -> Self {
        Self { source, problems: Vec::new(), left_out: 0 }
    }
    /// The file's text.
    pub fn text(&self) -> &'s str {
        self.source.text()
    }
    /// The line of a place.
    pub fn line(&self, span: Span) -> u32 {
        self.source.line_number(span.start)
    }
    /// Is the next problem only counted? Then its sentence need not be made with care.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }
    /// How many were found so far.
    pub fn count(&self) -> usize {
        self.problems.len() + self.left_out
    }
    /// An error at a value. Answers `None`, which is what a decoder then has.
    pub fn error<T>(&mut self, at: &Cursor, code: &str, message: impl Into<String>, help: Option<String>) -> Option<T> {
        self.error_at(at.place(), &at.pointer, code, message, help)
    }
    /// An error at these bytes.
    pub fn error_at<T>(
        &mut self,
        span: Span,
        pointer: &str,
        code: &str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Option<T> {
        if !self.is_full() {
            self.problems.push(self.source.problem(span, pointer, Severity::Error, code, message.into(), help));
        } else {
            self.left_out += 1;
        }
        None
    }
    /// All of them, in the order of the text.
    pub fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        // What an alias repeats is wrong once, however many pointers lead to it.
        self.problems.dedup_by(|a, b| (a.line, a.column, &a.code, &a.message) == (b.line, b.column, &b.code, &b.message));
        if self.left_out > 0 {
            let end = self.source.text().len();
            let message = format!("{} further problems are not listed", self.left_out);
            let span = Span { start: end, end };
            self.problems.push(self.source.problem(span, "", Severity::Error, code::TOO_MANY_PROBLEMS, message, None));
        }
        self.problems
    }
}
