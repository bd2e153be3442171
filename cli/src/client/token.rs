//! The token, and where it came from, so that a refusal can name the place to mend.

use crate::failure::Failure;
use std::fmt;
use std::path::Path;

/// A token that no message shows.
#[derive(Clone)]
pub struct Token {
    value: String,
    origin: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(from {})", self.origin)
    }
}

/// Everything that may say a token.
#[derive(Debug, Default)]
pub struct Origins<'a> {
    /// `--token`.
    pub flag: Option<&'a str>,
    /// `--token-file`.
    pub flag_file: Option<&'a Path>,
    /// `PULSE_TOKEN`.
    pub variable: Option<String>,
    /// `PULSE_TOKEN_FILE`.
    pub variable_file: Option<String>,
}

impl Token {
    /// The token that was given, flags before the environment; none is no error, for not every request needs one.
    pub fn find(origins: Origins<'_>) -> Result<Option<Self>, Failure> {
        let not_empty = |text: &String| !text.is_empty();
        let (variable, file) = (origins.variable.filter(not_empty), origins.variable_file.filter(not_empty));
        if let Some(value) = origins.flag {
            return Self::new(value, "--token").map(Some);
        }
        if let Some(path) = origins.flag_file {
            return Self::read(path, &format!("--token-file {}", path.display())).map(Some);
        }
        match (variable, file) {
            (Some(_), Some(_)) => {
                Err(Failure::new("PULSE_TOKEN and PULSE_TOKEN_FILE are both set").with_help("unset one of them"))
            }
            (Some(value), None) => Self::new(&value, "PULSE_TOKEN").map(Some),
            (None, Some(path)) => Self::read(Path::new(&path), &format!("PULSE_TOKEN_FILE ({path})")).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn read(path: &Path, origin: &str) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::new(format!("cannot read the token of {origin}: {error}")).with_help("check the path and its permissions")
        })?;
        Self::new(&text, origin)
    }

    fn new(value: &str, origin: &str) -> Result<Self, Failure> {
        let value = value.trim();
        if value.is_empty() {
            return Err(
                Failure::new(format!("the token of {origin} is empty")).with_help("give the token that the server issued")
            );
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!("the token of {origin} holds a space or a character that no token has");
            return Err(Failure::new(message).with_help("give the token alone, on one line"));
        }
        Ok(Self { value: value.to_owned(), origin: origin.to_owned() })
    }

    /// What the request says.
    pub fn header(&self) -> String {
        format!("Bearer {}", self.value)
    }
    /// Where it came from.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::{Origins, Token};

    fn found(origins: Origins<'_>) -> Result<(String, String), String> {
        let token = Token::find(origins).map_err(|failure| failure.to_string())?.expect("a token");
        Ok((token.header(), token.origin().to_owned()))
    }

    #[test]
    fn flags_come_before_the_environment() {
        let variable = Some("env".to_owned());
        let both = found(Origins { flag: Some("flag"), variable: variable.clone(), ..Origins::default() });
        assert_eq!(both, Ok(("Bearer flag".into(), "--token".into())));
        assert_eq!(found(Origins { variable, ..Origins::default() }), Ok(("Bearer env".into(), "PULSE_TOKEN".into())));
        assert!(Token::find(Origins::default()).unwrap().is_none());
    }

    #[test]
    fn files_are_trimmed_and_named_when_they_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "secret\n").unwrap();
        assert_eq!(found(Origins { flag_file: Some(&path), ..Origins::default() }).unwrap().0, "Bearer secret");
        let missing = found(Origins { variable_file: Some("/nowhere/token".into()), ..Origins::default() }).unwrap_err();
        assert!(missing.contains("PULSE_TOKEN_FILE (/nowhere/token)"), "{missing}");
        let two = Origins { variable: Some("a".into()), variable_file: Some("b".into()), ..Origins::default() };
        assert!(found(two).unwrap_err().contains("both set"));
    }

    #[test]
    fn a_token_is_shown_nowhere() {
        let wrong = found(Origins { flag: Some("two words"), ..Origins::default() }).unwrap_err();
        assert!(!wrong.contains("two words"), "{wrong}");
        let token = Token::find(Origins { flag: Some("hunter2"), ..Origins::default() }).unwrap();
        assert!(!format!("{token:?}").contains("hunter2"));
    }
}
