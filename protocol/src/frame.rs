//! Frames: bounded JSON texts. Whatever arrives is checked for size before it is parsed, and for bounds after.

use crate::files::{MAX_FILES, MAX_FILES_BYTES};
use crate::message::{ToAgent, ToController};
use serde::{Serialize, de::DeserializeOwned};

/// Longest frame, bytes. The largest honest one is one assignment with
///
/// ```text
/// 512 KiB of values and arguments, of which JSON makes at most six times as much    3.0 MiB
/// a command of at most 1 MiB, twice as much where every character is escaped        2.0 MiB
/// 4 MiB of files in base64, four bytes for three                                    5.4 MiB
/// 65 paths of at most 512 bytes, names of variables, braces                         0.2 MiB
/// ```
pub const MAX_FRAME: usize = 12 * 1024 * 1024;
/// Longest piece of output in one chunk, bytes.
pub const MAX_CHUNK: usize = 64 * 1024;
/// Most observations or assignments in one message.
pub const MAX_ITEMS: usize = 1000;
/// Longest text captured of stdout, bytes.
pub const MAX_CAPTURE: usize = 64 * 1024;

/// Why a frame is refused.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME`].
    #[error("frame of {length} bytes is longer than {MAX_FRAME}")]
    TooLong {
        /// Its length, bytes.
        length: usize,
    },
    /// Not a message of this protocol.
    #[error("not a message: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A part of the message is out of bounds.
    #[error("{what} is out of bounds: {found}, at most {limit}")]
    OutOfBounds {
        /// Which part.
        what: &'static str,
        /// Its size.
        found: usize,
        /// The bound.
        limit: usize,
    },
}

/// A message that knows its own bounds.
pub trait Message: Serialize + DeserializeOwned {
    /// Checks sizes that JSON's grammar does not.
    fn check(&self) -> Result<(), FrameError>;
}

/// Reads one frame.
pub fn decode<M: Message>(text: &str) -> Result<M, FrameError> {
    if text.len() > MAX_FRAME {
        return Err(FrameError::TooLong { length: text.len() });
    }
    let message: M = serde_json::from_str(text)?;
    message.check()?;
    Ok(message)
}

/// Writes one frame; refuses what the other side would refuse.
pub fn encode<M: Message>(message: &M) -> Result<String, FrameError> {
    message.check()?;
    let text = serde_json::to_string(message)?;
    if text.len() > MAX_FRAME { Err(FrameError::TooLong { length: text.len() }) } else { Ok(text) }
}

fn within(what: &'static str, found: usize, limit: usize) -> Result<(), FrameError> {
    if found > limit { Err(FrameError::OutOfBounds { what, found, limit }) } else { Ok(()) }
}

impl Message for ToController {
    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Identify(identify) => {
                within("labels", identify.labels.len(), 64)?;
                within("facts", identify.facts.len(), 64)?;
                within("observations", identify.observations.len(), MAX_ITEMS)
            }
            Self::Report { observations, .. } => {
                for observation in observations {
                    if let crate::Observed::Ended(ended) = &observation.observed {
                        within("captured stdout", ended.captured.as_ref().map_or(0, String::len), MAX_CAPTURE * 3)?;
                    }
                }
                within("observations", observations.len(), MAX_ITEMS)
            }
            Self::Output(chunk) => within("output chunk", chunk.data.len(), MAX_CHUNK),
            Self::Hello { .. } | Self::Heartbeat { .. } | Self::Pong { .. } => Ok(()),
        }
    }
}

impl Message for ToAgent {
    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Assign { assignments, .. } => {
                let commands = assignments.iter().filter_map(|assignment| assignment.command.as_ref());
                for command in commands {
                    within("files of a command", command.files.len(), MAX_FILES)?;
                    within("bytes of a command's files", command.files_bytes(), MAX_FILES_BYTES)?;
                }
                within("assignments", assignments.len(), MAX_ITEMS)
            }
            Self::Acknowledge { ended, forget, output, .. } => {
                within("acknowledged", ended.len().max(forget.len()).max(output.len()), MAX_ITEMS)
            }
            Self::Challenge { .. } | Self::Welcome { .. } | Self::Refused { .. } | Self::Ping { .. } => Ok(()),
        }
    }
}

/// Bytes as base64 text (RFC 4648 §4) inside JSON.
pub mod base64_bytes {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes base64.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
    /// Reads base64.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// As [`base64_bytes`], for bytes that many share.
pub mod shared_base64 {
    use serde::{Deserializer, Serializer};
    use std::sync::Arc;

    /// Writes base64.
    pub fn serialize<S: Serializer>(bytes: &Arc<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        super::base64_bytes::serialize(bytes, serializer)
    }
    /// Reads base64.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Vec<u8>>, D::Error> {
        super::base64_bytes::deserialize(deserializer).map(Arc::new)
    }
}
