//! The rule: what goes, by which bound; what stays, and why.

use super::{Age, FLOOR, Policy};
use crate::time::Timestamp;

/// What still needs an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It is not over.
    Open,
    /// An attempt of it waits for word of its agent, or for a person.
    Unknown,
    /// A later execution is its retry, and names it.
    Retried,
    /// It is what its schedule has started last.
    LastOfSchedule,
    /// One of its agents was not heard of since its end, and may have to say something of it.
    Unheard,
}

/// An execution, as the rule sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// Its number in its workflow.
    pub number: i64,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ended; none where it has not.
    pub ended_at: Option<Timestamp>,
    /// What needs it.
    pub hold: Option<Hold>,
}

/// By which bound something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It is older than what is kept.
    Age,
    /// There are enough newer ones.
    Count,
}

/// What becomes of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes.
    Goes(Bound),
    /// Something needs it.
    Held(Hold),
    /// It is one of those that are always kept, or young enough.
    Kept,
}

/// What becomes of an execution; `newest` is the highest number of its workflow.
pub fn execution(policy: &Policy, newest: i64, past: &Past, now: Timestamp) -> Verdict {
    let newer = newest.saturating_sub(past.number);
    let Some(ended) = past.ended_at.filter(|_| newer >= least(policy)) else { return held_or_kept(past) };
    let over = |age: Age| age.before(now).is_some_and(|before| ended < before);
    let bound = match policy.at_most {
        _ if !over(FLOOR) => None,
        _ if over(policy.executions) => Some(Bound::Age),
        Some(most) if newer >= i64::from(most) => Some(Bound::Count),
        _ => None,
    };
    match (bound, past.hold) {
        (None, _) => held_or_kept(past),
        (Some(_), Some(hold)) => Verdict::Held(hold),
        (Some(bound), None) => Verdict::Goes(bound),
    }
}

/// What becomes of an execution's output, while the execution is kept. A retry that runs may still read it.
pub fn output(policy: &Policy, past: &Past, now: Timestamp) -> Verdict {
    let before = policy.output.min(policy.executions).max(FLOOR).before(now);
    match (past.ended_at, past.hold) {
        (_, Some(hold @ (Hold::Open | Hold::Unknown | Hold::Retried | Hold::Unheard))) => Verdict::Held(hold),
        (Some(ended), _) if before.is_some_and(|before| ended < before) => Verdict::Goes(Bound::Age),
        _ => Verdict::Kept,
    }
}

/// Whether this execution and all that have higher numbers stay, so that nobody need look further: they were started after it.
pub fn rest_stays(policy: &Policy, newest: i64, past: &Past, now: Timestamp) -> bool {
    let newer = newest.saturating_sub(past.number);
    let is_many = policy.at_most.is_some_and(|most| newer >= i64::from(most));
    newer < least(policy) || !is_many && is_younger(past, policy.executions, now)
}

/// The same of their output.
pub fn rest_of_output_stays(policy: &Policy, past: &Past, now: Timestamp) -> bool {
    is_younger(past, policy.output.min(policy.executions), now)
}

fn is_younger(past: &Past, age: Age, now: Timestamp) -> bool {
    age.max(FLOOR).before(now).is_none_or(|before| past.created_at >= before)
}

/// The newest one always stays.
fn least(policy: &Policy) -> i64 {
    i64::from(policy.at_least.max(1))
}

fn held_or_kept(past: &Past) -> Verdict {
    match past.hold {
        Some(hold @ Hold::Open) => Verdict::Held(hold),
        _ => Verdict::Kept,
    }
}
