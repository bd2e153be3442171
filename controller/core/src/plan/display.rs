//! A plan as people read it.

use super::{Change, Plan};
use std::fmt;

impl fmt::Display for Plan {
    /// One line for each change, then a line with the numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (sign, changes) in [("+", &self.create), ("~", &self.update), ("-", &self.retire)] {
            for change in changes {
                writeln!(f, "{sign} {change}")?;
            }
        }
        if self.is_empty() {
            return write!(f, "Nothing to change: {} unchanged.", self.unchanged.len());
        }
        let (create, update, retire) = (self.create.len(), self.update.len(), self.retire.len());
        write!(f, "{create} to create, {update} to update, {retire} to retire, {} unchanged.", self.unchanged.len())?;
        if self.needs_confirmation() {
            write!(f, "\nHeld: it retires more than 3 objects and more than 10 % of what is live; a person must confirm it.")?;
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<10} {}", self.kind, self.name)?;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, " {} → {}", short(from), short(to))?,
            (None, Some(to)) => write!(f, " {}", short(to))?,
            (Some(from), None) => write!(f, " {}", short(from))?,
            (None, None) => {}
        }
        if let Some(path) = &self.path { write!(f, " ({path})") } else { Ok(()) }
    }
}

/// Enough of a digest to tell two apart by eye.
fn short(digest: &str) -> &str {
    digest.get(..8).unwrap_or(digest)
}
