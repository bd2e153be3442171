//! The row that people read of a sync: counts, problems, one sentence.

use super::{Checked, Planned, SOURCE};
use crate::clock;
use crate::source::SourceError;
use crd_schemas::{Problem, Severity};
use pulse_core::Timestamp;
use pulse_store::{SyncOutcome, SyncRecord};
use serde_json::{Value, json};
use uuid::Uuid;

/// Problems that a row keeps.
const MAX_PROBLEMS: usize = 500;

/// A sync that has begun.
pub(super) struct Begun {
    at: Timestamp,
}

/// What there is to say at its end.
pub(super) struct Finding {
    outcome: SyncOutcome,
    commit: Option<String>,
    problems: Value,
    counts: Value,
    message: String,
}

impl Begun {
    pub(super) fn now() -> Self {
        Self { at: clock::now() }
    }

    /// The source cannot be read.
    pub(super) fn unreachable(&self, error: &SourceError) -> SyncRecord {
        self.finish(Finding {
            outcome: SyncOutcome::Unreachable,
            commit: None,
            problems: json!([]),
            counts: json!({}),
            message: error.to_string(),
        })
    }

    /// The set has errors.
    pub(super) fn refused(&self, commit: &str, checked: &Checked) -> SyncRecord {
        let mut files: Vec<&str> = errors(checked).map(|problem| problem.file.as_str()).collect();
        files.dedup();
        let (errors, files) = (counted(checked.errors(), "error"), counted(files.len(), "file"));
        self.finish(Finding {
            outcome: SyncOutcome::Refused,
            commit: Some(commit.to_owned()),
            problems: problems(checked),
            counts: json!({}),
            message: format!("{errors} in {files}; what was live stays live"),
        })
    }

    pub(super) fn finish(&self, finding: Finding) -> SyncRecord {
        SyncRecord {
            id: Uuid::now_v7(),
            source: SOURCE.to_owned(),
            commit: finding.commit,
            author: None,
            title: None,
            outcome: finding.outcome,
            reason: None,
            generation: None,
            problems: finding.problems,
            counts: finding.counts,
            message: Some(finding.message),
            started_at: self.at,
            duration_us: clock::now().0.saturating_sub(self.at.0),
        }
    }
}

impl Finding {
    /// What a plan says.
    pub(super) fn of(outcome: SyncOutcome, commit: &str, checked: &Checked, planned: &Planned) -> Self {
        let plan = &planned.plan;
        let [create, update, retire, unchanged] =
            [&plan.create, &plan.update, &plan.retire, &plan.unchanged].map(|changes| changes.len());
        let mut counts = json!({ "create": create, "update": update, "retire": retire, "unchanged": unchanged });
        let message = match outcome {
            SyncOutcome::Held => {
                counts["planDigest"] = json!(plan.digest());
                let live = update + unchanged + retire;
                format!("it would retire {retire} of {live} live objects, so a person must confirm it; nothing was applied")
            }
            SyncOutcome::Unchanged => format!("nothing to change: {unchanged} unchanged"),
            _ => format!("{create} created, {update} updated, {retire} retired, {unchanged} unchanged"),
        };
        Self { outcome, commit: Some(commit.to_owned()), problems: problems(checked), counts, message }
    }
}

fn errors(checked: &Checked) -> impl Iterator<Item = &Problem> {
    checked.problems.iter().filter(|problem| problem.severity == Severity::Error)
}

/// The problems, errors first where not all of them fit.
fn problems(checked: &Checked) -> Value {
    if checked.problems.len() <= MAX_PROBLEMS {
        return json!(checked.problems);
    }
    let warnings = checked.problems.iter().filter(|problem| problem.severity == Severity::Warning);
    json!(errors(checked).chain(warnings).take(MAX_PROBLEMS).collect::<Vec<_>>())
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
