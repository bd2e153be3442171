//! Decides what an execution does next. [`decide`] is the ordered list of rules; each rule is a small file and a pure function.
//!
//! The first rule that has something to say ends a round; [`pass`] folds its events and asks again, until nobody has. Then the
//! controller commits everything at once, and only then do the effects follow.

mod assign;
mod cancel;
mod fleet;
mod hold;
mod lost;
mod pass;
mod render;
mod report;
mod step;

pub use fleet::{AgentView, Fleet, OFFLINE_AFTER, Presence};
pub use pass::{Pass, pass};
pub use render::{desired, open_attempts, render};
pub use report::{Reason, ReasonKind, explain};

use crate::execution::{Event, Execution};
use crate::time::Timestamp;
use pulse_protocol::{AgentName, Assignment, AttemptId};
use std::collections::BTreeSet;

/// Most events of one execution; close to it nothing new starts.
pub const EVENT_LIMIT: u32 = 50_000;

/// What shall happen after the commit. Losing an effect loses nothing: each is a hint, and both sides exchange their full
/// pictures at every connection and from time to time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum Effect {
    /// Send an assignment.
    Assign { agent: AgentName, assignment: Box<Assignment> },
    /// Ask to end an attempt.
    Stop { agent: AgentName, attempt: AttemptId },
}

/// What the rules say of one state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// To be folded and committed.
    pub events: Vec<Event>,
    /// To be done after the commit.
    pub effects: Vec<Effect>,
    /// When to look again, if nothing else happens.
    pub wake_at: Option<Timestamp>,
    /// Why what could run does not.
    pub report: Vec<Reason>,
    /// Agents whose coming and going matters.
    pub watch: BTreeSet<AgentName>,
    /// Agents of which a freed slot would be taken at once.
    pub wants_slot: BTreeSet<AgentName>,
}

impl Decision {
    fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// What a rule sees.
struct View<'a> {
    execution: &'a Execution,
    fleet: &'a dyn Fleet,
    now: Timestamp,
}

type Rule = fn(&View<'_>, &mut Decision, &mut dyn FnMut() -> AttemptId);

/// In this order: the first with events ends the round.
const RULES: [Rule; 7] = [step::begin, cancel::rule, hold::resume, lost::rule, assign::rule, step::advance, hold::wait];

/// What to do next. `ids` gives fresh attempt ids (UUIDv7).
pub fn decide(execution: &Execution, fleet: &dyn Fleet, now: Timestamp, ids: &mut dyn FnMut() -> AttemptId) -> Decision {
    let mut decision = Decision::default();
    if execution.status.is_terminal() {
        return decision;
    }
    let view = View { execution, fleet, now };
    for rule in RULES {
        rule(&view, &mut decision, ids);
        if !decision.events.is_empty() {
            break;
        }
    }
    decision
}
