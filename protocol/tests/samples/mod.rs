//! One or more samples of every message.

use pulse_protocol::message::{Identify, OutputChunk, Rotation, Stream, Vitals};
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::picture::OutputOffsets;
use pulse_protocol::version::VersionRange;
use pulse_protocol::{
    Assignment, AttemptId, BootId, CommandSpec, Desired, Ended, Epoch, ExecutionId, Incarnation, Observation, Observed,
    OutputTotals, ScriptFile, ToAgent, ToController, WorkFile,
};
use std::sync::Arc;
use uuid::Uuid;

const EPOCH: Epoch = Epoch(7);

fn uuid(last: u128) -> Uuid {
    Uuid::from_u128(0x0197_3a5e_0000_7000_8000_0000_0000_0000 + last)
}

fn attempt(last: u128) -> AttemptId {
    AttemptId(uuid(last))
}

fn ended(how: EndKind) -> Observed {
    Observed::Ended(Ended::bare(how))
}

/// Agent to controller.
pub fn to_controller() -> Vec<(&'static str, ToController)> {
    let whole = Ended {
        how: EndKind::Exited { code: 3 },
        duration_ms: 1500,
        stdout: OutputTotals { bytes: 6, sha256: "ab".repeat(32) },
        stderr: OutputTotals { bytes: 0, sha256: "cd".repeat(32) },
        captured: Some("ä\n".into()),
        left_behind: true,
        withdrawn: false,
    };
    let unknown = |reason| ended(EndKind::Unknown { reason });
    let observed = [
        Observed::Accepted,
        Observed::Started { pid: 4711 },
        Observed::Ended(whole),
        ended(EndKind::Signalled { signal: 9 }),
        ended(EndKind::TimedOut),
        ended(EndKind::Cancelled),
        ended(EndKind::NotStarted { reason: "no such program".into() }),
        unknown(UnknownReason::SupervisorLost),
        unknown(UnknownReason::HostRebooted),
        unknown(UnknownReason::StopUnconfirmed),
        unknown(UnknownReason::JournalLost),
    ];
    let observations: Vec<Observation> =
        observed.into_iter().zip(1..).map(|(observed, n)| Observation { attempt: attempt(n), observed }).collect();
    let identify = |token: Option<&str>| {
        ToController::Identify(Box::new(Identify {
            name: "web-1.example".parse().unwrap(),
            public_key: "AAAA".into(),
            signature: "BBBB".into(),
            token: token.map(String::from),
            rotation: None,
            boot: BootId(uuid(100)),
            incarnation: Incarnation(uuid(101)),
            sequence: 12,
            slots: 5,
            labels: [("role".to_owned(), "web".to_owned())].into(),
            facts: [("kernel".to_owned(), "Linux 6.1".to_owned())].into(),
            observations: observations[..2].to_vec(),
        }))
    };
    let rotating = |mut message| {
        if let ToController::Identify(identify) = &mut message {
            let rotation = ["new-key", "by-old", "by-new"].map(String::from);
            let [public_key, by_old, by_new] = rotation;
            identify.rotation = Some(Rotation { public_key, by_old, by_new });
        }
        message
    };
    let chunk = |stream, offset, data: &[u8]| OutputChunk {
        epoch: EPOCH,
        attempt: attempt(1),
        stream,
        offset,
        cut: 0,
        data: data.to_vec(),
    };
    let vitals = Vitals {
        load1: 0.25,
        cpu_percent: 12.5,
        memory_used_bytes: 1 << 30,
        memory_total_bytes: 1 << 34,
        uptime_seconds: 86_400,
        running: 2,
        clock_us: None,
        disk_free_bytes: None,
    };
    let report_of = |observed| {
        let observations = vec![Observation { attempt: attempt(1), observed }];
        ToController::Report { epoch: EPOCH, observations, full: false, sequence: 13 }
    };
    vec![
        ("hello", ToController::Hello { versions: VersionRange { min: 1, max: 2 }, release: "0.1.0".into() }),
        ("identify-enrolling", identify(Some("token"))),
        ("identify-known", identify(None)),
        ("identify-rotating", rotating(identify(None))),
        ("report", ToController::Report { epoch: EPOCH, observations: observations.clone(), full: false, sequence: 13 }),
        ("report-withdrawn", report_of(Observed::Ended(Ended::withdrawn()))),
        ("report-full", ToController::Report { epoch: EPOCH, observations: vec![], full: true, sequence: 13 }),
        ("output-stdout", ToController::Output(chunk(Stream::Stdout, 0, &[0, 255, b'a']))),
        ("output-stderr", ToController::Output(chunk(Stream::Stderr, u64::MAX, b""))),
        ("heartbeat", ToController::Heartbeat { epoch: EPOCH, vitals }),
        ("pong", ToController::Pong { number: 3 }),
    ]
}

/// Controller to agent.
pub fn to_agent() -> Vec<(&'static str, ToAgent)> {
    let command = CommandSpec {
        argv: ["/bin/sh", "-e", "-c"].map(String::from).to_vec(),
        script: "echo \"${PULSE_PARAM_x}\"".into(),
        script_file: None,
        files: vec![],
        env: [("PULSE_PARAM_x".to_owned(), "a\"b\n\u{1}".to_owned())].into(),
        cwd: Some("/srv".into()),
        user: None,
        timeout_ms: 3_600_000,
        kill_grace_ms: 30_000,
        capture_stdout: true,
    };
    let assignment = |n, desired, command| Assignment {
        attempt: attempt(n),
        execution: ExecutionId(uuid(200)),
        incarnation: Incarnation(uuid(101)),
        desired,
        command,
    };
    let file =
        |path: &str, executable, content: &[u8]| WorkFile { path: path.into(), executable, content: Arc::new(content.to_vec()) };
    let with_files = CommandSpec {
        argv: vec![],
        script: String::new(),
        script_file: Some(ScriptFile { path: "bin/a.sh".into(), args: vec!["--x".into(), "a\"b\n".into()] }),
        files: vec![file("bin/a.sh", true, b"#!/bin/sh\n"), file("data", false, &[0, 255])],
        cwd: None,
        ..command.clone()
    };
    let as_other = CommandSpec { user: Some("postgres".into()), ..command.clone() };
    let shell_file = CommandSpec {
        argv: vec!["bash".into(), "-eo".into(), "pipefail".into()],
        script_file: Some(ScriptFile { path: "b".into(), args: vec![] }),
        files: vec![file("b", false, b"")],
        ..with_files.clone()
    };
    let scripts = vec![assignment(3, Desired::Run, Some(with_files)), assignment(4, Desired::Run, Some(shell_file))];
    let assignments = vec![assignment(1, Desired::Run, Some(command)), assignment(2, Desired::Stop, None)];
    let refused = |retry_after_ms| ToAgent::Refused { code: "quarantined".into(), message: "Ask.".into(), retry_after_ms };
    vec![
        ("challenge", ToAgent::Challenge { version: 1, nonce: "n0".into() }),
        ("welcome", ToAgent::Welcome { epoch: EPOCH, heartbeat_ms: 5000, witness_since: None }),
        ("welcome-after-a-restore", ToAgent::Welcome { epoch: EPOCH, heartbeat_ms: 5000, witness_since: Some(1_700_000_000) }),
        ("refused-for-now", refused(Some(2000))),
        ("refused", refused(None)),
        ("assign", ToAgent::Assign { epoch: EPOCH, assignments, full: true }),
        (
            "assign-user",
            ToAgent::Assign { epoch: EPOCH, assignments: vec![assignment(5, Desired::Run, Some(as_other))], full: false },
        ),
        ("assign-files", ToAgent::Assign { epoch: EPOCH, assignments: scripts, full: false }),
        (
            "acknowledge",
            ToAgent::Acknowledge {
                epoch: EPOCH,
                ended: vec![attempt(1)],
                forget: vec![attempt(2)],
                output: vec![(attempt(1), OutputOffsets { stdout: 6, stderr: 0 })],
            },
        ),
        ("ping", ToAgent::Ping { number: 3 }),
    ]
}
