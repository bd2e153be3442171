//! `pulse run --follow` and `pulse logs`: live output, exit codes, a server that goes away and comes back, Ctrl-C.

mod support;

use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Ended, FakeServer, Reply, Request};

const ATTEMPT: &str = "0193-attempt";

/// An execution in a state, with what its one attempt has written.
fn execution(status: &str, state: &str, bytes: usize) -> Value {
    let over = !matches!(status, "running" | "waiting");
    let ended = if over { json!("2026-11-21T05:00:04Z") } else { Value::Null };
    let step = if over { status } else { "running" };
    json!({"id": "id-1", "number": 1, "name": "hello#1", "workflow": "hello", "status": status, "commit": "abc", "params": {},
        "startedBy": "admin", "createdAt": "2026-11-21T05:00:00Z", "startedAt": "2026-11-21T05:00:00Z", "endedAt": ended,
        "message": null, "reasons": [], "steps": [{"id": "greet", "visit": 1, "status": step, "condition": null, "message": null,
            "targets": [{"agent": "web-1", "status": step, "reason": null, "attempts": [{"id": ATTEMPT, "try": 1, "state": state,
                "exitCode": null, "startedAt": "2026-11-21T05:00:00Z", "endedAt": ended, "durationMs": null,
                "stdout": {"bytes": bytes, "sha256": null}, "stderr": {"bytes": 0, "sha256": null}}]}]}]})
}

/// The part of a text that an output request asks for.
fn output(request: &Request, text: &str) -> Reply {
    let query = |name: &str| {
        let (_, query) = request.target.split_once('?')?;
        query.split('&').find_map(|part| part.strip_prefix(&format!("{name}=")).map(str::to_owned))
    };
    let from: usize = query("from").and_then(|from| from.parse().ok()).unwrap_or(0);
    if query("stream").as_deref() == Some("stderr") || from >= text.len() {
        return Reply::Json(200, json!({"items": []}));
    }
    let item = json!({"step": "greet", "agent": "web-1", "attempt": ATTEMPT, "stream": "stdout", "offset": from, "end": text.len(), "text": &text[from..], "total": text.len(), "cut": 0});
    Reply::Json(200, json!({"items": [item]}))
}

/// A server whose execution goes through these looks, one at a time, and stays at the last: status, attempt's state, text.
fn server(looks: &'static [(&'static str, &'static str, &'static str)]) -> FakeServer {
    let at = AtomicUsize::new(0);
    FakeServer::start(move |request| {
        let now = at.load(Ordering::SeqCst).saturating_sub(1).min(looks.len() - 1);
        if request.method == "POST" {
            return Reply::Json(
                201,
                json!({"id": "id-1", "number": 1, "name": "hello#1", "workflow": "hello", "status": "running", "commit": "abc"}),
            );
        }
        if request.target.contains("/output") {
            return output(request, looks[now].2);
        }
        let (status, state, text) = looks[at.fetch_add(1, Ordering::SeqCst).min(looks.len() - 1)];
        Reply::Json(200, execution(status, state, text.len()))
    })
}

#[test]
fn output_is_shown_by_line_and_agent_and_the_exit_code_is_the_executions() {
    let server = server(&[
        ("running", "started", "Hel"),
        ("running", "started", "Hello\nwor"),
        ("succeeded", "exited", "Hello\nworld\u{1b}[2J"),
    ]);
    let ended = server.pulse(&["run", "hello", "-p", "a=@b=c", "--follow"]);
    assert_eq!(ended.stdout, "web-1 | Hello\nweb-1 | world\\e[2J\n", "{}", ended.stderr);
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("hello#1 succeeded after 4.0s"), "{}", ended.stderr);
    let started = &server.requests()[0];
    assert_eq!(started.body, json!({"workflow": "hello", "params": {"a": "@b=c"}}));
    assert!(started.header("idempotency-key").is_some_and(|key| key.len() > 16));
}

#[test]
fn output_that_was_not_kept_leaves_a_line_and_steps_to_come_none() {
    let server = FakeServer::start(|request| match request.target.contains("/output") {
        false => {
            let mut execution = execution("succeeded", "exited", 5_000_000);
            let pending = json!({"id": "later", "visit": 1, "status": "pending", "targets": [{"agent": "web-1", "status": "pending", "attempts": []}]});
            execution["steps"].as_array_mut().unwrap().push(pending);
            Reply::Json(200, execution)
        }
        true if request.target.contains("from=0") => Reply::Json(
            200,
            json!({"items": [
            {"offset": 0, "end": 4, "text": "head", "total": 5_000_000}, {"offset": 4_999_996, "end": 5_000_000, "text": "tail", "total": 5_000_000}]}),
        ),
        true => Reply::Json(200, json!({"items": []})),
    });
    let ended = server.pulse(&["logs", "-f", "hello#1"]);
    assert_eq!(ended.stdout, "web-1 | head\nweb-1 | [4.8 MiB were not kept]\nweb-1 | tail\n", "{}", ended.stderr);
    assert!(!ended.stderr.contains("later") && !ended.stderr.contains("not arrived"), "{}", ended.stderr);
}

#[test]
fn each_end_has_its_exit_code() {
    let run = |server: FakeServer| server.pulse(&["run", "hello", "--follow"]);
    assert_eq!(run(server(&[("failed", "exited", "")])).code, Some(1));
    assert_eq!(run(server(&[("cancelled", "cancelled", "")])).code, Some(3));
    let waiting = run(server(&[("waiting", "unknown", "half")]));
    assert_eq!((waiting.code, waiting.stdout.as_str()), (Some(5), "web-1 | half\n"));
    assert!(waiting.stderr.contains(&format!("pulse resolve 'hello#1' {ATTEMPT} succeeded|failed")), "{}", waiting.stderr);
}

#[test]
fn raw_output_is_what_the_command_wrote() {
    let ended = server(&[("succeeded", "exited", "\u{1b}[1mbold\n")]).pulse(&["run", "hello", "--follow", "--raw"]);
    assert_eq!(ended.stdout, "web-1 | \u{1b}[1mbold\n");
}

#[test]
fn a_controller_that_restarts_costs_no_line() {
    let looks = AtomicUsize::new(0);
    let server = FakeServer::start(move |request| {
        if request.target.contains("/output") {
            return output(request, "one\ntwo\n");
        }
        match looks.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::Json(200, execution("running", "started", 4)),
            1 => Reply::HangUp,
            2 => Reply::Json(503, json!({"detail": "starting", "code": "not-ready"})),
            _ => Reply::Json(200, execution("succeeded", "exited", 8)),
        }
    });
    let ended = server.pulse(&["logs", "-f", "hello#1"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "web-1 | one\nweb-1 | two\n"), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("trying again").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("the server answers again"), "{}", ended.stderr);
}

#[test]
fn a_start_whose_answer_was_lost_is_sent_again_with_the_same_key() {
    let asked = AtomicUsize::new(0);
    let server = FakeServer::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::HangUp,
        _ => Reply::Json(
            201,
            json!({"id": "id-1", "number": 1, "name": "hello#1", "workflow": "hello", "status": "running", "commit": "abc"}),
        ),
    });
    let ended = server.pulse(&["run", "hello"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "hello#1\n"), "{}", ended.stderr);
    let keys: Vec<_> = server.requests().iter().map(|request| request.header("idempotency-key").map(str::to_owned)).collect();
    assert_eq!(keys.len(), 2);
    assert!(keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
}

#[test]
fn a_refused_start_is_not_repeated() {
    let server = FakeServer::start(|_| Reply::Json(409, json!({"detail": "hello#7 runs", "code": "already-running"})));
    let ended = server.pulse(&["run", "hello", "--follow"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), "error: hello#7 runs (already-running)\n"));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn logs_show_what_was_asked_for() {
    let server = server(&[("succeeded", "exited", "out\n")]);
    assert_eq!(server.pulse(&["logs", "hello#1"]).stdout, "web-1 | out\n");
    assert_eq!(server.pulse(&["logs", "hello#1", "--agent", "web-1", "--step", "greet"]).stdout, "web-1 | out\n");
    assert_eq!(server.pulse(&["logs", "hello#1", "--stream", "stderr"]).stdout, "");
    let nobody = server.pulse(&["logs", "hello#1", "--agent", "web-9"]);
    assert_eq!(nobody.code, Some(2));
    assert!(nobody.stderr.contains("web-9") && nobody.stderr.contains("web-1"), "{}", nobody.stderr);
}

#[test]
fn ctrl_c_ends_the_following_and_says_how_to_end_the_execution() {
    let server = server(&[("running", "started", "tick\n")]);
    let mut child = server.command(&["run", "hello", "--follow"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The first request for output comes after Ctrl-C was taken over.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !server.requests().iter().any(|request| request.target.contains("/output")) {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "pulse does not follow");
        std::thread::yield_now();
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("pulse cancel 'hello#1' --reason"), "{}", ended.stderr);
    assert!(!server.requests().iter().any(|request| request.target.contains("/cancel")));
}
