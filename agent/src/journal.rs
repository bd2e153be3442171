//! The journal: what must outlive the agent, in one append-only file.
//!
//! A frame is `length (u32 LE) · crc32 of the text (u32 LE) · text`, a text one JSON object; the first frame holds the
//! journal's incarnation, and behind the last one are zeros up to a page's end: a sync that leaves the file's length as it is need not wait
//! for the file system's own journal. An append that something follows from ends with fdatasync ([`Record::must_last`]), and so does the
//! reading at a start, because an agent may have died before its fdatasync. A frame that is cut or
//! damaged ends the journal: it and what comes after is cut off at the next start, which is logged as an alarm and seen by the
//! controller as a sequence that went back. Compaction writes a new file beside the old one and renames it over.

use crate::acts;
use crate::folder::{DataDir, private_file, sync_dir, write_durably};
use crate::session::Record;
use anyhow::{Context, Result};
use pulse_protocol::Incarnation;
use pulse_protocol::failpoint::{self, Act};
use pulse_protocol::planted::{self, Bug};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

const NEWER: &str = "the journal was written by another release of pulse-agent; start that one";
/// Longest text of a frame.
const MAX_TEXT: usize = 8 * 1024 * 1024;
/// A journal smaller than this is never compacted.
const COMPACT_FROM: u64 = 1024 * 1024;
/// The file grows by so much.
const PAGE: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct Header {
    /// The format's version.
    journal: u32,
    incarnation: Incarnation,
    /// The sequence when this file was begun.
    sequence: u64,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    /// How many records were ever appended when this one was; a snapshot's records share one.
    sequence: u64,
    #[serde(flatten)]
    record: Record,
}

/// The open journal.
#[derive(Debug)]
pub struct Journal {
    data: DataDir,
    file: File,
    incarnation: Incarnation,
    /// How many records were ever appended.
    appended: u64,
    /// How many of them outlive a power cut; others may hear of no more.
    sequence: u64,
    /// Where the next frame goes: the end of the last frame that is known to be whole.
    end: u64,
    /// The file's length.
    length: u64,
    /// The size after the last compaction.
    compacted: u64,
    /// A failed append may have left bytes behind `end`; they must be cut off before the next.
    dirty: bool,
}

impl Journal {
    /// Opens the journal, or makes one, of the incarnation `fresh`. Returns it with the records it holds, in order.
    pub fn open(data: &DataDir, fresh: Incarnation) -> Result<(Self, Vec<Record>)> {
        let path = path(data);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Self::create(data, fresh).map(|journal| (journal, vec![]));
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let mut frames = Frames { bytes: &bytes, at: 0 };
        let Some(header) = frames.next_as::<Header>().context(NEWER)? else {
            let aside = data.root().join(format!("journal.damaged-{}", uuid::Uuid::now_v7()));
            std::fs::rename(&path, &aside).with_context(|| format!("cannot set {} aside", path.display()))?;
            tracing::error!(kept = %aside.display(), "ALARM: the journal's head is damaged; a new journal is begun, and what \
                ran under the old one will be reported as unknown");
            return Self::create(data, fresh).map(|journal| (journal, vec![]));
        };
        anyhow::ensure!(header.journal == 1, NEWER);
        let (mut records, mut sequence) = (Vec::new(), header.sequence);
        while let Some(entry) = frames.next_as::<Entry>().context(NEWER)? {
            sequence = entry.sequence;
            records.push(entry.record);
        }
        let end = frames.at as u64;
        let file = private_file().read(true).write(true).open(&path)?;
        let (length, incarnation) = (bytes.len() as u64, header.incarnation);
        let dirty = bytes[frames.at..].iter().any(|byte| *byte != 0);
        let mut journal =
            Self { data: data.clone(), file, incarnation, appended: sequence, sequence, end, length, compacted: end, dirty };
        if dirty {
            tracing::error!(cut = length - end, "ALARM: the journal's last frame is cut or damaged and is removed");
            journal.cut().context("cannot remove the journal's damaged end")?;
        }
        // An agent that died between a write and its sync left a record that only this boot can read.
        sync(&journal.file).context("cannot make the journal durable")?;
        Ok((journal, records))
    }

    fn create(data: &DataDir, incarnation: Incarnation) -> Result<Self> {
        let mut bytes = Vec::new();
        frame(&mut bytes, &Header { journal: 1, incarnation, sequence: 0 })?;
        write_durably(Act::JournalCompact, data.root(), "journal", &bytes).context("cannot make the journal")?;
        let file = private_file().read(true).write(true).open(path(data))?;
        let end = bytes.len() as u64;
        Ok(Self {
            data: data.clone(),
            file,
            incarnation,
            appended: 0,
            sequence: 0,
            end,
            length: end,
            compacted: end,
            dirty: false,
        })
    }

    /// The journal's id.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// How many records were ever made durable.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Writes records, all or none. If one of them must last, all that was ever written is durable after this.
    pub fn append(&mut self, records: &[Record]) -> io::Result<()> {
        if self.dirty {
            self.cut()?;
        }
        let mut bytes = Vec::new();
        for (record, number) in records.iter().zip(1..) {
            frame(&mut bytes, &Entry { sequence: self.appended + number, record: record.clone() })?;
        }
        let act = acts::of_records(records);
        failpoint::before(act)?;
        self.dirty = true;
        let end = self.end + bytes.len() as u64;
        if end > self.length {
            bytes.resize((end.next_multiple_of(PAGE) - self.end) as usize, 0);
        }
        self.file.write_all_at(&bytes, self.end)?;
        self.length = self.length.max(self.end + bytes.len() as u64);
        let must_last = records.iter().any(Record::must_last);
        if must_last && !planted::is(Bug::NoSync) {
            sync(&self.file)?;
        }
        // Whoever is told that it failed has it cut off before the next: it is not counted.
        failpoint::after(act)?;
        (self.dirty, self.end) = (false, end);
        self.appended += records.len() as u64;
        if must_last {
            self.sequence = self.appended;
        }
        Ok(())
    }

    /// Whether the journal has grown enough for a compaction to pay.
    pub fn wants_compaction(&self) -> bool {
        self.end > COMPACT_FROM.max(2 * self.compacted)
    }

    /// Replaces everything by a snapshot.
    pub fn compact(&mut self, snapshot: Vec<Record>) -> io::Result<()> {
        let mut bytes = Vec::new();
        frame(&mut bytes, &Header { journal: 1, incarnation: self.incarnation, sequence: self.appended })?;
        for record in snapshot {
            frame(&mut bytes, &Entry { sequence: self.appended, record })?;
        }
        write_durably(Act::JournalCompact, self.data.root(), "journal", &bytes)?;
        self.file = private_file().read(true).write(true).open(path(&self.data))?;
        self.end = bytes.len() as u64;
        (self.length, self.compacted) = (self.end, self.end);
        (self.sequence, self.dirty) = (self.appended, false);
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.length = self.end;
        sync(&self.file)?;
        sync_dir(self.data.root())?;
        self.dirty = false;
        Ok(())
    }
}

/// Makes the file's bytes and its length durable.
#[expect(clippy::disallowed_methods, reason = "the journal's own way to the disk, between its points")]
fn sync(file: &File) -> io::Result<()> {
    failpoint::around(Act::JournalSync, || file.sync_data())
}

fn path(data: &DataDir) -> PathBuf {
    data.root().join("journal")
}

fn frame<T: Serialize>(into: &mut Vec<u8>, value: &T) -> io::Result<()> {
    let text = serde_json::to_vec(value)?;
    if text.len() > MAX_TEXT {
        return Err(io::Error::new(ErrorKind::InvalidInput, "a record is too long for the journal"));
    }
    into.extend((text.len() as u32).to_le_bytes());
    into.extend(crc32fast::hash(&text).to_le_bytes());
    into.extend(text);
    Ok(())
}

/// Whole frames from the beginning; stops for good at the first that is not.
struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    /// An error means a whole frame that says something this release does not know; it must not be cut off.
    fn next_as<T: serde::de::DeserializeOwned>(&mut self) -> serde_json::Result<Option<T>> {
        let Some(text) = self.next_text() else { return Ok(None) };
        let value = serde_json::from_slice(text)?;
        self.at += 8 + text.len();
        Ok(Some(value))
    }

    fn next_text(&self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (checksum, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let text = rest.get(..length).filter(|_| length <= MAX_TEXT && length > 0)?;
        (crc32fast::hash(text) == u32::from_le_bytes(*checksum)).then_some(text)
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
