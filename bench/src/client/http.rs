//! One kept-alive HTTP connection. It speaks just what these servers answer: a status, a length, a body.

use super::Target;
use anyhow::{Context, ensure};
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection.
pub struct Http {
    stream: TcpStream,
    head: String,
    buffer: Vec<u8>,
}

impl Http {
    /// Connects.
    pub async fn connect(target: &Target) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        let head = format!("host: {}\r\nauthorization: Bearer {}\r\n", target.address, target.token);
        Ok(Self { stream, head, buffer: Vec::with_capacity(4096) })
    }

    /// Status and body as text.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<(u16, &[u8])> {
        self.ask("GET", path, "").await
    }

    /// The body of a 200.
    pub async fn get_json(&mut self, path: &str) -> anyhow::Result<Value> {
        let (status, body) = self.get(path).await?;
        ensure!(status == 200, "{path}: {status}: {}", String::from_utf8_lossy(body));
        Ok(serde_json::from_slice(body)?)
    }

    /// Sends JSON; the body of a 2xx.
    pub async fn post(&mut self, path: &str, body: &str) -> anyhow::Result<&[u8]> {
        let (status, answer) = self.ask("POST", path, body).await?;
        ensure!((200..300).contains(&status), "{path}: {status}: {}", String::from_utf8_lossy(answer));
        Ok(answer)
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, &[u8])> {
        let Self { head, .. } = self;
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        tokio::time::timeout(PATIENCE, self.answer()).await.with_context(|| format!("{method} {path} is not answered"))?
    }

    async fn answer(&mut self) -> anyhow::Result<(u16, &[u8])> {
        self.buffer.clear();
        let (head, length, status) = loop {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was closed");
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let (status, length) = parse(std::str::from_utf8(&self.buffer[..end])?)?;
                break (end + 4, length, status);
            }
        };
        while self.buffer.len() < head + length {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was closed within an answer");
        }
        Ok((status, &self.buffer[head..head + length]))
    }
}

/// Status and length of an answer's head.
fn parse(head: &str) -> anyhow::Result<(u16, usize)> {
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).context("no status")?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Ok((status, length.or((status == 204).then_some(0)).context("an answer without a length")?))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn an_answer_has_a_status_and_a_length() {
        assert_eq!(parse("HTTP/1.1 201 Created\r\nContent-Length: 12\r\ndate: x").unwrap(), (201, 12));
        assert_eq!(parse("HTTP/1.1 204 No Content\r\ndate: x").unwrap(), (204, 0));
        assert!(parse("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked").is_err());
        assert!(parse("nonsense").is_err());
    }
}
