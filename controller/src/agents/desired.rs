//! What an agent shall do now: the controller's full picture, made from the executions' committed states.

use crate::clock;
use crate::engine::{Engine, EngineError};
use pulse_core::decide::desired;
use pulse_protocol::picture::OutputOffsets;
use pulse_protocol::{AgentName, Assignment, AttemptId, CommandSpec, Epoch, ExecutionId, ToAgent};
use std::collections::BTreeMap;

/// Bytes of commands in one message; far below the longest frame also when every byte is escaped.
const MESSAGE_BYTES: usize = 512 * 1024;
/// Attempts in one message.
const MESSAGE_ITEMS: usize = 500;

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

fn messages(wanted: Vec<Assignment>, epoch: Epoch) -> Vec<ToAgent> {
    let mut parts: Vec<Vec<Assignment>> = vec![Vec::new()];
    let mut bytes = 0;
    for assignment in wanted {
        let size = assignment.command.as_ref().map_or(0, size_of);
        if let Some(part) = parts.last()
            && !part.is_empty()
            && (bytes + size > MESSAGE_BYTES || part.len() >= MESSAGE_ITEMS)
        {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.push(assignment);
        }
    }
    let full = parts.len() == 1;
    parts.into_iter().map(|assignments| ToAgent::Assign { epoch, assignments, full }).collect()
}

/// Bytes that a command brings into a message, more or less: files are longer there by a third.
fn size_of(command: &CommandSpec) -> usize {
    let env: usize = command.env.iter().map(|(name, value)| name.len() + value.len()).sum();
    let args: usize = command.script_file.iter().flat_map(|script| &script.args).map(String::len).sum();
    command.script.len() + env + args + command.files_bytes() / 3 * 4
}

/// How far the output of these attempts is stored. Said at every start of a session, also when it says nothing: the agent's
/// output goes on from there.
pub(super) async fn offsets(engine: &Engine, epoch: Epoch, attempts: &[AttemptId]) -> Result<ToAgent, EngineError> {
    let stored = engine.store().stored_offsets(attempts).await?;
    let output: Vec<(AttemptId, OutputOffsets)> = stored.into_iter().collect();
    Ok(ToAgent::Acknowledge { epoch, ended: Vec::new(), forget: Vec::new(), output })
}
