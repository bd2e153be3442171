//! Regular expressions that users write. They run in linear time, and a bound on their size keeps them from being costly.

use regex_lite::{Regex, RegexBuilder};

/// Bytes that one compiled expression may take.
const MAX_COMPILED_BYTES: usize = 1 << 16;

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a text; the error says what is wrong with it.
    pub fn compile(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text).size_limit(MAX_COMPILED_BYTES).build();
        built.map(Self).map_err(|error| error.to_string())
    }

    /// The expression that holds only where the whole text matches.
    pub fn compile_whole(text: &str) -> Result<Self, String> {
        // Compiled by itself first: `a)(b` would otherwise close the group that is put around it.
        Self::compile(text)?;
        Self::compile(&format!("^(?:{text})$"))
    }

    /// Does it match somewhere in the text?
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// Names of its groups.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.capture_names().flatten()
    }

    /// What each named group holds at the first match; `None` without one. A group that has no part in the match is left out.
    pub fn named<'t>(&self, text: &'t str) -> Option<Vec<(&str, &'t str)>> {
        let found = self.0.captures(text)?;
        Some(self.names().filter_map(|name| Some((name, found.name(name)?.as_str()))).collect())
    }
}

impl PartialEq for Pattern {
    /// The text says it all: compiling is a pure function of it.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}
impl Eq for Pattern {}
