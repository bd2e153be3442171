//! Questions to people, the brake and running again: what `pulse` sends, what it shows of the answer, and how it exits.

mod support;

use serde_json::{Value, json};
use support::{FakeServer, Reply, Request};

const PROMPT: &str = "0193c3a0-0000-7000-8000-000000000001";

fn prompt(status: &str) -> Value {
    let closed = status != "open";
    json!({"id": PROMPT, "execution": "id-1", "name": "update#8", "workflow": "update", "source": "default", "step": "approve", "visit": 1,
        "message": "Upgrade \u{1b}[2J?\nSure?", "options": ["Yes", "No"], "openedAt": "2026-11-21T05:00:00Z", "timeout": "1h",
        "deadline": "2126-11-21T06:00:00Z", "status": status, "answer": if closed { json!("No") } else { Value::Null },
        "answeredBy": if closed { json!("ada") } else { Value::Null }, "comment": null,
        "closedAt": if closed { json!("2026-11-21T05:10:00Z") } else { Value::Null }})
}

/// The prompt with what the steps before it wrote.
fn seen(status: &str) -> Value {
    let mut prompt = prompt(status);
    prompt["targets"] = json!(["a1", "a2", "b1"]);
    let quiet = json!({"bytes": 0, "sha256": "", "tail": "", "complete": true});
    prompt["evidence"] = json!({"step": "refresh", "visit": 1, "status": "failed", "groups": [
        {"agents": ["a1", "a2"], "status": "succeeded", "exitCode": 0, "stdout": {"bytes": 3, "tail": "ok\n", "complete": true}, "stderr": quiet},
        {"agents": ["b1"], "status": "failed", "exitCode": 100, "stdout": quiet, "stderr": {"bytes": 9000, "tail": "E: \u{1b}[31mlocked", "complete": true}}]});
    prompt
}

fn execution(status: &str) -> Value {
    let closed = if status == "open" { Value::Null } else { json!("2026-11-21T05:10:00Z") };
    let step = if status == "open" { "waiting" } else { "succeeded" };
    json!({"id": "id-1", "number": 8, "name": "update#8", "workflow": "update", "status": if status == "open" { "waiting" } else { "running" },
        "waits": if status == "open" { json!({"for": "person", "since": "2026-11-21T05:00:00Z"}) } else { Value::Null },
        "createdAt": "2026-11-21T05:00:00Z", "steps": [{"id": "approve", "type": "prompt", "visit": 1, "status": step, "targets": [],
            "prompt": {"id": PROMPT, "message": "Upgrade?", "options": ["Yes", "No"], "timeout": "1h", "openedAt": "2026-11-21T05:00:00Z",
                "answer": null, "answeredBy": null, "comment": null, "closedAt": closed}}]})
}

/// A server with one prompt, which answers an answer so.
fn server(status: &'static str, answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> FakeServer {
    FakeServer::start(move |request| match (request.method.as_str(), request.target.replace("/api/v1", "").as_str()) {
        ("POST", _) => answer(request),
        (_, "/executions/update%238" | "/executions/id-1") => Reply::Json(200, execution(status)),
        (_, target) if target == format!("/prompts/{PROMPT}") => Reply::Json(200, seen(status)),
        (_, "/prompts" | "/prompts?status=all&limit=50") => {
            Reply::Json(200, json!({"items": [prompt(status)], "nextCursor": null}))
        }
        _ => Reply::Json(404, json!({"detail": "there is no such prompt", "code": "no_such_prompt"})),
    })
}

fn taken(changed: bool) -> Reply {
    let body =
        json!({"id": PROMPT, "execution": "id-1", "name": "update#8", "answer": "Yes", "changed": changed, "status": "running"});
    Reply::Json(200, body)
}

#[test]
fn prompts_are_listed_with_the_time_that_is_left() {
    let open = server("open", |_| taken(true));
    let listed = open.pulse(&["get", "prompts"]);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    let lines: Vec<&str> = listed.stdout.lines().collect();
    let headers: Vec<&str> = lines[0].split("  ").map(str::trim).filter(|header| !header.is_empty()).collect();
    assert_eq!(headers, ["EXECUTION", "STEP", "MESSAGE", "OPTIONS", "WAITING SINCE", "TIME LEFT"]);
    assert!(lines[1].starts_with("update#8   approve  Upgrade \\e[2J? …  Yes,No   2026-11-21 05:00:00 UTC  3"), "{}", lines[1]);
    assert_eq!(open.pulse(&["get", "prompts", "-o", "name"]).stdout, format!("{PROMPT}\n"));
    assert!(open.pulse(&["get", "prompts", "-o", "wide"]).stdout.contains(PROMPT));
    let said: Value = serde_json::from_str(&open.pulse(&["get", "prompts", "-o", "json"]).stdout).expect("JSON");
    assert_eq!(said, json!({"items": [prompt("open")]}));
    open.pulse(&["get", "prompts", "--workflow", "update", "--source", "ops"]);
    assert_eq!(open.requests().pop().unwrap().target, "/api/v1/prompts?workflow=update&source=ops");
    assert_eq!(open.pulse(&["get", "prompt", "update#8", "-o", "name"]).stdout, format!("{PROMPT}\n"));
    let all = server("answered", |_| taken(true)).pulse(&["get", "prompts", "--all"]).stdout;
    assert!(all.contains("STATUS") && all.contains("answered  No      ada"), "{all}");
    for (args, said) in
        [(["get", "agents", "--all"].as_slice(), "--all"), (&["get", "prompts", "--agent", "a1"], "select executions")]
    {
        let wrong = open.pulse(args);
        assert!(wrong.code == Some(2) && wrong.stderr.contains(said), "{}", wrong.stderr);
    }
}

#[test]
fn a_prompt_is_described_with_what_was_seen() {
    let server = server("open", |_| taken(true));
    for subject in [PROMPT, "update#8"] {
        let said = server.pulse(&["describe", "prompt", subject]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        for part in [
            "Execution:   update#8\n",
            "Targets:     3 (a1, a2, b1)\n",
            "\n  Upgrade \\e[2J?\n  Sure?\n    1) Yes\n    2) No\n",
            "\nStep refresh before it failed: 2 same, 1 differ\n  2 (a1, a2): succeeded, exit code 0\n    stdout, 3 B:\n    | ok\n",
            "  1 (b1): failed, exit code 100\n    stderr, 8.8 KiB, the end of it:\n    | E: \\e[31mlocked\n",
            &format!("\nto answer: pulse answer {PROMPT} Yes|No\n"),
        ] {
            assert!(said.stdout.contains(part), "{part:?} is not in\n{}", said.stdout);
        }
        assert!(!said.stdout.contains('\u{1b}'));
    }
}

#[test]
fn an_answer_is_sent_as_the_option_stands() {
    let server = server("open", |_| taken(true));
    for (subject, said) in [(PROMPT, "Yes"), ("update#8", "yes"), ("id-1", "1")] {
        let ended = server.pulse(&["answer", subject, said, "--comment", "looks good"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
        assert_eq!(ended.stderr, "update#8: \"Yes\" is recorded; the execution is running\n");
        let sent = server.requests().pop().unwrap();
        assert_eq!(sent.target, format!("/api/v1/prompts/{PROMPT}/answer"));
        assert_eq!(sent.body, json!({"answer": "Yes", "comment": "looks good"}));
    }
    let sent = server.requests().len();
    let wrong = server.pulse(&["answer", "update#8", "Maybe"]);
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.stderr.contains("\"Maybe\" is none of the options") && wrong.stderr.contains("1 \"Yes\", 2 \"No\""),
        "{}",
        wrong.stderr
    );
    let silent = server.pulse(&["answer", "update#8"]);
    assert_eq!(silent.code, Some(2));
    assert!(
        silent.stderr.contains("no terminal") && silent.stderr.contains(&format!("pulse answer {PROMPT} Yes|No")),
        "{}",
        silent.stderr
    );
    assert!(server.requests()[sent..].iter().all(|request| request.method == "GET"));
    let json = server.pulse(&["answer", PROMPT, "Yes", "-o", "json"]).stdout;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["changed"], true);
}

#[test]
fn exit_codes_tell_who_was_quicker() {
    let again = server("answered", |_| taken(false)).pulse(&["answer", PROMPT, "Yes"]);
    assert_eq!((again.code, again.stderr.contains("recorded already")), (Some(0), true), "{}", again.stderr);
    let refused = |code: &'static str, said: Value| {
        let mut problem = json!({"status": 409, "code": code, "detail": "the prompt was withdrawn: it was cancelled"});
        problem.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        server("open", move |_| Reply::Json(409, problem.clone())).pulse(&["answer", PROMPT, "Yes"])
    };
    let late = refused("already_answered", json!({"answer": "No", "answeredBy": "ada", "answeredAt": "2026-11-21T05:10:00Z"}));
    assert_eq!(late.code, Some(1));
    assert!(late.stderr.contains("ada had answered \"No\" at 2026-11-21 05:10:00 UTC"), "{}", late.stderr);
    let expired = refused("prompt_expired", json!({"answer": "No", "expiredAt": "2026-11-21T06:00:00Z"}));
    assert!(expired.code == Some(1) && expired.stderr.contains("ran out at 2026-11-21 06:00:00 UTC, and \"No\" was taken"));
    let withdrawn = refused("prompt_withdrawn", json!({}));
    assert!(withdrawn.code == Some(1) && withdrawn.stderr.contains("it was cancelled"), "{}", withdrawn.stderr);
    let other = refused("execution_over", json!({}));
    assert_eq!(other.code, Some(2), "{}", other.stderr);
    // What is closed is not asked any more, and an execution that asks nothing is not answered.
    let closed = server("answered", |_| taken(true));
    let told = closed.pulse(&["answer", PROMPT]);
    assert!(told.code == Some(1) && told.stderr.contains("\"No\" by ada at 2026-11-21 05:10:00 UTC"), "{}", told.stderr);
    let nobody = closed.pulse(&["answer", "update#8", "Yes"]);
    assert!(nobody.code == Some(2) && nobody.stderr.contains("update#8 is running, and asks nobody"), "{}", nobody.stderr);
    assert!(closed.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn a_lost_answer_is_sent_again() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server = server("open", move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Reply::HangUp,
        _ => taken(false),
    });
    let ended = server.pulse(&["answer", PROMPT, "Yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(server.requests().iter().filter(|request| request.method == "POST").count(), 2);
}

fn pause(id: &str, scope: &str) -> Value {
    json!({"id": id, "scope": scope, "reason": "freeze", "createdBy": "ada", "createdAt": "2026-11-21T05:00:00Z",
        "expiresAt": "2126-11-21T07:00:00Z", "endedAt": null, "endedBy": null, "status": "active",
        "holds": {"workflows": 1, "schedules": 0, "agents": 0}})
}

#[test]
fn a_pause_is_set_listed_and_ended() {
    let server = FakeServer::start(|request| match request.method.as_str() {
        "POST" => Reply::Json(201, pause("u1", "workflow/update")),
        "GET" => Reply::Json(
            200,
            json!({"items": [pause("u1", "workflow/update"), pause("u2", "team=infra,env!=dev"), pause("u3", "all"), pause("u4", "all")]}),
        ),
        _ => Reply::Json(200, pause("u2", "team=infra,env!=dev")),
    });
    let set = server.pulse(&["pause", "workflow/update", "--reason", "freeze", "--expires", "2h"]);
    assert_eq!((set.code, set.stdout.as_str()), (Some(0), "u1\n"), "{}", set.stderr);
    assert!(
        set.stderr.contains("workflow/update is paused until 2126-11-21 07:00:00 UTC (in ")
            && set.stderr.contains("pulse resume u1")
            && !set.stderr.contains("warning")
    );
    assert_eq!(server.requests()[0].body, json!({"scope": "workflow/update", "reason": "freeze", "expires": "2h"}));
    let listed = server.pulse(&["get", "pauses"]).stdout;
    assert!(listed.lines().nth(1).unwrap().starts_with("workflow/update      1 workflow  freeze  ada "), "{listed}");
    let all = server.pulse(&["get", "pauses", "--all"]).stdout;
    assert!(all.contains("STATUS") && all.contains("ENDED BY") && all.contains("active"), "{all}");
    assert_eq!(server.requests()[2].target, "/api/v1/pauses?all=true");
    for (said, id) in [
        ("u9", "u9"),
        ("0193c3a0-0000-7000-8000-00000000000a", "0193c3a0-0000-7000-8000-00000000000a"),
        ("team=infra, env!=dev", "u2"),
    ] {
        let ended = server.pulse(&["resume", said]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let asked = server.requests().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.target), ("DELETE", format!("/api/v1/pauses/{id}")));
    }
    let several = server.pulse(&["resume", "all"]);
    assert!(several.code == Some(2) && several.stderr.contains("u3 (ada: freeze), u4 (ada: freeze)"), "{}", several.stderr);
    let nothing = server.pulse(&["pause", "workflow/", "--reason", "x"]);
    assert!(nothing.code == Some(2) && nothing.stderr.contains("nothing that can be paused"), "{}", nothing.stderr);
    let wrong = server.pulse(&["pause", "workflow/Über all", "--reason", "x"]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("`pulse get workflows`"), "{}", wrong.stderr);
}

#[test]
fn a_pause_of_nothing_is_set_with_a_warning() {
    let server = FakeServer::start(|_| {
        let mut pause = pause("u1", "workflow/typo");
        pause["holds"]["workflows"] = json!(0);
        Reply::Json(201, pause)
    });
    for format in ["table", "name", "json"] {
        let set = server.pulse(&["pause", "workflow/typo", "--reason", "freeze", "-o", format]);
        assert_eq!(set.code, Some(0), "{}", set.stderr);
        assert!(set.stderr.contains("warning: this pause holds nothing right now: no workflow is named typo"), "{}", set.stderr);
        assert!(!set.stdout.contains("warning"), "{}", set.stdout);
    }
}

#[test]
fn a_retry_says_what_it_repeats_and_what_a_refusal_means() {
    let started = json!({"id": "id-9", "number": 9, "name": "update#9", "workflow": "update", "status": "running", "commit": "abc", "retryOf": "id-1"});
    let server = FakeServer::start(move |_| Reply::Json(201, started.clone()));
    let said = server.pulse(&["retry", "update#8"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "update#9\n"), "{}", said.stderr);
    assert!(said.stderr.contains("update#9 repeats update#8 and started; `pulse logs -f 'update#9'`"), "{}", said.stderr);
    assert_eq!(server.pulse(&["retry", "id-1", "--include-unknown"]).stdout, "id-9\n");
    server.pulse(&["retry", "update#8", "--from-start", "--head"]);
    let sent: Vec<_> = server.requests().into_iter().map(|request| (request.target, request.body)).collect();
    let body = |from: &str, commit: &str, unknown: bool| json!({"from": from, "commit": commit, "includeUnknown": unknown});
    assert_eq!(sent[0], ("/api/v1/executions/update%238/retry".to_owned(), body("failed", "same", false)));
    assert_eq!((&sent[1].1, &sent[2].1), (&body("failed", "same", true), &body("start", "head", false)));
    for wrong in [["retry", "a#1", "--head"].as_slice(), &["retry", "a#1", "--from-start", "--include-unknown"]] {
        assert_eq!(server.pulse(wrong).code, Some(2), "{wrong:?}");
    }
    for (code, help) in
        [("unknown_targets", "look at web-1, web-2"), ("nothing_failed", "--from-start"), ("not_over", "pulse logs -f 'a#1'")]
    {
        let refused =
            FakeServer::start(move |_| Reply::Json(409, json!({"code": code, "detail": "no", "targets": ["web-1", "web-2"]})));
        let ended = refused.pulse(&["retry", "a#1"]);
        assert!(ended.code == Some(2) && ended.stderr.contains(help), "{}", ended.stderr);
    }
}

#[test]
fn a_retry_whose_answer_was_lost_is_sent_again_with_the_same_key() {
    let started = json!({"id": "id-9", "number": 9, "name": "update#9", "workflow": "update", "status": "running", "commit": "abc", "retryOf": "id-1"});
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server = FakeServer::start(move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 2 {
        0 => Reply::HangUp,
        _ => Reply::Json(201, started.clone()),
    });
    let keys = |args: &[&str]| {
        let before = server.requests().len();
        let ended = server.pulse(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "update#9\n"), "{}", ended.stderr);
        let sent = server.requests()[before..].to_vec();
        assert!(
            sent.iter().all(|request| request.target == "/api/v1/executions/update%238/retry" && request.body == sent[0].body)
        );
        sent.iter().map(|request| request.header("idempotency-key").map(str::to_owned)).collect::<Vec<_>>()
    };
    let (first, second) = (keys(&["retry", "update#8"]), keys(&["retry", "update#8"]));
    assert!(first.len() == 2 && first[0].is_some() && first[0] == first[1], "{first:?}");
    assert_ne!(first[0], second[0], "another retry is another execution");
    let own = Some("OPS-12".to_owned());
    assert_eq!(keys(&["retry", "update#8", "--idempotency-key", "OPS-12"]), [own.clone(), own]);
    // Nobody can say whether it started; asking again with the same key does no harm.
    let gone = FakeServer::start(|_| Reply::HangUp);
    let ended = gone.pulse(&["retry", "update#8"]);
    let key = gone.requests()[0].header("idempotency-key").unwrap().to_owned();
    assert!(
        ended.code == Some(2) && ended.stderr.contains(&format!("run it again with --idempotency-key {key}")),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_retry_at_head_names_the_parameters_that_are_gone() {
    let started = |dropped: Value| {
        let answer = json!({"id": "id-9", "number": 9, "name": "update#9", "workflow": "update", "status": "running", "commit": "abc",
            "retryOf": "id-1", "droppedParams": dropped});
        FakeServer::start(move |_| Reply::Json(201, answer.clone()))
    };
    let server = started(json!(["colour", "si\u{1b}ze"]));
    let args = ["retry", "update#8", "--from-start", "--head"];
    let said = "parameters that are not given again, because the workflow does not declare them any more: colour, si\\eze\n";
    let table = server.pulse(&args);
    assert_eq!((table.code, table.stdout.as_str()), (Some(0), "update#9\n"));
    assert!(table.stderr.starts_with(said), "{}", table.stderr);
    let name = server.pulse(&[&args[..], &["-o", "name"]].concat());
    assert_eq!((name.stdout.as_str(), name.stderr.as_str()), ("update#9\n", said));
    let json = server.pulse(&[&args[..], &["-o", "json"]].concat());
    assert_eq!((json.stderr.as_str(), json.stdout.contains("\"droppedParams\"")), ("", true));
    let nothing = started(json!([])).pulse(&args);
    assert_eq!(nothing.stderr, "update#9 repeats update#8 and started; `pulse logs -f 'update#9'` follows it\n");
}

#[test]
fn a_list_says_what_each_execution_waits_for() {
    let mut queued = execution("open");
    queued["waits"] = json!({"for": "queue"});
    let items = json!({"items": [queued, execution("open"), execution("answered")], "nextCursor": null});
    let server = FakeServer::start(move |_| Reply::Json(200, items.clone()));
    let listed = server.pulse(&["get", "executions"]).stdout;
    let cells = |line: &'_ str| -> Vec<String> {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let columns: Vec<Vec<String>> = listed.lines().map(cells).collect();
    assert_eq!(columns[0][..3], ["NAME", "STATUS", "WAITS FOR"], "{listed}");
    let waits: Vec<&str> = columns[1..].iter().map(|row| row[2].as_str()).collect();
    assert_eq!(waits, ["queue", "person", "-"], "{listed}");
    let more = server.pulse(&["get", "executions", "--limit", "1"]);
    assert!(more.stderr.contains("there are more executions, at most 1 are shown; --limit shows more"), "{}", more.stderr);
}

#[test]
fn executions_are_found_by_what_is_known_of_them() {
    let server = FakeServer::start(|_| Reply::Json(200, json!({"items": []})));
    let args = [
        "get",
        "executions",
        "--label",
        "team=infra",
        "--label",
        "env=prod",
        "--started-by",
        "ada",
        "--agent",
        "web-1",
        "--commit",
        "abc",
        "--since",
        "2026-11-21T06:00:00+01:00",
        "--until",
        "2026-11-21T08:00:00Z",
    ];
    assert_eq!(server.pulse(&args).code, Some(0));
    let expected = "/api/v1/executions?startedBy=ada&agent=web-1&commit=abc&since=2026-11-21T05%3A00%3A00Z&until=2026-11-21T08%3A00%3A00Z&label=team%3Dinfra&label=env%3Dprod&limit=50";
    assert_eq!(server.requests()[0].target, expected);
    assert_eq!(server.pulse(&["get", "executions", "--since", "2h"]).code, Some(0));
    for wrong in [
        ["get", "executions", "--since", "soon"].as_slice(),
        &["get", "agents", "--since", "2h"],
        &["get", "executions", "--label", "x"],
    ] {
        assert_eq!(server.pulse(wrong).code, Some(2), "{wrong:?}");
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn wrong_parameters_are_named_one_a_line() {
    let server = FakeServer::start(|_| {
        let error = |name: &str, said: &str| json!({"name": name, "pointer": format!("/params/{name}"), "message": said});
        let errors = [error("count", "it must be a whole number"), error("ticket", "it is required")];
        Reply::Json(422, json!({"code": "bad_params", "detail": "the parameters are wrong", "errors": errors}))
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.json"), r#"{"count": 3, "sure": true}"#).unwrap();
    let file = folder.path().join("p.json");
    let ended = server.pulse(&["run", "update", "-p", "count=many", "-p", r#"list=["a"]"#, "--params", file.to_str().unwrap()]);
    let expected = "error: the parameters are wrong (bad_params)\n  count: it must be a whole number\n  ticket: it is required\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), expected));
    assert_eq!(server.requests()[0].body["params"], json!({"count": "many", "list": "[\"a\"]", "sure": true}));
}
