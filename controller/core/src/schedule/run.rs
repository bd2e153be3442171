//! Runs: slots that follow each other, and of which the same became for the same reason, are one record.

use super::CompiledSchedule;
use super::outcome::Settled;
use crate::time::Timestamp;

impl CompiledSchedule {
    /// Whether what is settled now belongs into the record before it: the same became of both for the same reason, no slot lies
    /// between, and the record tells of this timing's slots from its first to its last, so that the longer one tells the truth, too.
    pub fn continues(&self, record: &Settled, next: &Settled) -> bool {
        let alike = record.outcome == next.outcome && record.message == next.message;
        alike
            && record.outcome.execution().is_none()
            && self.is_run(record)
            && self.timing.next_after(record.last) == Some(next.slot)
    }

    /// Whether a record's slots are this timing's, every one from the first to the last.
    fn is_run(&self, record: &Settled) -> bool {
        let before = |slot: Timestamp| Timestamp(slot.0.saturating_sub(1));
        let is_slot = |slot: Timestamp| self.timing.next_after(before(slot)) == Some(slot);
        is_slot(record.slot)
            && is_slot(record.last)
            && self.timing.count_between(before(record.slot), record.last) == record.slots
    }
}

impl Settled {
    /// The record of both, where the other one [continues](CompiledSchedule::continues) this one.
    pub fn joined(&self, next: &Self) -> Self {
        Self { last: next.last, slots: self.slots.saturating_add(next.slots), ..self.clone() }
    }
}
