//! Pieces of output put together to whole lines, so that lines of two agents never mix.

/// A line longer than this is shown in parts, so that a program that never ends its line cannot fill the memory.
const MAX_LINE: usize = 64 * 1024;

/// The beginning of a line whose end has not come.
#[derive(Debug, Default)]
pub struct Lines {
    begun: String,
}

impl Lines {
    /// Takes a piece, and gives every line that it ends.
    pub fn push(&mut self, piece: &str) -> Vec<String> {
        self.begun.push_str(piece);
        let mut lines = Vec::new();
        let mut start = 0;
        while let Some(end) = self.begun[start..].find('\n') {
            let line = &self.begun[start..start + end];
            // Programs that write for Windows or for a terminal end lines with both.
            lines.push(line.strip_suffix('\r').unwrap_or(line).to_owned());
            start += end + 1;
        }
        self.begun.drain(..start);
        if self.begun.len() > MAX_LINE {
            lines.extend(self.finish());
        }
        lines
    }

    /// What has no end, when nothing more will come.
    pub fn finish(&mut self) -> Option<String> {
        (!self.begun.is_empty()).then(|| std::mem::take(&mut self.begun))
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, MAX_LINE};

    #[test]
    fn lines_are_whole_however_they_come() {
        let mut lines = Lines::default();
        assert!(lines.push("on").is_empty());
        assert_eq!(lines.push("e\ntwo\r\n\nth"), ["one", "two", ""]);
        assert_eq!(lines.finish().as_deref(), Some("th"));
        assert_eq!(lines.finish(), None);
        assert_eq!(lines.push(&"x".repeat(MAX_LINE + 1)).len(), 1);
    }
}
