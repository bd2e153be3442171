//! Takes in output: whose it is, stored, and only then acknowledged.

use crate::engine::Engine;
use pulse_protocol::message::{OutputChunk, Stream};
use pulse_protocol::picture::OutputOffsets;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{AgentName, AttemptId, Epoch, ToAgent};
use pulse_store::OutputPiece;
use std::collections::HashSet;
use tokio::sync::mpsc;

/// Pieces of one agent that may wait for the store. An honest agent has at most 256 KiB of an attempt on the way.
pub(super) const WAITING: usize = 1024;

/// Stores what comes, in its order, until the session ends. An error ends the session: the agent then sends again from where
/// the store stands.
pub(super) async fn store(
    engine: Engine,
    agent: AgentName,
    epoch: Epoch,
    mut chunks: mpsc::Receiver<OutputChunk>,
    outbox: mpsc::Sender<ToAgent>,
) -> Result<(), String> {
    let mut own = HashSet::new();
    while let Some(chunk) = chunks.recv().await {
        let attempt = chunk.attempt;
        if !own.contains(&attempt) {
            if !belongs(&engine, &agent, attempt).await? {
                tracing::warn!(%agent, %attempt, "output of an attempt that is not this agent's was thrown away");
                continue;
            }
            own.insert(attempt);
        }
        if planted::is(Bug::OutputUnstored) {
            drop(outbox.send(acknowledgement(epoch, attempt, end_of(&chunk))).await);
        }
        let piece = OutputPiece { attempt, stream: chunk.stream, offset: chunk.offset, bytes: chunk.data };
        engine.store().output_writer().submit(piece).await.map_err(|error| error.to_string())?;
        // One acknowledgement for everything that was waiting behind each other.
        if chunks.is_empty() || own.len() > 1 {
            let stored = engine.store().stored_offsets(&[attempt]).await.map_err(|error| error.to_string())?;
            for (attempt, offsets) in stored {
                if outbox.send(acknowledgement(epoch, attempt, offsets)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn acknowledgement(epoch: Epoch, attempt: AttemptId, offsets: OutputOffsets) -> ToAgent {
    ToAgent::Acknowledge { epoch, ended: Vec::new(), forget: Vec::new(), output: vec![(attempt, offsets)] }
}

/// Where a piece's stream ends with it.
fn end_of(chunk: &OutputChunk) -> OutputOffsets {
    let end = chunk.offset + chunk.data.len() as u64;
    match chunk.stream {
        Stream::Stdout => OutputOffsets { stdout: end, stderr: 0 },
        Stream::Stderr => OutputOffsets { stdout: 0, stderr: end },
    }
}

async fn belongs(engine: &Engine, agent: &AgentName, attempt: AttemptId) -> Result<bool, String> {
    if engine.fleet().lock().execution_of(agent, attempt).is_some() {
        return Ok(true);
    }
    let rows = engine.store().attempts(&[attempt]).await.map_err(|error| error.to_string())?;
    Ok(rows.into_iter().flatten().any(|row| row.agent == *agent))
}
