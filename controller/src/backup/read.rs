//! A backup is read twice: once to see that all of it is there and as it was written, then for what it says.

use super::line::{End, FORMAT, Head, Line, Reader};
use super::write::hex;
use anyhow::{Context, anyhow, bail};
use flate2::read::MultiGzDecoder;
use pulse_store::Part;
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read};

/// The longest line: a row of the largest documents, in base64 and escaped.
const MAX_LINE: u64 = 256 << 20;

/// The lines of a backup.
pub(super) struct Lines<R: Read> {
    input: BufReader<MultiGzDecoder<R>>,
    reader: Reader,
    number: u64,
    /// The last line as it stands there.
    text: String,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::new(MultiGzDecoder::new(input)), reader: Reader::default(), number: 0, text: String::new() }
    }

    /// The next line; none at the end of the stream.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Line>> {
        self.text.clear();
        let mut input = (&mut self.input).take(MAX_LINE);
        let read = input.read_line(&mut self.text).context("it is damaged, or no backup")?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if !self.text.ends_with('\n') {
            bail!("line {}: it is cut off", self.number);
        }
        let line = self.reader.read(self.text.trim_end_matches('\n'));
        line.map(Some).map_err(|why| anyhow!("line {}: {why}", self.number))
    }
}

/// Reads all of it, and answers what it says it is. Nothing is believed of one that is cut off, changed, or of another form.
pub(super) fn verify(input: impl Read) -> anyhow::Result<(Head, End)> {
    let mut lines = Lines::new(input);
    let Some(Line::Head(head)) = lines.next()? else { bail!("line 1: it is no backup of pulse-controller") };
    if head.pulse != "backup" || head.format != FORMAT {
        bail!(
            "it has the form {}, and this release reads the form {FORMAT}: use the release that made it ({})",
            head.format,
            head.release
        );
    }
    let (mut digest, mut rows, mut count) = (Sha256::new(), 0, 0);
    loop {
        digest.update(lines.text.as_bytes());
        match lines.next()? {
            Some(Line::End(end)) => {
                let found = End { lines: count + 1, rows, sha256: hex(&digest.finalize()) };
                if found != end {
                    bail!("its digest is not the one that it was written with: it was changed or damaged");
                }
                if lines.next()?.is_some() {
                    bail!("it goes on behind its end");
                }
                return Ok((head, end));
            }
            Some(line) => {
                count += 1;
                rows += u64::from(matches!(line, Line::Part(Part::Row(_))));
            }
            None => bail!("it has no end: it was cut off, or the backup broke off"),
        }
    }
}
