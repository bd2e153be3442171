//! How long values may be. SQLite keeps what its columns say to itself, MariaDB refuses what is longer; so whoever writes asks
//! here first, and both engines refuse the same values in the same words.

use crate::Error;
use crate::sql::ROW_BYTES;

/// Characters of a name: a source, a workflow, a principal.
pub(crate) const NAME: usize = 190;

/// Characters of a word of a closed set.
pub(crate) const WORD: usize = 63;

/// Characters of a line: an author, a title, an idempotency key.
pub(crate) const LINE: usize = 255;

/// Characters of a label's key, and of its value.
pub(crate) const LABEL: (usize, usize) = (253, 63);

/// Characters of a claim's key. The longest that is made holds two names and a word.
pub(crate) const CLAIM: usize = 512;

/// Characters of a digest or commit.
pub(crate) const DIGEST: usize = 64;

/// Refuses a text of more characters.
pub(crate) fn text(what: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    // A character has at least one byte, so most texts need no counting.
    if text.len() <= limit {
        return Ok(());
    }
    match text.chars().count() {
        length if length > limit => Err(Error::Value { what, reason: format!("it has {length} characters, {limit} at most") }),
        _ => Ok(()),
    }
}

/// Refuses a text of more characters, or of others than ASCII.
pub(crate) fn ascii(what: &'static str, value: &str, limit: usize) -> Result<(), Error> {
    if !value.is_ascii() {
        return Err(Error::Value { what, reason: "it holds other characters than ASCII".to_owned() });
    }
    text(what, value, limit)
}

/// Refuses a row whose documents are too many bytes together.
pub(crate) fn documents(what: &'static str, documents: &[&str]) -> Result<(), Error> {
    match documents.iter().map(|document| document.len()).sum::<usize>() {
        bytes if bytes > ROW_BYTES => Err(Error::Value { what, reason: format!("it has {bytes} bytes, {ROW_BYTES} at most") }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{DIGEST, LINE, ascii, documents, text};
    use crate::sql::ROW_BYTES;

    #[test]
    fn characters_are_counted_and_not_bytes() {
        text("a title", &"ü".repeat(LINE), LINE).unwrap();
        let error = text("a title", &"ü".repeat(LINE + 1), LINE).unwrap_err().to_string();
        assert!(error.contains("a title") && error.contains("256 characters, 255 at most"), "{error}");
        assert!(ascii("a commit", "ü", DIGEST).is_err() && ascii("a commit", &"a".repeat(65), DIGEST).is_err());
    }

    #[test]
    fn documents_are_counted_together() {
        let half = "x".repeat(ROW_BYTES / 2);
        documents("a definition", &[&half, &half]).unwrap();
        assert!(documents("a definition", &[&half, &half, "x"]).is_err());
    }
}
