//! Agent, shim and both killed at each named point of an attempt.

mod harness;

use harness::{Agent, Controller, PATIENCE, lines, wait};
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::{Ended, ToAgent};

/// Which processes die once the point is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Victims {
    Agent,
    Shim,
    Both,
}

/// Runs one attempt into the point, kills, restarts what was killed, replays the assignment; returns the end and how often the
/// command ran.
fn run(point: &str, victims: Victims) -> (Ended, usize) {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let (marker, witness) = (root.path().join("marker"), root.path().join("witness"));
    let failpoint = format!("{point}={}", marker.display());
    let mut agent = Agent::start_with(&controller, &root.path().join("data"), &[("PULSE_FAILPOINT", &failpoint)]);
    let assignment = controller.attempt(&format!("echo x >> {}; exit 7", witness.display()));
    controller.assign(vec![assignment.clone()]);
    wait("the point", || marker.exists().then_some(()));
    // A command that was spawned shall have written its line before its shim dies, so that the count is sure.
    if point == "shim.spawn.after" {
        wait("the witness", || (lines(&witness) == 1).then_some(()));
    }
    if victims != Victims::Shim {
        agent.kill();
    }
    if victims != Victims::Agent {
        agent.kill_shims();
    }
    // What stands still at the point will do so for ever: it has to go as well, but only after the other has come back.
    if point.starts_with("agent.") && victims == Victims::Shim {
        agent.kill();
    }
    if victims != Victims::Shim || point.starts_with("agent.") {
        let sessions = controller.heard.lock().unwrap().sessions;
        agent.restart();
        controller.wait("another session", |heard| (heard.sessions > sessions).then_some(()));
    }
    if point.starts_with("shim.") {
        agent.kill_shims();
    }
    controller.assign(vec![assignment.clone()]);
    let ended = controller.end(assignment.attempt);
    controller.assign(vec![assignment.clone()]);
    let (_, other) = controller.run("true");
    harness::assert_exited(&other, 0);
    assert_eq!(controller.end(assignment.attempt).how, ended.how, "{point} {victims:?}: the end changed within {PATIENCE:?}");
    (ended, lines(&witness))
}

fn check(point: &str, expected: impl Fn(Victims) -> (&'static str, usize)) {
    for victims in [Victims::Agent, Victims::Shim, Victims::Both] {
        let (ended, ran) = run(point, victims);
        let how = match ended.how {
            EndKind::Exited { code: 7 } => "exited",
            EndKind::NotStarted { .. } => "not started",
            EndKind::Unknown { reason: UnknownReason::SupervisorLost } => "unknown",
            other => panic!("{point} {victims:?}: {other:?}"),
        };
        assert_eq!((how, ran), expected(victims), "{point} {victims:?}");
    }
}

#[test]
fn before_the_journal_nothing_happened() {
    check("agent.journal-starting.before", |_| ("exited", 1));
}

#[test]
fn after_the_journal_and_before_the_shim_it_is_proven_not_started() {
    check("agent.journal-starting.after", |_| ("not started", 0));
}

#[test]
fn before_the_claim_it_is_proven_not_started() {
    check("shim.mkdir.before", |_| ("not started", 0));
}

#[test]
fn a_shim_that_wakes_after_the_attempt_was_proven_not_started_and_forgotten_starts_nothing() {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let (marker, witness) = (root.path().join("marker"), root.path().join("witness"));
    let failpoint = format!("shim.mkdir.before={}", marker.display());
    let mut agent = Agent::start_with(&controller, &root.path().join("data"), &[("PULSE_FAILPOINT", &failpoint)]);
    let assignment = controller.attempt(&format!("echo x >> {}", witness.display()));
    let attempt = assignment.attempt;
    controller.assign(vec![assignment]);
    wait("the point", || marker.exists().then_some(()));
    agent.kill();
    agent.restart();
    assert!(matches!(controller.end(attempt).how, EndKind::NotStarted { .. }));
    controller.say(|epoch| ToAgent::Acknowledge { epoch, ended: vec![attempt], forget: vec![attempt], output: vec![] });
    // What comes after it has been heard after it.
    harness::assert_exited(&controller.run("true").1, 0);
    let journal = std::fs::read(root.path().join("data/journal")).unwrap();
    assert!(String::from_utf8_lossy(&journal).contains("forgotten"));
    wait("it alone to stand where it stood", || (agent.shims().len() == 1).then_some(()));
    std::fs::remove_file(&marker).unwrap();
    wait("the shim's end", || agent.shims().is_empty().then_some(()));
    assert_eq!(lines(&witness), 0);
}

#[test]
fn between_claim_and_spawn_it_is_unknown() {
    check("shim.mkdir.after", |_| ("unknown", 0));
    check("shim.spawn.before", |_| ("unknown", 0));
}

#[test]
fn between_spawn_and_exit_record_it_is_unknown() {
    check("shim.spawn.after", |_| ("unknown", 1));
    check("shim.exit.before", |_| ("unknown", 1));
}

#[test]
fn the_exit_record_counts() {
    check("shim.exit.after", |_| ("exited", 1));
}

#[test]
fn an_end_that_was_not_yet_journalled_or_reported_is_not_lost() {
    for point in
        ["agent.journal-ended.before", "agent.journal-ended.after", "agent.report-ended.before", "agent.report-ended.after"]
    {
        check(point, |_| ("exited", 1));
    }
}
