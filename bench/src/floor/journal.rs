//! The agent's journal: lines that are on the disk before anything is started. One task writes what waits, and syncs once for
//! all of it.

use anyhow::Context;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use tokio::sync::{mpsc, oneshot};

/// Most lines of one fdatasync.
const BATCH: usize = 256;

type Pending = (String, oneshot::Sender<()>);

/// Hands lines to the task.
#[derive(Clone)]
pub struct Journal(mpsc::Sender<Pending>);

impl Journal {
    /// A new one.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let mut file = File::create(path).with_context(|| format!("{}", path.display()))?;
        let (queue, mut waiting) = mpsc::channel::<Pending>(4 * BATCH);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while waiting.recv_many(&mut batch, BATCH).await > 0 {
                let text: String = batch.iter().map(|(line, _)| line.as_str()).collect();
                if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_data()) {
                    eprintln!("the journal cannot be written: {error}");
                    return;
                }
                // Whoever asked may be gone.
                batch.drain(..).for_each(|(_, done)| _ = done.send(()));
            }
        });
        Ok(Self(queue))
    }

    /// Makes a line durable.
    pub async fn append(&self, line: String) -> anyhow::Result<()> {
        let (done, told) = oneshot::channel();
        self.0.send((line, done)).await.ok().context("the journal has ended")?;
        told.await.context("it was not written")
    }
}
