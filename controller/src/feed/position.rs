//! Where a listener stands: `<stream>-<number>`, the id of the last message that it has.

use std::fmt;
use std::str::FromStr;

/// The id of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The stream, of one start of a controller.
    pub stream: String,
    /// The number of the last notice that it has.
    pub number: u64,
}

/// A text that is the id of no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not the `id` of a message")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;
    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (stream, number) = text.split_once('-').ok_or(InvalidPosition)?;
        let is_name = (1..=64).contains(&stream.len()) && stream.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| is_name && is_number).ok_or(InvalidPosition)?;
        Ok(Self { stream: stream.to_owned(), number })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.stream, self.number)
    }
}
