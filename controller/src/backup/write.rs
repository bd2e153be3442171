//! Lines into a compressed stream, counted and digested on their way.

use super::line::{End, Line};
use flate2::Compression;
use flate2::write::GzEncoder;
use pulse_store::Part;
use sha2::{Digest, Sha256};
use std::io::Write;

/// A backup that is being written.
pub(super) struct Writer<W: Write> {
    out: GzEncoder<W>,
    digest: Sha256,
    lines: u64,
    rows: u64,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out: GzEncoder::new(out, Compression::default()), digest: Sha256::new(), lines: 0, rows: 0 }
    }

    /// Writes a line.
    pub(super) fn line(&mut self, line: &Line) -> std::io::Result<()> {
        let mut text = line.text();
        text.push('\n');
        self.digest.update(text.as_bytes());
        self.lines += 1;
        self.rows += u64::from(matches!(line, Line::Part(Part::Row(_))));
        self.out.write_all(text.as_bytes())
    }

    /// Writes the last line and answers what the stream went to, with how many rows there are and their digest.
    pub(super) fn finish(mut self) -> std::io::Result<(W, End)> {
        let sha256 = hex(&self.digest.finalize_reset());
        let end = End { lines: self.lines, rows: self.rows, sha256 };
        let mut text = Line::End(end.clone()).text();
        text.push('\n');
        self.out.write_all(text.as_bytes())?;
        let mut out = self.out.finish()?;
        out.flush()?;
        Ok((out, end))
    }
}

/// Digits of hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
