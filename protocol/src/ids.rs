//! One newtype per id, so that no id can be passed for another. Ids travel and are stored as text.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use uuid::Uuid;

/// An id's text that is not of the id's form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {what}: {expected}")]
pub struct InvalidId {
    /// Which id was expected.
    pub what: &'static str,
    /// The text as it came, cut to 80 characters.
    pub text: String,
    /// The form that is accepted.
    pub expected: &'static str,
}

impl InvalidId {
    fn new(what: &'static str, text: &str, expected: &'static str) -> Self {
        Self { what, text: text.chars().take(80).collect(), expected }
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            /// Takes the hyphenated lower-case form only, so that one id has one spelling (it names files).
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id = Uuid::try_parse(text).ok().filter(|id| id.as_hyphenated().to_string() == text);
                id.map(Self).ok_or_else(|| InvalidId::new($what, text, "a lower-case hyphenated UUID"))
            }
        }
    };
}

uuid_id!(
    /// An execution of a workflow; UUIDv7 (RFC 9562), so ids sort by time.
    ExecutionId, "execution id"
);
uuid_id!(
    /// One attempt to run a step's command on one target; UUIDv7. Its command is started at most once (P1).
    AttemptId, "attempt id"
);
uuid_id!(
    /// One question to a person: a visit of a `prompt` step; UUIDv7.
    PromptId, "prompt id"
);
uuid_id!(
    /// The random id of an agent's journal, made with the journal. Another incarnation means the old journal is lost.
    Incarnation, "journal incarnation"
);
uuid_id!(
    /// The kernel's id of this boot (`/proc/sys/kernel/random/boot_id`).
    BootId, "boot id"
);

/// The number of an agent's session, raised by the controller at each accepted connection; messages of an older epoch
/// change nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub i64);

/// Names that mean something else: every agent, and the API's paths beside agents' names.
const RESERVED: [&str; 3] = ["all", "session", "tokens"];

/// An agent's name: an RFC 1123 label or dotted name, at most 63 characters, none of `all`, `session`, `tokens`.
// Clones share the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentName(#[cfg_attr(feature = "schema", schemars(length(min = 1, max = 63)))] Arc<str>);

impl AgentName {
    /// The form of a name, for people.
    pub const FORM: &str =
        "1 to 63 of a-z, 0-9, `-` and `.`, beginning and ending with a letter or digit, and none of `all`, `session`, `tokens`";

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
impl fmt::Debug for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
impl FromStr for AgentName {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let ends = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = text.as_bytes();
        let inner = bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
        let fits = bytes.len() <= 63 && ends(bytes.first()) && ends(bytes.last()) && inner && !RESERVED.contains(&text);
        if fits { Ok(Self(text.into())) } else { Err(InvalidId::new("agent name", text, Self::FORM)) }
    }
}
impl Serialize for AgentName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for AgentName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
