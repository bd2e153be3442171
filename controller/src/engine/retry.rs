//! Running an execution again: from where it failed, on the same snapshot, with what succeeded taken over; or from the start, at the
//! same commit or at what is live now. Always as a new execution that names the old one.

use super::start::{Idempotency, Prepared, StartRequest, Started};
use super::{Engine, EngineError, StartError};
use crate::audit::Handed;
use pulse_core::definitions::Snapshot;
use pulse_core::execution::{CannotRetry, Created, Event, Trigger, carried, unknown_targets};
use pulse_core::trace::TraceContext;
use pulse_protocol::{AgentName, ExecutionId};

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
    /// From the start, on what is live now, with the parameters that were given.
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
    /// What it is pinned to cannot be run by this release.
    #[error("what the execution is pinned to cannot be run: {0}")]
    Pinned(String),
    /// The new execution is refused.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl From<EngineError> for RetryError {
    fn from(error: EngineError) -> Self {
        Self::Start(error.into())
    }
}

/// What a retry answers.
#[derive(Debug, Clone)]
pub struct Retried {
    /// The new execution.
    pub started: Started,
    /// Parameters that were given to the old one and that the workflow does not declare any more.
    pub dropped: Vec<String>,
}

impl Engine {
    /// Runs an execution again; the new one belongs to the caller's trace, where there is one.
    pub async fn retry(
        &self,
        id: ExecutionId,
        repeat: Repeat,
        by: String,
        idempotency: Option<Idempotency>,
        (audit, trace): (Option<Handed>, Option<TraceContext>),
    ) -> Result<Retried, RetryError> {
        let created = self.created(id).await?;
        let mut request = StartRequest { audit, trace, ..again(&created, by, idempotency) };
        let replayed = self.replay(&request).await?;
        let dropped = if repeat == Repeat::Head { self.drop_undeclared(&mut request) } else { Ok(Vec::new()) };
        if let Some(started) = replayed {
            // What it started is the answer, whatever has become of the workflow since.
            return Ok(Retried { started, dropped: dropped.unwrap_or_default() });
        }
        let dropped = dropped?;
        let prepared = match repeat {
            Repeat::Head => {
                self.is_over(id).await?;
                Prepared { repeats: Some((id, None)), ..self.prepare(&request)? }
            }
            Repeat::Same => {
                self.is_over(id).await?;
                self.pinned(&created).await?
            }
            Repeat::FromFailed { include_unknown } => {
                let prepared = self.pinned(&created).await?;
                let before = self.load(id).await?.ok_or(EngineError::NoSuchExecution(id))?;
                let carried = carried(&before)?;
                let unknown = unknown_targets(&before);
                if !unknown.is_empty() && !include_unknown {
                    return Err(RetryError::Unknown(unknown));
                }
                Prepared { repeats: Some((id, Some(Box::new(carried)))), ..prepared }
            }
        };
        Ok(Retried { started: self.launch(prepared, request, None).await?, dropped })
    }

    /// How it was started; readable without its snapshot.
    pub(super) async fn created(&self, id: ExecutionId) -> Result<Created, EngineError> {
        match self.inner.store.history(id).await?.into_iter().next().map(|first| first.event) {
            Some(Event::Created(created)) => Ok(*created),
            Some(_) => Err(EngineError::History { id, fault: "its first event is not `created`".to_owned() }),
            None => Err(EngineError::NoSuchExecution(id)),
        }
    }

    async fn is_over(&self, id: ExecutionId) -> Result<(), RetryError> {
        let row = self.inner.store.execution(id).await.map_err(EngineError::from)?.ok_or(EngineError::NoSuchExecution(id))?;
        let status = row.status;
        if row.terminal { Ok(()) } else { Err(CannotRetry::NotOver(status).into()) }
    }

    /// Leaves out the parameters that the live workflow does not declare, and answers their names.
    fn drop_undeclared(&self, request: &mut StartRequest) -> Result<Vec<String>, StartError> {
        let live = self.live();
        let declared = &live.workflow(&request.workflow, request.source.as_deref())?.manifest.spec.params;
        let is_declared = |name: &String| declared.iter().any(|param| param.name == *name);
        let dropped = request.params.keys().filter(|name| !is_declared(name)).cloned().collect();
        request.params.retain(|name, _| is_declared(name));
        Ok(dropped)
    }

    /// Everything as the execution is pinned to it.
    async fn pinned(&self, created: &Created) -> Result<Prepared, RetryError> {
        let digest = &created.snapshot;
        let body = self.inner.store.snapshot(digest).await.map_err(EngineError::from)?;
        let body = body.ok_or_else(|| RetryError::Pinned(format!("its snapshot {digest} is missing")))?;
        let snapshot: Snapshot =
            serde_json::from_str(&body).map_err(|error| RetryError::Pinned(format!("its snapshot: {error}")))?;
        let program = self.inner.hot.program(digest, &snapshot).map_err(RetryError::Pinned)?;
        Ok(Prepared {
            workflow: (created.source.clone(), created.workflow.clone()),
            commit: created.commit.clone(),
            program,
            snapshot: (digest.clone(), body.into()),
            params: created.params.clone(),
            given: created.given.clone(),
            selections: created.selections.clone(),
            limit: created.limit.clone(),
            repeats: Some((created.id, None)),
        })
    }
}

/// The request that would start it now: what was given to it, without the defaults of its time where it is known which they are.
fn again(created: &Created, by: String, idempotency: Option<Idempotency>) -> StartRequest {
    let given = |name: &String| created.given.as_ref().is_none_or(|given| given.contains(name));
    let params = created.params.iter().filter(|(name, _)| given(name));
    StartRequest {
        workflow: created.workflow.clone(),
        source: Some(created.source.clone()),
        params: params.map(|(name, value)| (name.clone(), value.clone().into())).collect(),
        limit: created.limit.clone(),
        trigger: Trigger::person(by),
        idempotency,
        audit: None,
        trace: None,
    }
}
