//! Cancel and timeout end everything that a command started, and say so only when it is true.

mod harness;

use harness::limits::{is_root, start_with_processes};
use harness::{Agent, Controller, assert_exited, kill, wait};
use pulse_protocol::observation::{EndKind, UnknownReason};
use std::path::Path;
use std::time::{Duration, Instant};

fn scene() -> (Controller, tempfile::TempDir, Agent) {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, &root.path().join("data"));
    (controller, root, agent)
}

fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

fn pids(path: &Path) -> Vec<i32> {
    std::fs::read_to_string(path).unwrap_or_default().lines().filter_map(|line| line.parse().ok()).collect()
}

/// A tree that does what it can to survive: own sessions, lost parents, deaf to TERM, holding the pipes.
fn stubborn(pids: &Path) -> String {
    let pids = pids.display();
    format!(
        "trap '' TERM
        setsid sh -c 'trap \"\" TERM; echo $$ >> {pids}; while :; do sleep 1; done' &
        (setsid sh -c '(trap \"\" TERM; echo $(exec sh -c \"echo \\$PPID\") >> {pids}; while :; do sleep 1; done) & exit' &) &
        sh -c 'echo $$ >> {pids}; exec sleep 1000' &
        echo $$ >> {pids}
        while :; do sleep 1; done"
    )
}

#[test]
fn a_timeout_ends_the_whole_tree() {
    let (controller, root, _agent) = scene();
    let path = root.path().join("pids");
    let mut canary = std::process::Command::new("sleep").arg("100").spawn().unwrap();
    let mut assignment = controller.attempt(&stubborn(&path));
    let command = assignment.command.as_mut().unwrap();
    (command.timeout_ms, command.kill_grace_ms) = (1500, 200);
    let attempt = assignment.attempt;
    controller.assign(vec![assignment]);
    let ended = controller.end(attempt);
    assert_eq!(ended.how, EndKind::TimedOut);
    assert!((1500..9000).contains(&ended.duration_ms), "{} ms", ended.duration_ms);
    assert_eq!(pids(&path).len(), 4);
    assert_eq!(pids(&path).into_iter().filter(|pid| is_alive(*pid)).count(), 0);
    assert!(is_alive(canary.id() as i32));
    canary.kill().unwrap();
    canary.wait().unwrap();
}

#[test]
fn a_cancel_ends_the_whole_tree_also_by_an_adopting_agent() {
    let (controller, root, mut agent) = scene();
    let path = root.path().join("pids");
    let assignment = controller.attempt(&stubborn(&path));
    controller.assign(vec![assignment.clone()]);
    wait("the tree", || (pids(&path).len() == 4).then_some(()));
    agent.kill();
    agent.restart();
    let sessions = controller.heard.lock().unwrap().sessions;
    controller.wait("another session", |heard| (heard.sessions > sessions).then_some(()));
    controller.stop(&assignment);
    assert_eq!(controller.end(assignment.attempt).how, EndKind::Cancelled);
    assert_eq!(pids(&path).into_iter().filter(|pid| is_alive(*pid)).count(), 0);
}

#[test]
fn term_comes_first_and_an_exit_within_the_grace_is_still_cancelled() {
    let (controller, root, _agent) = scene();
    let trapped = root.path().join("trapped");
    let mut assignment = controller.attempt(&format!(
        "trap 'echo t > {}; exit 0' TERM; echo ready > {}/ready; while :; do sleep 0.05; done",
        trapped.display(),
        root.path().display()
    ));
    assignment.command.as_mut().unwrap().kill_grace_ms = 60_000;
    controller.assign(vec![assignment.clone()]);
    wait("the trap", || root.path().join("ready").exists().then_some(()));
    let asked = Instant::now();
    controller.stop(&assignment);
    assert_eq!(controller.end(assignment.attempt).how, EndKind::Cancelled);
    assert!(trapped.exists() && asked.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_was_cancelled_before_it_started_never_starts() {
    let (controller, root, _agent) = scene();
    let witness = root.path().join("witness");
    let assignment = controller.attempt(&format!("echo x >> {}", witness.display()));
    controller.stop(&assignment);
    controller.assign(vec![assignment.clone()]);
    assert!(matches!(controller.end(assignment.attempt).how, EndKind::NotStarted { .. }));
    assert_exited(&controller.run("true").1, 0);
    assert!(!witness.exists());
}

#[test]
fn a_signal_that_a_command_sends_to_whoever_it_can_is_no_request() {
    let (controller, _root, _agent) = scene();
    // 44 is the request's own signal; the shell's parent is its shim.
    let (_, ended) = controller.run("for signal in 1 2 3 10 12 13 15 44; do kill -$signal $PPID; done; sleep 0.2; exit 4");
    assert_exited(&ended, 4);
}

#[test]
fn an_exit_that_came_first_stands() {
    let (controller, _root, _agent) = scene();
    let assignment = controller.attempt("sleep 20 & exit 4");
    controller.assign(vec![assignment.clone()]);
    controller.started(assignment.attempt);
    controller.stop(&assignment);
    let ended = controller.end(assignment.attempt);
    // Either the shell had exited when the stop came, or it was ended with its child: both are said as they were.
    match ended.how {
        EndKind::Exited { code: 4 } => assert!(ended.left_behind),
        EndKind::Cancelled => assert!(!ended.left_behind),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_child_that_holds_the_pipes_ends_the_attempt_after_five_seconds() {
    let (controller, root, _agent) = scene();
    let path = root.path().join("pids");
    let begun = Instant::now();
    let (_, ended) = controller.run(&format!("sleep 300 & echo $! > {}; exit 0", path.display()));
    assert_exited(&ended, 0);
    assert!(ended.left_behind);
    assert!((Duration::from_secs(5)..Duration::from_secs(12)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert!(ended.duration_ms < 4000, "the command itself ended at once");
    let left = pids(&path);
    assert!(is_alive(left[0]), "survivors are left alone");
    kill(left[0], "KILL");
}

#[test]
fn a_signal_that_was_not_ours_is_said_with_its_number() {
    let (controller, _root, _agent) = scene();
    assert_eq!(controller.run("kill -9 $$").1.how, EndKind::Signalled { signal: 9 });
}

#[test]
fn what_the_agent_may_not_end_is_never_said_to_be_ended() {
    if !is_root() {
        return println!("left out: a process that this agent may not end needs root");
    }
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = start_with_processes(&controller, root.path(), 1000);
    // As `sudo` does: whoever runs it becomes another.
    let (perl, pid) = (root.path().join("perl"), root.path().join("pid"));
    std::fs::copy("/usr/bin/perl", &perl).unwrap();
    std::fs::set_permissions(&perl, std::os::unix::fs::PermissionsExt::from_mode(0o4755)).unwrap();
    let note = format!("open my $f, q(>), q({}); print $f qq($$\\n); close $f", pid.display());
    let assignment = controller.attempt(&format!("'{}' -e '$< = $>; {note}; sleep 60' & wait", perl.display()));
    controller.assign(vec![assignment.clone()]);
    let alive = wait("the other's process", || pids(&pid).first().copied());
    controller.stop(&assignment);
    let ended = controller.end(assignment.attempt).how;
    assert_eq!(ended, EndKind::Unknown { reason: UnknownReason::StopUnconfirmed });
    assert!(is_alive(alive));
    kill(alive, "KILL");
}

#[test]
fn a_tree_that_forks_without_end_is_ended() {
    let (controller, _root, _agent) = scene();
    let mut assignment = controller.attempt("f() { while :; do (setsid sleep 0.3 &) ; sleep 0.01; done; }; f & f & f");
    let command = assignment.command.as_mut().unwrap();
    (command.timeout_ms, command.kill_grace_ms) = (700, 50);
    let attempt = assignment.attempt;
    controller.assign(vec![assignment]);
    assert_eq!(controller.end(attempt).how, EndKind::TimedOut);
}
