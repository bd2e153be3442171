//! Running an execution again: from where it failed, on the same snapshot, with what succeeded taken over; or from the start, at the
//! same commit or at what is live now. Always as a new execution that names the old one.

use super::start::{Prepared, StartRequest, Started};
use super::{Engine, EngineError, StartError};
use pulse_core::definitions::Snapshot;
use pulse_core::execution::{CannotRetry, Execution, Trigger, carried, unknown_targets};
use pulse_protocol::{AgentName, ExecutionId};
use std::collections::BTreeMap;

/// How an execution is run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// From the step that failed; `include_unknown` also repeats targets of which nobody knows whether their command ran.
    FromFailed {
        /// A person decides that such commands may run again.
        include_unknown: bool,
    },
    /// From the start, on the same snapshot.
    Same,
    /// From the start, on what is live now, with the same parameters.
    Head,
}

/// Why an execution is not run again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// It cannot be.
    #[error(transparent)]
    Cannot(#[from] CannotRetry),
    /// It may have commands that run or ran.
    #[error(
        "nobody knows whether the commands of {} ran and how they ended; wait for their agents to say, or look at the hosts and say that they may run again (`includeUnknown`)",
        .0.iter().map(AgentName::as_str).collect::<Vec<_>>().join(", ")
    )]
    Unknown(Vec<AgentName>),
    /// The new execution is refused.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl From<EngineError> for RetryError {
    fn from(error: EngineError) -> Self {
        Self::Start(error.into())
    }
}

impl Engine {
    /// Runs an execution again.
    pub async fn retry(&self, id: ExecutionId, repeat: Repeat, by: String) -> Result<Started, RetryError> {
        let before = self.load(id).await?.ok_or(EngineError::NoSuchExecution(id))?;
        let request = again(&before, by);
        let prepared = match repeat {
            Repeat::Head => Prepared { repeats: Some((id, None)), ..self.prepare(&request)? },
            Repeat::Same if !before.status.is_terminal() => {
                return Err(CannotRetry::NotOver(before.status.as_str()).into());
            }
            Repeat::Same => self.pinned(&before).await?,
            Repeat::FromFailed { include_unknown } => {
                let carried = carried(&before)?;
                let unknown = unknown_targets(&before);
                if !unknown.is_empty() && !include_unknown {
                    return Err(RetryError::Unknown(unknown));
                }
                Prepared { repeats: Some((id, Some(Box::new(carried)))), ..self.pinned(&before).await? }
            }
        };
        Ok(self.launch(&prepared, &request, None).await?)
    }

    /// Everything as the execution is pinned to it.
    async fn pinned(&self, before: &Execution) -> Result<Prepared, EngineError> {
        let (id, created) = (before.id(), &before.created);
        let broken = |fault: String| EngineError::History { id, fault };
        let body = self.inner.store.snapshot(&created.snapshot).await?;
        let body = body.ok_or_else(|| broken(format!("its snapshot {} is missing", created.snapshot)))?;
        let snapshot: Snapshot = serde_json::from_str(&body).map_err(|error| broken(format!("its snapshot: {error}")))?;
        let program = self.inner.hot.program(&created.snapshot, &snapshot).map_err(broken)?;
        Ok(Prepared {
            workflow: (created.source.clone(), created.workflow.clone()),
            commit: created.commit.clone(),
            program,
            snapshot: (created.snapshot.clone(), body),
            params: created.params.clone(),
            selections: created.selections.clone(),
            limit: created.limit.clone(),
            repeats: Some((id, None)),
        })
    }
}

/// The request that would start it now.
fn again(before: &Execution, by: String) -> StartRequest {
    let created = &before.created;
    let params: BTreeMap<_, _> = created.params.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    StartRequest {
        workflow: created.workflow.clone(),
        source: Some(created.source.clone()),
        params,
        limit: created.limit.clone(),
        trigger: Trigger::person(by),
        idempotency: None,
    }
}
