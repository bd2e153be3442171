//! What of the pieces that arrive is new, as a pure function: overlaps are cut away, jumps over what nobody has become gaps, what comes
//! before its turn is left to come again, neighbours become one.

use super::{MAX_PIECE, OutputPiece};

/// How far a stream is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// The offset after the last stored byte.
    pub(super) stored: i64,
    /// Bytes before it that are missing.
    pub(super) cut: i64,
}

/// A piece as it will be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) start: i64,
    pub(super) bytes: Vec<u8>,
}

impl Block {
    pub(super) fn end(&self) -> i64 {
        self.start.saturating_add(self.bytes.len() as i64)
    }
}

/// Takes one piece in: moves the reach and appends to the blocks what is new of it.
pub(super) fn take_in(reach: &mut Reach, blocks: &mut Vec<Block>, piece: &OutputPiece) {
    let OutputPiece { offset, cut, bytes, .. } = piece;
    let follows = offset.saturating_sub(*cut) <= reach.stored.unsigned_abs();
    // Whoever hands pieces in has checked that offsets fit.
    let Some(offset) = i64::try_from(*offset).ok().filter(|_| follows) else { return };
    let known = usize::try_from(reach.stored.saturating_sub(offset).max(0)).unwrap_or(usize::MAX);
    let Some(fresh) = bytes.get(known..).filter(|fresh| !fresh.is_empty()) else { return };
    let start = offset.max(reach.stored);
    reach.cut += start - reach.stored;
    reach.stored = start.saturating_add(fresh.len() as i64);
    match blocks.last_mut() {
        Some(last) if last.end() == start && last.bytes.len() + fresh.len() <= MAX_PIECE => last.bytes.extend_from_slice(fresh),
        _ => blocks.push(Block { start, bytes: fresh.to_vec() }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, MAX_PIECE, OutputPiece, Reach, take_in};
    use pulse_protocol::AttemptId;
    use pulse_protocol::message::Stream;

    fn piece(offset: u64, cut: u64, bytes: &[u8]) -> OutputPiece {
        OutputPiece { attempt: AttemptId(uuid::Uuid::nil()), stream: Stream::Stdout, offset, cut, bytes: bytes.to_vec() }
    }

    fn run(pieces: &[(u64, u64, &str)]) -> (Reach, Vec<(i64, String)>) {
        let (mut reach, mut blocks) = (Reach::default(), Vec::new());
        for (offset, cut, bytes) in pieces {
            take_in(&mut reach, &mut blocks, &piece(*offset, *cut, bytes.as_bytes()));
        }
        let text = |block: Block| (block.start, String::from_utf8(block.bytes).unwrap());
        (reach, blocks.into_iter().map(text).collect())
    }

    #[test]
    fn neighbours_become_one_and_repetitions_vanish() {
        let (reach, blocks) = run(&[(0, 0, "abc"), (3, 0, "def"), (0, 0, "abc"), (2, 0, "cdefgh"), (8, 0, "")]);
        assert_eq!(reach, Reach { stored: 8, cut: 0 });
        assert_eq!(blocks, [(0, "abcdefgh".to_owned())]);
    }

    #[test]
    fn a_jump_over_what_nobody_has_is_a_gap_for_good() {
        let (reach, blocks) = run(&[(0, 0, "abc"), (10, 7, "xy"), (5, 0, "late")]);
        assert_eq!(reach, Reach { stored: 12, cut: 7 });
        assert_eq!(blocks, [(0, "abc".to_owned()), (10, "xy".to_owned())]);
    }

    #[test]
    fn what_comes_before_its_turn_is_left_to_come_again() {
        let (reach, blocks) = run(&[(0, 0, "abc"), (6, 2, "ghi"), (6, 0, "ghi"), (3, 0, "def"), (6, 0, "ghi")]);
        assert_eq!(reach, Reach { stored: 9, cut: 0 });
        assert_eq!(blocks, [(0, "abcdefghi".to_owned())]);
    }

    #[test]
    fn blocks_stay_small() {
        let (mut reach, mut blocks) = (Reach::default(), Vec::new());
        let half = vec![7; MAX_PIECE / 2 + 1];
        take_in(&mut reach, &mut blocks, &piece(0, 0, &half));
        take_in(&mut reach, &mut blocks, &piece(half.len() as u64, 0, &half));
        assert_eq!(blocks.len(), 2);
    }
}
