//! Sources, syncs and webhooks: what is asked, what is said, how it ends.

mod support;

use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;
use support::{Ended, FakeServer, Reply};

const COMMIT: &str = "3f9c2d1a7b8e4f60a1c2d3e4f5061728394a5b6c";
const ID: &str = "01930000-0000-7000-8000-000000000001";

fn sync(outcome: &str) -> Value {
    json!({"id": ID, "source": "default", "commit": COMMIT, "author": "Ada Lovelace <ada@example.org>", "title": "Ask first",
        "outcome": outcome, "reason": "Held", "generation": 7, "message": "a sentence", "planDigest": "d1",
        "counts": {"create": 1, "update": 2, "retire": 4, "unchanged": 9},
        "changes": [{"action": "retire", "kind": "Workflow", "name": "old-\u{1b}[2J"}, {"action": "create", "kind": "Agent", "name": "web", "path": "a.yaml"}],
        "problems": [{"file": "a.yaml", "line": 3, "column": 7, "endLine": 3, "endColumn": 9, "severity": "error", "code": "bad-value", "message": "no", "pointer": "/spec"}],
        "startedAt": "2026-11-21T05:00:00Z", "finishedAt": "2026-11-21T05:00:01.2Z", "durationMs": 1200})
}

fn refused_webhook() -> Value {
    json!({"receivedAt": "2026-11-21T05:00:00Z", "accepted": false, "reason": "WrongSignature",
        "message": "its signature does not match", "help": "set the same secret in Gitea's webhook and in PULSE_WEBHOOK_SECRET"})
}

fn source() -> Value {
    json!({"name": "default", "kind": "git", "url": "https://git.example.org/ops.git", "branch": "main", "path": null,
        "observedCommit": COMMIT, "generation": 7, "lastLook": "2026-11-21T05:00:00Z", "nextLook": null, "failures": 3,
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "Unauthorized", "message": "the token is refused", "lastTransitionTime": "2026-11-21T05:00:00Z"},
            {"type": "Stalled", "status": "True", "reason": "Unauthorized", "message": "the token is refused", "lastTransitionTime": null}],
        "lastSync": sync("unreachable"), "webhook": {"enabled": true, "path": "/webhooks/gitea", "url": "https://pulse.example.org/webhooks/gitea"},
        "lastWebhook": refused_webhook(),
        "lastAcceptedWebhook": {"receivedAt": "2026-11-20T05:00:00Z", "accepted": true, "event": "push", "repository": "ops/runbooks"},
        "refusedWebhooks": [refused_webhook(), {"receivedAt": "2026-11-21T05:00:00Z", "accepted": false, "reason": "Unsigned",
            "message": "it carries no signature", "help": "set the same secret"}]})
}

/// A server with one sync of this outcome, and one source.
fn server(outcome: &'static str) -> FakeServer {
    FakeServer::start(move |request| {
        let path = request.target.trim_start_matches("/api/v1");
        let path = path.split('?').next().unwrap_or_default();
        match (request.method.as_str(), path) {
            ("GET", "/sources") => Reply::Json(200, json!({"items": [source()], "nextCursor": null})),
            ("GET", "/sources/default") => Reply::Json(200, source()),
            ("GET", "/syncs") => {
                Reply::Json(200, json!({"items": [sync(outcome)], "nextCursor": null, "lastWebhook": refused_webhook()}))
            }
            ("POST", "/syncs") => {
                let mut answer = sync(outcome);
                answer["lastWebhook"] = refused_webhook();
                Reply::Json(200, answer)
            }
            ("POST", path) if path == format!("/syncs/{ID}/confirm") => Reply::Json(200, sync("applied")),
            ("GET", path) if path == format!("/syncs/{ID}") => Reply::Json(200, sync(outcome)),
            _ => Reply::Json(404, json!({"detail": "there is nothing", "code": "no_such_path"})),
        }
    })
}

#[test]
fn syncs_are_a_table_with_the_last_webhook_below() {
    let server = server("applied");
    let ended = server.pulse(&["get", "syncs"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let words =
        |line: &str| line.split("  ").map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = ended.stdout.lines().map(words).collect();
    assert_eq!(lines[0], ["AGE", "SOURCE", "COMMIT", "AUTHOR", "OUTCOME", "CHANGES", "DURATION", "MESSAGE"]);
    assert_eq!(lines[1][1..], ["default", "3f9c2d1a", "Ada Lovelace", "applied", "+1 ~2 -4", "1.2s", "a sentence"]);
    let help = "ago: its signature does not match; set the same secret in Gitea's webhook and in PULSE_WEBHOOK_SECRET\n";
    assert!(ended.stderr.starts_with("last webhook: refused ") && ended.stderr.ends_with(help), "{}", ended.stderr);
    let said: Value = serde_json::from_str(&server.pulse(&["get", "syncs", "-o", "json"]).stdout).unwrap();
    assert_eq!(said, json!({"items": [sync("applied")], "lastWebhook": refused_webhook()}));
    assert_eq!(server.pulse(&["get", "syncs", "-o", "name"]).stdout, format!("{ID}\n"));
    assert!(server.pulse(&["get", "syncs", "-o", "wide"]).stdout.contains(ID));
}

#[test]
fn a_source_is_described_with_its_conditions() {
    let server = server("unreachable");
    let listed = server.pulse(&["get", "sources"]).stdout;
    assert!(listed.lines().nth(1).unwrap().starts_with("default  False  Unauthorized  3f9c2d1a"), "{listed}");
    let said = server.pulse(&["describe", "source", "default"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    for part in [
        "URL:         https://git.example.org/ops.git\n",
        "Failures:    3\n",
        "Webhook:     https://pulse.example.org/webhooks/gitea\n",
        "\nLast webhook: refused ",
        "\nLast accepted: ",
        " ago: it carries no signature; set the same secret\n",
        "\n  TYPE     STATUS  REASON        SINCE",
        "\n  Stalled  True    Unauthorized  -",
        "  a.yaml:3:7: error[bad-value]: no\n",
    ] {
        assert!(said.stdout.contains(part), "{part:?} is not in\n{}", said.stdout);
    }
    assert_eq!(said.stdout.matches("\nAlso refused: ").count(), 1, "the last one is not said twice:\n{}", said.stdout);
    assert_eq!(server.pulse(&["describe", "source", "default", "-o", "name"]).stdout, "default\n");
    let json: Value = serde_json::from_str(&server.pulse(&["describe", "source", "default", "-o", "json"]).stdout).unwrap();
    assert_eq!(json, source());
}

#[test]
fn a_sync_is_described_by_its_id_or_its_commit() {
    let server = server("held");
    for name in [ID, "3f9c2d", COMMIT] {
        let said = server.pulse(&["describe", "sync", name]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        for part in [
            &format!("Commit:      {COMMIT}\n"),
            "Author:      Ada Lovelace <ada@example.org>\n",
            "Plan digest: d1\n",
            "\nProblems:\n  a.yaml:3:7: error[bad-value]: no\n",
            "\nChanges (+1 ~2 -4, 9 unchanged):\n  - Workflow   old-\\e[2J\n  + Agent      web (a.yaml)\n  and 5 more\n",
            &format!("then: pulse confirm {ID}\n"),
        ] {
            assert!(said.stdout.contains(part), "{part:?} is not in\n{}", said.stdout);
        }
    }
    let missing = server.pulse(&["describe", "sync", "0000"]);
    assert_eq!(missing.code, Some(2));
    assert!(
        missing.stderr.contains("there is no sync 0000") && missing.stderr.contains("pulse get syncs -o wide"),
        "{}",
        missing.stderr
    );
}

#[test]
fn reconcile_says_what_came_of_its_look() {
    for (outcome, code) in [("applied", 0), ("unchanged", 0), ("refused", 1), ("held", 1), ("unreachable", 1)] {
        let server = server(outcome);
        let ended = server.pulse(&["reconcile", "--source", "default"]);
        assert_eq!(ended.code, Some(code), "{outcome}: {}", ended.stderr);
        assert!(
            ended.stdout.starts_with(&format!("{outcome} {COMMIT} \"Ask first\" by Ada Lovelace\n  a sentence\n")),
            "{}",
            ended.stdout
        );
        assert!(ended.stderr.starts_with("last webhook: refused "), "{}", ended.stderr);
        assert_eq!(ended.stderr.contains(&format!("pulse confirm {ID}")), outcome == "held", "{}", ended.stderr);
        assert_eq!(server.requests()[0].body, json!({"source": "default"}));
    }
}

#[test]
fn a_held_sync_is_confirmed_by_what_it_holds_and_not_without() {
    let server = server("held");
    let refused = |args: &[&str], said: &str| {
        let ended = server.pulse(args);
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stdout);
        assert!(ended.stderr.contains(said), "{args:?}: {}", ended.stderr);
    };
    refused(&["confirm", ID], &format!("pulse confirm {ID} --yes --commit {COMMIT}"));
    refused(&["confirm", ID, "--yes"], "--yes alone does not say what is confirmed");
    refused(&["confirm", ID, "--yes", "--commit", "0123"], &format!("does not hold --commit 0123, but {COMMIT}"));
    refused(&["confirm", ID, "--yes", "--plan-digest", "d2"], "does not hold --plan-digest d2, but d1");
    assert!(server.requests().iter().all(|request| request.method == "GET"), "nothing was confirmed");
    let ended = server.pulse(&["confirm", "3f9c2d1a", "--yes", "--plan-digest", "d1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("  - Workflow   old-\\e[2J\n"), "what is retired is shown: {}", ended.stderr);
    assert!(ended.stdout.starts_with("applied "), "{}", ended.stdout);
    assert_eq!(server.requests().last().unwrap().body, json!({"commit": COMMIT, "planDigest": "d1"}));
    let live = self::server("applied");
    let ended = live.pulse(&["confirm", ID, "--yes", "--commit", COMMIT]);
    assert!(ended.code == Some(2) && ended.stderr.contains("is applied, not held"), "{}", ended.stderr);
}

#[test]
fn a_pipe_is_no_person_to_ask() {
    let server = server("held");
    let mut command = server.command(&["confirm", ID]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended already.
    let _ = child.stdin.take().unwrap().write_all(b"yes\n");
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert!(ended.code == Some(2) && ended.stderr.contains("there is no terminal to ask on"), "{ended:?}");
    assert!(server.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn what_is_no_path_is_planned_as_a_ref() {
    let plan = |changed: bool| {
        let change = json!({"kind": "Workflow", "name": "a", "path": "a.yaml", "to": "d", "generation": 1});
        let create = if changed { json!([change]) } else { json!([]) };
        json!({"create": create, "update": [], "unchanged": [], "retire": []})
    };
    let changed = FakeServer::start(move |_| Reply::Json(200, json!({"plan": plan(true), "problems": []})));
    let ended = changed.pulse(&["plan", "feature/x", "--source", "ops"]);
    assert_eq!((ended.code, changed.requests()[0].body.clone()), (Some(1), json!({"ref": "feature/x", "source": "ops"})));
    assert!(ended.stdout.contains("1 to create"), "{}", ended.stdout);
    assert_eq!(changed.pulse(&["plan", "main", "-o", "name"]).stdout, "workflow/a\n");
    let same = FakeServer::start(move |_| Reply::Json(200, json!({"plan": plan(false), "problems": []})));
    assert_eq!(same.pulse(&["plan", "main"]).code, Some(0));
    let ended = same.pulse(&["plan", "./nowhere"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("no file or folder ./nowhere"), "{}", ended.stderr);
    let gone = FakeServer::start(|_| {
        Reply::Json(503, json!({"detail": "there is no branch, tag or commit `x`", "code": "source_unreachable"}))
    });
    let ended = gone.pulse(&["plan", "x"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("there is no branch, tag or commit `x`"), "{}", ended.stderr);
}
