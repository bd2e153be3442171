//! One stream's output on disk: the first mebibyte as it came, then a ring that always holds the newest four. The shim writes,
//! the agent reads at the same time; no lock is between them.
//!
//! ```text
//! 0        total: bytes the command wrote, raised only after the bytes are in the file, and not any more after a disk error
//! 4096     head, HEAD bytes
//! + HEAD   ring, RING bytes: offset o lies at (o - HEAD) % RING
//! ```
//!
//! The ring is larger than the promised tail by `SLACK`, so that a reader at the tail's beginning is not overrun at once, and by
//! one write, because the bytes after `total` may be being overwritten at this moment.

use pulse_protocol::OutputTotals;
use pulse_protocol::failpoint::{self, Act};
use rustix::fs::{FallocateFlags, fallocate};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes kept from a stream's beginning.
pub const HEAD: u64 = 1024 * 1024;
/// Bytes kept from a stream's end.
pub const TAIL: u64 = 4 * 1024 * 1024;
/// Longest single write.
pub const MAX_WRITE: usize = 64 * 1024;
const SLACK: u64 = 1024 * 1024;
const RING: u64 = TAIL + SLACK + MAX_WRITE as u64;
const DATA_AT: u64 = 4096;
const WHOLE: u64 = DATA_AT + HEAD + RING;

/// The writing end.
pub struct Writer {
    file: File,
    total: u64,
    failed: Option<io::Error>,
    hash: Sha256,
}

impl Writer {
    /// Makes the file and reserves its space, so that a full disk is found before the command starts and not in its middle.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = crate::folder::private_file().read(true).write(true).create_new(true).open(path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, WHOLE) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
            Err(errno) => return Err(errno.into()),
        }
        file.write_all_at(&0_u64.to_le_bytes(), 0)?;
        Ok(Self { file, total: 0, failed: None, hash: Sha256::new() })
    }

    /// Takes bytes. A disk error loses their text, never their count or digest, and never stops the command.
    pub fn append(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(MAX_WRITE) {
            self.hash.update(piece);
            if self.failed.is_none() {
                self.failed = self.store(piece).err();
            }
            self.total += piece.len() as u64;
            // What could not be stored must not be read, whatever becomes of the disk; the exit record tells the whole count.
            if self.failed.is_none() {
                drop(self.file.write_all_at(&self.total.to_le_bytes(), 0));
            }
        }
    }

    fn store(&self, piece: &[u8]) -> io::Result<()> {
        let mut offset = self.total;
        let mut rest = piece;
        while !rest.is_empty() {
            let (at, room) = place(offset);
            let length = rest.len().min(room as usize);
            self.file.write_all_at(&rest[..length], at)?;
            offset += length as u64;
            rest = &rest[length..];
        }
        Ok(())
    }

    /// Makes all of it durable, gives back reserved space that was not needed, and says the totals. An error: some of the text is not
    /// stored, or may not outlive a power cut.
    #[expect(clippy::disallowed_methods, reason = "output's way to the disk, between its points")]
    pub fn finish(self) -> (OutputTotals, io::Result<()>) {
        let trimmed = if DATA_AT + self.total < WHOLE { self.file.set_len(DATA_AT + self.total) } else { Ok(()) };
        // Of nothing, nothing can be lost: a spool that is not there holds as much.
        let durable = match trimmed {
            Ok(()) if self.total > 0 => failpoint::around(Act::ShimOutput, || self.file.sync_data()),
            trimmed => trimmed,
        };
        let stored = self.failed.map_or(Ok(()), Err);
        (OutputTotals { bytes: self.total, sha256: hex(&self.hash.finalize()) }, stored.and(durable))
    }
}

/// The reading end.
pub struct Reader {
    file: File,
}

/// Bytes in the spool at `path`. One that is not there, or has no head yet, holds nothing: the command never got as far. Any other
/// error proves nothing.
pub fn available(path: &Path) -> io::Result<u64> {
    match Reader::open(path).and_then(|reader| reader.available()) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => Ok(0),
        other => other,
    }
}

/// A piece of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins.
    pub offset: u64,
    /// How much later that is than asked for, because the bytes between are no longer kept.
    pub cut: u64,
    /// The bytes.
    pub data: Vec<u8>,
}

impl Reader {
    /// Opens a spool that the shim has made.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)? })
    }

    /// Bytes the command wrote, as far as they could be stored.
    pub fn available(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, 0)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// The next piece at `wanted`, at most `limit` bytes; `None` when there is none yet.
    pub fn read(&self, wanted: u64, limit: usize) -> io::Result<Option<Piece>> {
        // A writer faster than this reader can overrun it between two looks; the next round starts at the then oldest byte.
        for _ in 0..8 {
            let total = self.available()?;
            let offset = if wanted >= HEAD && wanted < oldest(total) { total - TAIL } else { wanted };
            if offset >= total {
                return Ok(None);
            }
            let (at, room) = place(offset);
            let mut data = vec![0; (total - offset).min(room).min(limit as u64) as usize];
            self.file.read_exact_at(&mut data, at)?;
            if offset < HEAD || offset >= oldest(self.available()?) {
                return Ok(Some(Piece { offset, cut: offset - wanted, data }));
            }
        }
        Ok(None)
    }
}

/// The file position of a stream offset, and how many bytes follow it there without a break.
fn place(offset: u64) -> (u64, u64) {
    match offset.checked_sub(HEAD) {
        None => (DATA_AT + offset, HEAD - offset),
        Some(beyond) => (DATA_AT + HEAD + beyond % RING, RING - beyond % RING),
    }
}

/// The oldest offset that can be read at this total; the head can be read always.
fn oldest(total: u64) -> u64 {
    match total.checked_sub(TAIL + SLACK) {
        Some(oldest) if oldest > HEAD => oldest,
        _ => 0,
    }
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte `o` of the test's stream.
    fn byte(o: u64) -> u8 {
        (o.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
    }

    fn write(writer: &mut Writer, from: u64, to: u64) {
        let bytes: Vec<u8> = (from..to).map(byte).collect();
        writer.append(&bytes);
    }

    /// Reads on from `offset` to the end; returns the offsets at which bytes were cut, and checks every byte.
    fn read_all(reader: &Reader, mut offset: u64) -> (u64, Vec<(u64, u64)>) {
        let mut gaps = Vec::new();
        while let Some(piece) = reader.read(offset, MAX_WRITE).unwrap() {
            if piece.offset != offset {
                gaps.push((offset, piece.offset));
            }
            assert!(
                piece.data.iter().zip(piece.offset..).all(|(found, o)| *found == byte(o)),
                "wrong byte after {}",
                piece.offset
            );
            offset = piece.offset + piece.data.len() as u64;
        }
        (offset, gaps)
    }

    #[test]
    fn short_output_is_kept_whole_and_its_space_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stdout");
        let mut writer = Writer::create(&path).unwrap();
        write(&mut writer, 0, 1000);
        let (totals, durable) = writer.finish();
        durable.unwrap();
        assert_eq!(totals.bytes, 1000);
        assert_eq!(totals.sha256, hex(&Sha256::digest((0..1000).map(byte).collect::<Vec<u8>>())));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), DATA_AT + 1000);
        assert_eq!(read_all(&Reader::open(&path).unwrap(), 0), (1000, vec![]));
    }

    #[test]
    fn long_output_keeps_head_and_tail_and_says_what_is_cut() {
        for total in [HEAD, HEAD + 1, HEAD + RING - 1, HEAD + RING, HEAD + RING + 77, 3 * RING + 12_345] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("stdout");
            let mut writer = Writer::create(&path).unwrap();
            write(&mut writer, 0, total);
            writer.finish().1.unwrap();
            let (end, gaps) = read_all(&Reader::open(&path).unwrap(), 0);
            assert_eq!(end, total);
            match gaps.as_slice() {
                [] => assert!(total <= HEAD + TAIL + SLACK),
                [(from, to)] => assert_eq!((*from, *to), (HEAD, total - TAIL)),
                more => panic!("more than one gap: {more:?}"),
            }
        }
    }

    #[test]
    fn a_disk_that_fails_loses_text_and_neither_count_nor_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stdout");
        let mut writer = Writer::create(&path).unwrap();
        write(&mut writer, 0, 1000);
        let good = std::mem::replace(&mut writer.file, File::open(&path).unwrap());
        write(&mut writer, 1000, 3000);
        writer.file = good;
        write(&mut writer, 3000, 4000);
        let (totals, durable) = writer.finish();
        assert!(durable.is_err(), "and it is said");
        assert_eq!(read_all(&Reader::open(&path).unwrap(), 0), (1000, vec![]), "not what is not there");
        assert_eq!(totals.bytes, 4000);
        assert_eq!(totals.sha256, hex(&Sha256::digest((0..4000).map(byte).collect::<Vec<u8>>())));
    }

    #[test]
    fn a_reader_beside_a_fast_writer_never_sees_a_wrong_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stdout");
        let mut writer = Writer::create(&path).unwrap();
        let total = 4 * RING;
        let reading = std::thread::spawn({
            let reader = Reader::open(&path).unwrap();
            move || {
                let mut offset = 0;
                while offset < total {
                    offset = read_all(&reader, offset).0;
                    std::thread::yield_now();
                }
                offset
            }
        });
        let mut at = 0;
        while at < total {
            let to = (at + 50_000).min(total);
            write(&mut writer, at, to);
            at = to;
        }
        assert_eq!(reading.join().unwrap(), total);
    }
}
