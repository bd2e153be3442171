//! How the agent hands the shim its command: on stdin, so that nothing of it stands in a process list (P9), with length and
//! checksum, so that a spec cut by the agent's death is refused before the attempt is claimed.

use pulse_protocol::{AttemptId, BootId, CommandSpec};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind, Read};

/// Longest spec; an assignment fits a frame, and its JSON here is hardly longer.
const MAX_SPEC: u64 = 16 * 1024 * 1024;

/// What the shim needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The attempt; must be the one named in the arguments.
    pub attempt: AttemptId,
    /// The kernel's boot.
    pub boot: BootId,
    /// What to run.
    pub command: CommandSpec,
}

impl Spec {
    /// The spec as it goes over the pipe.
    pub fn to_wire(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let mut wire = format!("{} {:08x}\n", json.len(), crc32fast::hash(&json)).into_bytes();
        wire.extend(json);
        Ok(wire)
    }

    /// Reads one whole spec.
    pub fn read(input: impl Read) -> io::Result<Self> {
        let refuse = |what| io::Error::new(ErrorKind::InvalidData, what);
        let mut wire = Vec::new();
        input.take(MAX_SPEC).read_to_end(&mut wire)?;
        let end = wire.iter().position(|byte| *byte == b'\n').ok_or_else(|| refuse("the spec has no header"))?;
        let (header, json) = (&wire[..end], &wire[end + 1..]);
        if header != format!("{} {:08x}", json.len(), crc32fast::hash(json)).as_bytes() {
            return Err(refuse("the spec is cut or damaged"));
        }
        Ok(serde_json::from_slice(json)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_spec_is_refused() {
        let command = CommandSpec {
            argv: vec!["/bin/sh".into(), "-c".into()],
            script: "true".into(),
            env: [("A".into(), "ä\n".into())].into(),
            cwd: None,
            timeout_ms: 1,
            kill_grace_ms: 1,
            capture_stdout: false,
        };
        let spec = Spec { attempt: AttemptId(uuid::Uuid::now_v7()), boot: BootId(uuid::Uuid::nil()), command };
        let wire = spec.to_wire().unwrap();
        assert_eq!(Spec::read(wire.as_slice()).unwrap(), spec);
        for cut in 0..wire.len() {
            assert!(Spec::read(&wire[..cut]).is_err(), "cut at {cut}");
        }
    }
}
