//! What the shim leaves on disk for the agent, in one file: a line before the command starts, one when it runs, and one when it is over. A line is
//! JSON with its attempt and its checksum, so that a damaged one or another's is never taken for evidence; one without its end is not there yet.

use crate::folder::{AttemptDir, RECORD, private_file, sync_dir};
use pulse_protocol::failpoint::{self, Act};
use pulse_protocol::{AttemptId, Ended};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Written before the command starts. What it says is true in its own boot only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Supervised {
    /// The shim's process id.
    pub shim: i32,
    /// The cgroup made for the command, where there is one.
    pub cgroup: Option<PathBuf>,
}

/// Written when the command runs. What it says is true in its own boot only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The command's process id, which is also its process group and session.
    pub pid: i32,
}

/// Written when the attempt is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// How it ended.
    pub ended: Ended,
}

/// Whose line it is, and what it says.
type Sealed = (AttemptId, Line);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Supervised(Supervised),
    Started(Started),
    Exit(Exit),
}

impl Supervised {
    /// Reads it; `None` when it was not written.
    pub fn read(dir: &AttemptDir) -> io::Result<Option<Self>> {
        read(dir, |line| if let Line::Supervised(supervised) = line { Some(supervised) } else { None })
    }
}

impl Started {
    /// Reads it; `None` when it was not written.
    pub fn read(dir: &AttemptDir) -> io::Result<Option<Self>> {
        read(dir, |line| if let Line::Started(started) = line { Some(started) } else { None })
    }
}

impl Exit {
    /// Reads it; `None` when it was not written.
    pub fn read(dir: &AttemptDir) -> io::Result<Option<Self>> {
        read(dir, |line| if let Line::Exit(exit) = line { Some(exit) } else { None })
    }
}

/// The writing end. The file is opened, and emptied, for its first line.
#[derive(Debug)]
pub struct Writer {
    attempt: AttemptId,
    folder: PathBuf,
    file: Option<File>,
    /// Where the next line goes.
    end: u64,
    /// A failed write may have left bytes behind `end`.
    dirty: bool,
}

impl Writer {
    /// Of the attempt's record in this folder, of which nothing is written yet.
    pub fn new(attempt: AttemptId, folder: &Path) -> Self {
        Self { attempt, folder: folder.to_owned(), file: None, end: 0, dirty: false }
    }

    /// A shim has the attempt. So a full disk is found before the command starts.
    pub fn supervised(&mut self, supervised: Supervised) -> io::Result<()> {
        self.append(Line::Supervised(supervised), || Ok(()))
    }

    /// The command runs.
    pub fn started(&mut self, started: Started) -> io::Result<()> {
        failpoint::before(Act::ShimStarted)?;
        self.append(Line::Started(started), || failpoint::after(Act::ShimStarted))
    }

    /// The attempt is over. It may be missing after a power cut until [`Writer::sync`].
    pub fn exit(&mut self, exit: Exit) -> io::Result<()> {
        failpoint::before(Act::ShimExit)?;
        self.append(Line::Exit(exit), || failpoint::after(Act::ShimExit))
    }

    /// Lets what was written outlive a power cut, but for the folder's own name.
    #[expect(clippy::disallowed_methods, reason = "it is part of the act of writing the record")]
    pub fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)?;
        sync_dir(&self.folder)
    }

    /// One that fails in `after` is written once more.
    fn append(&mut self, line: Line, after: impl Fn() -> io::Result<()>) -> io::Result<()> {
        let sealed = seal(&(self.attempt, line))?;
        let file = match self.file.take() {
            Some(file) => file,
            None => private_file().write(true).create(true).truncate(true).open(self.folder.join(RECORD))?,
        };
        let file = self.file.insert(file);
        if self.dirty {
            file.set_len(self.end)?;
        }
        self.dirty = true;
        file.write_all_at(sealed.as_bytes(), self.end)?;
        after()?;
        (self.end, self.dirty) = (self.end + sealed.len() as u64, false);
        Ok(())
    }
}

fn seal(line: &Sealed) -> io::Result<String> {
    let json = serde_json::to_string(line)?;
    let checksum = crc32fast::hash(json.as_bytes());
    Ok(format!("{json} {checksum:08x}\n"))
}

/// The first line that is wanted. An error of [`ErrorKind::InvalidData`]: there is none, and a line is damaged or another attempt's.
fn read<T>(dir: &AttemptDir, wanted: impl Fn(Line) -> Option<T>) -> io::Result<Option<T>> {
    let path = dir.file(RECORD);
    let bytes = match std::fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        result => result?,
    };
    for sealed in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(sealed) = sealed.strip_suffix(b"\n") else { return Ok(None) };
        let unfit = |what| io::Error::new(ErrorKind::InvalidData, format!("{}: the record is {what}", path.display()));
        let (attempt, line) = unseal(sealed).ok_or_else(|| unfit("damaged"))?;
        if attempt != dir.attempt() {
            return Err(unfit("another attempt's"));
        }
        if let Some(found) = wanted(line) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn unseal(sealed: &[u8]) -> Option<Sealed> {
    let (json, checksum) = std::str::from_utf8(sealed).ok()?.rsplit_once(' ')?;
    (checksum == format!("{:08x}", crc32fast::hash(json.as_bytes()))).then(|| serde_json::from_str(json).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::DataDir;
    use pulse_protocol::observation::EndKind;
    use uuid::Uuid;

    fn scene() -> (tempfile::TempDir, AttemptDir, Vec<u8>) {
        let root = tempfile::tempdir().unwrap();
        let dir = DataDir::new(root.path()).attempt(AttemptId(Uuid::nil()));
        std::fs::create_dir_all(dir.path()).unwrap();
        let mut writer = Writer::new(dir.attempt(), dir.path());
        writer.started(Started { pid: 7 }).unwrap();
        let ended = Ended { captured: Some("a\nb c\n".into()), ..Ended::bare(EndKind::Exited { code: 3 }) };
        writer.exit(Exit { ended }).unwrap();
        writer.sync().unwrap();
        let bytes = std::fs::read(dir.file(RECORD)).unwrap();
        (root, dir, bytes)
    }

    #[test]
    fn what_is_cut_is_not_there_and_what_is_damaged_is_no_evidence() {
        let (_root, dir, bytes) = scene();
        let read = || (Started::read(&dir), Exit::read(&dir));
        let (started, exit) = read();
        assert_eq!((started.unwrap().unwrap().pid, exit.unwrap().unwrap().ended.captured.unwrap().len()), (7, 6));
        let first = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        for cut in 0..bytes.len() {
            std::fs::write(dir.file(RECORD), &bytes[..cut]).unwrap();
            let (started, exit) = read();
            assert_eq!((started.unwrap().is_some(), exit.unwrap()), (cut > first, None), "cut at {cut}");
        }
        for bit in 0..bytes.len() - 1 {
            let mut damaged = bytes.clone();
            damaged[bit] ^= 1;
            std::fs::write(dir.file(RECORD), &damaged).unwrap();
            let (started, exit) = read();
            assert!(exit.is_err() || matches!(exit, Ok(None)), "a bit at {bit}");
            assert_eq!(started.is_ok_and(|started| started.is_some()), bit > first, "a bit at {bit}");
        }
    }

    #[test]
    fn a_line_that_did_not_go_through_is_replaced() {
        let (_root, dir, _) = scene();
        let mut writer = Writer::new(dir.attempt(), dir.path());
        let broken = File::open(dir.file(RECORD)).unwrap();
        writer.file = Some(broken);
        let exit = |code| Exit { ended: Ended::bare(EndKind::Exited { code }) };
        writer.exit(exit(1)).unwrap_err();
        assert!(writer.dirty);
        writer.file = Some(File::options().write(true).open(dir.file(RECORD)).unwrap());
        writer.exit(exit(2)).unwrap();
        assert_eq!(Exit::read(&dir).unwrap().unwrap().ended.how, EndKind::Exited { code: 2 });
        assert_eq!(std::fs::read(dir.file(RECORD)).unwrap().iter().filter(|byte| **byte == b'\n').count(), 1);
    }
}
