//! Time that counts, worked out anew: a stretch, less the union of what is left out of it.

use pulse_core::Timestamp;
use pulse_core::elapsed::Span;

/// Microseconds from one instant to another that lie in none of the spans.
pub fn counted<'a>(from: Timestamp, to: Timestamp, out: impl Iterator<Item = &'a Span>) -> i64 {
    // Each edge opens or closes a span; while at least one is open, time does not count.
    let clip = |at: Timestamp| at.0.clamp(from.0, to.0.max(from.0));
    let mut edges: Vec<(i64, i32)> = out.flat_map(|span| [(clip(span.from), 1), (clip(span.to), -1)]).collect();
    edges.sort_unstable_by_key(|(at, change)| (*at, -change));
    let (mut open, mut last, mut sum) = (0, from.0, 0);
    for (at, change) in edges {
        if open == 0 {
            sum += at - last;
        }
        open += change;
        last = at;
    }
    sum + if open == 0 { (to.0 - last).max(0) } else { 0 }
}
