//! Files of a commit that a manifest uses beside itself: scripts, and what a command needs in its work folder. They are pinned
//! with the definition, count in its digest, and travel with every attempt.

use crd_schemas::Manifest;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files by their path, relative to the source's root, `/` between parts.
pub type Files = BTreeMap<String, PinnedFile>;

/// Most bytes of one file.
pub const MAX_PINNED_BYTES: usize = 1 << 20;

/// A file as its commit holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PinnedFile {
    /// Its mode in the commit lets it be executed.
    pub executable: bool,
    /// What it holds, at most [`MAX_PINNED_BYTES`]; base64 in JSON. Shared, because a plan, a snapshot and every attempt use it.
    #[serde(with = "shared_base64")]
    pub content: Arc<Vec<u8>>,
}

/// One place in a manifest that names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUse {
    /// The file, relative to the source's root.
    pub path: String,
    /// RFC 6901 pointer of the field that names it.
    pub pointer: String,
}

impl PinnedFile {
    /// SHA-256 of its content, in hex.
    pub fn digest(&self) -> String {
        Sha256::digest(self.content.as_slice()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Every file that a manifest names, in the order in which it names them.
pub fn files_of(manifest: &Manifest) -> Vec<FileUse> {
    match manifest {
        // No field of this release names a file yet.
        Manifest::Workflow(_) | Manifest::Agent(_) | Manifest::AgentGroup(_) => Vec::new(),
    }
}

mod shared_base64 {
    use serde::{Deserializer, Serializer};
    use std::sync::Arc;

    pub fn serialize<S: Serializer>(bytes: &Arc<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        pulse_protocol::frame::base64_bytes::serialize(bytes.as_slice(), serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Vec<u8>>, D::Error> {
        pulse_protocol::frame::base64_bytes::deserialize(deserializer).map(Arc::new)
    }
}
