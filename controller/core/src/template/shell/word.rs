//! Words: their parts, and what an expansion begins.

use super::refusal::Refusal;
use super::scan::{Place, Scan, Scanner};

/// A word as the rules for commands see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Its literal text, quotes removed; expansions and values are left out.
    pub(super) text: String,
    /// The text as it stands.
    pub(super) raw: String,
    /// It has an expansion or a value.
    pub(super) dynamic: bool,
    /// Some of it is quoted.
    pub(super) quoted: bool,
    /// The values in it: indices into the places.
    pub(super) values: Vec<usize>,
    /// It is the target of a redirection.
    pub(super) redirection: bool,
}

impl Word {
    /// The literal text when nothing else is in the word.
    pub(super) fn literal(&self) -> Option<&str> {
        (!self.dynamic).then_some(self.text.as_str())
    }

    /// It is this word, unquoted, as keywords must be.
    pub(super) fn is(&self, text: &str) -> bool {
        self.raw == text
    }

    /// The name that it assigns to, when it begins with `name=` or `name+=`.
    pub(super) fn assigns(&self) -> Option<&str> {
        let (name, _) = self.raw.split_once('=')?;
        let name = name.strip_suffix('+').unwrap_or(name);
        let name = name.split('[').next().unwrap_or(name);
        is_name(name).then_some(name)
    }
}

/// A name of a shell variable.
pub(super) fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Scanner<'_> {
    /// The word that begins here.
    pub(super) fn word(&mut self) -> Scan<Word> {
        let (start, first) = (self.at, self.places.len());
        let mut word = Word::default();
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')' => break,
                b'<' | b'>' if self.substitutes_process() => {
                    word.dynamic = true;
                    self.at += 2;
                    self.substitution()?;
                }
                b'<' | b'>' => break,
                b'(' => {
                    let raw = &self.text[start..self.at];
                    if raw.ends_with(b"=") && !word.quoted && !word.dynamic {
                        word.dynamic = true;
                        self.array()?;
                    } else if raw.ends_with(b"@")
                        || raw.ends_with(b"!")
                        || raw.ends_with(b"+")
                        || raw.ends_with(b"?")
                        || raw.ends_with(b"*")
                    {
                        return self.lost("an extended pattern");
                    } else {
                        break;
                    }
                }
                _ => self.part(byte, &mut word, start)?,
            }
        }
        word.values = (first..self.places.len()).collect();
        word.raw = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        self.subscript(&word, start)?;
        Ok(word)
    }

    /// One part of a word.
    fn part(&mut self, byte: u8, word: &mut Word, start: usize) -> Scan {
        match byte {
            b'\'' => {
                let from = self.at + 1;
                word.quoted = true;
                self.single_quotes()?;
                word.text.push_str(&String::from_utf8_lossy(&self.text[from..self.at - 1]));
            }
            b'"' => {
                let from = self.at + 1;
                word.quoted = true;
                self.double_quotes()?;
                let inner = &self.text[from..self.at - 1];
                let expands = inner.iter().any(|byte| matches!(byte, b'$' | b'`'));
                word.dynamic |= expands || inner.contains(&0);
                if !expands {
                    let inner = String::from_utf8_lossy(inner).replace("\\\n", "");
                    word.text.push_str(&inner.replace(['\\', '\0'], ""));
                }
            }
            b'\\' => {
                word.quoted = true;
                self.escape(false)?;
                word.text.push(char::from(self.text[self.at - 1]));
            }
            b'$' | b'`' => {
                word.dynamic = true;
                if byte == b'$' { self.dollar(false)? } else { self.backticks()? }
            }
            0 => {
                word.dynamic = true;
                self.bare_value(start);
            }
            _ => {
                // The text is compared with ASCII names only, so bytes of other characters need not be joined.
                word.text.push(char::from(byte));
                self.at += 1;
            }
        }
        Ok(())
    }

    /// A value outside of quotes; in a subscript it would be evaluated.
    fn bare_value(&mut self, start: usize) {
        let subscript = begins_subscript(&self.text[start..self.at]);
        self.value(if subscript { Place::Refused(Refusal::Subscript) } else { Place::Bare });
    }

    /// `name[…]=`: bash reads a subscript to its `]`, blanks included, and evaluates it.
    fn subscript(&mut self, word: &Word, start: usize) -> Scan {
        if !begins_subscript(word.raw.as_bytes()) {
            return Ok(());
        }
        let count = |bracket: char| word.raw.matches(bracket).count();
        if count('[') != count(']') {
            self.at = start;
            return self.lost("a subscript that is not closed within its word");
        }
        for index in &word.values {
            self.places[*index] = Place::Refused(Refusal::Subscript);
        }
        Ok(())
    }

    /// Behind `name=`: the words of an array, to behind its `)`.
    fn array(&mut self) -> Scan {
        self.at += 1;
        loop {
            self.blanks()?;
            match self.peek() {
                Some(b')') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\n') => {
                    self.newline_within()?;
                    self.at += 1;
                }
                Some(b'[' | b'#' | b';' | b'&' | b'|' | b'<' | b'>' | b'(') | None => {
                    return self.lost("an array with other than plain words");
                }
                Some(_) => drop(self.nested(Self::word)?),
            }
        }
    }

    /// `<(` and `>(`.
    pub(super) fn substitutes_process(&self) -> bool {
        matches!(self.peek(), Some(b'<' | b'>')) && self.ahead(1) == Some(b'(')
    }

    /// A backslash and what it escapes.
    pub(super) fn escape(&mut self, quoted: bool) -> Scan {
        match self.ahead(1) {
            None => self.lost("a backslash at the end"),
            // It would join two halves of a word, a keyword or an operator.
            Some(b'\n') if !quoted => self.lost("a line break behind a backslash without a space before it"),
            Some(0) => {
                self.at += 1;
                self.value(Place::Refused(Refusal::AfterBackslash));
                Ok(())
            }
            Some(b'\n') => {
                self.newline_within()?;
                self.at += 2;
                Ok(())
            }
            Some(_) => {
                self.at += 2;
                Ok(())
            }
        }
    }

    /// From `$` to behind what it expands. `quoted` says that double quotes or a here-document stand around it.
    pub(super) fn dollar(&mut self, quoted: bool) -> Scan {
        match self.ahead(1) {
            Some(b'(') if self.ahead(2) == Some(b'(') => {
                self.at += 3;
                self.nested(|scanner| scanner.refuse(Refusal::Arithmetic, |scanner| scanner.arithmetic(true)))
            }
            Some(b'(') => {
                self.at += 2;
                self.substitution()
            }
            Some(b'{') => {
                self.at += 2;
                self.nested(|scanner| scanner.refuse(Refusal::Parameter, |scanner| scanner.parameter(quoted)))
            }
            Some(b'[') => self.lost("`$[…]`"),
            Some(b'\'') if !quoted => self.ansi_quotes(),
            Some(b'\\') if self.ahead(2) == Some(b'\n') => self.lost("a line break behind `$`"),
            Some(0) => {
                self.at += 1;
                self.value(Place::Refused(Refusal::AfterDollar));
                Ok(())
            }
            Some(b'$' | b'#' | b'?' | b'!' | b'@' | b'*' | b'-' | b'0'..=b'9') => {
                self.at += 2;
                Ok(())
            }
            _ => {
                self.at += 1;
                Ok(())
            }
        }
    }
}

/// `name[` at a word's beginning.
fn begins_subscript(raw: &[u8]) -> bool {
    let name = raw.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    name > 0 && !raw[0].is_ascii_digit() && raw.get(name) == Some(&b'[')
}
