//! What an agent shall do now: the controller's full picture, made from the executions' committed states.

use crate::clock;
use crate::engine::{Engine, EngineError};
use pulse_core::decide::desired;
use pulse_core::session::messages;
use pulse_protocol::picture::OutputOffsets;
use pulse_protocol::{AgentName, AttemptId, Epoch, ExecutionId, ToAgent};
use std::collections::BTreeMap;

/// Every attempt that the agent shall have, in as many messages as it takes.
pub(super) async fn picture(engine: &Engine, agent: &AgentName, epoch: Epoch) -> Result<Vec<ToAgent>, EngineError> {
    let mut by_execution: BTreeMap<ExecutionId, Vec<AttemptId>> = BTreeMap::new();
    for (attempt, execution) in engine.fleet().lock().open_of(agent) {
        by_execution.entry(execution).or_default().push(attempt);
    }
    let mut wanted = Vec::new();
    for (id, attempts) in by_execution {
        // One execution that cannot be read must not keep the agent from the others.
        match engine.view(id).await {
            Ok(Some(execution)) => {
                let fleet = engine.fleet().lock();
                wanted.extend(attempts.into_iter().filter_map(|attempt| desired(&execution, attempt, &*fleet, clock::now())));
            }
            Ok(None) => tracing::error!(execution = %id, "open attempts belong to no execution"),
            Err(error) => tracing::error!(execution = %id, %error, "what an agent shall do cannot be told"),
        }
    }
    Ok(messages(wanted, epoch))
}

/// How far the output of these attempts is stored. Said at every start of a session, also when it says nothing: the agent's
/// output goes on from there.
pub(super) async fn offsets(engine: &Engine, epoch: Epoch, attempts: &[AttemptId]) -> Result<ToAgent, EngineError> {
    let stored = engine.store().stored_offsets(attempts).await?;
    let output: Vec<(AttemptId, OutputOffsets)> = stored.into_iter().collect();
    Ok(ToAgent::Acknowledge { epoch, ended: Vec::new(), forget: Vec::new(), output })
}
