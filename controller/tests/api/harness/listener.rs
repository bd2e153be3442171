//! Somebody who listens to changes.

use super::Server;
use serde_json::Value;
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Response;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

/// A socket of `/api/v1/events`.
pub struct Listener {
    pub socket: WebSocket<TcpStream>,
}

impl Listener {
    /// Listens; `query` is empty or begins with `?`.
    pub fn connect(server: &Server, query: &str) -> Self {
        match Self::handshake(server, query, Some(("authorization", server.bearer()))) {
            Ok((listener, _)) => listener,
            Err(status) => panic!("refused with {status}"),
        }
    }

    /// The same with another header, or none; the status where it is refused.
    pub fn handshake(server: &Server, query: &str, header: Option<(&'static str, String)>) -> Result<(Self, Response), u16> {
        let stream = TcpStream::connect(server.serving().address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let url = server.url(&format!("/api/v1/events{query}")).replace("http://", "ws://");
        let mut request = url.into_client_request().unwrap();
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
        }
        match tungstenite::client(request, stream) {
            Ok((socket, answer)) => Ok((Self { socket }, answer)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next message.
    pub fn next(&mut self) -> Value {
        loop {
            match self.socket.read().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// The next message of this kind, which must come; the others are passed over.
    pub fn next_of(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next();
            if is_it(&message) {
                return message;
            }
        }
    }

    /// Everything up to and with the one that is looked for.
    pub fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            all.push(self.next());
            if all.last().is_some_and(&is_it) {
                return all;
            }
        }
    }

    /// Code and reason with which the controller closes.
    pub fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.socket.read().unwrap() {
                let frame = frame.unwrap();
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}
