//! A command runs once, its output and end arrive.

mod harness;

use harness::{Agent, Controller, assert_exited};
use pulse_protocol::message::Stream;
use pulse_protocol::observation::EndKind;

#[test]
fn a_command_runs_and_reports() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = Agent::start(&controller, data.path());
    let (attempt, ended) = controller.run("echo hello; echo oops >&2; exit 3");
    assert_exited(&ended, 3);
    assert_eq!(controller.output(attempt, Stream::Stdout), b"hello\n");
    assert_eq!(controller.output(attempt, Stream::Stderr), b"oops\n");
    assert_eq!((ended.stdout.bytes, ended.stderr.bytes), (6, 5));
    assert!(!ended.left_behind);
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
