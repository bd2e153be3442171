use crate::harness::Server;

#[test]
fn only_websockets_are_spoken_here() {
    let server = Server::start();
    server.send("GET", "/api/v1/agents/session", None, &[], b"").refused(426, "websocket_required");
}
