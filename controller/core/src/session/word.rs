//! An agent's word: what goes to which execution, and what the agent is told once it is taken in.

use crate::execution::{Input, Outcome};
use pulse_protocol::{AgentName, AttemptId, Epoch, ExecutionId, Incarnation, Observation, Observed, ToAgent};
use std::collections::BTreeSet;

/// A report, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Word {
    /// For whom, of which attempt, whether it says that the attempt is over, and what: in the order in which it was said.
    pub inputs: Vec<(ExecutionId, AttemptId, bool, Input)>,
    /// Of attempts that are not open here, and whether they are said to be over: the database knows what became of them.
    pub closed: Vec<(AttemptId, bool)>,
}

/// Sorts observations by the executions of the agent's open attempts. A full picture also says what it does not hold.
pub fn sort(
    agent: &AgentName,
    incarnation: Incarnation,
    open: Vec<(AttemptId, ExecutionId)>,
    observations: Vec<Observation>,
    full: bool,
) -> Word {
    let told: BTreeSet<AttemptId> = observations.iter().map(|observation| observation.attempt).collect();
    let mut word = Word::default();
    for observation in observations {
        let attempt = observation.attempt;
        let ended = matches!(observation.observed, Observed::Ended(_));
        match open.iter().find(|(known, _)| *known == attempt) {
            None => word.closed.push((attempt, ended)),
            Some((_, execution)) => {
                word.inputs.push((*execution, attempt, ended, Input::Observed { agent: agent.clone(), observation }));
            }
        }
    }
    for (attempt, execution) in open.into_iter().filter(|(attempt, _)| full && !told.contains(attempt)) {
        word.inputs.push((execution, attempt, false, Input::Absent { agent: agent.clone(), attempt, incarnation }));
    }
    word
}

/// Whether an input is durably taken in, so that its sender need not say it again.
pub const fn is_taken_in(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done | Outcome::Unchanged)
}

/// What the database says of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct StoredAttempt<'a> {
    /// The attempt.
    pub attempt: AttemptId,
    /// The agent that it is bound to.
    pub agent: &'a AgentName,
    /// It is settled.
    pub closed: bool,
}

/// What an agent is told, and what people are.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Acknowledged {
    /// Ends that are committed.
    pub ended: Vec<AttemptId>,
    /// Settled here and ended there: to be forgotten.
    pub forget: Vec<AttemptId>,
    /// The agent has them and the database never had: it was restored, or is another one. Neither killed nor run again.
    pub orphans: Vec<AttemptId>,
    /// Another agent's, and whose.
    pub foreign: Vec<(AttemptId, AgentName)>,
}

/// What follows for attempts that are not open here.
pub fn settled(agent: &AgentName, reported: &[(AttemptId, bool)], rows: &[StoredAttempt<'_>]) -> Acknowledged {
    let mut said = Acknowledged::default();
    for (attempt, is_end) in reported {
        match rows.iter().find(|row| row.attempt == *attempt) {
            Some(row) if row.agent != agent => said.foreign.push((*attempt, row.agent.clone())),
            Some(row) if row.closed && *is_end => {
                said.ended.push(*attempt);
                said.forget.push(*attempt);
            }
            // Still running there; or opened between the look at the fleet and now: the next report finds it.
            Some(_) => {}
            None => said.orphans.push(*attempt),
        }
    }
    said
}

impl Acknowledged {
    /// The message, if there is anything to say.
    pub fn message(self, epoch: Epoch) -> Option<ToAgent> {
        let Self { ended, forget, .. } = self;
        let says = !ended.is_empty() || !forget.is_empty();
        says.then_some(ToAgent::Acknowledge { epoch, ended, forget, output: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn attempt(number: u128) -> AttemptId {
        AttemptId(Uuid::from_u128(number))
    }
    fn agent(name: &str) -> AgentName {
        name.parse().unwrap()
    }

    #[test]
    fn a_full_picture_says_what_it_does_not_hold() {
        let (execution, incarnation) = (ExecutionId(Uuid::from_u128(9)), Incarnation(Uuid::from_u128(8)));
        let open = vec![(attempt(1), execution), (attempt(2), execution)];
        let says = |full| {
            let observations = vec![
                Observation { attempt: attempt(2), observed: Observed::Accepted },
                Observation { attempt: attempt(3), observed: Observed::Accepted },
            ];
            sort(&agent("a1"), incarnation, open.clone(), observations, full)
        };
        let word = says(true);
        assert_eq!(word.closed, [(attempt(3), false)]);
        assert!(
            matches!(word.inputs[..], [(.., Input::Observed { .. }), (.., Input::Absent { attempt: absent, .. })] if absent == attempt(1))
        );
        assert_eq!(says(false).inputs.len(), 1);
    }

    #[test]
    fn only_what_is_settled_on_both_sides_is_forgotten() {
        let (own, other) = (agent("a1"), agent("a2"));
        let row = |number, agent, closed| StoredAttempt { attempt: attempt(number), agent, closed };
        let rows = [row(1, &own, true), row(2, &own, true), row(3, &own, false), row(4, &other, true)];
        let reported = [(attempt(1), true), (attempt(2), false), (attempt(3), true), (attempt(4), true), (attempt(5), true)];
        let said = settled(&own, &reported, &rows);
        assert_eq!((said.ended.clone(), said.forget.clone()), (vec![attempt(1)], vec![attempt(1)]));
        assert_eq!((said.orphans.clone(), said.foreign.clone()), (vec![attempt(5)], vec![(attempt(4), other)]));
        assert!(said.message(Epoch(1)).is_some() && Acknowledged::default().message(Epoch(1)).is_none());
    }
}
