//! A command's output on disk, both streams in one file: of each the first mebibyte as it came, then a ring that always holds the newest four.
//! The shim writes, the agent reads at the same time; no lock is between them.
//!
//! ```text
//! 0        total of stdout: bytes the command wrote, raised only after the bytes are in the file, and not any more after a disk error
//! 8        total of stderr
//! 16       the attempt's id: what lies there for another one is none of it
//! 4096     stdout: head, HEAD bytes
//! + HEAD   stdout: ring, RING bytes: offset o lies at (o - HEAD) % RING
//! + RING   stderr likewise
//! ```
//!
//! The ring is larger than the promised tail by `SLACK`, so that a reader at the tail's beginning is not overrun at once, and by
//! one write, because the bytes after `total` may be being overwritten at this moment.

use crate::folder::{AttemptDir, OUTPUT, private_file};
use pulse_protocol::failpoint::{self, Act};
use pulse_protocol::message::Stream;
use pulse_protocol::{AttemptId, OutputTotals};
use rustix::fs::{FallocateFlags, fallocate};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

/// Bytes kept from a stream's beginning.
pub const HEAD: u64 = 1024 * 1024;
/// Bytes kept from a stream's end.
pub const TAIL: u64 = 4 * 1024 * 1024;
/// Longest single write.
pub const MAX_WRITE: usize = 64 * 1024;
const SLACK: u64 = 1024 * 1024;
const RING: u64 = TAIL + SLACK + MAX_WRITE as u64;
/// What one stream takes at most.
const REGION: u64 = HEAD + RING;
const DATA_AT: u64 = 4096;
const WHOLE: u64 = DATA_AT + 2 * REGION;

/// The streams, in the order in which they lie in the file.
pub const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

/// Bytes at the file's beginning that say what is in it.
const HEADER: usize = 32;

/// The writing end.
pub struct Writer {
    file: File,
    written: [Written; 2],
    failed: Option<io::Error>,
}

/// The file's beginning.
pub fn header(totals: [u64; 2], attempt: AttemptId) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&totals[0].to_le_bytes());
    header[8..16].copy_from_slice(&totals[1].to_le_bytes());
    header[16..].copy_from_slice(attempt.0.as_bytes());
    header
}

/// What there was of a stream.
struct Written {
    total: u64,
    hash: Sha256,
}

impl Writer {
    /// Makes or empties the file and reserves its space, so that a full disk is found before the command starts and not in its middle.
    pub fn create(dir: &AttemptDir) -> io::Result<Self> {
        let file = private_file().read(true).write(true).create(true).truncate(true).open(dir.file(OUTPUT))?;
        match fallocate(&file, FallocateFlags::empty(), 0, WHOLE) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
            Err(errno) => return Err(errno.into()),
        }
        file.write_all_at(&header([0; 2], dir.attempt()), 0)?;
        let nothing = || Written { total: 0, hash: Sha256::new() };
        Ok(Self { file, written: [nothing(), nothing()], failed: None })
    }

    /// Takes bytes of a stream. A disk error loses their text, never their count or digest, and never stops the command.
    pub fn append(&mut self, stream: Stream, bytes: &[u8]) {
        for piece in bytes.chunks(MAX_WRITE) {
            let total = self.written[index(stream)].total;
            if self.failed.is_none() {
                self.failed = self.store(stream, total, piece).err();
            }
            let written = &mut self.written[index(stream)];
            written.hash.update(piece);
            written.total += piece.len() as u64;
            // What could not be stored must not be read, whatever becomes of the disk; the exit record tells the whole count.
            if self.failed.is_none() {
                drop(self.file.write_all_at(&written.total.to_le_bytes(), total_at(stream)));
            }
        }
    }

    fn store(&self, stream: Stream, mut offset: u64, piece: &[u8]) -> io::Result<()> {
        let mut rest = piece;
        while !rest.is_empty() {
            let (at, room) = place(stream, offset);
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
    pub fn finish(self) -> ([OutputTotals; 2], io::Result<()>) {
        let trimmed = self.give_back();
        // Of nothing, nothing can be lost: a spool that is not there holds as much.
        let durable = match trimmed {
            Ok(()) if self.written.iter().any(|written| written.total > 0) => {
                failpoint::around(Act::ShimOutput, || self.file.sync_data())
            }
            trimmed => trimmed,
        };
        let stored = self.failed.map_or(Ok(()), Err);
        let totals = self.written.map(|Written { total, hash }| OutputTotals { bytes: total, sha256: hex(&hash.finalize()) });
        (totals, stored.and(durable))
    }

    fn give_back(&self) -> io::Result<()> {
        let [stdout, stderr] = STREAMS.map(|stream| start(stream) + self.written[index(stream)].total.min(REGION));
        let end = if stderr == start(Stream::Stderr) { stdout } else { stderr };
        if end < WHOLE {
            self.file.set_len(end)?;
        }
        // Between the streams there is a hole then; a file system without holes keeps the space until the file goes.
        let unused = start(Stream::Stderr).saturating_sub(stdout);
        if end > stdout && unused > 0 {
            let _ = fallocate(&self.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, stdout, unused);
        }
        Ok(())
    }
}

/// The reading end of one stream.
pub struct Reader {
    file: File,
    attempt: AttemptId,
    stream: Stream,
}

/// Bytes of a stream in the attempt's spool. One that is not there, or has no head of this attempt yet, holds nothing: the command never got as far. Any
/// other error proves nothing.
pub fn available(dir: &AttemptDir, stream: Stream) -> io::Result<u64> {
    match Reader::open(dir, stream).and_then(|reader| reader.available()) {
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
    pub fn open(dir: &AttemptDir, stream: Stream) -> io::Result<Self> {
        Ok(Self { file: File::open(dir.file(OUTPUT))?, attempt: dir.attempt(), stream })
    }

    /// Bytes the command wrote, as far as they could be stored. An error of [`ErrorKind::UnexpectedEof`]: nothing of the attempt is there yet.
    pub fn available(&self) -> io::Result<u64> {
        let mut header = [0; HEADER];
        self.file.read_exact_at(&mut header, 0)?;
        if header[16..] != *self.attempt.0.as_bytes() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let at = total_at(self.stream) as usize;
        Ok(header[at..at + 8].iter().rev().fold(0, |total, byte| total << 8 | u64::from(*byte)))
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
            let (at, room) = place(self.stream, offset);
            let mut data = vec![0; (total - offset).min(room).min(limit as u64) as usize];
            self.file.read_exact_at(&mut data, at)?;
            if offset < HEAD || offset >= oldest(self.available()?) {
                return Ok(Some(Piece { offset, cut: offset - wanted, data }));
            }
        }
        Ok(None)
    }
}

const fn index(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}

/// Where a stream's total stands.
const fn total_at(stream: Stream) -> u64 {
    8 * index(stream) as u64
}

/// Where a stream begins.
const fn start(stream: Stream) -> u64 {
    DATA_AT + REGION * index(stream) as u64
}

/// The file position of a stream's offset, and how many bytes follow it there without a break.
fn place(stream: Stream, offset: u64) -> (u64, u64) {
    match offset.checked_sub(HEAD) {
        None => (start(stream) + offset, HEAD - offset),
        Some(beyond) => (start(stream) + HEAD + beyond % RING, RING - beyond % RING),
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
    use crate::folder::DataDir;
    use std::os::unix::fs::MetadataExt;

    /// Byte `o` of the test's stream.
    fn byte(o: u64) -> u8 {
        (o.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
    }

    fn write(writer: &mut Writer, from: u64, to: u64) {
        let bytes: Vec<u8> = (from..to).map(byte).collect();
        STREAMS.iter().for_each(|stream| writer.append(*stream, &bytes));
    }

    fn attempt() -> (tempfile::TempDir, AttemptDir) {
        let root = tempfile::tempdir().unwrap();
        let dir = DataDir::new(root.path()).attempt(AttemptId(uuid::Uuid::nil()));
        std::fs::create_dir_all(dir.path()).unwrap();
        (root, dir)
    }

    fn readers(dir: &AttemptDir) -> [Reader; 2] {
        STREAMS.map(|stream| Reader::open(dir, stream).unwrap())
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
        for (stdout, stderr) in [(1000, 0), (0, 1000), (1000, 1000), (0, 0), (REGION + 7, 1), (1, REGION + 7)] {
            let (_root, dir) = attempt();
            let mut writer = Writer::create(&dir).unwrap();
            let all: Vec<u8> = (0..REGION + 7).map(byte).collect();
            writer.append(Stream::Stdout, &all[..stdout as usize]);
            writer.append(Stream::Stderr, &all[..stderr as usize]);
            let (totals, durable) = writer.finish();
            durable.unwrap();
            for (found, reader, bytes) in [(&totals[0], 0, stdout), (&totals[1], 1, stderr)] {
                assert_eq!(found.bytes, bytes);
                assert_eq!(found.sha256, hex(&Sha256::digest(&all[..bytes as usize])));
                assert_eq!(read_all(&readers(&dir)[reader], 0).0, bytes);
            }
            let found = std::fs::metadata(dir.file(OUTPUT)).unwrap();
            let used = DATA_AT + stdout.min(REGION) + stderr.min(REGION);
            assert!(found.blocks() * 512 <= used + 4 * 4096, "{} of {used}", found.blocks() * 512);
        }
    }

    #[test]
    fn long_output_keeps_head_and_tail_and_says_what_is_cut() {
        for total in [HEAD, HEAD + 1, HEAD + RING - 1, HEAD + RING, HEAD + RING + 77, 3 * RING + 12_345] {
            let (_root, dir) = attempt();
            let mut writer = Writer::create(&dir).unwrap();
            write(&mut writer, 0, total);
            writer.finish().1.unwrap();
            for reader in readers(&dir) {
                let (end, gaps) = read_all(&reader, 0);
                assert_eq!(end, total);
                match gaps.as_slice() {
                    [] => assert!(total <= HEAD + TAIL + SLACK),
                    [(from, to)] => assert_eq!((*from, *to), (HEAD, total - TAIL)),
                    more => panic!("more than one gap: {more:?}"),
                }
            }
        }
    }

    #[test]
    fn a_disk_that_fails_loses_text_and_neither_count_nor_digest() {
        let (_root, dir) = attempt();
        let mut writer = Writer::create(&dir).unwrap();
        write(&mut writer, 0, 1000);
        let good = std::mem::replace(&mut writer.file, File::open(dir.file(OUTPUT)).unwrap());
        write(&mut writer, 1000, 3000);
        writer.file = good;
        write(&mut writer, 3000, 4000);
        let (totals, durable) = writer.finish();
        assert!(durable.is_err(), "and it is said");
        for (reader, totals) in readers(&dir).iter().zip(totals) {
            assert_eq!(read_all(reader, 0), (1000, vec![]), "not what is not there");
            assert_eq!(totals.bytes, 4000);
            assert_eq!(totals.sha256, hex(&Sha256::digest((0..4000).map(byte).collect::<Vec<u8>>())));
        }
    }

    #[test]
    fn a_reader_beside_a_fast_writer_never_sees_a_wrong_byte() {
        let (_root, dir) = attempt();
        let mut writer = Writer::create(&dir).unwrap();
        let total = 4 * RING;
        let reading = readers(&dir).map(|reader| {
            std::thread::spawn(move || {
                let mut offset = 0;
                while offset < total {
                    offset = read_all(&reader, offset).0;
                    std::thread::yield_now();
                }
                offset
            })
        });
        let mut at = 0;
        while at < total {
            let to = (at + 50_000).min(total);
            write(&mut writer, at, to);
            at = to;
        }
        reading.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), total));
    }
}
