//! What an agent shall do now: the controller's full picture, made from the executions' committed states.

use crate::engine::{Engine, EngineError};
use pulse_core::decide::desired;
use pulse_protocol::picture::OutputOffsets;
use pulse_protocol::{AgentName, Assignment, AttemptId, Epoch, ToAgent};

/// Every attempt that the agent shall have.
pub(super) async fn picture(engine: &Engine, agent: &AgentName) -> Result<Vec<Assignment>, EngineError> {
    let open = engine.fleet().lock().open_of(agent);
    let mut wanted = Vec::with_capacity(open.len());
    for (attempt, execution) in open {
        // One execution that cannot be read must not keep the agent from the others.
        match engine.view(execution).await {
            Ok(Some(execution)) => wanted.extend(desired(&execution, attempt, &*engine.fleet().lock())),
            Ok(None) => tracing::error!(%execution, %attempt, "an open attempt belongs to no execution"),
            Err(error) => tracing::error!(%execution, %error, "what an agent shall do cannot be told"),
        }
    }
    Ok(wanted)
}

/// How far the output of these attempts is stored. Said at every start of a session, also when it says nothing: the agent's
/// output goes on from there.
pub(super) async fn offsets(engine: &Engine, epoch: Epoch, attempts: &[AttemptId]) -> Result<ToAgent, EngineError> {
    let stored = engine.store().stored_offsets(attempts).await?;
    let output: Vec<(AttemptId, OutputOffsets)> = stored.into_iter().collect();
    Ok(ToAgent::Acknowledge { epoch, ended: Vec::new(), forget: Vec::new(), output })
}
