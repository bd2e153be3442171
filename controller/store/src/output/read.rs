//! Reading output back, with what is missing.

use crate::columns::Word;
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{built, chunks, query, repeat};
use crate::{Error, Store};
use pulse_protocol::AttemptId;
use pulse_protocol::message::Stream;
use pulse_protocol::picture::OutputOffsets;
use std::collections::BTreeMap;

/// Bytes that are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where they stand in the stream.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Bytes that are cut for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Where they begin.
    pub start: u64,
    /// Where they end.
    pub end: u64,
}

/// A stretch of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pieces {
    /// What is there, in order.
    pub pieces: Vec<Piece>,
    /// What is missing between `from` and `next`, in order.
    pub gaps: Vec<Gap>,
    /// Where to go on reading; equal to `stored` at the end of what there is now.
    pub next: u64,
    /// How far the stream is stored.
    pub stored: u64,
    /// Bytes of the whole stream, so far, that are missing.
    pub cut: u64,
}

/// Rows of one read; each has at most [`super::MAX_PIECE`] bytes.
const READ_ROWS: i64 = 64;

impl FromRow for Piece {
    const TABLE: &'static str = "output";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.get::<i64>("start_offset").ok().map(|start| format!("at offset {start}"))
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self { offset: row.number("start_offset")?, bytes: row.get("bytes")? })
    }
}

struct State {
    attempt: AttemptId,
    stream: Stream,
    stored: u64,
    cut: u64,
}

impl FromRow for State {
    const TABLE: &'static str = "output_state";
    fn key(row: &Columns<'_>) -> Option<String> {
        Some(format!("{}/{}", row.text("attempt")?, row.text("stream")?))
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            attempt: row.parsed("attempt")?,
            stream: Stream::from_word(&row.get::<String>("stream")?).map_err(|error| error.to_string())?,
            stored: row.number("stored")?,
            cut: row.number("cut")?,
        })
    }
}

impl Store {
    /// Up to `limit` bytes (at least one, where there is one) of a stream from an offset on. A stream of which nothing is
    /// stored is empty.
    pub async fn read_output(&self, attempt: AttemptId, stream: Stream, from: u64, limit: usize) -> Result<Pieces, Error> {
        let mut reader = self.reader().await?;
        let state = query("SELECT attempt, stream, stored, cut FROM output_state WHERE attempt = ? AND stream = ?");
        let state: Option<State> = one(&mut reader, state.bind(attempt.to_string()).bind(stream.word())).await?;
        let Some(state) = state else { return Ok(Pieces { next: from, ..Pieces::default() }) };
        let begin = i64::try_from(from).unwrap_or(i64::MAX);
        let select = query(
            "SELECT start_offset, bytes FROM output WHERE attempt = ? AND stream = ? AND end_offset > ? AND start_offset < ? \
             ORDER BY start_offset LIMIT ?",
        );
        let select = select.bind(attempt.to_string()).bind(stream.word()).bind(begin);
        let select = select.bind(i64::try_from(state.stored).unwrap_or(i64::MAX)).bind(READ_ROWS);
        let rows = list::<Piece>(&mut reader, select).await?.into_iter().collect::<Result<Vec<_>, _>>()?;
        let whole = (rows.len() as i64) < READ_ROWS;
        let mut pieces = Pieces { next: from, stored: state.stored, cut: state.cut, ..Pieces::default() };
        let full = pieces.fill(rows, limit.max(1));
        if whole && !full {
            pieces.skip_to(state.stored);
        }
        Ok(pieces)
    }

    /// How far the output of these attempts is stored; those without output are at zero.
    pub async fn stored_offsets(&self, attempts: &[AttemptId]) -> Result<Vec<(AttemptId, OutputOffsets)>, Error> {
        let mut reader = self.reader().await?;
        let mut found: BTreeMap<AttemptId, OutputOffsets> = BTreeMap::new();
        for chunk in chunks(attempts) {
            let wanted = repeat("?", ",", chunk.len());
            let select = built(format!("SELECT attempt, stream, stored, cut FROM output_state WHERE attempt IN ({wanted})"));
            let select = chunk.iter().fold(select, |select, attempt| select.bind(attempt.to_string()));
            for row in list::<State>(&mut reader, select).await? {
                let row = row?;
                let offsets = found.entry(row.attempt).or_default();
                match row.stream {
                    Stream::Stdout => offsets.stdout = row.stored,
                    Stream::Stderr => offsets.stderr = row.stored,
                }
            }
        }
        Ok(attempts.iter().map(|attempt| (*attempt, found.get(attempt).copied().unwrap_or_default())).collect())
    }
}

impl Pieces {
    /// Takes rows over until the limit; true if it was reached.
    fn fill(&mut self, rows: Vec<Piece>, limit: usize) -> bool {
        let mut left = limit;
        for mut row in rows {
            if left == 0 {
                return true;
            }
            if row.offset < self.next {
                let known = usize::try_from(self.next - row.offset).unwrap_or(usize::MAX).min(row.bytes.len());
                row.bytes.drain(..known);
                row.offset = self.next;
            }
            self.skip_to(row.offset);
            row.bytes.truncate(left);
            left -= row.bytes.len();
            self.next += row.bytes.len() as u64;
            self.pieces.push(row);
        }
        left == 0
    }

    /// Everything between here and there is missing.
    fn skip_to(&mut self, offset: u64) {
        if offset > self.next {
            self.gaps.push(Gap { start: self.next, end: offset });
            self.next = offset;
        }
    }
}
