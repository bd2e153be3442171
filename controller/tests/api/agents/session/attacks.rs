//! Agents that are not what they say they are.

use crate::harness::{Server, workflow};
use pulse_protocol::ToAgent;
use pulse_protocol::observation::EndKind;
use std::time::{Duration, Instant};

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

#[test]
#[expect(clippy::disallowed_methods, reason = "it measures how slowly a flood is read")]
fn a_flood_is_read_no_faster_than_an_agent_may_speak() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut flooding = server.agent("web-1");
    let id = server.run("a");
    let attempt = flooding.assigned().attempt;
    let began = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            flooding.flood(40_000);
            flooding.ended(attempt, EndKind::Exited { code: 0 }, 0);
        });
        assert!(server.agent("web-2").is_heard(), "others are let in and heard meanwhile");
    });
    let path = format!("/api/v1/executions/{id}");
    server.until(&path, |execution| execution["status"] == "succeeded");
    // Twenty thousand come at once, and ten thousand in each second after that.
    assert!(began.elapsed() >= Duration::from_millis(1900), "{:?}", began.elapsed());
}

#[test]
fn output_with_offsets_that_cannot_be_harms_nobody() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let (mut victim, mut liar) = (server.agent("web-1"), server.agent("web-2"));
    let id = server.run("a");
    let (victims, own) = (victim.assigned().attempt, liar.assigned().attempt);
    for (offset, cut) in
        [(u64::MAX, 0), (i64::MAX as u64, 0), (1 << 40, 0), (0, u64::MAX), (u64::MAX, u64::MAX), (7, i64::MAX as u64)]
    {
        for attempt in [own, victims] {
            // Whether the session ends over it is the controller's to say.
            liar.says_in_vain(attempt, offset, cut, b"lies");
            liar = liar.comes_back(&server);
        }
    }
    victim.output(victims, 0, b"true\n");
    victim.ended(victims, EndKind::Exited { code: 0 }, 5);
    liar.output(own, 0, b"mine\n");
    liar.ended(own, EndKind::Exited { code: 0 }, 5);
    let path = format!("/api/v1/executions/{id}");
    server.until(&path, |execution| execution["status"] == "succeeded");
    let output = server.until(&format!("{path}/output?agent=web-1"), |output| output.to_string().contains("true")).to_string();
    assert!(!output.contains("lies"), "{output}");
    let own = server.until(&format!("{path}/output?agent=web-2"), |output| !output["items"].as_array().unwrap().is_empty());
    assert!(own["items"].as_array().unwrap().iter().all(|piece| piece["end"].as_u64().unwrap() < 64), "{own}");
}
