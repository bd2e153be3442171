//! `$((…))`, `((…))` and `${…}`: places in which no value may stand, followed to their ends.

use super::refusal::Refusal;
use super::scan::{Place, Scan, Scanner};

impl Scanner<'_> {
    /// Behind `((`: to behind `))`. bash may take it for two nested groups of commands, and dash does; what both would
    /// not end at the same place is lost.
    pub(super) fn arithmetic(&mut self, expansion: bool) -> Scan {
        let mut open = 2;
        loop {
            let before = self.text[self.at - 1];
            match self.peek() {
                None => return self.lost("`((` without `))`"),
                Some(b'(') => open += 1,
                Some(b')') if open > 2 => open -= 1,
                Some(b')') if self.ahead(1) == Some(b')') => {
                    self.at += 2;
                    return Ok(());
                }
                Some(b')') => return self.lost("`((` that is not closed by `))`"),
                Some(b'\'' | b'"' | b'\\') => return self.lost("quotes within `((…))`"),
                Some(b'#') if !before.is_ascii_alphanumeric() => return self.lost("a `#` within `((…))`"),
                Some(b'<') if !expansion && self.ahead(1) == Some(b'<') => return self.lost("`<<` within `((…))`"),
                Some(b'\n') => self.newline_within()?,
                _ => {}
            }
            match self.peek() {
                Some(b'$') => self.dollar(true)?,
                Some(b'`') => self.backticks()?,
                Some(0) => self.value(Place::Quoted),
                _ => self.at += 1,
            }
        }
    }

    /// Behind `${`: to behind `}`. `quoted` says that double quotes or a here-document stand around it.
    pub(super) fn parameter(&mut self, quoted: bool) -> Scan {
        if matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'|' | b'(')) {
            return self.lost("`${` with a command");
        }
        // The first character may be a special parameter, such as `#` or `$`, and opens nothing.
        if let Some(b'#' | b'$' | b'!' | b'?' | b'@' | b'*' | b'-') = self.peek() {
            self.at += 1;
        }
        loop {
            match self.peek() {
                None => return self.lost("`${` without `}`"),
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\'' | b'"') if quoted => return self.lost("quotes within a quoted `${…}`"),
                Some(b'<' | b'>') if self.ahead(1) == Some(b'(') => return self.lost("a process substitution within `${…}`"),
                Some(b'\'') => self.single_quotes()?,
                Some(b'"') => self.double_quotes()?,
                Some(b'$') => self.dollar(quoted)?,
                Some(b'`') => self.backticks()?,
                Some(b'\\') => self.escape(quoted)?,
                Some(0) => self.value(Place::Quoted),
                Some(b'\n') => {
                    self.newline_within()?;
                    self.at += 1;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// From a backtick to behind the next one that no backslash escapes: a shell finds the end before it reads what is within.
    pub(super) fn backticks(&mut self) -> Scan {
        self.at += 1;
        self.refuse(Refusal::Backticks, |scanner| {
            loop {
                match scanner.peek() {
                    None => return scanner.lost("a backtick without the other"),
                    Some(b'`') => {
                        scanner.at += 1;
                        return Ok(());
                    }
                    Some(b'\\') if scanner.ahead(1).is_some_and(|next| next != 0) => scanner.at += 2,
                    Some(0) => scanner.value(Place::Quoted),
                    Some(b'\n') => {
                        scanner.newline_within()?;
                        scanner.at += 1;
                    }
                    Some(_) => scanner.at += 1,
                }
            }
        })
    }
}
