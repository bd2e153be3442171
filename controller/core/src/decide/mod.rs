//! Decides what an execution does next. [`decide`] is the ordered list of rules; each rule is a small file and a pure function.
//!
//! The first rule that has something to say ends a round; [`pass`] folds its events and asks again, until nobody has. Then the
//! controller commits everything at once, and only then do the effects follow.

mod act;
mod ask;
mod assign;
mod cancel;
mod fleet;
mod hold;
mod lost;
mod pass;
mod reboot;
mod render;
mod report;
mod step;
mod timeout;
mod world;

pub use fleet::{AgentView, OFFLINE_AFTER, Presence};
pub use pass::{Pass, pass};
pub use render::{desired, open_attempts, render};
pub use report::{Reason, ReasonKind, explain};
pub use world::{Ahead, Neighbour, World};

use crate::execution::{ClaimKey, Event, Execution};
use crate::pause::Pause;
use crate::time::Timestamp;
use crd_schemas::manifest::ConcurrencyPolicy;
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
    /// Ask not to begin an attempt; one that has begun goes on.
    Withdraw { agent: AgentName, attempt: AttemptId },
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
    /// A pause holds what would come next.
    fn pause(&mut self, pause: &Pause) {
        self.report.push(Reason::of_execution(ReasonKind::of_pause(pause)));
        if let Some(at) = pause.expires_at {
            self.wake(at);
        }
    }

    fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// What a rule sees.
struct View<'a> {
    execution: &'a Execution,
    world: &'a dyn World,
    now: Timestamp,
    /// The pause that holds its workflow.
    pause: Option<&'a Pause>,
}

impl<'a> View<'a> {
    fn new(execution: &'a Execution, world: &'a dyn World, now: Timestamp) -> Self {
        let created = &execution.created;
        let schedule = created.trigger.schedule();
        let holds =
            |pause: &&Pause| pause.is_active(now) && pause.holds_workflow(&created.workflow, &execution.program.labels, schedule);
        Self { execution, world, now, pause: world.pauses().iter().find(holds) }
    }

    /// The pause that holds an agent.
    fn agent_pause(&self, name: &AgentName, agent: &AgentView) -> Option<&'a Pause> {
        let mut active = self.world.pauses().iter().filter(|pause| pause.is_active(self.now));
        active.find(|pause| pause.holds_agent(name.as_str(), &agent.value.labels))
    }

    /// What comes before an execution that has not begun, in its queue.
    fn ahead(&self) -> Option<Ahead> {
        let queued = self.execution.program.concurrency == ConcurrencyPolicy::Queue && self.execution.started_at.is_none();
        queued.then(|| self.world.ahead(&ClaimKey::workflow(&self.execution.created), self.execution.id())).flatten()
    }
}

type Rule = fn(&View<'_>, &mut Decision, &mut dyn FnMut() -> AttemptId);

/// In this order: the first with events ends the round.
const RULES: [Rule; 11] = [
    step::begin,
    ask::close,
    cancel::rule,
    hold::resume,
    lost::rule,
    reboot::rule,
    timeout::rule,
    assign::rule,
    act::rule,
    step::advance,
    hold::wait,
];

/// What to do next. `ids` gives fresh ids (UUIDv7), for attempts and prompts.
pub fn decide(execution: &Execution, world: &dyn World, now: Timestamp, ids: &mut dyn FnMut() -> AttemptId) -> Decision {
    let mut decision = Decision::default();
    if execution.status.is_terminal() {
        return decision;
    }
    let view = View::new(execution, world, now);
    for rule in RULES {
        rule(&view, &mut decision, ids);
        if !decision.events.is_empty() {
            break;
        }
    }
    decision
}
