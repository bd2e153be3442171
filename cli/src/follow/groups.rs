//! What came of a command on many agents: those that ended alike and wrote the same stand together, the largest group first.

use super::Selection;
use super::streams::Streams;
use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::output::escape::visible;
use crate::views::{Attempt, Execution, Stream, Target};
use std::time::{Duration, Instant};

/// How long output that was announced is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks for it.
const PERIOD: Duration = Duration::from_millis(200);
/// Names of agents that a head shows.
const MAX_NAMES: usize = 8;

/// Agents that ended alike.
struct Group<'e> {
    how: String,
    agents: Vec<&'e str>,
    /// The last attempt of the first of them, where there was one.
    attempt: Option<&'e Attempt>,
}

/// Shows each group with what its agents wrote; of one agent alone only that.
pub fn show(client: &Client, execution: &Execution, raw: bool) -> Result<(), Failure> {
    let groups = grouped(execution);
    let of_one = matches!(groups.as_slice(), [group] if group.agents.len() == 1 && group.attempt.is_some());
    for group in &groups {
        if !of_one {
            output::print(&head(group))?;
        }
        if let Some(attempt) = group.attempt {
            show_output(client, execution, attempt, if of_one { "" } else { "  | " }, raw)?;
        }
    }
    if let Some(said) = summary(&groups) {
        output::message(&said);
    }
    Ok(())
}

fn grouped(execution: &Execution) -> Vec<Group<'_>> {
    let mut groups: Vec<(Alike<'_>, Group<'_>)> = Vec::new();
    for target in execution.steps.iter().flat_map(|step| &step.targets) {
        let alike = Alike::of(target);
        match groups.iter_mut().find(|(key, _)| *key == alike) {
            Some((_, group)) => group.agents.push(&target.agent),
            None => {
                let (how, attempt) = (how(target), target.attempts.last());
                groups.push((alike, Group { how, agents: vec![&target.agent], attempt }));
            }
        }
    }
    // Of as many the one that came first.
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.agents.len()));
    groups.into_iter().map(|(_, group)| group).collect()
}

/// What agents that ended alike have in common.
#[derive(PartialEq)]
struct Alike<'e> {
    status: &'e str,
    reason: Option<&'e str>,
    end: Option<(&'e str, Option<i64>, Option<i64>)>,
    wrote: [Option<(u64, Option<&'e str>)>; 2],
}

impl<'e> Alike<'e> {
    fn of(target: &'e Target) -> Self {
        let attempt = target.attempts.last();
        let wrote = |stream: Option<&'e Stream>| stream.map(|stream| (stream.bytes, stream.sha256.as_deref()));
        Self {
            status: &target.status,
            reason: target.reason.as_deref(),
            end: attempt.map(|attempt| (attempt.state.as_str(), attempt.exit_code, attempt.signal)),
            wrote: [wrote(attempt.and_then(|one| one.stdout.as_ref())), wrote(attempt.and_then(|one| one.stderr.as_ref()))],
        }
    }
}

/// `exited 0`, `failed: offline`.
fn how(target: &Target) -> String {
    let attempt = target.attempts.last();
    let end = attempt.and_then(|attempt| match (attempt.exit_code, attempt.signal) {
        (Some(code), _) => Some(format!("exited {code}")),
        (None, Some(signal)) => Some(format!("ended by signal {signal}")),
        (None, None) => None,
    });
    end.unwrap_or_else(|| match &target.reason {
        Some(reason) => format!("{}: {reason}", target.status),
        None => target.status.clone(),
    })
}

fn head(group: &Group<'_>) -> String {
    let shown = group.agents.iter().take(MAX_NAMES).map(|agent| visible(agent)).collect::<Vec<_>>().join(", ");
    let count = group.agents.len();
    let how = visible(&group.how);
    match count {
        1 => format!("{shown} {how}"),
        _ if count > MAX_NAMES => format!("{count} agents {how}: {shown} and {} more", count - MAX_NAMES),
        _ => format!("{count} agents {how}: {shown}"),
    }
}

/// `198 same, 2 differ`.
fn summary(groups: &[Group<'_>]) -> Option<String> {
    let same = groups.first()?.agents.len();
    let differ: usize = groups.iter().skip(1).map(|group| group.agents.len()).sum();
    match (same, differ) {
        (1, 0) => None,
        (_, 0) => Some(format!("all {same} are the same")),
        (1, _) => Some(format!("all {} differ", groups.len())),
        _ => Some(format!("{same} same, {differ} differ")),
    }
}

/// What an attempt wrote; the execution said how much that is.
fn show_output(client: &Client, execution: &Execution, attempt: &Attempt, prefix: &str, raw: bool) -> Result<(), Failure> {
    let selection = Selection { attempt: Some(attempt.id.clone()), ..Selection::default() };
    let mut streams = Streams::new(selection, raw).under(prefix);
    let begun = Instant::now();
    loop {
        streams.show(client, execution)?;
        if streams.is_complete(execution) {
            break;
        }
        if begun.elapsed() > PATIENCE {
            output::message(&format!("some output has not arrived yet; `pulse logs '{}'` shows it when it has", execution.name));
            break;
        }
        std::thread::sleep(PERIOD);
    }
    streams.finish()
}

#[cfg(test)]
mod tests {
    use super::{grouped, head, summary};
    use crate::views::Execution;
    use serde_json::{Value, json};

    fn target(agent: &str, code: i64, sha: &str) -> Value {
        let stdout = json!({ "bytes": 3, "sha256": sha });
        let attempt = json!({ "id": agent, "state": "exited", "exitCode": code, "stdout": stdout });
        let status = if code == 0 { "succeeded" } else { "failed" };
        json!({ "agent": agent, "status": status, "reason": (code != 0).then_some("the exit code"), "attempts": [attempt] })
    }

    fn said(targets: &[Value]) -> (Vec<String>, Option<String>) {
        let step = json!({ "id": "command", "status": "failed", "targets": targets });
        let execution = json!({ "id": "i", "name": "command#1", "workflow": "command", "status": "failed", "steps": [step] });
        let execution: Execution = serde_json::from_value(execution).unwrap();
        let groups = grouped(&execution);
        (groups.iter().map(head).collect(), summary(&groups))
    }

    #[test]
    fn those_that_ended_alike_and_wrote_the_same_stand_together() {
        let mut targets = vec![target("b", 0, "x"), target("f", 1, "x")];
        targets.extend((0..10).map(|number| target(&format!("a{number}"), 0, "y")));
        targets.push(json!({ "agent": "off", "status": "failed", "reason": "the agent is offline", "attempts": [] }));
        let (heads, summary) = said(&targets);
        let expected = [
            "10 agents exited 0: a0, a1, a2, a3, a4, a5, a6, a7 and 2 more",
            "b exited 0",
            "f exited 1",
            "off failed: the agent is offline",
        ];
        assert_eq!(heads, expected);
        assert_eq!(summary.as_deref(), Some("10 same, 3 differ"));
    }

    #[test]
    fn what_is_all_the_same_or_all_different_is_said_so() {
        let of = |targets: &[Value]| said(targets).1;
        assert_eq!(of(&[target("a", 0, "x")]), None);
        assert_eq!(of(&[target("a", 0, "x"), target("b", 0, "x")]).as_deref(), Some("all 2 are the same"));
        assert_eq!(of(&[target("a", 0, "x"), target("b", 0, "y")]).as_deref(), Some("all 2 differ"));
        assert_eq!(of(&[]), None);
    }
}
