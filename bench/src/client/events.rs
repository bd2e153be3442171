//! The notices of a controller's WebSocket, turned into the end of each execution that somebody waits for.

use super::Target;
use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// How long the end of one execution is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Listens until it is dropped.
pub struct Watcher {
    ends: Arc<Ends>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct Ends(Mutex<HashMap<String, End>>);

enum End {
    /// Somebody waits.
    Awaited(oneshot::Sender<Ended>),
    /// It came before anybody asked.
    Come(Ended),
}

/// When the end was heard of, and how it was.
type Ended = (Duration, bool);

#[derive(Deserialize)]
struct Notice<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    execution: Option<&'a str>,
    status: Option<&'a str>,
}

impl Watcher {
    /// Listens from now on.
    pub async fn begin(target: &Target) -> anyhow::Result<Self> {
        let mut request = format!("ws://{}/api/v1/events", target.address).into_client_request()?;
        request.headers_mut().insert("authorization", format!("Bearer {}", target.token).parse()?);
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        let ends = Arc::new(Ends::default());
        let listening = tokio::spawn(listen(socket, Arc::clone(&ends)));
        Ok(Self { ends, listening })
    }

    /// Waits until the client has heard of an execution's end: when that was. An error if it did not succeed.
    pub async fn end(&self, execution: &str) -> anyhow::Result<Duration> {
        let (tell, told) = oneshot::channel();
        let come = {
            let mut ends = self.ends.lock();
            match ends.remove(execution) {
                Some(End::Come(ended)) => Some(ended),
                _ => {
                    ends.insert(execution.to_owned(), End::Awaited(tell));
                    None
                }
            }
        };
        let (at, succeeded) = match come {
            Some(ended) => ended,
            None => tokio::time::timeout(PATIENCE, told)
                .await
                .with_context(|| format!("no end of {execution} within {} s", PATIENCE.as_secs()))?
                .context("the events ended, or notices were lost")?,
        };
        anyhow::ensure!(succeeded, "{execution} did not succeed");
        Ok(at)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Ends {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, End>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, text: &str) -> anyhow::Result<()> {
        let notice: Notice = serde_json::from_str(text)?;
        let (Some(execution), Some(status)) = (notice.execution, notice.status) else {
            return if notice.kind == "resync" { bail!("notices were lost") } else { Ok(()) };
        };
        if notice.kind != "execution" || !matches!(status, "succeeded" | "failed" | "cancelled") {
            return Ok(());
        }
        let ended = (crate::machine::now(), status == "succeeded");
        let mut ends = self.lock();
        match ends.remove(execution) {
            // Whoever waited may have given up.
            Some(End::Awaited(tell)) => drop(tell.send(ended)),
            _ => drop(ends.insert(execution.to_owned(), End::Come(ended))),
        }
        Ok(())
    }
}

async fn listen(mut socket: WebSocketStream<TcpStream>, ends: Arc<Ends>) {
    while let Some(Ok(message)) = socket.next().await {
        let heard = match &message {
            Message::Text(text) => ends.hear(Utf8Bytes::as_str(text)),
            Message::Ping(_) => socket.flush().await.map_err(Into::into),
            _ => Ok(()),
        };
        if let Err(error) = heard {
            eprintln!("the events cannot be followed: {error:#}");
            break;
        }
    }
    // Whoever waits is told that there will be no answer.
    ends.lock().clear();
}

#[cfg(test)]
mod tests {
    use super::{End, Ends};

    #[test]
    fn an_end_that_comes_first_is_kept_and_lost_notices_are_an_error() {
        let ends = Ends::default();
        ends.hear(r#"{"type":"hello","id":"s-0"}"#).unwrap();
        ends.hear(r#"{"type":"execution","execution":"a","status":"running"}"#).unwrap();
        ends.hear(r#"{"type":"prompt","execution":"a","status":"failed"}"#).unwrap();
        assert!(ends.lock().is_empty());
        ends.hear(r#"{"type":"execution","execution":"a","status":"failed","waits":null}"#).unwrap();
        assert!(matches!(ends.lock().get("a"), Some(End::Come((_, false)))));
        assert!(ends.hear(r#"{"type":"resync","id":"s-9"}"#).is_err());
    }
}
