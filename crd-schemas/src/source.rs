//! The text of one file, and how its bytes become lines and columns.

use crate::problem::{Problem, Severity};
use crate::tree::Span;

/// One file as people see it: path and text, with the starts of its lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    path: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// A text and the path that problems name.
    pub fn new(path: &str, text: &str) -> Self {
        let bytes = text.as_bytes();
        // As for YAML, a line ends with LF, CR LF or CR.
        let ends = |at: &usize| bytes[*at] == b'\n' || (bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        let line_starts = std::iter::once(0).chain((0..bytes.len()).filter(ends).map(|at| at + 1)).collect();
        Self { path: path.to_owned(), text: text.to_owned(), line_starts }
    }
    /// The file's path.
    pub fn path(&self) -> &str {
        &self.path
    }
    /// The file's text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The line, from 1, without its end.
    pub fn line(&self, number: u32) -> &str {
        let at = (number as usize).saturating_sub(1);
        let start = self.line_starts.get(at).copied().unwrap_or(self.text.len());
        let end = self.line_starts.get(at + 1).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }
    /// The byte of a line and column in characters, both from 1; the nearest one where there is no such place.
    pub fn byte(&self, line: u32, column: u32) -> usize {
        let at = (line as usize).saturating_sub(1);
        let start = self.line_starts.get(at).copied().unwrap_or(self.text.len());
        let text = self.line(line);
        let within = text.char_indices().nth((column as usize).saturating_sub(1)).map_or(text.len(), |(at, _)| at);
        start + within
    }
    /// Line and column in characters, both from 1.
    pub fn position(&self, byte: usize) -> (u32, u32) {
        let byte = floor(&self.text, byte);
        let line = self.line_number(byte);
        let start = self.line_starts.get(line as usize - 1).copied().unwrap_or(0);
        let column = self.text[start..byte].chars().count() + 1;
        (line, column as u32)
    }
    /// The line of a byte, from 1.
    pub fn line_number(&self, byte: usize) -> u32 {
        self.line_starts.partition_point(|start| *start <= byte).max(1) as u32
    }
    /// A problem of these bytes; white space at their end is not shown.
    pub fn problem(
        &self,
        span: Span,
        pointer: &str,
        severity: Severity,
        code: &str,
        message: String,
        help: Option<String>,
    ) -> Problem {
        let start = floor(&self.text, span.start);
        let end = floor(&self.text, span.end).max(start);
        let end = start + self.text[start..end].trim_end().len();
        let (line, column) = self.position(start);
        let (end_line, end_column) = self.position(end);
        Problem {
            file: self.path.clone(),
            line,
            column,
            end_line,
            end_column,
            severity,
            code: code.to_owned(),
            message,
            help,
            pointer: pointer.to_owned(),
        }
    }
}

/// The character boundary at or before a byte.
fn floor(text: &str, byte: usize) -> usize {
    let byte = byte.min(text.len());
    (0..=byte).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn columns_count_characters_and_lines_may_end_in_crlf() {
        let source = Source::new("a.yaml", "é: x\r\nb: ü!\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(2), (1, 2));
        assert_eq!(source.position(1), (1, 1), "inside a character");
        assert_eq!(source.position(12), (2, 5));
        assert_eq!(source.position(999), (3, 1));
        assert_eq!(source.line(1), "é: x");
        assert_eq!(source.byte(2, 5), 12);
        assert_eq!(source.line(9), "");
    }
}
