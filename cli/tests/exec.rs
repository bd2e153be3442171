//! `pulse exec`: what is sent, and how many agents' answers are shown.

mod support;

use serde_json::{Value, json};
use support::{FakeServer, Reply, Request};

fn started() -> Reply {
    Reply::Json(
        201,
        json!({"id": "id-1", "number": 1, "name": "command#1", "workflow": "command", "status": "running", "commit": "abc"}),
    )
}

fn target(agent: &str, code: i64, text: &str) -> Value {
    let status = if code == 0 { "succeeded" } else { "failed" };
    json!({"agent": agent, "status": status, "reason": null, "attempts": [{"id": agent, "try": 1, "state": "exited", "exitCode": code,
        "startedAt": "2026-11-21T05:00:00Z", "endedAt": "2026-11-21T05:00:01Z", "durationMs": 1000,
        "stdout": {"bytes": text.len(), "sha256": text}, "stderr": {"bytes": 0, "sha256": ""}}]})
}

/// A server whose command has ended on these agents with these exit codes and texts.
fn server(status: &'static str, ends: &'static [(&'static str, i64, &'static str)]) -> FakeServer {
    FakeServer::start(move |request| {
        if request.method == "POST" {
            return started();
        }
        if request.target.contains("/output") {
            return output(request, ends);
        }
        let targets: Vec<_> = ends.iter().map(|(agent, code, text)| target(agent, *code, text)).collect();
        Reply::Json(
            200,
            json!({"id": "id-1", "number": 1, "name": "command#1", "workflow": "command", "status": status, "commit": "abc", "params": {},
                "startedBy": "admin", "createdAt": "2026-11-21T05:00:00Z", "startedAt": "2026-11-21T05:00:00Z",
                "endedAt": "2026-11-21T05:00:04Z", "message": null, "reasons": [],
                "steps": [{"id": "command", "type": "execute", "visit": 1, "status": status, "targets": targets}]}),
        )
    })
}

fn output(request: &Request, ends: &[(&str, i64, &str)]) -> Reply {
    let of = |agent: &str| request.target.contains(&format!("attempt={agent}&stream=stdout"));
    let found = ends.iter().find(|(agent, _, text)| of(agent) && !text.is_empty() && request.target.contains("from=0"));
    let items = found.map(|(agent, _, text)| {
        json!([{"step": "command", "agent": agent, "attempt": agent, "stream": "stdout", "offset": 0, "end": text.len(), "text": text,
            "total": text.len(), "cut": 0}])
    });
    Reply::Json(200, json!({"items": items.unwrap_or_else(|| json!([]))}))
}

#[test]
fn what_is_said_is_sent_and_nothing_else() {
    let server = server("succeeded", &[("a", 0, "")]);
    let ended = server.pulse(&["exec", "role=web", "db-1", "--", "docker", "ps", "--format", "{{.Names}} $x"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let first = &server.requests()[0];
    assert_eq!((first.method.as_str(), first.target.as_str()), ("POST", "/api/v1/commands"));
    assert_eq!(first.body, json!({"targets": ["role=web", "db-1"], "command": "docker ps --format '{''{''.Names}} $x'"}));
    assert!(first.header("idempotency-key").is_some_and(|key| key.len() > 16));
    let full = [
        "exec",
        "all",
        "-c",
        "uptime | wc -l",
        "--shell",
        "bash",
        "-e",
        "A=b=c",
        "--limit",
        "env!=dev",
        "--timeout",
        "10s",
        "--max-parallel",
        "5",
        "--max-failures",
        "2",
        "--on-offline",
        "wait 5m",
        "--success-exit-code",
        "0",
        "--success-exit-code",
        "3",
        "--idempotent",
        "--reason",
        "a look",
        "--source",
        "ops",
        "--no-follow",
        "-o",
        "name",
    ];
    let ended = server.pulse(&full);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "id-1\n"), "{}", ended.stderr);
    let sent = server.requests().into_iter().rfind(|request| request.method == "POST").unwrap();
    let expected = json!({"targets": ["all"], "command": "uptime | wc -l", "shell": "bash", "limit": "env!=dev", "timeout": "10s",
        "onOffline": "wait 5m", "reason": "a look", "source": "ops", "maxParallel": 5, "maxFailures": 2, "idempotent": true, "env": {"A": "b=c"},
        "successExitCodes": [0, 3]});
    assert_eq!(sent.body, expected);
}

#[test]
fn equal_answers_stand_together() {
    let server = server("failed", &[("a", 0, "up\n"), ("b", 1, "down\n"), ("c", 0, "up\n")]);
    let ended = server.pulse(&["exec", "all", "--", "check"]);
    assert_eq!(ended.stdout, "2 agents exited 0: a, c\n  | up\nb exited 1\n  | down\n", "{}", ended.stderr);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.ends_with("2 same, 1 differ\n"), "{}", ended.stderr);
    let asked = server.requests();
    assert!(!asked.iter().any(|request| request.target.contains("attempt=c")), "what is the same is read once");
}

#[test]
fn the_answer_of_one_agent_stands_alone() {
    let ended = server("succeeded", &[("a", 0, "up\u{1b}[2J\n3 days")]).pulse(&["exec", "a", "--", "uptime"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "up\\e[2J\n3 days\n"), "{}", ended.stderr);
    let raw = server("succeeded", &[("a", 0, "\u{1b}[1mup\n")]).pulse(&["exec", "a", "--raw", "--", "uptime"]);
    assert_eq!(raw.stdout, "\u{1b}[1mup\n");
}

#[test]
fn each_answer_is_shown_where_that_is_asked_for() {
    let server = server("succeeded", &[("a", 0, "up\n"), ("bb", 0, "up\n")]);
    let ended = server.pulse(&["exec", "all", "--each", "--", "uptime"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "a  | up\nbb | up\n"), "{}", ended.stderr);
}

#[test]
fn each_end_has_its_exit_code() {
    let code = |status| server(status, &[("a", 0, "")]).pulse(&["exec", "a", "--", "x"]).code;
    assert_eq!(["failed", "cancelled", "waiting"].map(code), [Some(1), Some(3), Some(5)]);
}

#[test]
fn a_dry_run_shows_agents_and_command() {
    let server = FakeServer::start(|_| {
        Reply::Json(
            200,
            json!({"commit": "abc", "params": {}, "steps": [{"id": "command", "type": "execute", "targets": ["a", "b"], "argv": ["/bin/sh"],
                "script": "uptime", "env": {}}]}),
        )
    });
    let ended = server.pulse(&["exec", "all", "--dry-run", "--", "uptime"]);
    assert_eq!(ended.stdout, "Nothing was started. At commit abc:\n\nstep command on 2: a, b\n  | uptime\n", "{}", ended.stderr);
    assert_eq!(server.requests()[0].body["dryRun"], json!(true));
}

#[test]
fn what_is_refused_is_said_with_every_place() {
    let server = FakeServer::start(|_| {
        let error =
            json!({"pointer": "/timeout", "code": "bad-duration", "message": "`timeout` has no unit", "help": "write `60s`"});
        Reply::Json(422, json!({"detail": "the command is wrong", "code": "bad_command", "errors": [error]}))
    });
    let ended = server.pulse(&["exec", "all", "--timeout", "60", "--", "x"]);
    let expected = "error: the command is wrong (bad_command)\n  /timeout: `timeout` has no unit [bad-duration] (write `60s`)\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), expected));
}
