use crate::harness::Server;

#[test]
fn a_revoked_agent_is_put_out_and_stays_out() {
    let server = Server::start();
    let mut agent = server.agent("web-1");
    assert_eq!(server.delete("/api/v1/agents/web-1").status, 204);
    assert_eq!(agent.refusal(), "revoked");
    assert!(!agent.is_heard(), "whoever goes on speaking is cut off");
    assert_eq!(server.get("/api/v1/agents/web-1").ok()["status"]["state"], "revoked");
    assert_eq!(server.delete("/api/v1/agents/web-1").status, 204, "revoked twice is revoked");
    server.delete("/api/v1/agents/web-2").refused(404, "no_such_agent");
}
