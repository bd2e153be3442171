//! Lists, single objects and refusals: what `pulse` makes of the server's answers.

mod support;

use serde_json::{Value, json};
use support::{Ended, FakeServer, Reply, pulse};

fn execution(number: u32, message: &str) -> Value {
    json!({"id": format!("id-{number}"), "number": number, "name": format!("hello#{number}"), "workflow": "hello", "status": "failed",
        "commit": "0123456789abcdef", "startedBy": "admin", "createdAt": "2026-11-21T05:00:00Z",
        "startedAt": "2026-11-21T05:00:00Z", "endedAt": "2026-11-21T05:00:04.2Z", "message": message})
}

#[test]
fn lists_are_tables_without_borders_and_nothing_moves_the_cursor() {
    let server = FakeServer::start(|_| Reply::Json(200, json!({"items": [execution(1, "a \u{1b}[2J\nb")], "nextCursor": null})));
    let ended = server.pulse(&["get", "executions", "--no-headers"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let words: Vec<&str> = ended.stdout.split_whitespace().collect();
    assert_eq!(words[..4], ["hello#1", "failed", "-", "admin"]);
    assert_eq!(words[5..], ["4.2s", "a", "\\e[2J\\nb"]);
    assert_eq!(ended.stdout.lines().count(), 1);
    let with_headers = server.pulse(&["get", "executions", "-o", "wide"]).stdout;
    assert!(with_headers.starts_with("NAME") && with_headers.contains("0123456789ab "), "{with_headers}");
    let asked = &server.requests()[0];
    assert_eq!(asked.target, "/api/v1/executions?limit=50");
    assert_eq!(asked.header("authorization"), Some("Bearer test-token"));
}

#[test]
fn scripts_get_what_the_api_said() {
    let server = FakeServer::start(|_| Reply::Json(200, json!({"items": [execution(1, "x"), execution(2, "y")]})));
    let said: Value = serde_json::from_str(&server.pulse(&["get", "executions", "-o", "json"]).stdout).expect("JSON");
    assert_eq!(said, json!({"items": [execution(1, "x"), execution(2, "y")]}));
    assert_eq!(server.pulse(&["get", "executions", "-o", "name"]).stdout, "hello#1\nhello#2\n");
    let yaml = server.pulse(&["get", "executions", "-o", "yaml"]).stdout;
    assert!(yaml.contains("name: hello#1") || yaml.contains("name: \"hello#1\""), "{yaml}");
}

#[test]
fn lists_are_read_to_their_last_page() {
    let server = FakeServer::start(|request| {
        let first = !request.target.contains("cursor=");
        let item = |name: &str| json!({"metadata": {"name": name}, "spec": {"steps": []}});
        if first {
            Reply::Json(200, json!({"items": [item("a")], "nextCursor": "p 2"}))
        } else {
            Reply::Json(200, json!({"items": [item("b")], "nextCursor": null}))
        }
    });
    assert_eq!(server.pulse(&["get", "workflows", "-o", "name"]).stdout, "a\nb\n");
    assert_eq!(server.requests()[1].target, "/api/v1/workflows?cursor=p%202");
}

#[test]
fn an_empty_list_is_said_on_stderr() {
    let server = FakeServer::start(|_| Reply::Json(200, json!({"items": []})));
    let ended = server.pulse(&["get", "agents"]);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", "no agents found\n"));
}

#[test]
fn an_execution_is_named_by_its_number() {
    let server = FakeServer::start(|_| Reply::Json(200, execution(3, "x")));
    assert_eq!(server.pulse(&["get", "executions", "hello#3", "-o", "name"]).stdout, "hello#3\n");
    assert_eq!(server.requests()[0].target, "/api/v1/executions/hello%233");
}

#[test]
fn refusals_say_what_to_do() {
    let server = FakeServer::start(|request| match request.header("authorization") {
        Some("Bearer test-token") => Reply::Json(404, json!({"detail": "there is no workflow `x`", "code": "not-found"})),
        _ => Reply::Json(401, json!({"detail": "a token is needed", "code": "unauthenticated"})),
    });
    let missing = server.pulse(&["get", "workflows", "x"]);
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(2), ""));
    assert_eq!(missing.stderr, "error: there is no workflow `x` (not-found)\n");
    let without = Ended::from(pulse(&["get", "agents", "--server", &server.url()]).output().unwrap());
    assert_eq!(without.code, Some(2));
    assert!(
        without.stderr.contains("a token is needed") && without.stderr.contains("help: set PULSE_TOKEN"),
        "{}",
        without.stderr
    );
    let wrong = server.pulse(&["get", "agents", "--token", "other"]);
    assert!(wrong.stderr.contains("the token came from --token"), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("other;"), "{}", wrong.stderr);
}

#[test]
fn an_unreachable_server_is_named_with_its_setting() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let ended = Ended::from(pulse(&["get", "agents", "--server", &url]).output().unwrap());
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains(&format!("cannot reach the server at {url}: nothing listens there")), "{}", ended.stderr);
    assert!(ended.stderr.contains("--server or PULSE_SERVER"), "{}", ended.stderr);
}

#[test]
fn tokens_do_not_follow_a_redirect_and_html_is_no_answer() {
    let server = FakeServer::start(|_| Reply::Text(302, "<html>login</html>".to_owned()));
    let ended = server.pulse(&["get", "agents"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("answered 302") && ended.stderr.contains("points elsewhere"), "{}", ended.stderr);
    assert_eq!(server.requests().len(), 1);
    let html = FakeServer::start(|_| Reply::Text(200, "<html>hello</html>".to_owned()));
    let ended = html.pulse(&["get", "agents"]);
    assert!(ended.stderr.contains("but not with JSON"), "{}", ended.stderr);
}

#[test]
fn the_line_to_paste_is_all_there_is_on_stdout() {
    let server = FakeServer::start(|_| Reply::Json(201, json!({"token": "pat_abc"})));
    let ended = server.pulse(&["agents", "token", "--uses", "3", "--expires", "2h", "--label", "role=web"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, format!("PULSE_SERVER={} PULSE_AGENT_TOKEN=pat_abc pulse-agent\n", server.url()));
    let public = FakeServer::start(|_| Reply::Json(201, json!({"token": "pat_abc", "server": "http://pulse:8080"})));
    assert_eq!(
        public.pulse(&["agents", "token"]).stdout,
        "PULSE_SERVER=http://pulse:8080 PULSE_AGENT_TOKEN=pat_abc pulse-agent\n"
    );
    let asked = &server.requests()[0];
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/api/v1/agents/tokens"));
    assert_eq!(asked.body, json!({"uses": 3, "expires": "2h", "labels": {"role": "web"}}));
}

#[test]
fn a_plan_exits_by_what_would_change() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), "kind: Workflow\n").unwrap();
    let path = folder.path().to_str().unwrap();
    let change = json!({"kind": "Workflow", "name": "a", "path": "a.yaml", "to": "0123456789", "generation": 1});
    let server = FakeServer::start(move |_| {
        Reply::Json(200, json!({"plan": {"create": [change], "update": [], "unchanged": [], "retire": []}}))
    });
    let changed = server.pulse(&["plan", path]);
    assert_eq!(changed.code, Some(1), "{}", changed.stderr);
    assert!(changed.stdout.starts_with("+ Workflow   a 01234567 (a.yaml)\n"), "{}", changed.stdout);
    let same =
        FakeServer::start(|_| Reply::Json(200, json!({"plan": {"create": [], "update": [], "unchanged": [], "retire": []}})));
    assert_eq!(same.pulse(&["plan", path]).code, Some(0));
    let refused = FakeServer::start(|_| Reply::Json(422, json!({"detail": "no", "code": "invalid"})));
    assert_eq!(refused.pulse(&["plan", path]).code, Some(2));
}
