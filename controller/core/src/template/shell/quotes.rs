//! Single, double and `$'…'` quotes, followed to their ends.

use super::refusal::Refusal;
use super::scan::{Place, Scan, Scanner};
use crate::template::ShellKind;

impl Scanner<'_> {
    /// From `'` to behind the next one.
    pub(super) fn single_quotes(&mut self) -> Scan {
        self.at += 1;
        self.refuse(Refusal::SingleQuotes, |scanner| {
            loop {
                match scanner.peek() {
                    None => return scanner.lost("a single quote without the other"),
                    Some(b'\'') => {
                        scanner.at += 1;
                        return Ok(());
                    }
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

    /// From `"` to behind the one that closes it.
    pub(super) fn double_quotes(&mut self) -> Scan {
        self.at += 1;
        loop {
            match self.peek() {
                None => return self.lost("a double quote without the other"),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape(true)?,
                Some(b'$') => self.dollar(true)?,
                Some(b'`') => self.backticks()?,
                Some(0) => self.value(Place::Quoted),
                Some(b'\n') => {
                    self.newline_within()?;
                    self.at += 1;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// `$'…'`: bash knows escapes in it, dash takes it for `$` and single quotes.
    pub(super) fn ansi_quotes(&mut self) -> Scan {
        let mut end = self.at + 2;
        loop {
            match self.text.get(end).filter(|_| end < self.limit) {
                None => return self.lost("`$'` without its end"),
                Some(b'\'') => break,
                Some(b'\\') if self.shell == ShellKind::Bash => end += 2,
                Some(b'\\') if self.text.get(end + 1) == Some(&b'\'') => return self.lost("`\\'` within `$'…'`"),
                // An escaped backslash before the closing quote: the two readings end at different places only with `\'`.
                Some(b'\\') if self.text.get(end + 1) == Some(&b'\\') => end += 2,
                Some(_) => end += 1,
            }
        }
        self.at += 2;
        self.refuse(Refusal::SingleQuotes, |scanner| {
            while scanner.at < end {
                match scanner.text[scanner.at] {
                    0 => scanner.value(Place::Quoted),
                    b'\n' => {
                        scanner.newline_within()?;
                        scanner.at += 1;
                    }
                    _ => scanner.at += 1,
                }
            }
            scanner.at += 1;
            Ok(())
        })
    }
}
