//! One manifest of a file with everything's place in the text, so that checks elsewhere can report a JSON pointer.

use crate::decode::escape;
use crate::manifest::Manifest;
use crate::problem::{Problem, Severity};
use crate::scalar;
use crate::source::Source;
use crate::tree::{Node, Span, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// A manifest and where it was written. Cheap to clone, apart from the manifest.
#[derive(Debug, Clone)]
pub struct Document {
    /// What it says.
    pub manifest: Manifest,
    source: Arc<Source>,
    places: Arc<HashMap<String, Place>>,
}

#[derive(Debug)]
struct Place {
    /// What to show for the value as a whole.
    shown: Span,
    /// For a text: its bytes and its value.
    text: Option<(Span, String)>,
}

impl Document {
    pub(crate) fn new(manifest: Manifest, root: &Node, source: Arc<Source>) -> Self {
        let mut places = HashMap::new();
        collect(root, None, String::new(), &mut places);
        Self { manifest, source, places: Arc::new(places) }
    }
    /// The file's path, as given to the parser.
    pub fn path(&self) -> &str {
        self.source.path()
    }
    /// The line (from 1) at which the value of a pointer, or of its nearest parent that exists, is shown.
    pub fn line(&self, pointer: &str) -> u32 {
        self.source.position(self.place(pointer).map_or(0, |place| place.shown.start)).0
    }
    /// A problem of the value at a pointer, or of its nearest parent that exists.
    pub fn problem(
        &self,
        pointer: &str,
        severity: Severity,
        code: &str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Problem {
        let shown = self.place(pointer).map_or(Span { start: 0, end: 0 }, |place| place.shown);
        self.source.problem(shown, pointer, severity, code, message.into(), help)
    }
    /// A problem of a part of a text: `length` bytes from byte `offset` of its value, however the text is quoted, folded or
    /// indented. Where the value is no text, or its bytes cannot be told, the whole value is shown.
    #[expect(clippy::too_many_arguments, reason = "a problem has this many parts")]
    pub fn problem_within(
        &self,
        pointer: &str,
        offset: usize,
        length: usize,
        severity: Severity,
        code: &str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Problem {
        let part = self.places.get(pointer).and_then(|place| {
            let (span, value) = place.text.as_ref()?;
            scalar::locate(self.source.text(), *span, value, offset, length)
        });
        match part {
            Some(part) => self.source.problem(part, pointer, severity, code, message.into(), help),
            None => self.problem(pointer, severity, code, message, help),
        }
    }

    fn place(&self, pointer: &str) -> Option<&Place> {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return Some(place);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

fn collect(node: &Node, key: Option<Span>, pointer: String, places: &mut HashMap<String, Place>) {
    match &node.value {
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, None, format!("{pointer}/{index}"), places);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                if let Some(name) = entry.key.text() {
                    collect(&entry.value, Some(entry.key.span), format!("{pointer}/{}", escape(name)), places);
                }
            }
        }
        _ => {}
    }
    let text = node.text().map(|text| (node.span, text.to_owned()));
    places.insert(pointer, Place { shown: node.place(key), text });
}
