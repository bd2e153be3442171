//! What an import has to say beside the manifests: where, what, and what to do.

use std::fmt;

/// How much a note asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For information: the manifest says it in another way than the definition did.
    Note,
    /// A person has to look: the manifest is valid, and may not do what the definition did.
    Check,
    /// It could not be translated, so its manifest is not written.
    Error,
}

/// A place in the input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// What the definition is: `workflow "Disk check"`.
    pub definition: String,
    /// The step's number, from 1, and its old name.
    pub step: Option<(usize, String)>,
    /// The field.
    pub field: Option<String>,
}

impl Place {
    /// A definition as a whole.
    pub fn of(definition: String) -> Self {
        Self { definition, step: None, field: None }
    }
    /// A step of it.
    pub fn step(&self, number: usize, name: &str) -> Self {
        Self { step: Some((number, name.to_owned())), ..self.clone() }
    }
    /// A field of it.
    pub fn field(&self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.definition)?;
        if let Some((number, name)) = &self.step {
            write!(f, ", step {number} {name:?}")?;
        }
        self.field.as_ref().map_or(Ok(()), |field| write!(f, ", `{field}`"))
    }
}

/// One thing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How much it asks for.
    pub level: Level,
    /// Where.
    pub place: Place,
    /// What, in a sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Note => "note",
            Level::Check => "check",
            Level::Error => "error",
        };
        write!(f, "{level}: {}: {}", self.place, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\nhelp: {help}"))
    }
}

/// The notes of an import, in the order of its input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(pub Vec<Note>);

impl Notes {
    /// Adds one for information.
    pub fn note(&mut self, place: &Place, message: impl Into<String>) {
        self.push(Level::Note, place, message.into(), None);
    }
    /// Adds one for a person.
    pub fn check(&mut self, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(Level::Check, place, message.into(), Some(help.into()));
    }
    /// Adds an error. Answers nothing, as what could not be translated is.
    pub fn error<T>(&mut self, place: &Place, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        self.push(Level::Error, place, message.into(), Some(help.into()));
        None
    }

    fn push(&mut self, level: Level, place: &Place, message: String, help: Option<String>) {
        let note = Note { level, place: place.clone(), message, help };
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }

    /// Whether there is an error among those from `start` on.
    pub fn has_errors(&self, start: usize) -> bool {
        self.0[start..].iter().any(|note| note.level == Level::Error)
    }
    /// The level that asks for most.
    pub fn worst(&self) -> Option<Level> {
        self.0.iter().map(|note| note.level).max()
    }
    /// What the manifest says about a step, or about itself, from `start` on: one text each.
    pub fn comments(&self, start: usize, step: Option<usize>) -> Vec<String> {
        let of_step = |note: &&Note| note.place.step.as_ref().map(|(number, _)| *number) == step;
        self.0[start..].iter().filter(of_step).map(Note::comment).collect()
    }
}

impl Note {
    fn comment(&self) -> String {
        let field = self.place.field.as_ref().map_or_else(String::new, |field| format!("`{field}`: "));
        let help = self.help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
        let check = if self.level == Level::Check { "CHECK: " } else { "" };
        format!("{check}{field}{}{help}", self.message)
    }
}
