//! `case … esac` and `[[ … ]]`.

use super::scan::{End, Ended, Scan, Scanner};

impl Scanner<'_> {
    /// Behind `case`: its word, `in`, and its clauses up to `esac`.
    pub(super) fn case(&mut self) -> Scan {
        self.blanks()?;
        self.word()?;
        self.space()?;
        if !self.word()?.is("in") {
            return self.lost("`case` without `in`");
        }
        loop {
            self.space()?;
            if self.peek() == Some(b'(') {
                self.at += 1;
                self.blanks()?;
            } else if self.starts_with("esac") && self.word()?.is("esac") {
                return Ok(());
            }
            self.patterns()?;
            if self.list(End::Clause)? == Ended::Esac {
                return Ok(());
            }
        }
    }

    /// The patterns of a clause, to behind its `)`.
    fn patterns(&mut self) -> Scan {
        loop {
            self.blanks()?;
            match self.peek() {
                Some(b')') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'|') => self.at += 1,
                Some(b'\n' | b';' | b'&' | b'(' | b'<' | b'>' | b'#') | None => {
                    return self.lost("a pattern of `case` without its `)`");
                }
                Some(_) => drop(self.word()?),
            }
        }
    }

    /// Blanks, line breaks and comments between the parts of `case`.
    fn space(&mut self) -> Scan {
        loop {
            self.blanks()?;
            match self.peek() {
                Some(b'\n') => self.newline()?,
                Some(b'#') => self.comment(),
                _ => return Ok(()),
            }
        }
    }

    /// Behind `[[`: to behind `]]`. Where it could be read as plain commands and that would end elsewhere, it is lost.
    pub(super) fn double_brackets(&mut self) -> Scan {
        loop {
            self.blanks()?;
            match self.peek() {
                None | Some(b'#' | b';') => return self.lost("`[[` without `]]`"),
                Some(b'<') if self.ahead(1) == Some(b'<') => return self.lost("`<<` within `[[ … ]]`"),
                Some(b'\n') => {
                    self.newline_within()?;
                    self.at += 1;
                }
                Some(b'<' | b'>' | b'(' | b')' | b'|' | b'&') => self.at += 1,
                Some(_) => {
                    if self.word()?.is("]]") {
                        return Ok(());
                    }
                }
            }
        }
    }
}
