use crate::harness::Server;

#[test]
fn an_agent_is_found_by_its_name() {
    let server = Server::start();
    let _agent = server.agent("web-1");
    let agent = server.get("/api/v1/agents/web-1").ok();
    assert_eq!((&agent["kind"], &agent["metadata"]["name"]), (&"Agent".into(), &"web-1".into()));
    server.get("/api/v1/agents/web-2").refused(404, "no_such_agent");
    server.get("/api/v1/agents/No%20Name").refused(404, "no_such_agent");
}
