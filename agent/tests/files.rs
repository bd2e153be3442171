//! Scripts and files of the commit: they lie in the work folder when the command starts, or nothing starts; and they are gone
//! after it.

mod harness;

use harness::{Agent, Controller, assert_exited, wait};
use pulse_protocol::files::{MAX_FILE_BYTES, MAX_FILES_BYTES};
use pulse_protocol::message::Stream;
use pulse_protocol::observation::EndKind;
use pulse_protocol::{Assignment, AttemptId, Desired, ScriptFile, WorkFile};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn scene() -> (Controller, tempfile::TempDir, Agent) {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, &root.path().join("data"));
    (controller, root, agent)
}

fn file(path: &str, executable: bool, content: &str) -> WorkFile {
    WorkFile { path: path.into(), executable, content: Arc::new(content.into()) }
}

/// A script with its arguments and files; the script is the first of them.
fn script(controller: &Controller, argv: &[&str], args: &[&str], files: Vec<WorkFile>) -> Assignment {
    let mut assignment = controller.attempt("");
    let command = assignment.command.as_mut().unwrap();
    command.argv = argv.iter().map(|part| (*part).to_owned()).collect();
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    command.script_file = Some(ScriptFile { path: files[0].path.clone(), args });
    command.files = files;
    assignment
}

fn run(controller: &Controller, assignment: Assignment) -> (i64, String, String) {
    let attempt = assignment.attempt;
    controller.assign(vec![assignment]);
    let ended = controller.end(attempt);
    let EndKind::Exited { code } = ended.how else { panic!("{ended:?}") };
    let text = |stream| String::from_utf8(controller.output(attempt, stream)).unwrap();
    (code, text(Stream::Stdout), text(Stream::Stderr))
}

fn folder(root: &Path, attempt: AttemptId) -> PathBuf {
    root.join("data/attempts").join(attempt.to_string())
}

#[test]
fn a_script_with_its_own_program_is_executed_as_it_is() {
    let (controller, root, _agent) = scene();
    let text =
        "#!/bin/bash\necho \"$0\"; echo \"$#:$1:$2\"; cat \"$(dirname \"$0\")/lib/data\"; ./tool; [ ! -x lib/data ]; pwd\n";
    let files =
        vec![file("bin/run.sh", true, text), file("bin/lib/data", false, "data\n"), file("tool", true, "#!/bin/sh\necho tool\n")];
    let assignment = script(&controller, &[], &["one two", ""], files);
    let work = folder(root.path(), assignment.attempt).join("work");
    let (code, out, err) = run(&controller, assignment);
    let work = work.display();
    assert_eq!((code, out), (0, format!("{work}/bin/run.sh\n2:one two:\ndata\ntool\n{work}\n")), "{err}");
}

#[test]
fn a_script_without_is_given_to_its_shell() {
    let (controller, _root, _agent) = scene();
    let plain = |argv: &[&str]| {
        let files = vec![file("a/plain", false, "echo \"$1\"; false | true; echo on; false; echo never\n")];
        run(&controller, script(&controller, argv, &["-x"], files))
    };
    assert_eq!(plain(&["/bin/sh", "-e"]), (1, "-x\non\n".into(), String::new()));
    assert_eq!(plain(&["bash", "-eo", "pipefail"]), (1, "-x\n".into(), String::new()));
    let python = vec![file("p", false, "import sys\nprint(sys.argv[1:])\nsys.exit(7)\n")];
    let (code, out, err) = run(&controller, script(&controller, &["python3", "-I"], &["a b", "c"], python));
    assert_eq!((code, out.as_str()), (7, "['a b', 'c']\n"), "{err}");
}

#[test]
fn arguments_arrive_as_they_are() {
    let (controller, _root, _agent) = scene();
    let long = "ä\n$".repeat(16 * 1024);
    let hostile = ["$(touch /tmp/x)", "`id`", "'; echo \"", "a\nb\\\n", "", "-n", "*", "{{ x }}", "%s\\0", &long];
    let expected: Vec<u8> = hostile.iter().flat_map(|arg| [arg.as_bytes(), b"|\n"].concat()).collect();
    let text = "for arg in \"$@\"; do printf '%s|\\n' \"$arg\"; done\n";
    for (argv, first) in [(&["/bin/sh", "-e"] as &[&str], ""), (&["bash", "-eo", "pipefail"], ""), (&[], "#!/bin/sh\n")] {
        let files = vec![file("s", argv.is_empty(), &format!("{first}{text}"))];
        let (code, out, err) = run(&controller, script(&controller, argv, &hostile, files));
        assert_eq!(code, 0, "{err}");
        assert!(out.as_bytes() == expected, "{argv:?}: {:?}", &out[..out.len().min(200)]);
    }
}

#[test]
fn what_would_lie_elsewhere_or_cannot_run_is_not_started() {
    let (controller, root, _agent) = scene();
    let good = || file("s", true, "#!/no/such/program -x\n");
    let cases = [
        (vec![good(), file("../../evil", false, "")], "would not lie in the work folder"),
        (vec![good(), file("/evil", false, "")], "would not lie in the work folder"),
        (vec![good(), file("s", false, "")], "cannot write the file \"s\""),
        (vec![good(), file("s/below", false, "")], "cannot write the file \"s/below\""),
        (vec![good()], "its first line names is not on this host: \"/no/such/program -x\""),
    ];
    for (files, expected) in cases {
        let assignment = script(&controller, &[], &[], files);
        let attempt = assignment.attempt;
        controller.assign(vec![assignment]);
        let EndKind::NotStarted { reason } = controller.end(attempt).how else { panic!("it must not have started") };
        assert!(reason.contains(expected), "{reason}");
        assert!(!root.path().join("data/attempts/evil").exists() && !Path::new("/evil").exists());
        wait("the folder's end", || (!folder(root.path(), attempt).exists()).then_some(()));
    }
    let mut lost = script(&controller, &["/bin/sh"], &[], vec![good()]);
    lost.command.as_mut().unwrap().files.clear();
    let attempt = lost.attempt;
    controller.assign(vec![lost]);
    let EndKind::NotStarted { reason } = controller.end(attempt).how else { panic!("it must not have started") };
    assert!(reason.contains("did not come with the command"), "{reason}");
}

#[test]
fn a_full_disk_starts_nothing_and_keeps_nothing() {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let (data, marker) = (root.path().join("data"), root.path().join("marker"));
    let failpoint = format!("shim.files.before={}", marker.display());
    let _agent = Agent::start_with(&controller, &data, &[("PULSE_FAILPOINT", &failpoint)]);
    let files = vec![file("s", true, "#!/bin/sh\necho ran\n"), file("big", false, &"x".repeat(MAX_FILE_BYTES))];
    let assignment = script(&controller, &[], &[], files);
    let attempt = assignment.attempt;
    controller.assign(vec![assignment]);
    let shim: i32 = wait("the shim", || std::fs::read_to_string(&marker).ok()?.strip_suffix('\n')?.parse().ok());
    // From now on no file of this shim's may be longer, which for the second file is a full disk.
    let limit = Rlimit { current: Some(512 * 1024), maximum: Some(512 * 1024) };
    prlimit(Pid::from_raw(shim), Resource::Fsize, limit).unwrap();
    std::fs::remove_file(&marker).unwrap();
    let EndKind::NotStarted { reason } = controller.end(attempt).how else { panic!("it must not have started") };
    assert!(reason.contains("cannot write the file \"big\"") && reason.contains("File too large"), "{reason}");
    assert_eq!(controller.output(attempt, Stream::Stdout), b"");
    wait("the folder's end", || (!folder(root.path(), attempt).exists()).then_some(()));
}

/// Copies the agent where its user may execute it, and runs it as somebody without rights; the rights of folders do not bind root.
fn start_unprivileged(controller: &Controller, root: &Path) -> Agent {
    let open = |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    open(root);
    let data = root.join("data");
    std::fs::create_dir(&data).unwrap();
    open(&data);
    let copy = root.join("agent");
    std::fs::copy(env!("CARGO_BIN_EXE_pulse-agent"), &copy).unwrap();
    open(&copy);
    let as_nobody =
        "if [ \"$(id -u)\" = 0 ]; then exec setpriv --reuid=65534 --regid=65534 --clear-groups ../agent; fi; exec ../agent";
    Agent::start_by(controller, &data, &format!("cd '{}'; {as_nobody}", data.display()))
}

const LOCKED: &str = "mkdir -p a/b/c; touch a/b/c/d; chmod 500 a/b/c; chmod 0 a/b; chmod 500 a; ln -s / a.link; chmod 500 .";

#[test]
fn the_work_folder_goes_whatever_the_command_made_of_it() {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let _agent = start_unprivileged(&controller, root.path());
    // Ended by itself, cancelled, and cancelled without the shim.
    let ended = controller.attempt(&format!("id -u; {LOCKED}"));
    controller.acknowledge(false);
    controller.assign(vec![ended.clone()]);
    assert_exited(&controller.end(ended.attempt), 0);
    assert_ne!(controller.output(ended.attempt, Stream::Stdout), b"0\n");
    wait("the work folder's end", || (!folder(root.path(), ended.attempt).join("work").exists()).then_some(()));
    assert!(folder(root.path(), ended.attempt).exists(), "the attempt's own folder stays until its end is acknowledged");

    let killed = controller.attempt(&format!("{LOCKED}; trap '' TERM; sleep 60 & wait"));
    controller.assign(vec![killed.clone()]);
    let locked = folder(root.path(), killed.attempt).join("work/a.link");
    wait("the locked folders", || locked.is_symlink().then_some(()));
    controller.assign(vec![Assignment { desired: Desired::Stop, command: None, ..killed.clone() }]);
    assert_eq!(controller.end(killed.attempt).how, EndKind::Cancelled);
    wait("the work folder's end", || (!folder(root.path(), killed.attempt).join("work").exists()).then_some(()));
}

#[test]
fn a_killed_shim_leaves_no_work_folder_for_ever() {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = start_unprivileged(&controller, root.path());
    let lost = controller.attempt(&format!("{LOCKED}; exec sleep 60"));
    controller.assign(vec![lost.clone()]);
    let pid = controller.started(lost.attempt);
    let folder = folder(root.path(), lost.attempt);
    wait("the locked folders", || folder.join("work/a.link").is_symlink().then_some(()));
    agent.kill_shims();
    assert!(matches!(controller.end(lost.attempt).how, EndKind::Unknown { .. }));
    harness::kill(i32::try_from(pid).unwrap(), "KILL");
    wait("the folder's end", || (!folder.exists()).then_some(()));
}

/// The agent's resident memory at its most, bytes.
fn resident(agent: &Agent) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Enough that their files alone would be more than the agent may take.
const AT_ONCE: usize = 20;
const MOST_RESIDENT: u64 = 64 << 20;
const _: () = assert!((AT_ONCE * MAX_FILES_BYTES) as u64 > MOST_RESIDENT);

#[test]
fn many_commands_with_four_mebibytes_each_stay_within_the_agents_memory() {
    let (controller, root, agent) = scene();
    // Opening the pipe waits for the test to open its other end.
    let text = "#!/bin/sh\nset -e\ncat f/1 f/2 f/3 f/4 | wc -c\n: < \"$1\"\n";
    let mut files = vec![file("s", true, text)];
    let size = (MAX_FILES_BYTES - text.len()) / 4;
    let content = Arc::new(vec![b'y'; size]);
    files.extend((1..=4).map(|n| WorkFile { path: format!("f/{n}"), executable: false, content: Arc::clone(&content) }));
    let pipes: Vec<PathBuf> = (0..AT_ONCE).map(|n| root.path().join(format!("go.{n}"))).collect();
    assert!(std::process::Command::new("mkfifo").args(&pipes).status().unwrap().success());
    let args = pipes.iter().map(|pipe| pipe.to_str().unwrap());
    let assignments: Vec<_> = args.map(|pipe| script(&controller, &[], &[pipe], files.clone())).collect();
    let begun = std::time::Instant::now();
    for assignment in &assignments {
        controller.assign(vec![assignment.clone()]);
    }
    for assignment in &assignments {
        controller.started(assignment.attempt);
        let expected = format!("{}\n", size * 4);
        let arrived = || controller.output(assignment.attempt, Stream::Stdout) == expected.as_bytes();
        wait("what the command counted", || arrived().then_some(()));
    }
    let (took, resident) = (begun.elapsed(), resident(&agent));
    println!("{took:?} until all ran, the agent took {} KiB", resident / 1024);
    assert_eq!(agent.shims().len(), AT_ONCE);
    for (assignment, pipe) in assignments.iter().zip(&pipes) {
        drop(std::fs::File::options().write(true).open(pipe).unwrap());
        assert_exited(&controller.end(assignment.attempt), 0);
    }
    assert!(resident < MOST_RESIDENT, "the agent took {resident} bytes");
}
