//! What the shim leaves on disk for the agent: `started` and `exit`, each a line of JSON sealed with its checksum, so that a
//! damaged file is never taken for evidence.

use crate::folder::{AttemptDir, write_durably, write_whole};
use pulse_protocol::failpoint::Act;
use pulse_protocol::{AttemptId, BootId, Ended};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Written when the command runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The command's process id, which is also its process group and session.
    pub pid: i32,
    /// The kernel's boot.
    pub boot: BootId,
    /// The process's start time in clock ticks since boot, which tells a reused id from the command's.
    pub start_time: u64,
    /// The cgroup made for it, where there is one.
    pub cgroup: Option<PathBuf>,
}

/// Written when the attempt is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// Whose end this is.
    pub attempt: AttemptId,
    /// How it ended.
    pub ended: Ended,
}

impl Started {
    /// Reads it; `None` when it was not written.
    pub fn read(dir: &AttemptDir) -> io::Result<Option<Self>> {
        read(&dir.file("started"))
    }
    /// Writes it for this boot: after another one nothing of it is true any more.
    pub fn write(&self, dir: &AttemptDir) -> io::Result<()> {
        write_whole(Act::ShimStarted, dir.path(), "started", seal(self)?.as_bytes()).map(drop)
    }
}

impl Exit {
    /// Reads it; `None` when it was not written.
    pub fn read(dir: &AttemptDir) -> io::Result<Option<Self>> {
        read(&dir.file("exit"))
    }
    /// Writes it durably.
    pub fn write(&self, dir: &AttemptDir) -> io::Result<()> {
        self.write_into(dir.path())
    }
    /// Writes it durably into a folder that is to become the attempt's.
    pub fn write_into(&self, folder: &Path) -> io::Result<()> {
        write_durably(Act::ShimExit, folder, "exit", seal(self)?.as_bytes())
    }
    /// Writes it for an agent that waits and makes it durable in its journal. The file is to be synced for one that is away.
    pub fn write_for_now(&self, dir: &AttemptDir) -> io::Result<File> {
        write_whole(Act::ShimExit, dir.path(), "exit", seal(self)?.as_bytes())
    }
}

fn seal<T: Serialize>(value: &T) -> io::Result<String> {
    let json = serde_json::to_string(value)?;
    let checksum = crc32fast::hash(json.as_bytes());
    Ok(format!("{json}\n{checksum:08x}\n"))
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match std::fs::read_to_string(path) {
        Ok(text) => unseal(&text).map(Some).map_err(|why| io::Error::new(why.kind(), format!("{}: {why}", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn unseal<T: DeserializeOwned>(text: &str) -> io::Result<T> {
    let damaged = || io::Error::new(ErrorKind::InvalidData, "the record is damaged");
    let (json, checksum) = text.strip_suffix('\n').and_then(|t| t.rsplit_once('\n')).ok_or_else(damaged)?;
    if checksum != format!("{:08x}", crc32fast::hash(json.as_bytes())) {
        return Err(damaged());
    }
    Ok(serde_json::from_str(json)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_record_is_no_evidence() {
        let sealed = seal(&Started { pid: 7, boot: BootId(uuid::Uuid::nil()), start_time: 9, cgroup: None }).unwrap();
        assert_eq!(unseal::<Started>(&sealed).unwrap().pid, 7);
        for cut in 0..sealed.len() {
            assert!(unseal::<Started>(&sealed[..cut]).is_err(), "cut at {cut}");
        }
        assert!(unseal::<Started>(&sealed.replace("\"pid\":7", "\"pid\":8")).is_err());
    }
}
