use crate::harness::{Server, workflow};
use serde_json::Value;
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Response;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

fn connect(server: &Server, header: Option<(&'static str, String)>) -> Result<(WebSocket<TcpStream>, Response), u16> {
    let stream = TcpStream::connect(server.serving().address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut request = server.url("/api/v1/events").replace("http://", "ws://").into_client_request().unwrap();
    if let Some((name, value)) = header {
        request.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
    }
    match tungstenite::client(request, stream) {
        Ok(connected) => Ok(connected),
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_change_is_noticed() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let _agent = server.agent("web-1");
    let (mut socket, _) = connect(&server, Some(("authorization", server.bearer()))).unwrap();
    let id = server.run("a");
    let notice: Value = loop {
        if let Message::Text(text) = socket.read().unwrap() {
            break serde_json::from_str(&text).unwrap();
        }
    };
    assert_eq!((&notice["type"], &notice["execution"], &notice["name"]), (&"execution".into(), &id.into(), &"a#1".into()));
    assert!(notice["seq"].as_u64() >= Some(1), "{notice}");
}

#[test]
fn browsers_send_the_token_as_a_protocol_and_it_is_not_repeated() {
    let server = Server::start();
    let token = server.bearer().replace("Bearer ", "");
    let offered = |token: &str| Some(("sec-websocket-protocol", format!("pulse.v1, pulse.bearer.{token}")));
    let (_, answer) = connect(&server, offered(&token)).unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "pulse.v1");
    assert_eq!(connect(&server, offered("wrong")).unwrap_err(), 401);
    assert_eq!(connect(&server, None).unwrap_err(), 401);
    let elsewhere = [("sec-websocket-protocol", format!("pulse.bearer.{token}"))];
    let elsewhere = elsewhere.each_ref().map(|(name, value)| (*name, value.as_str()));
    server.send("GET", "/api/v1/workflows", None, &elsewhere, b"").refused(401, "unauthorized");
    server.get("/api/v1/events").refused(426, "websocket_required");
}

#[test]
fn whoever_talks_here_is_told_where_to_talk() {
    let server = Server::start();
    let (mut socket, _) = connect(&server, Some(("authorization", server.bearer()))).unwrap();
    socket.send(Message::text("{}")).unwrap();
    let closed = loop {
        if let Message::Close(frame) = socket.read().unwrap() {
            break frame.unwrap();
        }
    };
    assert_eq!(u16::from(closed.code), 1008);
    assert!(closed.reason.contains("REST API"), "{closed}");
}
