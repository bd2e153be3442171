//! Time that counts: deadlines for people do not run while no controller does, and an execution's own time does not run while
//! it waits for people. Both are spans that are left out of the count.

use crate::time::Timestamp;
use crd_schemas::Duration;

/// Time from one instant to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// The instant at which so much time has passed since `from` outside of the spans that do not count. They may overlap and come
/// in any order.
pub fn deadline(from: Timestamp, budget: Duration, uncounted: impl IntoIterator<Item = Span>) -> Timestamp {
    let mut spans: Vec<Span> = uncounted.into_iter().filter(|span| span.to > from && span.to > span.from).collect();
    spans.sort_unstable();
    let (mut at, mut left) = (from, budget.as_micros());
    for span in spans {
        let counted = span.from.0.saturating_sub(at.0).max(0);
        if counted >= left {
            break;
        }
        left -= counted;
        at = at.max(span.to);
    }
    at.later(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(count: i64) -> Timestamp {
        Timestamp(count * 60_000_000)
    }
    fn span(from: i64, to: i64) -> Span {
        Span { from: minutes(from), to: minutes(to) }
    }

    #[test]
    fn uncounted_time_moves_a_deadline() {
        let hour = Duration::from_secs(3600);
        let cases: [(&[Span], i64); 7] = [
            (&[], 60),
            (&[span(10, 20)], 70),
            (&[span(-30, 5)], 65),
            (&[span(60, 90)], 60),
            (&[span(59, 90)], 91),
            (&[span(40, 50), span(10, 20), span(15, 45)], 100),
            (&[span(20, 10), span(-5, -1)], 60),
        ];
        for (spans, expected) in cases {
            assert_eq!(deadline(minutes(0), hour, spans.iter().copied()), minutes(expected), "{spans:?}");
        }
    }
}
