use crate::harness::{Server, workflow};

#[test]
fn what_holds_an_execution_is_said_with_its_time() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    let attempt = agent.assigned().attempt;
    let why = server.get(&format!("/api/v1/executions/{id}/why")).ok();
    let reason = &why["items"][0];
    assert_eq!((&reason["code"], &reason["target"]), (&"unconfirmed".into(), &"web-1".into()), "{why}");
    assert_eq!(reason["attempt"], attempt.to_string());
    assert!(reason["since"].as_str().unwrap().ends_with('Z'), "{why}");
    server.get("/api/v1/executions/b%231/why").refused(404, "no_such_execution");
}
