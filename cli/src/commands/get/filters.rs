//! Which executions are listed, or which prompts. What is not said does not narrow the list.

use crate::commands::agents::pair;
use jiff::Timestamp;
use std::str::FromStr;

/// Filters of executions; each narrows what the others leave.
#[derive(Debug, clap::Args)]
pub(super) struct Filters {
    /// Executions or prompts of this workflow only
    #[arg(long, conflicts_with = "name")]
    workflow: Option<String>,
    /// Executions in this state only, such as `running`
    #[arg(long, conflicts_with = "name")]
    status: Option<String>,
    /// Executions of workflows with this label only; given several times, all of them
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair, conflicts_with = "name")]
    labels: Vec<(String, String)>,
    /// Executions that this person, schedule or token started only
    #[arg(long, value_name = "WHO", conflicts_with = "name")]
    started_by: Option<String>,
    /// Executions with this agent among their targets only
    #[arg(long, conflicts_with = "name")]
    agent: Option<String>,
    /// Executions that are pinned to this commit only
    #[arg(long, conflicts_with = "name")]
    commit: Option<String>,
    /// Executions that were started since then only: how long ago (2h), or a time such as 2026-11-21T05:00:00Z
    #[arg(long, value_name = "WHEN", conflicts_with = "name")]
    since: Option<Moment>,
    /// Executions that were started before then only
    #[arg(long, value_name = "WHEN", conflicts_with = "name")]
    until: Option<Moment>,
}

/// A time, or how long ago it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Moment {
    At(Timestamp),
    Ago(crd_schemas::Duration),
}

impl FromStr for Moment {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(ago) = text.parse() {
            return Ok(Self::Ago(ago));
        }
        text.parse().map(Self::At).map_err(|_| {
            "it must be how long ago, such as 2h or 3d, or a time with its offset, such as 2026-11-21T05:00:00Z".to_owned()
        })
    }
}

impl Moment {
    /// As RFC 3339. What would be before all time is its beginning.
    pub(in crate::commands) fn at(self, now: Timestamp) -> String {
        let at = match self {
            Self::At(at) => at,
            Self::Ago(ago) => {
                let millis = now.as_millisecond().saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX));
                Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MIN)
            }
        };
        at.to_string()
    }
}

impl Filters {
    /// Something was said, but for the filters of these names.
    pub(super) fn are_given(&self, but: &[&str]) -> bool {
        self.parts(Timestamp::UNIX_EPOCH).iter().any(|(name, _)| !but.contains(name))
    }

    /// What was said, as the API takes it.
    pub(super) fn parts(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        let labels = self.labels.iter().map(|(key, value)| ("label", format!("{key}={value}")));
        let texts = [
            ("workflow", self.workflow.clone()),
            ("status", self.status.clone()),
            ("startedBy", self.started_by.clone()),
            ("agent", self.agent.clone()),
            ("commit", self.commit.clone()),
            ("since", self.since.map(|moment| moment.at(now))),
            ("until", self.until.map(|moment| moment.at(now))),
        ];
        texts.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(labels).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago() {
        let now = "2026-11-21T05:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Moment>().map(|moment| moment.at(now));
        assert_eq!(at("2h").unwrap(), "2026-11-21T03:00:00Z");
        assert_eq!(at("2026-11-20T06:00:00+01:00").unwrap(), "2026-11-20T05:00:00Z");
        for wrong in ["yesterday", "2", "2026-11-20", ""] {
            assert!(at(wrong).unwrap_err().contains("such as 2h"), "{wrong}");
        }
    }
}
