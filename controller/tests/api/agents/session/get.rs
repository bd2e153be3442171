use crate::harness::{Server, workflow};
use pulse_protocol::observation::EndKind;
use pulse_protocol::{AttemptId, Observation, Observed, ToAgent};

const STARTED: Observed = Observed::Started { pid: 1 };

#[test]
fn only_websockets_are_spoken_here() {
    let server = Server::start();
    server.send("GET", "/api/v1/agents/session", None, &[], b"").refused(426, "websocket_required");
}

/// What is acknowledged an agent may forget.
#[test]
fn output_is_acknowledged_once_it_is_stored() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let path = format!("/api/v1/executions/{}/output", server.run("a"));
    let attempt = agent.assigned().attempt;
    agent.report(attempt, STARTED);
    server.meddle("CREATE TRIGGER full BEFORE INSERT ON output BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    agent.output(attempt, 0, b"hello");
    // It cannot be stored, so the session ends.
    let early: Vec<ToAgent> = agent.acknowledged_to_the_end().into_iter().filter(is_of_output).collect();
    assert!(early.is_empty(), "output was acknowledged and is not stored: {early:?}");
    server.meddle("DROP TRIGGER full");
    let mut agent = agent.again(&server, vec![Observation { attempt, observed: STARTED }]);
    agent.output(attempt, 0, b"hello");
    while !is_of_output(&agent.acknowledged()) {}
    assert_eq!(server.get(&path).ok()["items"][0]["text"], "hello");
}

#[test]
fn an_end_is_acknowledged_once_it_is_committed() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let path = format!("/api/v1/executions/{}", server.run("a"));
    let attempt = agent.assigned().attempt;
    agent.report(attempt, STARTED);
    server.until(&path, |execution| execution.to_string().contains("\"started\""));
    server.meddle("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    agent.ended(attempt, EndKind::Exited { code: 0 }, 0);
    let early = agent.acknowledged_for_a_second();
    assert!(!early.iter().any(|message| is_end(message, attempt)), "an end was acknowledged and is not committed: {early:?}");
    server.meddle("DROP TRIGGER full");
    agent.ended(attempt, EndKind::Exited { code: 0 }, 0);
    while !is_end(&agent.acknowledged(), attempt) {}
    assert_eq!(server.get(&path).ok()["status"], "succeeded");
}

/// Neither on its own connection, which somebody held up, nor on the one of the session that took over.
#[test]
fn what_an_older_session_says_changes_nothing() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut old = server.agent("web-1");
    let path = format!("/api/v1/executions/{}", server.run("a"));
    let attempt = old.assigned().attempt;
    old.report(attempt, STARTED);
    let mut new = old.again(&server, vec![Observation { attempt, observed: STARTED }]);
    // As if it had accepted nothing yet.
    let of = old.epoch();
    old.picture(of, Vec::new());
    old.acknowledged_to_the_end();
    new.picture(of, Vec::new());
    new.ended(attempt, EndKind::Exited { code: 0 }, 0);
    let ended = server.until(&path, |execution| execution["endedAt"].is_string());
    let events = server.get(&format!("{path}/events")).ok().to_string();
    assert!(!events.contains("attempt_lost"), "an old picture gave up what runs: {events}");
    assert_eq!(ended["status"], "succeeded", "{ended}");
}

#[test]
fn what_a_picture_lacks_is_not_decided_again_after_a_failed_commit() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let path = format!("/api/v1/executions/{}", server.run("a"));
    let attempt = agent.assigned().attempt;
    agent.report(attempt, STARTED);
    server.until(&path, |execution| execution.to_string().contains("\"started\""));
    server.meddle("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    agent.picture(agent.epoch(), Vec::new());
    assert_eq!(agent.acknowledged_for_a_second(), []);
    server.meddle("DROP TRIGGER full");
    agent.picture(agent.epoch(), vec![Observation { attempt, observed: STARTED }]);
    agent.ended(attempt, EndKind::Exited { code: 0 }, 0);
    let ended = server.until(&path, |execution| execution["endedAt"].is_string());
    let events = server.get(&format!("{path}/events")).ok().to_string();
    assert!(!events.contains("attempt_lost"), "an old picture gave up what runs: {events}");
    assert_eq!(ended["status"], "succeeded", "{ended}");
}

#[test]
fn a_word_from_long_ago_puts_nobody_into_quarantine() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    server.run("a");
    agent.does("done", 0);
    agent.acknowledged();
    // What its process before said, and what comes out of a network only now: nobody is there to answer.
    assert_eq!(agent.comes_with(&server, 0, false).err().as_deref(), Some("silent"));
    let state = || server.get("/api/v1/agents/web-1").ok()["status"]["state"].clone();
    assert_ne!(state(), "quarantined");
    drop(agent.again(&server, Vec::new()));
    // A disk from yesterday lives, and answers.
    assert_eq!(agent.comes_with(&server, 0, true).err().as_deref(), Some("quarantined"));
    assert_eq!(state(), "quarantined");
}

fn is_of_output(message: &ToAgent) -> bool {
    let ToAgent::Acknowledge { output, .. } = message else { return false };
    output.iter().any(|(_, offsets)| offsets.stdout > 0)
}

fn is_end(message: &ToAgent, attempt: AttemptId) -> bool {
    let ToAgent::Acknowledge { ended, .. } = message else { return false };
    ended.contains(&attempt)
}
