//! Colours, only where a person looks: on a terminal that is not `dumb`, and not when `NO_COLOR` is set.

use std::io::IsTerminal;

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    coloured: bool,
}

/// Colours of prefixes, told apart easily on dark and light grounds.
const PALETTE: [&str; 6] = ["36", "33", "35", "32", "34", "31"];

impl Style {
    /// For stdout as it is.
    pub fn of_stdout() -> Self {
        Self::choose(std::io::stdout().is_terminal(), |name| std::env::var(name).ok())
    }

    fn choose(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let refused = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = variable("TERM").is_some_and(|value| value == "dumb");
        Self { coloured: terminal && !refused && !dumb }
    }

    /// With or without, as tests want it.
    #[cfg(test)]
    pub const fn fixed(coloured: bool) -> Self {
        Self { coloured }
    }

    /// Whether to colour.
    pub const fn is_coloured(self) -> bool {
        self.coloured
    }

    /// A text in the colour that belongs to a name; the same name has the same colour each time.
    pub fn named(self, name: &str, text: &str) -> String {
        let sum: usize = name.bytes().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        self.paint(PALETTE[sum % PALETTE.len()], text)
    }

    /// A text that is an error's.
    pub fn error(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::Style;

    #[test]
    fn colours_need_a_terminal_and_nobody_against_them() {
        let with = |terminal, set: &'static [(&str, &str)]| {
            Style::choose(terminal, |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(with(true, &[]).is_coloured());
        assert!(with(true, &[("NO_COLOR", "")]).is_coloured(), "the convention says: set and not empty");
        assert!(!with(true, &[("NO_COLOR", "1")]).is_coloured());
        assert!(!with(true, &[("TERM", "dumb")]).is_coloured());
        assert!(!with(false, &[]).is_coloured());
        assert_eq!(Style::fixed(false).error("x"), "x");
        assert_eq!(Style::fixed(true).error("x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
