//! What a person who is asked should see: how the command before ended on its targets, those that ended alike together.

use crate::execution::{AttemptOutput, Execution, StepRun, Target};
use pulse_protocol::observation::OutputTotals;
use pulse_protocol::{AgentName, Ended};
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
    /// What the first of them wrote, which stands for all; none where no command ran.
    pub output: Option<AttemptOutput>,
}

/// The evidence before the visit at this index of [`Execution::steps`].
pub fn evidence(execution: &Execution, index: usize) -> Option<Evidence<'_>> {
    let before = execution.steps.get(..index)?;
    let run = before.iter().rev().find(|run| execution.compiled(run).execute().is_some() && !run.targets.is_empty())?;
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for (name, target) in &run.targets {
        let output = last_output(execution, target);
        let exit_code = super::context::target_value(execution, target).exit_code;
        let status = target.state.as_str();
        let key = (status, exit_code, output.as_ref().map(|output| written(output, name)));
        groups.entry(key).or_insert_with(|| Group { agents: Vec::new(), status, exit_code, output }).agents.push(name);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.agents.len()));
    Some(Evidence { run, groups })
}

/// What a target's last attempt wrote: its own, or the one that was taken over with it.
pub(super) fn last_output(execution: &Execution, target: &Target) -> Option<AttemptOutput> {
    let Some(id) = target.attempts.last() else { return target.carried.as_ref()?.output.clone() };
    Some(AttemptOutput::of(*id, execution.attempts.get(id)?.ended.as_ref()))
}

impl AttemptOutput {
    /// As its agent has said, if it has.
    pub(super) fn of(attempt: pulse_protocol::AttemptId, ended: Option<&Ended>) -> Self {
        Self { attempt, stdout: ended.map(|ended| ended.stdout.clone()), stderr: ended.map(|ended| ended.stderr.clone()) }
    }
}

/// What makes outputs equal. Those of which nobody knows the digest are never called so.
fn written(output: &AttemptOutput, name: &AgentName) -> [String; 2] {
    [&output.stdout, &output.stderr].map(|totals| match totals {
        Some(OutputTotals { bytes: 0, .. }) => String::new(),
        Some(totals) if !totals.sha256.is_empty() => totals.sha256.clone(),
        _ => format!("of {name}"),
    })
}
