//! What a route asks of whoever calls it. The table of routes has a rule for each, so that none can be forgotten.

use pulse_core::access::Verb;

/// What a route asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing: probes come without a word, an agent proves who it is by the challenge of its session, a webhook by its signature.
    Open,
    /// That it is known who calls; what they may do to what, the handler asks.
    SignedIn,
    /// A right to something; whether to this very thing, the handler asks.
    May(Verb),
    /// The administrator's own token, or one that was made with it for a person in need.
    Root,
    /// A right to the installation itself: to what belongs to no workflow.
    Whole(Verb),
}

impl Rule {
    /// Whether anybody is let through.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }
}
