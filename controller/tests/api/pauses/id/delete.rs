use crate::harness::Server;
use serde_json::json;

#[test]
fn a_pause_ends_once_and_stays_as_history() {
    let server = Server::start();
    let pause = server.post("/api/v1/pauses", &json!({ "scope": "all", "reason": "x" })).ok();
    let path = format!("/api/v1/pauses/{}", pause["id"].as_str().unwrap());
    let ended = server.delete(&path).ok();
    assert_eq!((&ended["id"], &ended["endedBy"]), (&pause["id"], &json!("admin")));
    assert!(ended["endedAt"].as_str().unwrap().ends_with('Z'), "{ended}");
    assert_eq!(server.delete(&path).ok(), ended, "the second changes nothing");
    server.delete("/api/v1/pauses/01930000-0000-7000-8000-000000000000").refused(404, "no_such_pause");
    server.delete("/api/v1/pauses/nonsense").refused(404, "no_such_pause");
}
