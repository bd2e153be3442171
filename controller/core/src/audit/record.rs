//! One row: who, from where, what, on what, and what came of it.

use super::Link;
use crate::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Bytes of a row's details, as JSON.
pub const MAX_DETAILS: usize = 4096;

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// As histories name them.
    pub name: String,
    /// What they are: `user`, `token`, `root`, `source`, `controller`.
    pub kind: String,
    /// By what they came in, such as `admin_token`.
    pub means: String,
}

/// On what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// What it is, such as `execution`.
    pub kind: String,
    /// Its id or name; as it was asked for where there is none of it.
    pub id: String,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is being done. The only outcome that another one replaces, and never that of a sealed row.
    Begun,
    /// It was done.
    Done,
    /// It was so already, or nothing was asked for but a look.
    Unchanged,
    /// It was refused, and changed nothing.
    Refused,
    /// It failed, and changed nothing.
    Failed,
    /// Nobody knows: the controller ended, or lost its database, while it was being done.
    Unknown,
}

impl Outcome {
    /// Each.
    pub const ALL: [Self; 6] = [Self::Begun, Self::Done, Self::Unchanged, Self::Refused, Self::Failed, Self::Unknown];

    /// Its stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A row's content. No secret is ever in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its id, a UUIDv7.
    pub id: Uuid,
    /// When it was asked for.
    #[serde(with = "instant")]
    pub at: Timestamp,
    /// Who asked; absent where nobody knows.
    pub principal: Option<Who>,
    /// The address at the other end of the connection; absent for what no request asked for.
    pub peer: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// What was asked for, a stable word such as `execution.start`.
    pub action: String,
    /// On what.
    pub object: Option<Object>,
    /// What came of it.
    pub outcome: Outcome,
    /// The answer's status.
    pub status: Option<u16>,
    /// The code of the problem that was answered.
    pub code: Option<String>,
    /// Digest of the object before.
    pub before: Option<String>,
    /// Digest of the object after.
    pub after: Option<String>,
    /// What else there is to say.
    pub details: Map<String, Value>,
}

/// A row in its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sealed {
    /// Its number; numbers begin at 1 and have no gaps.
    pub seq: i64,
    /// What it says.
    #[serde(flatten)]
    pub record: Record,
    /// The hash of the row before.
    pub previous: Link,
    /// Its own.
    pub hash: Link,
}

/// An instant as people read it, to the microsecond.
mod instant {
    use crate::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        match jiff::Timestamp::from_microsecond(at.0) {
            Ok(at) => to.collect_str(&format_args!("{at:.6}")),
            Err(error) => Err(serde::ser::Error::custom(error)),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let at: Result<jiff::Timestamp, _> = String::deserialize(from)?.parse();
        at.map(|at| Timestamp(at.as_microsecond())).map_err(serde::de::Error::custom)
    }
}
