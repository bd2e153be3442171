//! A command runs once, its output and end arrive.

mod harness;

use harness::{Agent, Controller, assert_exited};
use pulse_protocol::message::Stream;
use pulse_protocol::observation::EndKind;

#[test]
fn a_command_runs_and_reports() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = Agent::start(&controller, data.path());
    controller.incarnation();
    let begun = std::time::Instant::now();
    let (attempt, ended) = controller.run("echo hello; echo oops >&2; exit 3");
    let took = begun.elapsed();
    assert!(took < std::time::Duration::from_secs(4), "closed pipes are not waited for, but it took {took:?}");
    assert_exited(&ended, 3);
    assert_eq!(controller.output(attempt, Stream::Stdout), b"hello\n");
    assert_eq!(controller.output(attempt, Stream::Stderr), b"oops\n");
    assert_eq!((ended.stdout.bytes, ended.stderr.bytes), (6, 5));
    assert!(!ended.left_behind);
}

#[test]
fn a_command_that_closes_its_pipes_first_is_not_drained_in_vain() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = Agent::start(&controller, data.path());
    controller.incarnation();
    let begun = std::time::Instant::now();
    assert_exited(&controller.run("exec >&- 2>&-; sleep 0.2; exit 2").1, 2);
    let took = begun.elapsed();
    assert!(took < std::time::Duration::from_secs(4), "{took:?}");
}

#[test]
fn what_cannot_start_is_proven_not_started() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = Agent::start(&controller, data.path());
    let mut assignment = controller.attempt("true");
    assignment.command.as_mut().unwrap().argv = vec!["/no/such/program".into()];
    let attempt = assignment.attempt;
    controller.assign(vec![assignment]);
    let EndKind::NotStarted { reason } = controller.end(attempt).how else { panic!("it must not have started") };
    assert!(reason.contains("/no/such/program"), "{reason}");
}

#[test]
fn the_token_can_come_by_an_inherited_descriptor_and_reaches_no_command() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = Agent::start_by(&controller, data.path(), "exec \"$0\" --token-fd 3 3<<-end\nsecret-canary\nend\n");
    controller.incarnation();
    let identify = controller.heard.lock().unwrap().identify.clone().unwrap();
    assert_eq!(identify.token.as_deref(), Some("secret-canary"));
    let (attempt, ended) = controller.run("env; cat /proc/$PPID/environ /proc/$PPID/cmdline; ls /proc/$PPID/fd");
    assert_exited(&ended, 0);
    let output = String::from_utf8_lossy(&controller.output(attempt, Stream::Stdout)).into_owned();
    assert!(!output.contains("secret-canary"), "{output}");
}

#[test]
fn heartbeats_come_and_many_commands_run_side_by_side() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = Agent::start(&controller, data.path());
    let assignments: Vec<_> = (0..100).map(|n| controller.attempt(&format!("echo {n}; exit {n}"))).collect();
    controller.assign(assignments.clone());
    for (assignment, code) in assignments.iter().zip(0..) {
        assert_exited(&controller.end(assignment.attempt), code);
        assert_eq!(controller.output(assignment.attempt, Stream::Stdout), format!("{code}\n").as_bytes());
    }
    // So many ends bring a picture with their tombstones before its time.
    controller.wait("tombstones", |heard| {
        let told = |a: &pulse_protocol::Assignment| heard.observations.iter().filter(|o| o.attempt == a.attempt).count() >= 2;
        (heard.heartbeats > 3 && heard.pictures > 0 && assignments.iter().all(told)).then_some(())
    });
}

#[test]
fn a_refused_agent_comes_again_when_it_was_told_to() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    controller.refuse(Some(("token_invalid", Some(100))));
    let _agent = Agent::start(&controller, data.path());
    controller.wait("refusals", |heard| (heard.refusals >= 2).then_some(()));
    controller.refuse(None);
    assert_exited(&controller.run("true").1, 0);
}

/// Where this host lets the agent make a cgroup, which its record of the start then names.
#[test]
fn a_command_is_in_its_cgroup_from_its_first_instant() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = Agent::start(&controller, data.path());
    controller.incarnation();
    let script = "own=$(cat /proc/self/cgroup)\nhead -n 1 ../record\necho \"$own\"";
    let (attempt, ended) = controller.run(script);
    assert_exited(&ended, 0);
    let output = String::from_utf8(controller.output(attempt, Stream::Stdout)).unwrap();
    let (record, groups) = output.split_once('\n').unwrap();
    let is_in = groups.lines().any(|line| line.starts_with("0::") && line.contains("/pulse-shim-"));
    assert_eq!(is_in, !record.contains("\"cgroup\":null"), "{output}");
}
