//! The fork server, which makes the shims.

mod harness;

use harness::{Agent, Controller, assert_exited, kill, wait};

#[test]
fn one_that_was_killed_is_replaced_and_what_runs_goes_on() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, data.path());
    controller.incarnation();
    let go = data.path().join("go");
    let waiting = controller.attempt(&format!("while ! test -e {}; do sleep 0.02; done; exit 4", go.display()));
    controller.assign(vec![waiting.clone()]);
    controller.started(waiting.attempt);
    for _ in 0..3 {
        let [server] = agent.servers()[..] else { panic!("{:?}", agent.servers()) };
        kill(server, "KILL");
        assert_exited(&controller.run("true").1, 0);
        assert!(!agent.servers().contains(&server));
    }
    wait("the shims of what has ended to go", || (agent.shims().len() == 1).then_some(()));
    std::fs::write(go, "").unwrap();
    assert_exited(&controller.end(waiting.attempt), 4);
}

#[test]
fn it_ends_with_its_agent() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let mut agent = Agent::start(&controller, data.path());
    controller.incarnation();
    assert_exited(&controller.run("true").1, 0);
    assert_eq!(agent.servers().len(), 1);
    agent.kill();
    wait("the fork server's end", || agent.servers().is_empty().then_some(()));
}

#[test]
fn a_shim_shows_its_attempt_in_process_lists_and_leaves_no_entry_behind() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, data.path());
    controller.incarnation();
    let waiting = controller.attempt("sleep 60");
    controller.assign(vec![waiting.clone()]);
    controller.started(waiting.attempt);
    let [shim] = agent.shims()[..] else { panic!("{:?}", agent.shims()) };
    let line = std::fs::read_to_string(format!("/proc/{shim}/cmdline")).unwrap();
    let expected = format!("pulse-agent\0shim\0--data-dir\0{}\0--attempt\0{}", data.path().display(), waiting.attempt);
    assert_eq!(line.trim_end_matches('\0'), expected);
    controller.stop(&waiting);
    controller.end(waiting.attempt);
    wait("the shim's entry to go", || (!std::path::Path::new(&format!("/proc/{shim}")).exists()).then_some(()));
}
