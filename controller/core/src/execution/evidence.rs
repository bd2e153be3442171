//! What a person who is asked should see: how the command before ended on its targets, those that ended alike together.

use crate::execution::{Execution, StepRun};
use pulse_protocol::observation::OutputTotals;
use pulse_protocol::{AgentName, AttemptId};
use std::collections::BTreeMap;

/// The results of the last `execute` step before a question.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// Its visit.
    pub run: &'a StepRun,
    /// Its targets, those with the same status, exit code and output together; the largest group first.
    pub groups: Vec<Group<'a>>,
}

/// Targets that ended alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'a> {
    /// They, sorted.
    pub agents: Vec<&'a AgentName>,
    /// How they ended.
    pub status: &'static str,
    /// The exit code, where the command exited.
    pub exit_code: Option<i64>,
    /// The last attempt of the first of them, whose output stands for all; none where none was made.
    pub sample: Option<AttemptId>,
    /// Size and digest of what they wrote to stdout; none where nobody has said.
    pub stdout: Option<&'a OutputTotals>,
    /// And to stderr.
    pub stderr: Option<&'a OutputTotals>,
}

/// The evidence before the visit at this index of [`Execution::steps`].
pub fn evidence(execution: &Execution, index: usize) -> Option<Evidence<'_>> {
    let before = execution.steps.get(..index)?;
    let run = before.iter().rev().find(|run| execution.compiled(run).execute().is_some() && !run.targets.is_empty())?;
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for (name, target) in &run.targets {
        let last = target.attempts.last().and_then(|id| Some((*id, execution.attempts.get(id)?)));
        let ended = last.and_then(|(_, attempt)| attempt.ended.as_ref());
        let (stdout, stderr) = (ended.map(|ended| &ended.stdout), ended.map(|ended| &ended.stderr));
        let exit_code = super::context::target_value(execution, target).exit_code;
        let status = target.state.as_str();
        // Outputs of which nobody knows the digest are never called equal.
        let digest = |totals: Option<&OutputTotals>| match totals {
            Some(totals) if totals.sha256.is_empty() => format!("of {name}"),
            Some(totals) => totals.sha256.clone(),
            None => String::new(),
        };
        let key = (status, exit_code, digest(stdout), digest(stderr));
        let sample = last.map(|(id, _)| id);
        let fresh = || Group { agents: Vec::new(), status, exit_code, sample, stdout, stderr };
        groups.entry(key).or_insert_with(fresh).agents.push(name);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.agents.len()));
    Some(Evidence { run, groups })
}
