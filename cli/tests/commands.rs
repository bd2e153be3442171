//! Commands that change something, and those that explain: what they send, and what they say of the answer.

mod support;

use serde_json::{Value, json};
use support::{FakeServer, Reply};

const ATTEMPT: &str = "0193-attempt";

fn execution() -> Value {
    json!({"id": "id-1", "number": 1, "name": "hello#1", "workflow": "hello", "status": "waiting", "commit": "folder-abc",
        "params": {"who": "Ada"}, "startedBy": "admin", "createdAt": "2026-11-21T05:00:00Z", "startedAt": "2026-11-21T05:00:00Z",
        "endedAt": null, "message": "an attempt is unknown",
        "reasons": [{"step": "greet", "target": "web-1", "code": "unknown", "attempt": ATTEMPT, "message": "step `greet` on web-1: unknown: the host rebooted"}],
        "steps": [{"id": "greet", "visit": 1, "status": "running", "condition": true, "message": null,
            "targets": [{"agent": "web-1", "status": "unknown", "reason": null, "attempts": [{"id": ATTEMPT, "try": 1, "state": "unknown",
                "exitCode": null, "startedAt": "2026-11-21T05:00:00Z", "endedAt": null, "durationMs": 65000,
                "stdout": {"bytes": 2048, "sha256": null}, "stderr": {"bytes": 0, "sha256": null}}]}]}]})
}

#[test]
fn cancel_and_resolve_send_what_was_said() {
    let again = FakeServer::start(|_| Reply::Json(200, json!({"id": "id-1", "changed": false, "status": "succeeded"})));
    assert_eq!(again.pulse(&["cancel", "hello#1", "--reason", "late"]).stderr, "nothing changed: hello#1 is succeeded\n");
    let server = FakeServer::start(|_| Reply::Json(200, json!({"id": "id-1", "changed": true, "status": "running"})));
    let drained = server.pulse(&["cancel", "hello#1", "--reason", "wrong day"]);
    assert_eq!((drained.code, drained.stdout.as_str()), (Some(0), ""));
    assert!(drained.stderr.contains("running commands may end"), "{}", drained.stderr);
    assert_eq!(server.pulse(&["cancel", "hello#1", "--kill", "--reason", "now"]).code, Some(0));
    assert_eq!(server.pulse(&["resolve", "hello#1", ATTEMPT, "failed", "--reason", "looked"]).code, Some(0));
    assert_eq!(server.pulse(&["agents", "revoke", "web-1"]).code, Some(0));
    assert_eq!(server.requests().last().map(|request| request.method.clone()).as_deref(), Some("DELETE"));
    let sent: Vec<_> = server.requests().into_iter().map(|request| (request.target, request.body)).collect();
    let expected = [
        ("/api/v1/executions/hello%231/cancel", json!({"reason": "wrong day", "mode": "drain"})),
        ("/api/v1/executions/hello%231/cancel", json!({"reason": "now", "mode": "kill"})),
        ("/api/v1/executions/hello%231/resolve", json!({"attempt": ATTEMPT, "outcome": "failed", "reason": "looked"})),
        ("/api/v1/agents/web-1", Value::Null),
    ];
    assert_eq!(sent, expected.map(|(target, body)| (target.to_owned(), body)));
}

#[test]
fn why_says_what_holds_it_and_what_a_person_can_do() {
    let server = FakeServer::start(|_| Reply::Json(200, execution()));
    let ended = server.pulse(&["why", "hello#1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "hello#1 is waiting: an attempt is unknown");
    assert_eq!(lines[1], "  step `greet` on web-1: unknown: the host rebooted");
    assert!(lines[2].contains(&format!("pulse resolve 'hello#1' {ATTEMPT} succeeded|failed")), "{}", lines[2]);
}

#[test]
fn describe_shows_steps_targets_and_attempts() {
    let server = FakeServer::start(|_| Reply::Json(200, execution()));
    let said = server.pulse(&["describe", "execution", "hello#1"]).stdout;
    let short = server.pulse(&["describe", "hello#1"]).stdout;
    assert!(short.starts_with("Execution:   hello#1\n"), "a number says that it is an execution: {short}");
    for part in [
        "Execution:   hello#1\n",
        "Params:      who=Ada\n",
        "Created:     2026-11-21 05:00:00 UTC\n",
        "\nStep greet: running, when was true\n",
        &format!("    try 1 {ATTEMPT}: unknown, 1m05s, stdout 2.0 KiB\n"),
    ] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
}

#[test]
fn describe_shows_a_workflow_and_an_agent() {
    let workflow = FakeServer::start(|_| {
        Reply::Json(
            200,
            json!({"kind": "Workflow", "metadata": {"name": "hello"}, "spec": {"description": "Greet",
            "params": [{"name": "who", "required": true}, {"name": "how", "default": "x"}],
            "steps": [{"id": "greet", "type": "execute", "targets": ["all"], "command": "echo a\necho b\n"}]}, "status": {}}),
        )
    });
    let said = workflow.pulse(&["describe", "workflow", "hello"]).stdout;
    assert!(said.contains("  who (required)\n  how (default \"x\")\n"), "{said}");
    assert!(said.contains("  greet: execute on all\n    | echo a\n    | echo b\n"), "{said}");
    let agent = FakeServer::start(|_| {
        Reply::Json(
            200,
            json!({"metadata": {"name": "web-1"}, "spec": {}, "status": {"state": "online", "slots": 5, "slotsTaken": 2,
            "labels": {"role": "web", "self/os": "debian"}, "facts": {"kernel": "6.1"}}}),
        )
    });
    let said = agent.pulse(&["describe", "agent", "web-1"]).stdout;
    for part in
        ["State:       online\n", "Slots:       2 of 5 taken\n", "Labels:      role=web,self/os=debian\n", "  kernel = 6.1\n"]
    {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
}

#[test]
fn a_sync_that_was_not_applied_is_a_no_with_its_problems() {
    let problem = json!({"file": "a.yaml", "line": 3, "column": 7, "endLine": 3, "endColumn": 9, "severity": "error", "code": "bad-value",
        "message": "no", "pointer": "/spec"});
    let refused = FakeServer::start(move |_| {
        Reply::Json(
            200,
            json!({"id": "s1", "outcome": "refused", "commit": "folder-abc", "message": "1 error in 1 file", "problems": [problem]}),
        )
    });
    let ended = refused.pulse(&["reconcile"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(ended.stdout, "refused folder-abc\n  1 error in 1 file\n  a.yaml:3:7: error[bad-value]: no\n");
    let applied = FakeServer::start(|_| Reply::Json(200, json!({"outcome": "applied", "commit": "folder-abc", "problems": []})));
    assert_eq!(applied.pulse(&["reconcile"]).code, Some(0));
}

#[test]
fn a_dry_run_starts_nothing() {
    let server = FakeServer::start(|_| {
        Reply::Json(
            200,
            json!({"commit": "folder-abc", "params": {}, "steps": [{"id": "greet", "targets": ["web-1"], "argv": ["/bin/sh"], "script": "echo hi", "env": {}}]}),
        )
    });
    let ended = server.pulse(&["run", "hello", "--dry-run", "--limit", "role=web"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("step greet on 1: web-1\n  | echo hi\n"), "{}", ended.stdout);
    let asked = &server.requests()[0];
    assert_eq!(asked.body, json!({"workflow": "hello", "params": {}, "limit": "role=web", "dryRun": true}));
    assert_eq!(asked.header("idempotency-key"), None);
}

/// Jenkins read the file (CVE-2024-23897).
#[test]
fn what_looks_like_a_file_or_an_option_is_sent_as_it_stands() {
    let server = FakeServer::start(|_| Reply::Json(201, execution()));
    let file = concat!("@", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let values = [file, "-rf", "--follow", "file:///etc/passwd", "~", "$HOME", "a=b"];
    for value in values {
        let ended = server.pulse(&["run", "hello", "-p", &format!("who={value}")]);
        assert_eq!(ended.code, Some(0), "{value}: {}", ended.stderr);
    }
    let sent: Vec<Value> = server.requests().into_iter().map(|request| request.body["params"]["who"].clone()).collect();
    assert_eq!(sent, values);
}

#[test]
fn a_reader_that_goes_is_no_error() {
    let items: Vec<Value> = (0..20_000).map(|at| json!({"metadata": {"name": format!("workflow-{at}")}, "spec": {}})).collect();
    let server = FakeServer::start(move |_| Reply::Json(200, json!({"items": items})));
    let mut child = server
        .command(&["get", "workflows", "-o", "name"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = support::Ended::from(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

fn nightly() -> Value {
    json!({"kind": "Schedule", "metadata": {"name": "nightly"},
        "spec": {"cron": "30 2 * * *", "workflow": "disk-check", "params": {"limit": "90"}, "concurrencyPolicy": "Forbid",
            "startingDeadline": "5m", "catchUp": "all", "jitter": "0s"},
        "status": {"source": "default", "path": "a.yaml", "observedCommit": "abc", "when": "At 02:30, Europe/Berlin",
            "suspended": false, "suspendedBy": null, "waitsFor": "the next slot, 2126-11-22T01:30:00Z",
            "next": [{"slot": "2126-11-22T01:30:00Z", "at": "2126-11-22T01:30:00Z", "local": "2126-11-22T02:30:00+01:00"}],
            "last": {"slot": "2026-11-20T01:30:00Z", "lastSlot": "2026-11-21T01:30:00Z", "slots": 2, "outcome": "missed",
                "reason": "too_late", "message": "nothing could start it", "execution": null, "decidedAt": "2026-11-21T05:00:00Z"},
            "lastFired": {"slot": "2026-11-19T01:30:00Z", "at": "2026-11-19T01:30:00Z", "execution": {"id": "id-1", "name": "disk-check#3"}},
            "open": [{"id": "id-1", "name": "disk-check#3"}]}})
}

#[test]
fn schedules_say_what_comes_and_what_came() {
    let server = FakeServer::start(|request| match request.target.as_str() {
        "/api/v1/schedules" => Reply::Json(200, json!({"items": [nightly()], "nextCursor": null})),
        "/api/v1/schedules/nightly" => Reply::Json(200, nightly()),
        "/api/v1/schedules/nightly/slots?source=default&limit=10" => {
            Reply::Json(200, json!({"items": [nightly()["status"]["last"]], "nextCursor": null}))
        }
        other => panic!("{other}"),
    });
    let listed = server.pulse(&["get", "schedules"]).stdout;
    let line = listed.lines().nth(1).unwrap();
    for part in [
        "nightly",
        "At 02:30, Europe/Berlin",
        "2126-11-22 01:30:00 UTC (in ",
        "2 missed: too_late, ",
        "workflow disk-check limit=90",
    ] {
        assert!(line.contains(part), "{part:?} is not in\n{listed}");
    }
    let described = server.pulse(&["describe", "schedule", "nightly"]);
    assert_eq!(described.code, Some(0), "{}", described.stderr);
    for part in [
        "Schedule:    nightly\n",
        "What:        workflow disk-check limit=90\n",
        "Catch-up:    all, 100 at most\n",
        "Waits for:   the next slot, 2126-11-22T01:30:00Z\n",
        "Open:        disk-check#3\n",
        "Last fired:  disk-check#3 at 2026-11-19 01:30:00 UTC",
        "2126-11-22T02:30:00+01:00  2126-11-22 01:30:00 UTC",
        "2026-11-20 01:30:00 UTC … 2026-11-21 01:30:00 UTC  2 missed: too_late",
        "nothing could start it",
    ] {
        assert!(described.stdout.contains(part), "{part:?} is not in\n{}", described.stdout);
    }
}

#[test]
fn a_source_is_named_where_several_have_the_name() {
    let refused = FakeServer::start(|_| {
        let detail = "more than one source has a workflow named `a`: one, two";
        let help = "say which is meant: `source` in the request, or `pulse run NAME --source SOURCE`";
        Reply::Json(
            409,
            json!({"status": 409, "code": "ambiguous_name", "detail": detail, "help": help, "sources": ["one", "two"]}),
        )
    });
    let ended = refused.pulse(&["run", "a"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("one, two") && ended.stderr.contains("--source"), "{}", ended.stderr);
    let server = FakeServer::start(|request| match request.method.as_str() {
        "POST" => Reply::Json(201, json!({"id": "id-7", "number": 1, "name": "a#1", "workflow": "a", "source": "two"})),
        _ => Reply::Json(200, json!({"items": [], "metadata": {"name": "a"}, "status": {"source": "two"}})),
    });
    let started = server.pulse(&["run", "a", "--source", "two", "--limit", "role=web"]);
    assert_eq!((started.code, started.stdout.as_str()), (Some(0), "id-7\n"), "a#1 could be another source's: {}", started.stderr);
    assert_eq!(server.requests()[0].body, json!({"workflow": "a", "params": {}, "source": "two", "limit": "role=web"}));
    for args in [
        ["get", "syncs", "--source", "two"].as_slice(),
        &["get", "executions", "--workflow", "a", "--source", "two"],
        &["get", "workflow", "a", "--source", "two"],
        &["describe", "workflow", "a", "--source", "two"],
        &["describe", "schedule", "a", "--source", "two"],
    ] {
        let ended = server.pulse(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    }
    let asked: Vec<_> = server.requests()[1..].iter().map(|request| request.target.replace("/api/v1", "")).collect();
    let expected = [
        "/syncs?source=two&limit=50",
        "/executions?workflow=a&source=two&limit=50",
        "/workflows/a?source=two",
        "/workflows/a?source=two",
        "/schedules/a?source=two",
        "/schedules/a/slots?source=two&limit=10",
    ];
    assert_eq!(asked, expected);
    for args in [["get", "agents", "--source", "two"].as_slice(), &["describe", "agent", "a", "--source", "two"]] {
        let ended = server.pulse(args);
        assert!(ended.code == Some(2) && ended.stderr.contains("--source says") || ended.stderr.contains("--source selects"));
    }
    assert_eq!(server.requests().len(), 7, "what means nothing is not asked");
}
