//! How fast one agent may speak: a bucket filled at a steady pace, kept as one instant (the generic cell rate algorithm). What is over it is
//! not refused, it is read later, so that an honest agent loses nothing and a flood waits in the flooder's own socket.

use crate::time::Timestamp;

/// What a session may say in a second, in units of one frame and of each 16 KiB in it. Several times what an agent with many quick
/// commands says; a thousand of the longest pieces of output.
pub const EACH_SECOND: i64 = 10_000;
/// Units that may come at once.
const BURST: i64 = 2 * EACH_SECOND;
/// Bytes that count as one more unit.
const BYTES: usize = 16 * 1024;
/// Microseconds that one unit takes from the bucket.
const UNIT_US: i64 = 1_000_000 / EACH_SECOND;
/// Microseconds that a full bucket holds.
const FULL_US: i64 = BURST * UNIT_US;

/// The bucket of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// When the bucket is full again.
    full_at: Timestamp,
}

impl Default for Pace {
    fn default() -> Self {
        Self { full_at: Timestamp(0) }
    }
}

impl Pace {
    /// One frame of so many bytes has come. The answer: after how many microseconds the next one is to be read; 0 is at once.
    #[must_use]
    pub fn heard(&mut self, bytes: usize, now: Timestamp) -> u64 {
        let units = i64::try_from(bytes / BYTES).unwrap_or(i64::MAX).saturating_add(1);
        // An instant further off than a full bucket is that of a clock that went back.
        let latest = Timestamp(now.0.saturating_add(FULL_US));
        let full_at = self.full_at.clamp(now, latest);
        self.full_at = Timestamp(full_at.0.saturating_add(units.saturating_mul(UNIT_US)));
        u64::try_from(self.full_at.0.saturating_sub(latest.0)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST, EACH_SECOND, Pace};
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    /// Sends as fast as it is read; the units that were read in this time.
    fn flood(bytes: usize, seconds: i64) -> i64 {
        let (mut pace, mut now, mut units) = (Pace::default(), NOW, 0);
        while now.0 < NOW.0 + seconds * 1_000_000 {
            now.0 += i64::try_from(pace.heard(bytes, now)).unwrap();
            units += 1 + i64::try_from(bytes).unwrap() / 16_384;
        }
        units
    }

    #[test]
    fn a_flood_is_read_at_the_pace() {
        for bytes in [0, 100, 65_536, 1_048_576] {
            let (read, most) = (flood(bytes, 10), BURST + 10 * EACH_SECOND);
            assert!((most - 100..=most + 100).contains(&read), "{read} units of frames with {bytes} bytes");
        }
    }

    #[test]
    fn who_speaks_little_never_waits() {
        let (mut pace, mut now) = (Pace::default(), NOW);
        for _ in 0..100_000 {
            assert_eq!(pace.heard(200, now), 0);
            now.0 += 1_000_000 / EACH_SECOND;
        }
        let burst = (0..BURST).filter(|_| pace.heard(200, now) > 0).count();
        assert!(burst <= 1, "and may say much at once: {burst} waits");
    }

    #[test]
    fn a_clock_that_goes_back_holds_nobody_up() {
        let mut pace = Pace::default();
        (0..BURST).for_each(|_| assert!(pace.heard(0, NOW) < 1_000_000));
        let hour_before = Timestamp(NOW.0 - 3_600_000_000);
        assert!(pace.heard(0, hour_before) <= 1_000, "it waits for one unit, not for an hour");
    }
}
