//! How the agent hands the shim its command: on stdin, so that nothing of it stands in a process list (P9), with length and
//! checksum, so that a spec cut by the agent's death is refused before the attempt is claimed.

use crate::users::Account;
use pulse_protocol::{AttemptId, CommandSpec};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind, Read};

/// Longest spec; an assignment fits a frame, and its JSON here is hardly longer.
const MAX_SPEC: u64 = 16 * 1024 * 1024;
/// Bytes before the JSON.
const HEADER: usize = 20;

/// What the shim needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The attempt.
    pub attempt: AttemptId,
    /// Whom the command becomes; the agent's own user unless said. The agent has judged that it may.
    pub account: Option<Account>,
    /// What to run.
    pub command: CommandSpec,
}

impl Spec {
    /// The spec as it goes over the pipe. The header has a fixed place before the JSON, which is long where files come with it
    /// and is therefore not copied.
    pub fn into_wire(self) -> io::Result<Vec<u8>> {
        let mut wire = Vec::with_capacity(HEADER + self.command.files_bytes() / 3 * 4 + 64 * 1024);
        wire.resize(HEADER, b' ');
        serde_json::to_writer(&mut wire, &self)?;
        let json = &wire[HEADER..];
        let header = header(json);
        wire[..HEADER].copy_from_slice(&header);
        Ok(wire)
    }

    /// Reads one whole spec, and nothing that comes after it.
    pub fn read(mut input: impl Read) -> io::Result<Self> {
        let refuse = |what| io::Error::new(ErrorKind::InvalidData, what);
        let mut head = [0; HEADER];
        input.read_exact(&mut head)?;
        let length = std::str::from_utf8(&head[..10]).ok().and_then(|digits| digits.parse::<u64>().ok());
        let length = length.filter(|length| *length < MAX_SPEC).ok_or_else(|| refuse("the spec has no header"))?;
        let mut json = Vec::new();
        input.take(length).read_to_end(&mut json)?;
        if head != header(&json) {
            return Err(refuse("the spec is cut or damaged"));
        }
        Ok(serde_json::from_slice(&json)?)
    }
}

/// Length and CRC-32 of the JSON, and a line break.
fn header(json: &[u8]) -> [u8; HEADER] {
    let text = format!("{:010} {:08x}\n", json.len(), crc32fast::hash(json));
    let mut header = [0; HEADER];
    // Ten digits and eight hold every length below MAX_SPEC and every checksum.
    header.copy_from_slice(&text.as_bytes()[..HEADER]);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_spec_is_refused() {
        let command = CommandSpec {
            argv: vec!["/bin/sh".into(), "-c".into()],
            script: "true".into(),
            script_file: None,
            files: vec![],
            env: [("A".into(), "ä\n".into())].into(),
            cwd: None,
            user: None,
            timeout_ms: 1,
            kill_grace_ms: 1,
            capture_stdout: false,
        };
        let spec = Spec { attempt: AttemptId(uuid::Uuid::now_v7()), account: None, command };
        let wire = spec.clone().into_wire().unwrap();
        assert_eq!(Spec::read(wire.as_slice()).unwrap(), spec);
        for cut in 0..wire.len() {
            assert!(Spec::read(&wire[..cut]).is_err(), "cut at {cut}");
        }
        let more = [wire.as_slice(), b"more"].concat();
        let mut rest = more.as_slice();
        assert_eq!((Spec::read(&mut rest).unwrap(), rest), (spec, &b"more"[..]));
    }
}
