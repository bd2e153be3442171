//! Which of the executions that wait are looked at by the next scan, though nothing has woken them. Each wait ends by an input or at its
//! time; the sweep finds what was missed all the same, and reads only so many histories at once.

use pulse_protocol::ExecutionId;
use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

/// Looked at in one scan: of 10,000 that wait, each comes up within half an hour.
const SLICE: usize = 200;

/// How far the sweep has come.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    last: Option<ExecutionId>,
}

impl Sweep {
    /// The next slice of these, round and round in the order of their ids.
    pub(super) fn next(&mut self, waiting: &BTreeSet<ExecutionId>) -> Vec<ExecutionId> {
        let slice: Vec<ExecutionId> = match self.last {
            None => waiting.iter().take(SLICE).copied().collect(),
            Some(last) => waiting.range((Excluded(last), Unbounded)).chain(waiting.range(..=last)).take(SLICE).copied().collect(),
        };
        self.last = slice.last().copied();
        slice
    }
}

#[cfg(test)]
mod tests {
    use super::{SLICE, Sweep};
    use pulse_protocol::ExecutionId;
    use std::collections::BTreeSet;
    use uuid::Uuid;

    fn ids(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<ExecutionId> {
        numbers.into_iter().map(|number| ExecutionId(Uuid::from_u128(number as u128))).collect()
    }

    #[test]
    fn everybody_comes_up_though_some_end_and_others_begin() {
        let mut sweep = Sweep::default();
        assert_eq!(sweep.next(&BTreeSet::new()), []);
        let first: BTreeSet<_> = sweep.next(&ids(0..3 * SLICE)).into_iter().collect();
        assert_eq!(first, ids(0..SLICE));
        // The one it had come to is over, and one before it has begun to wait.
        let rest = ids((0..3 * SLICE).filter(|number| *number != SLICE - 1));
        let second: BTreeSet<_> = sweep.next(&rest).into_iter().collect();
        assert_eq!(second, ids(SLICE..2 * SLICE));
        assert_eq!(sweep.next(&rest).len(), SLICE);
        let around: BTreeSet<_> = sweep.next(&rest).into_iter().collect();
        assert_eq!(around, ids((0..=SLICE).filter(|number| *number != SLICE - 1)), "round again, each once");
        assert_eq!(sweep.next(&ids(5..7)).len(), 2, "no more than there are");
    }
}
