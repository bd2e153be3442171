//! Percentiles of one round, medians over rounds.

use std::time::Duration;

/// Times of one round, sorted.
#[derive(Debug, Clone)]
pub struct Times(Vec<Duration>);

impl Times {
    /// An error where nothing was measured.
    pub fn new(mut times: Vec<Duration>) -> anyhow::Result<Self> {
        anyhow::ensure!(!times.is_empty(), "nothing was measured");
        times.sort_unstable();
        Ok(Self(times))
    }

    /// The time that so many of a hundred do not exceed (nearest rank).
    pub fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent).div_ceil(100).max(1) - 1]
    }

    /// In milliseconds.
    pub fn percentile_ms(&self, percent: usize) -> f64 {
        milliseconds(self.percentile(percent))
    }
}

/// A time in milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// One figure of each round.
#[derive(Debug, Clone, Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// One more round.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle one; of an even number, the mean of the two in the middle.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[n / 2],
            n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        }
    }

    /// Each round's, in the order of the rounds.
    pub fn all(&self) -> &[f64] {
        &self.0
    }
}

impl From<f64> for Rounds {
    /// Of what is measured once.
    fn from(value: f64) -> Self {
        Self(vec![value])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(milliseconds: impl IntoIterator<Item = u64>) -> Times {
        Times::new(milliseconds.into_iter().map(Duration::from_millis).collect()).unwrap()
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let hundred = times((1..=100).rev());
        assert_eq!([1, 50, 99, 100].map(|p| hundred.percentile_ms(p)), [1.0, 50.0, 99.0, 100.0]);
        let four = times([40, 10, 30, 20]);
        assert_eq!([0, 25, 26, 50, 75, 99].map(|p| four.percentile_ms(p)), [10.0, 10.0, 20.0, 20.0, 30.0, 40.0]);
        assert_eq!(times([7]).percentile_ms(50), 7.0);
        assert!(Times::new(Vec::new()).is_err());
    }

    #[test]
    fn one_bad_round_does_not_move_the_median_of_seven() {
        let mut rounds = Rounds::default();
        [2.0, 900.0, 2.2, 1.9, 2.1, 2.3, 1.8].into_iter().for_each(|value| rounds.push(value));
        assert_eq!(rounds.median(), 2.1);
        assert_eq!(rounds.all()[1], 900.0);
        rounds.push(2.2);
        assert!((rounds.median() - 2.15).abs() < 1e-9);
        assert_eq!(Rounds::from(4.0).median(), 4.0);
        assert!(Rounds::default().median().is_nan());
    }
}
