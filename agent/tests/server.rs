//! The fork server, which makes the shims.

mod harness;

use harness::limits::is_root;
use harness::{Agent, Controller, assert_exited, kill, wait};
use pulse_agent::folder::DataDir;
use pulse_agent::shim::server::{Ends, Shims};
use pulse_protocol::observation::EndKind;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept, bind, listen, socket_with};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts a fork server for each connection, as systemd does with `Accept=yes` and `StandardInput=socket`.
fn service_manager(socket: &Path, data: &Path) {
    let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(socket).unwrap()).unwrap();
    listen(&listener, 8).unwrap();
    let data = data.to_owned();
    std::thread::spawn(move || {
        while let Ok(connection) = accept(&listener) {
            let mut server = Command::new(env!("CARGO_BIN_EXE_pulse-agent"));
            server.args(["shims", "--data-dir"]).arg(&data).arg("_".repeat(48)).stdin(connection).stdout(Stdio::null());
            let mut server = server.spawn().unwrap();
            std::thread::spawn(move || server.wait());
        }
    });
}

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
        let ready = || agent.every_shim().into_iter().filter(|shim| !agent.shims().contains(shim)).collect::<Vec<_>>();
        ready().into_iter().for_each(|shim| kill(shim, "KILL"));
        wait("their end", || ready().is_empty().then_some(()));
        assert_exited(&controller.run("true").1, 0);
        assert!(!agent.servers().contains(&server));
    }
    wait("the shim of what has ended to be ready again", || (agent.shims().len() == 1).then_some(()));
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
fn a_shim_shows_its_attempt_in_process_lists_while_it_has_one_and_leaves_no_entry_behind() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let mut agent = Agent::start(&controller, data.path());
    controller.incarnation();
    let waiting = controller.attempt("sleep 60");
    controller.assign(vec![waiting.clone()]);
    controller.started(waiting.attempt);
    let [shim] = agent.shims()[..] else { panic!("{:?}", agent.shims()) };
    let line = || std::fs::read_to_string(format!("/proc/{shim}/cmdline")).unwrap().trim_end_matches('\0').to_owned();
    let unnamed = format!("pulse-agent\0shim\0--data-dir\0{}", data.path().display());
    assert_eq!(line(), format!("{unnamed}\0--attempt\0{}", waiting.attempt));
    controller.stop(&waiting);
    controller.end(waiting.attempt);
    wait("the shim to be ready for another one", || (line() == unnamed).then_some(()));
    agent.kill();
    wait("the shim's entry to go", || (!Path::new(&format!("/proc/{shim}")).exists()).then_some(()));
}

#[test]
fn a_shim_of_which_nothing_is_left_gets_the_next_command_and_one_that_left_something_does_not() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, data.path());
    controller.incarnation();
    let ready = || {
        wait("a shim that waits for a command", || {
            (agent.shims().is_empty() && agent.every_shim().len() == 1).then(|| agent.every_shim()[0])
        })
    };
    assert_exited(&controller.run("exit 1").1, 1);
    let first = ready();
    // What one command wrote, laid down or was asked is nothing to the next.
    for code in 2..5 {
        let script = format!("test -z \"$(ls -A)\" && touch x y && echo {code} && exit {code}");
        let (attempt, ended) = controller.run(&script);
        assert_exited(&ended, code);
        assert_eq!(controller.output(attempt, pulse_protocol::message::Stream::Stdout), format!("{code}\n").into_bytes());
        assert_eq!(ready(), first);
    }
    let timed = controller.attempt("sleep 60");
    controller.assign(vec![timed.clone()]);
    controller.started(timed.attempt);
    controller.stop(&timed);
    assert_eq!(controller.end(timed.attempt).how, EndKind::Cancelled);
    assert_eq!(ready(), first, "all of a cancelled one is gone, too");
    let pid = data.path().join("pid");
    let (_, ended) = controller.run(&format!("setsid sleep 60 >/dev/null 2>&1 & echo $! > {}", pid.display()));
    assert!(ended.left_behind);
    wait("the shim to go", || agent.every_shim().is_empty().then_some(()));
    kill(std::fs::read_to_string(pid).unwrap().trim().parse().unwrap(), "KILL");
    assert_exited(&controller.run("true").1, 0);
    // One that was ended while it waited is nobody's.
    kill(ready(), "KILL");
    wait("its end", || agent.every_shim().is_empty().then_some(()));
    assert_exited(&controller.run("true").1, 0);
}

#[test]
fn what_a_command_does_to_its_cgroup_binds_no_other() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = Agent::start(&controller, data.path());
    controller.incarnation();
    let script = r#"own=$(sed -n 's/.*"cgroup":"\([^"]*\)".*/\1/p' ../record); test -n "$own" || exit 9
        echo 1 > "$own/cgroup.freeze"; sleep 60"#;
    let mut frozen = controller.attempt(script);
    frozen.command.as_mut().unwrap().timeout_ms = 500;
    controller.assign(vec![frozen.clone()]);
    match controller.end(frozen.attempt).how {
        EndKind::Exited { code: 9 } => println!("no cgroup can be made here"),
        how => assert_eq!(how, EndKind::TimedOut),
    }
    assert_exited(&controller.run("true").1, 0);
}

#[test]
fn an_end_that_is_too_long_for_the_pipe_is_read_from_the_record() {
    let (controller, data) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = Agent::start(&controller, data.path());
    controller.incarnation();
    for bytes in [10, 60_000] {
        let mut attempt = controller.attempt(&format!("head -c {bytes} /dev/zero | tr '\\0' '\\1'"));
        attempt.command.as_mut().unwrap().capture_stdout = true;
        controller.assign(vec![attempt.clone()]);
        let ended = controller.end(attempt.attempt);
        assert_exited(&ended, 0);
        assert_eq!(ended.captured.unwrap(), "\u{1}".repeat(bytes));
    }
}

#[test]
fn a_service_managers_server_is_no_child_of_the_agent_and_the_next_agent_has_another() {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let (data, socket) = (root.path().join("data"), root.path().join("shims"));
    service_manager(&socket, &data);
    let mut agent = Agent::start_with(&controller, &data, &[("PULSE_AGENT_SHIMS", socket.to_str().unwrap())]);
    let go = root.path().join("go");
    let waiting = controller.attempt(&format!("while ! test -e {}; do sleep 0.02; done; exit 4", go.display()));
    controller.assign(vec![waiting.clone()]);
    controller.started(waiting.attempt);
    let [first] = agent.servers()[..] else { panic!("{:?}", agent.servers()) };
    let stat = std::fs::read_to_string(format!("/proc/{first}/stat")).unwrap();
    let parent = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap();
    assert_eq!(parent, std::process::id().to_string());
    // Ended by somebody, and with its agent: the next command has another one each time.
    kill(first, "KILL");
    // What one is asked for that dies at this moment is `not_started`, and the controller's to ask again.
    wait("its end", || (!Path::new(&format!("/proc/{first}")).exists()).then_some(()));
    assert_exited(&controller.run("true").1, 0);
    let sessions = controller.heard.lock().unwrap().sessions;
    agent.kill();
    wait("the fork server's end", || agent.servers().is_empty().then_some(()));
    agent.restart();
    controller.another_session(sessions);
    assert_exited(&controller.run("true").1, 0);
    std::fs::write(go, "").unwrap();
    assert_exited(&controller.end(waiting.attempt), 4);
}

#[test]
fn without_a_service_manager_nothing_starts_and_the_reason_is_said() {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let socket = root.path().join("shims");
    let _agent = Agent::start_with(&controller, &root.path().join("data"), &[("PULSE_AGENT_SHIMS", socket.to_str().unwrap())]);
    let EndKind::NotStarted { reason } = controller.run("true").1.how else { panic!("it started") };
    assert!(reason.contains("the shim cannot be started: No such file"), "{reason}");
    service_manager(&socket, &root.path().join("data"));
    assert_exited(&controller.run("true").1, 0);
}

#[test]
fn a_server_works_for_its_own_user_only() {
    if !is_root() {
        return println!("left out: to be somebody else needs root");
    }
    let root = tempfile::tempdir().unwrap();
    let socket = root.path().join("shims");
    service_manager(&socket, &root.path().join("data"));
    for path in [root.path(), &socket] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    // SOCK_SEQPACKET is 5. Whoever reads hears the end; a server that works for its peer says nothing and stays.
    let script = "use Socket; socket(S, AF_UNIX, 5, 0) && connect(S, sockaddr_un(shift)) or exit 3; alarm 2; sysread(S, $_, 1) and exit 4; exit 0";
    let mut asked = Command::new("setpriv");
    asked.args(["--reuid=65534", "--clear-groups", "perl", "-e", script]).arg(&socket);
    assert!(asked.status().unwrap().success(), "it went away");
    let mut own = Command::new("perl");
    assert_eq!(own.args(["-e", script]).arg(&socket).status().unwrap().code(), None, "it stayed until the alarm");
}

#[test]
fn a_shim_that_was_made_early_and_gets_no_command_claims_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (data, socket) = (DataDir::new(root.path().join("data")), root.path().join("shims"));
    data.create().unwrap();
    service_manager(&socket, data.root());
    let shims = Shims::new(data.clone(), Some(socket));
    assert!(shims.early().is_none(), "there is no server yet, and nobody waits for one");
    let asked = |Ends { spec, mut said }: Ends| {
        drop(spec);
        let mut all = String::new();
        said.read_to_string(&mut all).unwrap();
        all
    };
    for said in [asked(shims.start(None).unwrap()), asked(shims.early().unwrap())] {
        assert!(said.contains("the command did not arrive whole"), "{said}");
    }
    assert_eq!(std::fs::read_dir(data.attempts()).unwrap().count(), 0);
}
