//! Which piece of which attempt's output goes out next. Reads the spools, keeps a window of bytes that the controller has not
//! stored yet, and goes on from where the controller says it is.

use crate::folder::AttemptDir;
use crate::spool::{self, HEAD, Piece, Reader};
use pulse_protocol::frame::MAX_CHUNK;
use pulse_protocol::message::Stream;
use pulse_protocol::picture::OutputOffsets;
use pulse_protocol::{AttemptId, Ended};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::{Duration, Instant};

/// Bytes of an attempt under way and not yet stored by the controller.
const WINDOW: usize = 256 * 1024;
/// Bytes per second of an attempt beyond the head, while its command runs.
const PACE: f64 = 256.0 * 1024.0;
/// Pieces of a running command shorter than this wait a moment for more, so that no flood of tiny frames is made.
const QUANTUM: u64 = 16 * 1024;
const MOMENT: Duration = Duration::from_millis(50);
/// How long after its start a command's output is first looked for. What is over by then says all of it at its end.
const FIRST: Duration = Duration::from_millis(20);
/// How long after a connection begins output waits to hear what the controller has stored.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is under way and not stored after so long is sent again: a piece of it may be lost, or a controller thrown it away. The pause grows
/// each time in vain, for a database that was restored may not know the attempt at all.
const AGAIN: Duration = Duration::from_secs(30);
const AGAIN_AT_MOST: Duration = Duration::from_secs(3600);

/// A piece that goes out.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Whose.
    pub attempt: AttemptId,
    /// Which stream.
    pub stream: Stream,
    /// Where it begins.
    pub offset: u64,
    /// Bytes directly before it that are no longer kept.
    pub cut: u64,
    /// The bytes.
    pub data: Vec<u8>,
}

/// All output that is not yet stored by the controller.
#[derive(Default)]
pub struct Outputs {
    attempts: BTreeMap<AttemptId, Output>,
    /// The attempt served last, so that a loud one does not starve the others.
    last: Option<AttemptId>,
    flows_from: Option<Instant>,
}

struct Output {
    streams: [Source; 2],
    begun: Instant,
    ended: bool,
    /// Bytes that may go beyond the head now, and when that was counted.
    allowance: f64,
    counted: Instant,
}

struct Source {
    /// Opened for each look and closed again: many attempts may wait here for a controller that is away.
    dir: AttemptDir,
    stream: Stream,
    /// All its bytes, once no more can come.
    whole: Option<u64>,
    /// The next byte to send.
    next: u64,
    /// What the controller has stored.
    stored: u64,
    /// What it said last. Further back than `stored` where its database was restored.
    told: u64,
    /// When something was last sent that had nothing before it, or was stored.
    moved: Instant,
    /// How long after that it is sent again.
    again: Duration,
    /// Whether the controller has said in this session what it has.
    heard: bool,
    /// No short piece before this.
    quiet_until: Instant,
    /// End and length of each piece on its way.
    under_way: VecDeque<(u64, usize)>,
}

impl Outputs {
    /// Begins to look after an attempt's output.
    pub fn add(&mut self, attempt: AttemptId, dir: &AttemptDir, now: Instant) {
        let source = |stream| {
            let under_way = VecDeque::new();
            Source {
                dir: dir.clone(),
                stream,
                whole: None,
                next: 0,
                stored: 0,
                told: 0,
                moved: now,
                again: AGAIN,
                heard: false,
                quiet_until: now,
                under_way,
            }
        };
        let output = || Output { streams: spool::STREAMS.map(source), begun: now, ended: false, allowance: 0.0, counted: now };
        self.attempts.entry(attempt).or_insert_with(output);
    }

    /// Nothing more will be written. What its shim says that there was nothing of needs no look; the totals of others are no one's word.
    pub fn end(&mut self, attempt: AttemptId, how: Option<&Ended>) {
        let Some(output) = self.attempts.get_mut(&attempt) else { return };
        output.ended = true;
        let totals = how.into_iter().flat_map(|how| [&how.stdout, &how.stderr]);
        for (source, totals) in output.streams.iter_mut().zip(totals) {
            if totals.bytes == 0 && !totals.sha256.is_empty() {
                source.whole = Some(0);
            }
        }
    }

    /// Forgets an attempt's output.
    pub fn remove(&mut self, attempt: AttemptId) {
        self.attempts.remove(&attempt);
    }

    /// A session begins: what was under way may be lost; what the controller has stored is known in a moment.
    pub fn connected(&mut self, now: Instant) {
        self.flows_from = Some(now + PATIENCE);
        for source in self.attempts.values_mut().flat_map(|output| &mut output.streams) {
            source.restart_at(source.stored);
            source.heard = false;
        }
    }

    /// No session: nothing flows.
    pub fn disconnected(&mut self) {
        self.flows_from = None;
    }

    /// The controller has said all it has stored: output flows.
    pub fn flow(&mut self, now: Instant) {
        self.flows_from = self.flows_from.map(|from| from.min(now));
    }

    /// The controller says what it has stored. Its first word in a session is where to go on, also when that lies further back,
    /// because its database was restored.
    pub fn stored(&mut self, offsets: &[(AttemptId, OutputOffsets)], now: Instant) {
        for (attempt, offsets) in offsets {
            let Some(output) = self.attempts.get_mut(attempt) else { continue };
            for (source, offset) in output.streams.iter_mut().zip([offsets.stdout, offsets.stderr]) {
                let first = !std::mem::replace(&mut source.heard, true) && source.under_way.is_empty();
                if first { source.restart_at(offset) } else { source.advance(offset, now) }
            }
        }
    }

    /// Whether all of an attempt's output went out in this session or is stored. What cannot be read has not.
    pub fn is_sent(&mut self, attempt: AttemptId) -> bool {
        self.reaches(attempt, |source| source.next)
    }

    /// Whether the controller has stored all of an attempt's output. What cannot be read is not.
    pub fn is_stored(&mut self, attempt: AttemptId) -> bool {
        self.reaches(attempt, |source| source.stored)
    }

    /// The next piece, if one may go now.
    pub fn next_chunk(&mut self, now: Instant) -> Option<Chunk> {
        if self.flows_from.is_none_or(|from| now < from) {
            return None;
        }
        let ids: Vec<AttemptId> = self.attempts.keys().copied().collect();
        let turn = ids.partition_point(|id| self.last.is_some_and(|last| *id <= last));
        for attempt in ids[turn..].iter().chain(&ids[..turn]) {
            let output = self.attempts.get_mut(attempt)?;
            if let Some((stream, piece)) = output.next(now) {
                self.last = Some(*attempt);
                return Some(Chunk { attempt: *attempt, stream, offset: piece.offset, cut: piece.cut, data: piece.data });
            }
        }
        None
    }

    fn reaches(&mut self, attempt: AttemptId, position: impl Fn(&Source) -> u64) -> bool {
        let Some(output) = self.attempts.get_mut(&attempt) else { return true };
        output.ended && output.streams.iter_mut().all(|source| source.whole().is_ok_and(|whole| position(source) >= whole))
    }
}

impl Output {
    fn next(&mut self, now: Instant) -> Option<(Stream, Piece)> {
        if !self.ended && now.saturating_duration_since(self.begun) < FIRST {
            return None;
        }
        for source in self.streams.iter_mut().filter(|source| source.is_stuck(now)) {
            source.again = (source.again * 2).min(AGAIN_AT_MOST);
            source.restart_at(source.told);
        }
        let earned = now.saturating_duration_since(self.counted).as_secs_f64() * PACE;
        self.allowance = (self.allowance + earned).min(PACE);
        self.counted = now;
        let mut room = WINDOW.saturating_sub(self.streams.iter().map(Source::bytes_under_way).sum());
        for source in &mut self.streams {
            let paced = !self.ended && source.next >= HEAD;
            if !self.ended && source.should_gather(now) || paced && self.allowance < QUANTUM as f64 {
                continue;
            }
            if paced {
                room = room.min(self.allowance as usize);
            }
            if let Some(piece) = source.take(room.min(MAX_CHUNK), now) {
                source.quiet_until = now + MOMENT;
                if paced {
                    self.allowance -= piece.data.len() as f64;
                }
                return Some((source.stream, piece));
            }
        }
        None
    }
}

impl Source {
    fn bytes_under_way(&self) -> usize {
        self.under_way.iter().map(|(_, length)| length).sum()
    }

    /// Whether what is there is little, and little was sent just now.
    fn should_gather(&self, now: Instant) -> bool {
        now < self.quiet_until
            && spool::available(&self.dir, self.stream).is_ok_and(|bytes| bytes.saturating_sub(self.next) < QUANTUM)
    }

    fn is_stuck(&self, now: Instant) -> bool {
        !self.under_way.is_empty() && now.saturating_duration_since(self.moved) >= self.again
    }

    fn take(&mut self, limit: usize, now: Instant) -> Option<Piece> {
        if limit == 0 || self.whole.is_some_and(|whole| self.next >= whole) {
            return None;
        }
        let piece = Reader::open(&self.dir, self.stream).ok()?.read(self.next, limit).ok()??;
        if self.under_way.is_empty() {
            self.moved = now;
        }
        self.next = piece.offset + piece.data.len() as u64;
        self.under_way.push_back((self.next, piece.data.len()));
        Some(piece)
    }

    fn advance(&mut self, stored: u64, now: Instant) {
        if stored > self.stored {
            (self.moved, self.again) = (now, AGAIN);
        }
        self.told = stored;
        self.stored = self.stored.max(stored);
        self.next = self.next.max(stored);
        while self.under_way.front().is_some_and(|(end, _)| *end <= stored) {
            self.under_way.pop_front();
        }
    }

    fn restart_at(&mut self, offset: u64) {
        self.told = offset;
        self.stored = offset;
        self.next = offset;
        self.under_way.clear();
    }

    /// All bytes of a stream that has ended.
    fn whole(&mut self) -> io::Result<u64> {
        let whole = self.whole.map_or_else(|| spool::available(&self.dir, self.stream), Ok)?;
        self.whole = Some(whole);
        Ok(whole)
    }
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
