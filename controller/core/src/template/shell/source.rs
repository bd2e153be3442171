//! The text as the scanner sees it: each value is one NUL byte, which no command may hold itself.

use super::scan::Lost;
use crate::template::TemplateError;
use crate::template::items::{Item, Items};
use crate::values::Path;

/// A value's path and its place in the text as written.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) path: Path,
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// A command's text with a mark for each value.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
    /// Where each piece begins here and in the text as written, and whether the two run alike.
    pieces: Vec<(usize, usize, bool)>,
}

impl Source {
    pub(super) fn new(items: &Items) -> Self {
        let mut source = Self { text: String::new(), values: Vec::new(), pieces: Vec::new() };
        for item in &items.0 {
            let here = source.text.len();
            match item {
                Item::Text { text, offset, literal } => {
                    source.pieces.push((here, *offset, !literal));
                    source.text.push_str(text);
                }
                Item::Value { path, offset, length } => {
                    source.pieces.push((here, *offset, false));
                    source.text.push('\0');
                    source.values.push(Value { path: path.clone(), offset: *offset, length: *length });
                }
            }
        }
        source
    }

    /// The error about a place from which on the scanner does not know what a shell would do.
    pub(super) fn lost(&self, lost: &Lost) -> TemplateError {
        let at = (0..=lost.at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        let length = self.text[at..].chars().next().map_or(1, char::len_utf8);
        let piece = self.pieces.iter().rev().find(|(here, ..)| *here <= at);
        let offset = piece.map_or(0, |(here, written, alike)| if *alike { written + at - here } else { *written });
        let message = format!("cannot tell how a shell reads this: {}; so no `{{{{ … }}}}` of this command is safe", lost.what);
        let help = "write it in a plainer way, or take the values out of the command and give them by `env`";
        TemplateError::new(offset, length, message, help)
    }
}
