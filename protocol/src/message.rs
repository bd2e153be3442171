//! The messages, as JSON objects tagged by `type`, one per WebSocket text frame.
//!
//! ```text
//! agent → hello                                   controller → challenge | refused
//! agent → identify (signature, token, picture)    controller → welcome (epoch, picture) | refused
//! then, in any order, each with the session's epoch where it could be mistaken for an older session's:
//! agent → report · output · heartbeat             controller → assign · acknowledge · ping
//! ```

use crate::ids::{AgentName, AttemptId, BootId, Epoch, Incarnation};
use crate::observation::Observation;
use crate::picture::{Assignment, OutputOffsets};
use crate::version::VersionRange;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an agent signs (Ed25519) to prove that it holds its key: these bytes, then the nonce, then its name, its journal's
/// incarnation and its session's boot id, each on a line of its own.
pub fn challenge_text(nonce: &str, name: &AgentName, incarnation: Incarnation, boot: BootId) -> String {
    format!("pulse agent challenge v1\n{nonce}\n{name}\n{incarnation}\n{boot}\n")
}

/// What an agent signs with the key that it has and with the one that it wants instead.
pub fn rotation_text(nonce: &str, name: &AgentName, old: &str, new: &str) -> String {
    format!("pulse agent rotation v1\n{nonce}\n{name}\n{old}\n{new}\n")
}

/// Agent to controller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ToController {
    /// First message of a connection.
    Hello {
        /// Versions the agent speaks.
        versions: VersionRange,
        /// The agent's own release, for people.
        release: String,
    },
    /// Who it is, proven, and its full picture.
    Identify(Box<Identify>),
    /// Observed states, each repeated until acknowledged or forgotten.
    Report {
        /// The session's epoch.
        epoch: Epoch,
        /// The observations.
        observations: Vec<Observation>,
        /// True: this is everything the agent knows, so an open attempt that is missing is unknown to it.
        full: bool,
        /// The journal's last sequence.
        sequence: u64,
    },
    /// A piece of output.
    Output(OutputChunk),
    /// Still here; every few seconds.
    Heartbeat {
        /// The session's epoch.
        epoch: Epoch,
        /// The host's load at this moment.
        vitals: Vitals,
    },
    /// Answer to a ping.
    Pong {
        /// The ping's number.
        number: u64,
    },
}

/// Who an agent is, and its full picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identify {
    /// Its name.
    pub name: AgentName,
    /// Its public key: 32 bytes Ed25519, base64.
    pub public_key: String,
    /// The signature over [`challenge_text`]: 64 bytes, base64.
    pub signature: String,
    /// The enrolment token, sent only while the agent has not yet been welcomed once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Another key in place of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// The kernel's boot.
    pub boot: BootId,
    /// The journal.
    pub incarnation: Incarnation,
    /// The journal's last sequence.
    pub sequence: u64,
    /// How many commands it runs side by side.
    pub slots: u32,
    /// What it says of itself; shown as `self/…`.
    pub labels: BTreeMap<String, String>,
    /// Host name, operating system, kernel, architecture, CPUs, memory.
    pub facts: BTreeMap<String, String>,
    /// Everything it knows of attempts, tombstones included.
    pub observations: Vec<Observation>,
}

/// The key that an agent wants in place of the one that it has. It counts once both have signed for it, and is kept before the welcome: an
/// agent that never heard the welcome comes the same way again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rotation {
    /// The new public key: 32 bytes Ed25519, base64.
    pub public_key: String,
    /// The old key's signature over [`rotation_text`], base64.
    pub by_old: String,
    /// The new key's.
    pub by_new: String,
}

/// One numbered piece of one stream, at most [`crate::frame::MAX_CHUNK`] bytes. Its number is its offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutputChunk {
    /// The session's epoch.
    pub epoch: Epoch,
    /// Whose output.
    pub attempt: AttemptId,
    /// Which stream.
    pub stream: Stream,
    /// Bytes of the stream before this piece.
    pub offset: u64,
    /// How many bytes directly before this piece the agent does not have any more. A jump over more than these is a piece that was
    /// lost on its way: what lies beyond it is not stored, and the agent sends it again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut: u64,
    /// The bytes, base64 in JSON.
    #[serde(with = "crate::frame::base64_bytes")]
    pub data: Vec<u8>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Which output stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How the host is doing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Vitals {
    /// Load average over one minute.
    pub load1: f64,
    /// Share of all CPUs that was busy since the last heartbeat, 0 to 100.
    pub cpu_percent: f64,
    /// Memory in use, bytes (total less available).
    pub memory_used_bytes: u64,
    /// All memory, bytes.
    pub memory_total_bytes: u64,
    /// Seconds since boot.
    pub uptime_seconds: u64,
    /// Commands running.
    pub running: u32,
    /// The host's clock when it said so, microseconds since 1970; agents of earlier releases do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_us: Option<i64>,
    /// Bytes that are free where the agent keeps its journal and output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_free_bytes: Option<u64>,
}

/// Controller to agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ToAgent {
    /// Prove who you are.
    Challenge {
        /// The version that both speak from here on.
        version: u16,
        /// Random, used once.
        nonce: String,
    },
    /// Come in.
    Welcome {
        /// This session's epoch.
        epoch: Epoch,
        /// Heartbeat interval in milliseconds.
        heartbeat_ms: u64,
        /// The database was restored, as of this time (seconds since 1970): say also how attempts ended that were forgotten since, so that
        /// it is known what went on. Absent otherwise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        witness_since: Option<u64>,
    },
    /// Not now, or never; the connection closes.
    Refused {
        /// Stable code, such as `token_invalid`, `name_taken`, `version`, `quarantined`, `revoked`.
        code: String,
        /// What happened and what to do.
        message: String,
        /// When to try again; the agent adds jitter. Absent: only a person can mend it, try rarely.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// Desired attempts.
    Assign {
        /// The session's epoch.
        epoch: Epoch,
        /// What is wanted.
        assignments: Vec<Assignment>,
        /// True: this is everything that is wanted; sent after the welcome and from time to time.
        full: bool,
    },
    /// What the controller has durably taken over.
    Acknowledge {
        /// The session's epoch.
        epoch: Epoch,
        /// Ended attempts whose end is committed: stop reporting, keep the tombstone.
        ended: Vec<AttemptId>,
        /// Attempts whose tombstone both sides have seen: forget them.
        forget: Vec<AttemptId>,
        /// How far each attempt's output is stored.
        output: Vec<(AttemptId, OutputOffsets)>,
    },
    /// Answer with a pong at once.
    Ping {
        /// To be repeated in the pong.
        number: u64,
    },
}

impl ToAgent {
    /// The session that it belongs to, where it says so. A message of another session than the present one is left.
    pub const fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Assign { epoch, .. } | Self::Acknowledge { epoch, .. } | Self::Welcome { epoch, .. } => Some(*epoch),
            Self::Challenge { .. } | Self::Refused { .. } | Self::Ping { .. } => None,
        }
    }
}
