//! Takes in output: whose it is, stored, and only then acknowledged.

use super::outbox::Outbox;
use crate::engine::Engine;
use futures_util::FutureExt;
use pulse_protocol::message::{OutputChunk, Stream};
use pulse_protocol::picture::OutputOffsets;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{AgentName, AttemptId, Epoch, ToAgent};
use pulse_store::OutputPiece;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Pieces of one agent that may wait for the store. An honest agent has at most 256 KiB of an attempt on the way.
const WAITING: usize = 1024;
/// Attempts whose offsets are remembered; then they are read again.
const REMEMBERED: usize = 1024;

/// A session's output on its way into the store.
pub(super) struct Storing {
    chunks: mpsc::Sender<OutputChunk>,
    task: JoinHandle<Result<(), String>>,
}

impl Storing {
    pub(super) fn start(engine: Engine, agent: AgentName, epoch: Epoch, outbox: Outbox) -> Self {
        let (chunks, waiting) = mpsc::channel(WAITING);
        Self { chunks, task: tokio::spawn(store(engine, agent, epoch, waiting, outbox)) }
    }

    pub(super) async fn take(&self, chunk: OutputChunk) -> Result<(), mpsc::error::SendError<OutputChunk>> {
        self.chunks.send(chunk).await
    }

    /// Why nothing is stored any more, once that is so.
    pub(super) fn ended(&mut self) -> impl Future<Output = String> + Unpin {
        (&mut self.task).map(|ended| match ended {
            Ok(Ok(())) => "output ended".into(),
            Ok(Err(error)) => format!("output could not be stored: {error}"),
            Err(error) => format!("internal error: {error}"),
        })
    }
}

impl Drop for Storing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Stores what comes, in its order, until the session ends. An error ends the session: the agent then sends again from where
/// the store stands.
async fn store(
    engine: Engine,
    agent: AgentName,
    epoch: Epoch,
    mut chunks: mpsc::Receiver<OutputChunk>,
    outbox: Outbox,
) -> Result<(), String> {
    // How far its attempts' streams are stored; nothing for those that are not its own.
    let mut known: HashMap<AttemptId, Option<OutputOffsets>> = HashMap::new();
    // Of whom was stored something since the last acknowledgement.
    let mut moved = BTreeSet::new();
    while let Some(chunk) = chunks.recv().await {
        if moved.is_empty() && known.len() >= REMEMBERED {
            known.clear();
        }
        let attempt = chunk.attempt;
        let own = match known.entry(attempt) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(own(&engine, &agent, attempt).await?),
        };
        if let Some(offsets) = own {
            if planted::is(Bug::OutputUnstored) {
                let _ = outbox.send(acknowledgement(epoch, vec![(attempt, end_of(&chunk))])).await;
            }
            let OutputChunk { stream, offset, cut, data: bytes, .. } = chunk;
            let piece = OutputPiece { attempt, stream, offset, cut, bytes };
            let stored = engine.store().output_writer().submit(piece).await.map_err(|error| error.to_string())?;
            match stream {
                Stream::Stdout => offsets.stdout = stored,
                Stream::Stderr => offsets.stderr = stored,
            }
            moved.insert(attempt);
        }
        // One acknowledgement for everything that was waiting behind each other.
        if !moved.is_empty() && (chunks.is_empty() || moved.len() > 16) {
            let output = std::mem::take(&mut moved).into_iter();
            let output = output.filter_map(|attempt| Some((attempt, (*known.get(&attempt)?)?))).collect();
            if outbox.send(acknowledgement(epoch, output)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// How far an attempt's streams are stored, if it is the agent's.
async fn own(engine: &Engine, agent: &AgentName, attempt: AttemptId) -> Result<Option<OutputOffsets>, String> {
    if !belongs(engine, agent, attempt).await? {
        tracing::warn!(%agent, %attempt, "output of an attempt that is not this agent's is thrown away");
        return Ok(None);
    }
    let stored = engine.store().stored_offsets(&[attempt]).await.map_err(|error| error.to_string())?;
    Ok(Some(stored.first().map(|(_, offsets)| *offsets).unwrap_or_default()))
}

fn acknowledgement(epoch: Epoch, output: Vec<(AttemptId, OutputOffsets)>) -> ToAgent {
    ToAgent::Acknowledge { epoch, ended: Vec::new(), forget: Vec::new(), output }
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
