//! As whom commands run: as the agent's own user, and as another one only where this host's file allows it.

mod harness;

use harness::limits::is_root;
use harness::{Agent, Controller, assert_exited};
use pulse_protocol::message::Stream;
use pulse_protocol::observation::EndKind;
use pulse_protocol::{Assignment, AttemptId, Ended, ScriptFile, WorkFile};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

/// An agent beside a file that says this. The data folder lies where another user can get to it.
fn scene(local: &str) -> (Controller, tempfile::TempDir, Agent) {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let file = root.path().join("agent.yaml");
    std::fs::write(&file, local).unwrap();
    let agent = Agent::start_with(&controller, &root.path().join("data"), &[("PULSE_AGENT_LOCAL", file.to_str().unwrap())]);
    (controller, root, agent)
}

fn as_user(controller: &Controller, user: Option<&str>, script: &str) -> Assignment {
    let mut assignment = controller.attempt(script);
    assignment.command.as_mut().unwrap().user = user.map(str::to_owned);
    assignment
}

fn run(controller: &Controller, assignment: Assignment) -> (AttemptId, Ended) {
    let attempt = assignment.attempt;
    controller.assign(vec![assignment]);
    (attempt, controller.end(attempt))
}

fn said(controller: &Controller, assignment: Assignment) -> String {
    let (attempt, ended) = run(controller, assignment);
    assert_exited(&ended, 0);
    String::from_utf8(controller.output(attempt, Stream::Stdout)).unwrap()
}

fn refused(controller: &Controller, assignment: Assignment, data: &Path) -> String {
    let (attempt, ended) = run(controller, assignment);
    assert!(!data.join("attempts").join(attempt.to_string()).join("output").exists(), "no shim made anything for it");
    let EndKind::NotStarted { reason } = ended.how else { panic!("{ended:?}") };
    reason
}

#[test]
fn who_is_not_allowed_is_refused_before_anything_starts() {
    let (controller, root, _agent) = scene("allowUsers: []\n");
    let data = root.path().join("data");
    let witness = root.path().join("witness");
    let touch = format!("touch {}", witness.display());
    for user in ["nobody", "daemon"] {
        let reason = refused(&controller, as_user(&controller, Some(user), &touch), &data);
        assert!(reason.contains("allowUsers") && reason.contains("agent.yaml"), "{reason}");
    }
    let reason = refused(&controller, as_user(&controller, Some("no-such-user"), &touch), &data);
    assert!(reason.contains("not known"), "{reason}");
    if is_root() {
        // The file speaks of users, and root is not among them: not even the agent's own.
        for user in [None, Some("root")] {
            let reason = refused(&controller, as_user(&controller, user, &touch), &data);
            assert!(reason.contains("agent.yaml"), "{user:?}: {reason}");
        }
    } else {
        assert_eq!(said(&controller, as_user(&controller, None, "id -u")), format!("{}\n", rustix::process::geteuid().as_raw()));
    }
    assert!(!witness.exists());
}

#[test]
fn who_is_allowed_runs_with_that_users_rights_and_nothing_more() {
    if !is_root() {
        return println!("left out: becoming another user needs root");
    }
    let (controller, root, _agent) = scene("allowUsers: [nobody]\ndefaultUser: daemon\n");
    let script =
        "id -un; id -G; grep -E '^(Cap(Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status; umask; echo $HOME; pwd; echo $PULSE_WORKDIR";
    let lines = said(&controller, as_user(&controller, Some("nobody"), script));
    let lines: Vec<&str> = lines.lines().collect();
    let groups =
        |user: &str| String::from_utf8(std::process::Command::new("id").args(["-G", user]).output().unwrap().stdout).unwrap();
    assert_eq!(lines[..2], ["nobody", groups("nobody").trim()]);
    assert!(lines[2..5].iter().all(|line| line.ends_with("\t0000000000000000")), "{lines:?}");
    assert_eq!(lines[5..8], ["NoNewPrivs:\t0", "0022", "/nonexistent"]);
    assert_eq!(lines[8], lines[9], "the work folder is the working folder");
    assert!(lines[9].ends_with("/work"));
    // Who names nobody is the default user; root is not allowed, though the agent is root.
    assert_eq!(said(&controller, as_user(&controller, None, "id -un; id -un | tee own; cat own")), "daemon\n".repeat(3));
    let reason = refused(&controller, as_user(&controller, Some("root"), "true"), &root.path().join("data"));
    assert!(reason.contains("allowUsers"), "{reason}");
    // What is not the user's stays so.
    let key = root.path().join("data/identity.key");
    let all = root.path().join("data/attempts");
    let peek =
        format!("cat {} && exit 1; ls {} && exit 1; ls {} && exit 1; exit 0", key.display(), all.display(), "$PULSE_WORKDIR/..");
    assert_exited(&run(&controller, as_user(&controller, Some("nobody"), &peek)).1, 0);
}

#[test]
fn files_and_long_scripts_are_the_users() {
    if !is_root() {
        return println!("left out: becoming another user needs root");
    }
    let (controller, root, _agent) = scene("allowUsers: [nobody]\n");
    let mut script = as_user(&controller, Some("nobody"), "");
    let command = script.command.as_mut().unwrap();
    command.argv = vec![];
    command.script_file = Some(ScriptFile { path: "bin/a.sh".into(), args: vec!["b".into()] });
    let content = b"#!/bin/sh\nset -e\necho $1; touch bin/new; stat -c %U bin bin/a.sh .\n".to_vec();
    command.files = vec![WorkFile { path: "bin/a.sh".into(), executable: true, content: Arc::new(content) }];
    assert_eq!(said(&controller, script), "b\nnobody\nnobody\nnobody\n");
    let long = format!("id -un\n{}", "#".repeat(100_000));
    assert_eq!(said(&controller, as_user(&controller, Some("nobody"), &long)), "nobody\n");
    // A folder that the user may not enter is no place to run in.
    let private = root.path().join("private");
    std::fs::create_dir(&private).unwrap();
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut elsewhere = as_user(&controller, Some("nobody"), "true");
    elsewhere.command.as_mut().unwrap().cwd = Some(private.display().to_string());
    let EndKind::NotStarted { reason } = run(&controller, elsewhere).1.how else { panic!("it started") };
    assert!(reason.contains("as nobody: Permission denied"), "{reason}");
    // The shim stays root's, and ends what another user's command leaves.
    let mut deaf = as_user(&controller, Some("nobody"), "trap '' TERM; (trap '' TERM; setsid sleep 300 & wait) & wait");
    deaf.command.as_mut().unwrap().timeout_ms = 300;
    assert_eq!(run(&controller, deaf).1.how, EndKind::TimedOut);
}
