use crate::harness::Server;
use serde_json::json;

#[test]
fn tokens_are_listed_with_what_is_left_of_them() {
    let server = Server::start();
    assert_eq!(server.get("/api/v1/agents/tokens").ok()["items"], json!([]));
    let _agent = server.agent("web-1");
    let token = &server.get("/api/v1/agents/tokens").ok()["items"][0];
    assert_eq!((&token["usesLeft"], &token["createdBy"]), (&0.into(), &"admin".into()));
}
