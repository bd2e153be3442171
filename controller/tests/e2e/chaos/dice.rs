//! Dice.

use std::time::Duration;

/// xorshift64*: enough to choose victims.
pub struct Dice(u64);

impl Dice {
    /// Those of this seed; each stream of a seed has its own.
    pub const fn new(seed: u64, stream: u64) -> Self {
        // Seeds beside each other, nought among them, are spread over all states.
        let spread = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03);
        Self((spread ^ (spread >> 29)) | 1)
    }

    /// 0 to `bound - 1`.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    /// A place in a list.
    pub fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below the length")
    }

    /// So many milliseconds, both ends included.
    pub const fn milliseconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from + 1))
    }

    /// Sleeps for less than this.
    pub fn pause(&mut self, milliseconds: u64) {
        std::thread::sleep(Duration::from_millis(self.below(milliseconds)));
    }
}
