//! kill -9 of agent, shim and both; restarts; replays. A witness file outside of PULSE shows what ran.

mod harness;

use harness::{Agent, Controller, assert_exited, kill, lines, wait};
use pulse_protocol::message::Stream;
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::{Assignment, AttemptId, Desired, Observed, ToAgent};

/// A folder with the agent's data and the test's own files.
struct Scene {
    controller: Controller,
    agent: Agent,
    root: tempfile::TempDir,
}

fn scene() -> Scene {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, &root.path().join("data"));
    Scene { controller, agent, root }
}

impl Scene {
    /// A script that writes the witness, then numbered lines until the file `go` is there, then ends with 7.
    fn script(&self) -> String {
        let root = self.root.path().display();
        format!(
            "echo x >> {root}/witness; i=0; until [ -e {root}/go ]; do i=$((i+1)); echo line $i; sleep 0.01; done; echo last; exit 7"
        )
    }
    fn go(&self) {
        std::fs::write(self.root.path().join("go"), "").unwrap();
    }
    fn witnessed(&self) -> usize {
        lines(&self.root.path().join("witness"))
    }
    /// Numbered lines without a gap, and the last one.
    fn assert_whole(&self, output: &[u8]) {
        let text = String::from_utf8(output.to_vec()).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.pop(), Some("last"));
        assert!(!lines.is_empty());
        for (line, number) in lines.iter().zip(1..) {
            assert_eq!(*line, format!("line {number}"));
        }
    }
}

#[test]
fn a_killed_agent_comes_back_and_loses_nothing() {
    let mut scene = scene();
    let assignment = scene.controller.attempt(&scene.script());
    let attempt = assignment.attempt;
    scene.controller.assign(vec![assignment]);
    let pid = scene.controller.started(attempt);
    for _ in 0..3 {
        scene.agent.kill();
        scene.agent.restart();
        let sessions = scene.controller.heard.lock().unwrap().sessions;
        scene.controller.wait("another session", |heard| (heard.sessions > sessions).then_some(()));
    }
    let identify = scene.controller.heard.lock().unwrap().identify.clone().unwrap();
    assert_eq!(identify.observations[0].observed, Observed::Started { pid });
    assert_eq!(identify.token, None, "the token is not sent again once welcomed");
    scene.go();
    let ended = scene.controller.end(attempt);
    assert_exited(&ended, 7);
    let output = scene.controller.output(attempt, Stream::Stdout);
    assert_eq!(output.len() as u64, ended.stdout.bytes);
    scene.assert_whole(&output);
    assert_eq!(scene.witnessed(), 1);
}

#[test]
fn what_ends_while_the_agent_is_dead_is_reported_by_the_next() {
    let mut scene = scene();
    let assignment = scene.controller.attempt(&scene.script());
    let attempt = assignment.attempt;
    scene.controller.assign(vec![assignment]);
    scene.controller.started(attempt);
    scene.agent.kill();
    scene.go();
    wait("the shim's end", || scene.agent.shims().is_empty().then_some(()));
    scene.agent.restart();
    let ended = scene.controller.end(attempt);
    assert_exited(&ended, 7);
    scene.assert_whole(&scene.controller.output(attempt, Stream::Stdout));
}

#[test]
fn a_killed_shim_means_unknown_never_an_exit() {
    let scene = scene();
    let assignment = scene.controller.attempt(&scene.script());
    let attempt = assignment.attempt;
    scene.controller.assign(vec![assignment]);
    scene.controller.started(attempt);
    scene.agent.kill_shims();
    let ended = scene.controller.end(attempt);
    assert_eq!(ended.how, EndKind::Unknown { reason: UnknownReason::SupervisorLost });
    scene.go();
}

#[test]
fn agent_and_shim_killed_means_unknown_and_no_second_start() {
    let mut scene = scene();
    let assignment = scene.controller.attempt(&scene.script());
    let attempt = assignment.attempt;
    scene.controller.assign(vec![assignment.clone()]);
    scene.controller.started(attempt);
    scene.agent.kill();
    scene.agent.kill_shims();
    scene.agent.restart();
    assert_eq!(scene.controller.end(attempt).how, EndKind::Unknown { reason: UnknownReason::SupervisorLost });
    scene.controller.assign(vec![assignment]);
    let (_, ended) = scene.controller.run("true");
    assert_exited(&ended, 0);
    assert_eq!(scene.witnessed(), 1);
    scene.go();
}

#[test]
fn an_assignment_that_comes_again_and_again_runs_once() {
    let mut scene = scene();
    scene.go();
    let assignment = scene.controller.attempt(&scene.script());
    let attempt = assignment.attempt;
    scene.controller.assign(vec![assignment.clone(), assignment.clone()]);
    scene.controller.assign(vec![assignment.clone(); 50]);
    assert_exited(&scene.controller.end(attempt), 7);
    scene.controller.assign(vec![assignment.clone()]);
    scene.controller.say(|epoch| ToAgent::Acknowledge { epoch, ended: vec![attempt], forget: vec![attempt], output: vec![] });
    let folder = scene.root.path().join("data/attempts").join(attempt.to_string());
    wait("the folder's end", || (!folder.exists()).then_some(()));
    for round in 0..2 {
        let before = scene.controller.heard.lock().unwrap().observations.len();
        scene.controller.assign(vec![assignment.clone()]);
        let again = scene.controller.wait("the evidence", |heard| {
            heard.observations[before..].iter().rev().find_map(|o| (o.attempt == attempt).then(|| o.observed.clone()))
        });
        let Observed::Ended(ended) = again else { panic!("{again:?} in round {round}") };
        assert_exited(&ended, 7);
        scene.agent.kill();
        scene.agent.restart();
        let sessions = scene.controller.heard.lock().unwrap().sessions;
        scene.controller.wait("another session", |heard| (heard.sessions > sessions).then_some(()));
    }
    assert_eq!(scene.witnessed(), 1);
}

#[test]
fn a_lost_journal_is_another_incarnation_and_runs_nothing_of_the_old() {
    let mut scene = scene();
    let assignment = scene.controller.attempt(&scene.script());
    let attempt = assignment.attempt;
    scene.agent.kill();
    std::fs::remove_file(scene.root.path().join("data/journal")).unwrap();
    scene.agent.restart();
    scene.controller.wait("another incarnation", |heard| {
        heard.identify.as_ref().is_some_and(|identify| identify.incarnation != assignment.incarnation).then_some(())
    });
    scene.controller.assign(vec![assignment]);
    assert_eq!(scene.controller.end(attempt).how, EndKind::Unknown { reason: UnknownReason::JournalLost });
    assert_eq!(scene.witnessed(), 0);
}

/// Runs an attempt, then kills the agent and gives it a journal from before; what `meanwhile` does happens between. Returns how
/// the attempt ends once `again` is asked.
fn with_a_journal_rolled_back(meanwhile: impl Fn(&Scene), again: impl Fn(&mut Assignment)) -> (Scene, AttemptId) {
    let mut scene = scene();
    let mut assignment = scene.controller.attempt(&scene.script());
    let attempt = assignment.attempt;
    let journal = scene.root.path().join("data/journal");
    let before = std::fs::read(&journal).unwrap();
    scene.controller.assign(vec![assignment.clone()]);
    scene.controller.started(attempt);
    scene.agent.kill();
    meanwhile(&scene);
    std::fs::write(&journal, before).unwrap();
    scene.controller.heard.lock().unwrap().observations.clear();
    scene.agent.restart();
    let sessions = scene.controller.heard.lock().unwrap().sessions;
    scene.controller.wait("another session", |heard| (heard.sessions > sessions).then_some(()));
    again(&mut assignment);
    scene.controller.assign(vec![assignment]);
    (scene, attempt)
}

fn without_command(assignment: &mut Assignment) {
    assignment.command = None;
}

fn stop(assignment: &mut Assignment) {
    (assignment.desired, assignment.command) = (Desired::Stop, None);
}

#[test]
fn what_runs_is_adopted_though_the_journal_was_rolled_back() {
    for again in [without_command, |_: &mut Assignment| {}] {
        let (scene, attempt) = with_a_journal_rolled_back(|_| {}, again);
        scene.controller.started(attempt);
        scene.go();
        assert_exited(&scene.controller.end(attempt), 7);
        scene.assert_whole(&scene.controller.output(attempt, Stream::Stdout));
        assert_eq!(scene.witnessed(), 1);
    }
    let (scene, attempt) = with_a_journal_rolled_back(|_| {}, stop);
    assert_eq!(scene.controller.end(attempt).how, EndKind::Cancelled);
}

#[test]
fn what_has_ended_says_so_though_the_journal_was_rolled_back() {
    for again in [without_command, stop, |_: &mut Assignment| {}] {
        let end = |scene: &Scene| {
            scene.go();
            wait("the shim's end", || scene.agent.shims().is_empty().then_some(()));
        };
        let (scene, attempt) = with_a_journal_rolled_back(end, again);
        assert_exited(&scene.controller.end(attempt), 7);
        let (scene, attempt) = with_a_journal_rolled_back(|scene| scene.agent.kill_shims(), again);
        let ended = scene.controller.end(attempt);
        assert_eq!(ended.how, EndKind::Unknown { reason: UnknownReason::SupervisorLost });
        scene.go();
        assert_eq!(scene.witnessed(), 1);
    }
}

#[test]
fn commands_run_on_while_the_controller_is_away() {
    let scene = scene();
    let assignment = scene.controller.attempt(&scene.script());
    let attempt = assignment.attempt;
    scene.controller.assign(vec![assignment]);
    scene.controller.started(attempt);
    scene.controller.refuse(Some(("not_now", Some(100))));
    scene.controller.hang_up();
    scene.go();
    wait("the shim's end", || scene.agent.shims().is_empty().then_some(()));
    assert!(scene.controller.heard.lock().unwrap().end(attempt).is_none());
    scene.controller.refuse(None);
    assert_exited(&scene.controller.end(attempt), 7);
    scene.assert_whole(&scene.controller.output(attempt, Stream::Stdout));
}

#[test]
fn sigterm_ends_the_agent_quickly_and_leaves_commands_running() {
    let mut scene = scene();
    let assignment = scene.controller.attempt(&scene.script());
    let attempt = assignment.attempt;
    scene.controller.assign(vec![assignment]);
    scene.controller.started(attempt);
    kill(scene.agent.child.id() as i32, "TERM");
    let status = wait("the agent's end", || scene.agent.child.try_wait().unwrap());
    assert!(status.success());
    assert_eq!(scene.agent.shims().len(), 1);
    scene.agent.restart();
    scene.go();
    assert_exited(&scene.controller.end(attempt), 7);
    assert_eq!(scene.witnessed(), 1);
}

#[test]
fn two_agents_never_share_a_data_folder() {
    let scene = scene();
    scene.controller.incarnation();
    let mut second = Agent::start(&scene.controller, &scene.root.path().join("data"));
    let status = wait("the second's end", || second.child.try_wait().unwrap());
    assert!(!status.success());
}

#[test]
fn a_journal_that_cannot_be_written_starts_nothing() {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    // Nor can its log, which lies on the same disk.
    let log = root.path().join("log").display().to_string();
    std::fs::write(&log, "x".repeat(4096)).unwrap();
    let agent = Agent::start_with(&controller, &root.path().join("data"), &[(harness::LOG, &log)]);
    let scene = Scene { controller, agent, root };
    scene.controller.incarnation();
    let assignment = scene.controller.attempt(&scene.script());
    let attempt = assignment.attempt;
    // A limit on file sizes stands for a full disk: writes fail, root or not.
    let size = std::fs::metadata(scene.root.path().join("data/journal")).unwrap().len();
    let limit = std::process::Command::new("prlimit")
        .arg(format!("--fsize={size}:"))
        .args(["--pid", &scene.agent.child.id().to_string()])
        .status()
        .unwrap();
    assert!(limit.success());
    scene.controller.assign(vec![assignment.clone()]);
    let EndKind::NotStarted { reason } = scene.controller.end(attempt).how else { panic!("it must not have started") };
    assert!(reason.contains("journal"), "{reason}");
    // The disk has room again, the end is acknowledged and forgotten, the attempt has left no folder: still nothing may start.
    let unlimited = ["--fsize=unlimited:", "--pid", &scene.agent.child.id().to_string()].map(String::from);
    assert!(std::process::Command::new("prlimit").args(unlimited).status().unwrap().success());
    scene.controller.say(|epoch| ToAgent::Acknowledge { epoch, ended: vec![attempt], forget: vec![], output: vec![] });
    scene.controller.say(|epoch| ToAgent::Acknowledge { epoch, ended: vec![], forget: vec![attempt], output: vec![] });
    scene.go();
    assert_exited(&scene.controller.run("true").1, 0);
    let _ = std::fs::remove_dir_all(scene.root.path().join("data/attempts").join(attempt.to_string()));
    scene.controller.assign(vec![assignment]);
    assert_exited(&scene.controller.run("true").1, 0);
    assert_eq!(scene.witnessed(), 0);
}
