//! Agents that are not what they say they are.

use crate::harness::{Server, workflow};
use pulse_protocol::ToAgent;
use pulse_protocol::observation::EndKind;

#[test]
fn a_key_opens_no_other_name() {
    let server = Server::start();
    let (mut victim, thief) = (server.agent("web-1"), server.agent("web-2"));
    assert_eq!(thief.poses_as(&server, "web-1").err().as_deref(), Some("unknown_agent"));
    assert!(victim.is_heard(), "whoever has the name does not notice");
}

#[test]
fn what_an_agent_says_of_another_s_command_changes_nothing() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut victim = server.agent("web-1");
    let id = server.run("a");
    let attempt = victim.assigned().attempt;
    let mut liar = server.agent("web-2");
    liar.ended(attempt, EndKind::Exited { code: 0 }, 0);
    let said = liar.acknowledged_for_a_second();
    let takes_in = |said: &ToAgent| matches!(said, ToAgent::Acknowledge { ended, .. } if !ended.is_empty());
    assert!(!said.iter().any(takes_in), "nobody takes it in: {said:?}");
    victim.ended(attempt, EndKind::Exited { code: 3 }, 0);
    let path = format!("/api/v1/executions/{id}");
    server.until(&path, |execution| execution["status"] == "failed");
}
