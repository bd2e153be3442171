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

/// An answer of the database holds for so long; with its renewals of the leases it answers each 3 s.
const ALIVE_MICROS: i64 = 5_000_000;

/// When the database has answered a controller last, by the clock that deadlines are judged by.
#[derive(Debug, Default)]
pub struct Answered {
    /// None until the absence before this controller is noted.
    last: Option<Timestamp>,
}

impl Answered {
    /// The span since the last answer, if it is too long. A clock that was set back makes none.
    pub fn gap(&self, now: Timestamp) -> Option<Span> {
        let from = self.last?;
        (now.0.saturating_sub(from.0) > ALIVE_MICROS).then_some(Span { from, to: now })
    }

    /// It answers now. A span that is still to be noted stays.
    pub fn hear(&mut self, now: Timestamp) {
        let late = |last: Timestamp| now.0.saturating_sub(last.0) > ALIVE_MICROS;
        self.last = self.last.map(|last| if late(last) { last } else { now });
    }

    /// Everything up to this instant is accounted for.
    pub fn settle(&mut self, until: Timestamp) {
        self.last = Some(until);
    }
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

    const SECOND: i64 = 1_000_000;
    fn at(seconds: i64) -> Timestamp {
        Timestamp(1_700_000_000 * SECOND + seconds * SECOND)
    }

    #[test]
    fn a_gap_is_what_no_answer_covers() {
        let mut answered = Answered::default();
        answered.hear(at(0));
        assert_eq!(answered.gap(at(7200)), None, "nothing counts before the absence that was found is noted");
        answered.settle(at(0));
        assert_eq!(answered.gap(at(5)), None);
        answered.hear(at(5));
        // A stall, a database that was away, or a step of the clock: its first answer afterwards does not hide it.
        let gap = Some(Span { from: at(5), to: at(7200) });
        assert_eq!(answered.gap(at(7200)), gap);
        answered.hear(at(7200));
        assert_eq!(answered.gap(at(7200)), gap);
        answered.settle(at(7200));
        assert_eq!(answered.gap(at(7201)), None);
        // Set back: no negative span, and the next one counts from there.
        answered.hear(at(3600));
        assert_eq!(answered.gap(at(3600)), None);
        assert_eq!(answered.gap(at(3606)), Some(Span { from: at(3600), to: at(3606) }));
    }
}
