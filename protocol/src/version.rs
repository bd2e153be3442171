//! Protocol versions: each side says its range, the highest common one is spoken.

use serde::{Deserialize, Serialize};

/// The range of versions a program speaks, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRange {
    /// Oldest.
    pub min: u16,
    /// Newest.
    pub max: u16,
}

/// What this build speaks.
pub const SUPPORTED: VersionRange = VersionRange { min: 1, max: 1 };

impl VersionRange {
    /// The highest version both speak.
    pub fn agree(self, other: Self) -> Option<u16> {
        let highest = self.max.min(other.max);
        (highest >= self.min && highest >= other.min).then_some(highest)
    }
}

#[cfg(test)]
mod tests {
    use super::VersionRange;

    #[test]
    fn the_highest_common_version_wins() {
        let range = |min, max| VersionRange { min, max };
        assert_eq!(range(1, 3).agree(range(2, 5)), Some(3));
        assert_eq!(range(1, 1).agree(range(2, 5)), None);
        assert_eq!(range(4, 6).agree(range(1, 3)), None);
    }
}
