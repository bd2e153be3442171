use crate::harness::{Server, workflow};
use pulse_protocol::Observed;
use pulse_protocol::observation::EndKind;

#[test]
fn an_execution_shows_steps_targets_and_attempts() {
    let server = Server::with(&[("a.yaml", &workflow("a", "exit 3"))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    let attempt = agent.assigned().attempt;
    agent.report(attempt, Observed::Started { pid: 77 });
    let path = format!("/api/v1/executions/{id}");
    let running = server.until(&path, |one| one["steps"][0]["targets"][0]["attempts"][0]["state"] == "started");
    assert_eq!((&running["status"], &running["startedBy"]), (&"running".into(), &"admin".into()));
    assert_eq!(running["reasons"][0]["code"], "running");
    assert!(running["reasons"][0]["message"].as_str().unwrap().contains("step `go` on web-1"));
    agent.ended(attempt, EndKind::Exited { code: 3 }, 0);
    let failed = server.until(&path, |one| one["status"] == "failed");
    let target = &failed["steps"][0]["targets"][0];
    assert_eq!((&target["status"], &target["reason"]), (&"failed".into(), &"exit code 3".into()), "{failed}");
    let shown = &target["attempts"][0];
    assert_eq!((&shown["exitCode"], &shown["try"], &shown["id"]), (&3.into(), &1.into(), &attempt.to_string().into()));
    assert_eq!(server.get("/api/v1/executions/a%231").ok()["id"], id.as_str());
    server.get("/api/v1/executions/a%232").refused(404, "no_such_execution");
    server.get("/api/v1/executions/nonsense").refused(404, "no_such_execution");
}
