//! The row that people read of a sync: commit, counts, changes, problems, one sentence.

use super::{Checked, Confirmation, Planned, SyncError};
use crate::clock;
use crate::source::tree::{Commit, SourceError, SourceReason};
use pulse_core::Timestamp;
use pulse_core::source_status::SyncReason;
use pulse_store::{SyncOutcome, SyncRecord};
use serde_json::{Value, json};
use uuid::Uuid;

/// Changes that a row keeps.
const MAX_CHANGES: usize = 200;

/// A sync that has begun.
pub(super) struct Begun<'a> {
    source: &'a str,
    last: Option<Uuid>,
    at: Timestamp,
}

/// What there is to say at its end.
pub(super) struct Finding {
    outcome: SyncOutcome,
    reason: SyncReason,
    commit: Option<Commit>,
    generation: Option<i64>,
    problems: Value,
    counts: Value,
    message: String,
}

impl<'a> Begun<'a> {
    /// `last`: the source's sync before.
    pub(super) fn now(source: &'a str, last: Option<&SyncRecord>) -> Self {
        Self { source, last: last.map(|last| last.id), at: clock::now() }
    }

    /// The source cannot be read.
    pub(super) fn unreachable(&self, error: &SourceError) -> SyncRecord {
        self.not_read(error.reason, json!({}), error.to_string())
    }

    /// It does not come back. Since when is no part of the words, so that each time it hangs is a sync of its own.
    pub(super) fn hanging(&self, since: Timestamp, error: &SyncError) -> SyncRecord {
        self.not_read(SourceReason::TimedOut, json!({ "hangsSince": since.0 }), error.to_string())
    }

    fn not_read(&self, reason: SourceReason, counts: Value, message: String) -> SyncRecord {
        self.finish(Finding {
            outcome: SyncOutcome::Unreachable,
            reason: SyncReason::Source(reason),
            commit: None,
            generation: None,
            problems: json!([]),
            counts,
            message,
        })
    }

    /// The set has errors.
    pub(super) fn refused(&self, checked: &Checked) -> SyncRecord {
        let (errors, files) = (counted(checked.errors(), "error"), counted(checked.bad_files(), "file"));
        self.finish(Finding {
            outcome: SyncOutcome::Refused,
            reason: SyncReason::InvalidManifests,
            commit: Some(checked.commit.clone()),
            generation: None,
            problems: json!(checked.problems),
            counts: json!({}),
            message: format!("{errors} in {files}; what was live stays live"),
        })
    }

    pub(super) fn finish(&self, finding: Finding) -> SyncRecord {
        let commit = finding.commit.unwrap_or_default();
        SyncRecord {
            id: id_after(self.last, Uuid::now_v7()),
            source: self.source.to_owned(),
            commit: Some(commit.id).filter(|id| !id.is_empty()),
            author: commit.author,
            title: commit.title,
            outcome: finding.outcome,
            reason: Some(finding.reason.as_str().to_owned()),
            generation: finding.generation,
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
    pub(super) fn of(outcome: SyncOutcome, checked: &Checked, planned: &Planned) -> Self {
        let plan = &planned.plan;
        let [create, update, retire, unchanged] =
            [&plan.create, &plan.update, &plan.retire, &plan.unchanged].map(|changes| changes.len());
        let mut counts = json!({ "create": create, "update": update, "retire": retire, "unchanged": unchanged });
        if !plan.is_empty() {
            counts["planDigest"] = json!(plan.digest());
            counts["changes"] = changes(planned);
        }
        let (reason, message) = match outcome {
            SyncOutcome::Held => {
                let live = update + unchanged + retire;
                let message =
                    format!("it would retire {retire} of {live} live objects, so a person must confirm it; nothing was applied");
                (SyncReason::Held, message)
            }
            SyncOutcome::Unchanged => (SyncReason::Unchanged, format!("nothing to change: {unchanged} unchanged")),
            _ => {
                let message = format!("{create} created, {update} updated, {retire} retired, {unchanged} unchanged");
                (SyncReason::Applied, message)
            }
        };
        let generation = planned.generation_after(outcome, checked);
        let (commit, problems) = (Some(checked.commit.clone()), json!(planned.problems));
        Self { outcome, reason, commit, generation, problems, counts, message }
    }

    /// With whose word released it, and what.
    pub(super) fn released_by(mut self, word: Option<&Confirmation>) -> Self {
        if let Some(word) = word {
            self.counts["confirmedBy"] = json!(word.by);
            self.counts["confirms"] = json!(word.sync);
        }
        self
    }
}

/// Syncs of a source are ordered by their ids: the new one is behind the last one, also where the clock was set back.
fn id_after(last: Option<Uuid>, new: Uuid) -> Uuid {
    match last {
        Some(last) if new <= last => {
            let (stamp, rest) = ((last.as_u128() >> 80) + 1, new.as_u128() << 48 >> 48);
            Uuid::from_u128(stamp << 80 | rest)
        }
        _ => new,
    }
}

/// The changes that a row keeps; what a person must look at most comes first.
fn changes(planned: &Planned) -> Value {
    let plan = &planned.plan;
    let said = [("retire", &plan.retire), ("update", &plan.update), ("create", &plan.create)];
    let all = said.into_iter().flat_map(|(action, changes)| changes.iter().map(move |change| (action, change)));
    let one = |(action, change): (&str, &pulse_core::plan::Change)| {
        let mut value = json!(change);
        value["action"] = json!(action);
        value
    };
    Value::Array(all.take(MAX_CHANGES).map(one).collect())
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::id_after;
    use uuid::Uuid;

    #[test]
    fn ids_rise_though_the_clock_is_set_back() {
        let at = |seconds| Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0));
        let (before, now) = (at(1_700_000_000), at(1_700_000_060));
        assert_eq!((id_after(None, now), id_after(Some(before), now)), (now, now));
        let mut last = now;
        for _ in 0..100 {
            let next = id_after(Some(last), at(1_700_000_000));
            assert!(next > last && next.get_version_num() == 7, "{next} after {last}");
            last = next;
        }
    }
}
