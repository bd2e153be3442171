//! Following an execution whose steps do more than run commands: what is told of questions, waits, routes, values, queues and pauses,
//! and when the following ends.

mod support;

use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Ended, FakeServer, Reply};

/// An execution in a state.
fn execution(status: &str, waits: Option<&str>, reasons: Value, steps: Value) -> Value {
    let over = matches!(status, "succeeded" | "failed");
    json!({"id": "id-1", "number": 1, "name": "update#1", "workflow": "update", "status": status, "steps": steps, "reasons": reasons,
        "waits": waits.map(|reason| json!({"for": reason, "since": "2026-11-21T05:00:00Z"})),
        "startedAt": "2026-11-21T05:00:00Z", "endedAt": if over { json!("2026-11-21T05:00:04Z") } else { Value::Null }})
}

fn step(id: &str, kind: &str, status: &str, more: Value) -> Value {
    let mut step = json!({"id": id, "type": kind, "visit": 1, "status": status, "targets": []});
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    step
}

fn asked(closed: Value) -> Value {
    let by = if closed.is_null() { Value::Null } else { json!("ada") };
    let answer = if closed.is_null() { Value::Null } else { json!("Yes") };
    json!({"prompt": {"id": "p1", "message": "Upgrade \u{1b}[2J?\nSure?", "options": ["Yes", "No"], "openedAt": "2026-11-21T05:00:00Z",
        "timeout": "1h", "answer": answer, "answeredBy": by, "comment": "fine", "closedAt": closed}})
}

/// Follows an execution that is seen in these states, one after the other.
fn follow(args: &[&str], looks: Vec<Value>) -> Ended {
    let at = AtomicUsize::new(0);
    let server = FakeServer::start(move |request| match request.method.as_str() {
        "POST" => Reply::Json(201, json!({"id": "id-1", "number": 1, "name": "update#1", "status": looks[0]["status"]})),
        _ => Reply::Json(200, looks[at.fetch_add(1, Ordering::SeqCst).min(looks.len() - 1)].clone()),
    });
    server.pulse(args)
}

#[test]
fn a_question_without_a_terminal_ends_the_following_with_5() {
    let reason = json!([{"code": "person", "step": "approve", "prompt": "p1", "message": "step `approve`: waits for a person: Upgrade?",
        "since": "2026-11-21T05:00:00Z", "until": "2126-11-21T06:00:00Z"}]);
    let open = || {
        execution("waiting", Some("person"), reason.clone(), json!([step("approve", "prompt", "waiting", asked(Value::Null))]))
    };
    let ended = follow(&["run", "update", "--follow"], vec![open()]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(5), ""), "{}", ended.stderr);
    let (first, rest) = ended.stderr.split_once("  until 2126-11-21 06:00:00 UTC (in ").expect(&ended.stderr);
    let expected =
        "update#1 is accepted and waits\nstep approve of update#1 asks:\n  Upgrade \\e[2J?\n  Sure?\n    1) Yes\n    2) No\n";
    assert_eq!(first, expected);
    assert!(rest.ends_with(")\n  to answer: pulse answer p1 Yes|No\n"), "told once: {}", ended.stderr);
    // `logs -f` goes on through the question, to the end.
    let closed = step("approve", "prompt", "succeeded", asked(json!("2026-11-21T05:00:03Z")));
    let ended =
        follow(&["logs", "-f", "update#1"], vec![open(), open(), execution("succeeded", None, json!([]), json!([closed]))]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("asks:").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("step approve: \"Yes\" by ada at 2026-11-21 05:00:03 UTC (fine)\n"), "{}", ended.stderr);
}

#[test]
fn waits_queues_and_pauses_are_told_and_gone_through() {
    let queued = json!([{"code": "queued", "execution": "id-0", "name": "update#0", "count": 2, "message": "queued behind update#0, 2 executions in all"}]);
    let paused = json!([{"code": "paused", "pause": "u1", "scope": "all", "by": "ada", "reason": "freeze", "message": "paused (all) by ada: freeze",
        "until": "2126-11-21T06:00:00Z"}]);
    let timer = json!([{"code": "timer", "step": "settle", "message": "step `settle`: waits for its time", "until": "2126-11-21T06:00:00Z"}]);
    let settle = |status: &str| step("settle", "wait", status, json!({"until": "2126-11-21T06:00:00Z"}));
    let after = json!([
        settle("succeeded"),
        step("read", "parse", "succeeded", json!({"parsed": {"disk": {"used": "41"}}})),
        step("choose", "route", "succeeded", json!({"route": {"place": 1, "label": "Full", "goto": "clean"}})),
        step("again", "route", "succeeded", json!({"route": {"place": null, "label": null, "goto": null}})),
    ]);
    let looks = vec![
        execution("waiting", Some("queue"), queued, json!([])),
        execution("waiting", Some("pause"), paused, json!([])),
        execution("waiting", Some("timer"), timer, json!([settle("waiting")])),
        execution("succeeded", None, json!([]), after),
    ];
    let ended = follow(&["run", "update", "--follow"], looks);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines[..2], ["update#1 is accepted and waits", "  queued behind update#0, 2 executions in all"]);
    assert!(lines[2].starts_with("  paused (all) by ada: freeze (until 2126-11-21 06:00:00 UTC, in "), "{}", ended.stderr);
    assert!(lines[3].starts_with("step settle waits until 2126-11-21 06:00:00 UTC (in "), "{}", ended.stderr);
    let told = [
        "step settle succeeded",
        "step read: read disk.used=41",
        "step choose: route 2 (Full) leads to step clean",
        "step again: no route held, which leads to the next step",
        "update#1 succeeded after 4.0s",
    ];
    assert_eq!(lines[4..], told);
}

#[test]
fn an_answer_is_told_before_the_step_that_follows_it() {
    let looks = vec![
        execution("waiting", Some("person"), json!([]), json!([step("approve", "prompt", "waiting", asked(Value::Null))])),
        execution(
            "running",
            None,
            json!([]),
            json!([
                step("approve", "prompt", "succeeded", asked(json!("2026-11-21T05:00:03Z"))),
                step("read", "parse", "succeeded", json!({"parsed": {"used": "41"}})),
                step("work", "execute", "running", json!({"targets": [{"agent": "web-1", "status": "running"}]})),
            ]),
        ),
        execution(
            "failed",
            None,
            json!([]),
            json!([
                step("approve", "prompt", "succeeded", asked(json!("2026-11-21T05:00:03Z"))),
                step("read", "parse", "succeeded", json!({"parsed": {"used": "41"}})),
                step("work", "execute", "failed", json!({"targets": [{"agent": "web-1", "status": "failed"}]})),
                step("after", "parse", "failed", json!({"message": "no output"})),
            ]),
        ),
    ];
    let ended = follow(&["logs", "-f", "update#1"], looks);
    let lines: Vec<&str> = ended.stderr.lines().skip_while(|line| !line.starts_with("step approve: ")).collect();
    let told = [
        "step approve: \"Yes\" by ada at 2026-11-21 05:00:03 UTC (fine)",
        "step read: read used=41",
        "step work is running on 1 target",
        "step work on web-1 is failed",
        "step work failed",
        "step after failed: no output",
        "update#1 failed after 4.0s",
        "to run it again from the step that failed: pulse retry 'update#1'",
    ];
    assert_eq!(lines, told, "{}", ended.stderr);
}

#[test]
fn what_was_taken_over_is_told_first() {
    let steps = |status: &str| {
        json!([
            step("ask", "prompt", "succeeded", json!({"carried": true, "answer": "Yes"})),
            step("settle", "wait", status, json!({"until": "2126-11-21T06:00:00Z"}))
        ])
    };
    let looks = vec![
        execution("waiting", Some("timer"), json!([]), steps("waiting")),
        execution("succeeded", None, json!([]), steps("succeeded")),
    ];
    let ended = follow(&["retry", "update#0", "--follow"], looks);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines[0], "update#1, which repeats update#0, is accepted and waits");
    assert_eq!(lines[1], "step ask succeeded, taken over from the execution before: answer \"Yes\"");
    assert!(lines[2].starts_with("step settle waits until "), "{}", ended.stderr);
    assert_eq!((ended.code, lines.len()), (Some(0), 5), "{}", ended.stderr);
}

#[test]
fn why_says_times_in_the_viewers_zone_and_what_to_do() {
    let reasons = json!([
        {"code": "person", "step": "approve", "prompt": "p1", "message": "step `approve`: waits for a person: Upgrade?\nSure?", "since": "2026-11-21T05:00:00Z", "until": "2126-11-21T06:00:00Z"},
        {"code": "queued", "name": "update#0", "count": 1, "message": "queued behind update#0"},
        {"code": "paused", "pause": "u1", "message": "paused (all) by ada: freeze", "until": null}]);
    let look = execution("waiting", Some("person"), reasons, json!([step("approve", "prompt", "waiting", asked(Value::Null))]));
    let server = FakeServer::start(move |_| Reply::Json(200, look.clone()));
    let mut command = server.command(&["why", "update#1"]);
    let said = Ended::from(command.env("TZ", "Europe/Berlin").output().unwrap()).stdout;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "update#1 is waiting");
    assert!(lines[1].starts_with("  step `approve`: waits for a person: Upgrade? … (since 2026-11-21 06:00:00 CET, "), "{said}");
    assert!(lines[1].contains("; until 2126-11-21 07:00:00 CET, in "), "{said}");
    let rest = [
        "  queued behind update#0",
        "  paused (all) by ada: freeze",
        "  to answer: pulse answer p1 Yes|No",
        "  to see what holds that: pulse why 'update#0'",
        "  to end the pause: pulse resume u1",
    ];
    assert_eq!(lines[2..], rest);
}

#[test]
fn why_says_how_to_run_what_failed_again() {
    let look = execution("failed", None, json!([]), json!([]));
    let server = FakeServer::start(move |_| Reply::Json(200, look.clone()));
    let said = server.pulse(&["why", "update#1"]).stdout;
    assert_eq!(said, "update#1 is failed\n  to run it again from the step that failed: pulse retry 'update#1'\n");
    assert!(
        server
            .pulse(&["describe", "update#1"])
            .stdout
            .ends_with("\n\n  to run it again from the step that failed: pulse retry 'update#1'\n")
    );
}

#[test]
fn describe_shows_steps_of_every_type() {
    let steps = json!([
        step("refresh", "execute", "succeeded", json!({"carried": true})),
        step("approve", "prompt", "succeeded", asked(json!("2026-11-21T05:00:03Z"))),
        step("read", "parse", "succeeded", json!({"parsed": {"used": "41"}})),
        step("choose", "route", "succeeded", json!({"route": {"place": 0, "label": null, "goto": "end"}})),
        step("settle", "wait", "waiting", json!({"until": "2126-11-21T06:00:00Z"})),
    ]);
    let mut look = execution("waiting", Some("timer"), json!([]), steps);
    (look["retryOf"], look["state"], look["concurrencyKey"]) = (json!("id-0"), json!({"used": "41"}), json!("db-1"));
    let server = FakeServer::start(move |_| Reply::Json(200, look.clone()));
    let said = server.pulse(&["describe", "update#1"]).stdout;
    for part in [
        "Repeats:     id-0\n",
        "Queue key:   db-1\n",
        "State:       used=41\n",
        "Waits for:   timer, since 2026-11-21 05:00:00 UTC (",
        "\nStep refresh: succeeded, taken over from the execution that this one repeats\n",
        "\nStep approve, prompt: succeeded\n  Upgrade \\e[2J?\n  Sure?\n    1) Yes\n    2) No\n  \"Yes\" by ada at 2026-11-21 05:00:03 UTC (fine)\n",
        "\nStep read, parse: succeeded\n  read used=41\n",
        "\nStep choose, route: succeeded\n  route 1 leads to the end\n",
        "\nStep settle, wait: waiting\n  until 2126-11-21 06:00:00 UTC (in ",
    ] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
}
