//! What a figure should be, and what is to be said of one that is.

use serde::Serialize;

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Goal {
    /// At most.
    AtMost(f64),
    /// At least.
    AtLeast(f64),
}

impl Goal {
    /// Whether a figure meets it; one that is no number meets none.
    pub fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtMost(most) => figure <= most,
            Self::AtLeast(least) => figure >= least,
        }
    }
}

/// What is to be said of a figure with a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Met.
    Ok,
    /// Missed.
    Missed,
    /// The machine had other work when it began: it counts for nothing, met or missed.
    Busy,
    /// A short run: it counts for nothing.
    Quick,
}

/// The load (1 minute) from which on the machine is busy.
pub const BUSY: f64 = 1.5;

impl Verdict {
    /// Of a figure, measured from this load on.
    pub fn of(goal: Goal, figure: f64, load: f64, quick: bool) -> Self {
        match (quick, load < BUSY, goal.is_met(figure)) {
            (true, ..) => Self::Quick,
            (_, false, _) => Self::Busy,
            (_, _, true) => Self::Ok,
            (_, _, false) => Self::Missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Goal, Verdict};

    #[test]
    fn only_a_quiet_whole_run_judges() {
        let (most, least) = (Goal::AtMost(2.0), Goal::AtLeast(1000.0));
        assert_eq!(Verdict::of(most, 2.0, 1.49, false), Verdict::Ok);
        assert_eq!(Verdict::of(most, 2.1, 0.0, false), Verdict::Missed);
        assert_eq!(Verdict::of(least, 999.0, 0.0, false), Verdict::Missed);
        assert_eq!(Verdict::of(least, 1000.0, 0.0, false), Verdict::Ok);
        assert_eq!(Verdict::of(most, 1.0, 1.5, false), Verdict::Busy);
        assert_eq!(Verdict::of(most, 9.0, 0.0, true), Verdict::Quick);
        assert!(!most.is_met(f64::NAN) && !least.is_met(f64::NAN));
    }
}
