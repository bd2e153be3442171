//! `pulse doctor`: what it says of a server that is well, of one that is not, and of none.

mod support;

use serde_json::{Value, json};
use support::{FakeServer, Reply, Request, pulse};

fn health(role: &str, database: &str) -> Value {
    json!({ "status": "ok", "release": env!("CARGO_PKG_VERSION"), "role": role, "reason": "standing by", "stopping": false,
        "database": { "status": database } })
}

fn source(ready: &str, webhook: &Value) -> Value {
    let mut source = json!({ "name": "default", "kind": "git", "url": "https://git/ops.git", "lastLook": "2026-11-21T05:00:00Z",
        "conditions": [{ "type": "Ready", "status": ready, "reason": "InvalidManifests", "message": "1 error in 1 file" }],
        "webhook": { "enabled": true, "url": "https://pulse/webhooks/gitea" } });
    source.as_object_mut().unwrap().extend(webhook.as_object().unwrap().clone());
    source
}

fn accepted() -> Value {
    let last = json!({ "accepted": true, "receivedAt": "2026-11-21T05:00:00Z" });
    json!({ "lastWebhook": last, "lastAcceptedWebhook": last })
}

fn agent(name: &str, state: &str) -> Value {
    json!({ "metadata": { "name": name }, "status": { "state": state } })
}

/// A server that answers these lists.
fn server(health: Value, sources: Vec<Value>, agents: Vec<Value>, executions: Vec<Value>) -> FakeServer {
    let list = |items: &[Value]| Reply::Json(200, json!({ "items": items, "nextCursor": null }));
    FakeServer::start(move |request: &Request| match request.target.split('?').next().unwrap() {
        "/health" => Reply::Json(if health["role"] == "active" { 200 } else { 503 }, health.clone()),
        "/api/v1/session" if request.header("authorization") == Some("Bearer test-token") => {
            Reply::Json(200, json!({ "principal": { "name": "ada" } }))
        }
        "/api/v1/session" => Reply::Json(401, json!({ "code": "unauthorized", "detail": "no token came" })),
        "/api/v1/sources" => list(&sources),
        "/api/v1/agents" => list(&agents),
        "/api/v1/executions" => list(&executions),
        _ => Reply::Json(404, json!({ "code": "no_such_path", "detail": "nothing there" })),
    })
}

/// What was said of each check, in their order.
fn outcomes(answer: &str) -> Vec<(String, String)> {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let word = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = answer["checks"].as_array().unwrap();
    for check in checks {
        assert_eq!(check["remedy"].is_string(), check["outcome"] != "ok", "{check}");
    }
    checks.iter().map(|check| (word(check, "name"), word(check, "outcome"))).collect()
}

fn of<'a>(outcomes: &'a [(String, String)], name: &str) -> &'a str {
    &outcomes.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name}: {outcomes:?}")).1
}

#[test]
fn a_server_that_is_well_fails_nothing() {
    let server = server(health("active", "ok"), vec![source("True", &accepted())], vec![agent("a1", "online")], Vec::new());
    let ended = server.pulse(&["doctor", "-o", "json"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let told = outcomes(&ended.stdout);
    for name in ["server", "release", "database", "token", "source", "webhook", "agents", "executions"] {
        assert_eq!(of(&told, name), "ok", "{told:?}");
    }
    // The small server of this test does not say its time.
    assert_eq!(of(&told, "clock"), "warn");
    let text = server.pulse(&["doctor"]).stdout;
    assert!(
        text.contains("ok    server")
            && text.contains("warn  clock")
            && text.contains("→ ")
            && text.ends_with("1 warn, 0 fail\n"),
        "{text}"
    );
}

#[test]
fn each_thing_that_is_wrong_is_named_with_what_to_do() {
    let never = json!({ "lastWebhook": null, "lastAcceptedWebhook": null });
    let lost = json!({ "name": "w#3", "status": "waiting", "waits": { "reason": "unknown" } });
    let agents = vec![agent("a1", "online"), agent("a2", "offline")];
    let server = server(health("active", "unavailable"), vec![source("False", &never)], agents, vec![lost]);
    let ended = server.pulse(&["doctor", "-o", "json"]);
    assert_eq!(ended.code, Some(1));
    let told = outcomes(&ended.stdout);
    let expected = [("database", "fail"), ("source", "fail"), ("webhook", "warn"), ("agents", "warn"), ("executions", "warn")];
    expected.iter().for_each(|(name, outcome)| assert_eq!(of(&told, name), *outcome, "{name}"));
    for hint in ["ALLOWED_HOST_LIST", "pulse describe sync", "pulse why 'w#3'", "offline: a2"] {
        assert!(ended.stdout.contains(hint), "{hint}: {}", ended.stdout);
    }
}

#[test]
fn a_refused_webhook_and_a_quarantined_agent_are_told() {
    let refused = json!({ "accepted": false, "receivedAt": "2026-11-21T05:00:00Z", "message": "the signature is wrong", "help": "give both the same secret" });
    let webhook = json!({ "lastWebhook": refused, "lastAcceptedWebhook": null });
    let server = server(health("active", "ok"), vec![source("True", &webhook)], vec![agent("a1", "quarantined")], Vec::new());
    let ended = server.pulse(&["doctor", "-o", "json"]);
    let told = outcomes(&ended.stdout);
    assert_eq!((of(&told, "webhook"), of(&told, "agents"), ended.code), ("warn", "fail", Some(1)));
    assert!(ended.stdout.contains("give both the same secret"), "{}", ended.stdout);
}

#[test]
fn what_cannot_be_asked_is_not_asked() {
    let asked = |ended: &support::Ended| outcomes(&ended.stdout).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let standby = server(health("standby", "ok"), Vec::new(), Vec::new(), Vec::new());
    let ended = standby.pulse(&["doctor", "-o", "json"]);
    assert_eq!(ended.code, Some(1));
    assert!(!asked(&ended).contains(&"source".to_owned()), "{}", ended.stdout);
    let stranger = server(health("active", "ok"), Vec::new(), Vec::new(), Vec::new());
    let ended = support::Ended::from(pulse(&["doctor", "-o", "json"]).env("PULSE_SERVER", stranger.url()).output().unwrap());
    assert_eq!(
        (of(&outcomes(&ended.stdout), "token"), asked(&ended).len(), ended.code),
        ("fail", 5, Some(1)),
        "{}",
        ended.stdout
    );
    let nobody = pulse(&["doctor", "-o", "json"]).env("PULSE_SERVER", "http://127.0.0.1:1").output().unwrap();
    let ended = support::Ended::from(nobody);
    assert_eq!((asked(&ended), ended.code), (vec!["server".to_owned()], Some(1)));
    let other = FakeServer::start(|_| Reply::Text(200, "<html>".into()));
    let ended = other.pulse(&["doctor"]);
    assert!(ended.stdout.contains("not as a controller does") && ended.code == Some(1), "{}", ended.stdout);
}

#[test]
fn an_agents_clock_and_room_are_looked_at() {
    let seen = |clock: i64, free: u64| {
        let vitals = json!({ "clockUs": clock, "diskFreeBytes": free });
        let status = json!({ "state": "online", "lastSeen": "2026-11-21T05:00:00Z", "vitals": vitals });
        vec![json!({ "metadata": { "name": "a1" }, "status": status })]
    };
    let (right, room) = (1_795_237_200_000_000, 1 << 40);
    let said = |agents| {
        let server = server(health("active", "ok"), vec![source("True", &accepted())], agents, Vec::new());
        let ended = server.pulse(&["doctor", "-o", "json"]);
        of(&outcomes(&ended.stdout), "agents").to_owned()
    };
    assert_eq!(said(seen(right, room)), "ok");
    assert_eq!(said(seen(right - 5_000_000, room)), "ok", "the last word is a report's");
    assert_eq!(said(seen(right + 60_000_000, room)), "warn");
    assert_eq!(said(seen(right, 1 << 20)), "fail");
}
