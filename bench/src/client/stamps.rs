//! What commands say of their first instruction.

use anyhow::Context;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::UnixDatagram;
use tokio::task::JoinHandle;

/// How long what was told may be on its way to us.
const TRIES: u32 = 2000;
const PAUSE: Duration = Duration::from_millis(1);

/// Listens until it is dropped.
pub struct Stamps {
    path: PathBuf,
    found: Arc<Mutex<HashMap<String, Duration>>>,
    listening: JoinHandle<()>,
}

impl Stamps {
    /// Listens on a socket in this folder.
    pub fn listen(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("stamps");
        let socket = UnixDatagram::bind(&path).with_context(|| format!("{}", path.display()))?;
        let found = Arc::new(Mutex::new(HashMap::new()));
        let into = Arc::clone(&found);
        let listening = tokio::spawn(async move {
            let mut line = [0; 200];
            while let Ok(length) = socket.recv(&mut line).await {
                if let Some((execution, at)) = parse(&line[..length]) {
                    into.lock().unwrap_or_else(PoisonError::into_inner).insert(execution, at);
                }
            }
        });
        Ok(Self { path, found, listening })
    }

    /// Where commands tell it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// When the command of an execution began. It is told before the command ends, so that who asks after the end has little to
    /// wait for.
    pub async fn of(&self, execution: &str) -> anyhow::Result<Duration> {
        for _ in 0..TRIES {
            let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).remove(execution);
            match found {
                Some(at) => return Ok(at),
                None => tokio::time::sleep(PAUSE).await,
            }
        }
        anyhow::bail!("the command of {execution} said nothing")
    }
}

impl Drop for Stamps {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn parse(line: &[u8]) -> Option<(String, Duration)> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (execution, seconds, nanos) = (words.next()?, words.next()?, words.next()?);
    Some((execution.to_owned(), Duration::new(seconds.parse().ok()?, nanos.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn a_stamp_is_an_execution_and_a_time() {
        assert_eq!(parse(b"0193 12 345"), Some(("0193".to_owned(), Duration::new(12, 345))));
        assert_eq!(parse(b"0193 12"), None);
    }
}
