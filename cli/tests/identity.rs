//! `pulse whoami`, `pulse tokens` and `pulse get users`: what is asked, and what is said of the answer.

mod support;

use serde_json::{Value, json};
use support::{FakeServer, Reply};

fn token(name: &str, status: &str) -> Value {
    json!({"id": format!("id-{name}"), "name": name, "kind": "api", "prefix": "pulse_api_0193", "status": status, "roles": ["operator"],
        "scope": {"verbs": ["run", "view"], "workflows": ["deploy", "team=web"]}, "reason": "CI", "createdBy": "admin",
        "createdAt": "2026-11-21T05:00:00Z", "expiresAt": null, "revokedAt": null, "revokedBy": null, "lastUsedAt": null})
}

#[test]
fn who_am_i_says_name_means_roles_and_rights() {
    let session = json!({"principal": {"name": "anna", "displayName": "Anna", "email": null, "groups": ["web", "sre"], "roles": ["viewer"],
        "kind": "user", "means": "proxy"}, "csrf": null, "rights": ["view", "answer"], "providers": []});
    let server = FakeServer::start(move |_| Reply::Json(200, session.clone()));
    let ended = server.pulse(&["whoami"]);
    let expected = "Name:        anna\nCalled:      Anna\nCame by:     a proxy that vouches for you\nGroups:      web, sre\nRoles:       viewer\n\
                    Rights:      view, answer\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), expected), "{}", ended.stderr);
    assert_eq!(server.pulse(&["whoami", "-o", "name"]).stdout, "anna\n");
    assert_eq!(server.requests()[0].target, "/api/v1/session");
}

#[test]
fn the_value_of_a_new_token_stands_alone_on_stdout() {
    let server = FakeServer::start(|request| {
        let mut made = token(request.body["name"].as_str().unwrap(), "active");
        made["token"] = json!("pulse_api_0193_secret");
        Reply::Json(201, made)
    });
    let ended = server.pulse(&[
        "tokens",
        "create",
        "ci",
        "--role",
        "operator",
        "--role",
        "auditor",
        "--verb",
        "run",
        "--workflow",
        "deploy",
        "--workflow",
        "team=web",
        "--expires",
        "30d",
        "--reason",
        "CI",
    ]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "pulse_api_0193_secret\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("ci counts for ever") && !ended.stderr.contains("secret"), "{}", ended.stderr);
    let scope = json!({"verbs": ["run"], "workflows": ["deploy", "team=web"]});
    let expected = json!({"name": "ci", "roles": ["operator", "auditor"], "scope": scope, "expires": "30d", "reason": "CI"});
    assert_eq!(server.requests()[0].body, expected);
    server.pulse(&["tokens", "create", "plain", "--role", "viewer"]);
    assert_eq!(server.requests()[1].body, json!({"name": "plain", "roles": ["viewer"]}));
}

#[test]
fn tokens_are_listed_without_their_values_and_revoked_by_name_or_id() {
    let server = FakeServer::start(|request| match request.method.as_str() {
        "DELETE" => Reply::Text(204, String::new()),
        _ => Reply::Json(200, json!({"items": [token("ci", "active"), token("old", "revoked")], "nextCursor": null})),
    });
    let listed = server.pulse(&["tokens", "list"]).stdout;
    let lines: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(lines[0], ["NAME", "STATUS", "ROLES", "SCOPE", "EXPIRES", "LAST USED", "BY"]);
    assert_eq!(lines[1], ["ci", "active", "operator", "run,view on deploy or team=web", "-", "-", "admin"]);
    assert!(server.pulse(&["tokens", "list", "-o", "wide"]).stdout.contains("pulse_api_0193"));
    for asked in ["ci", "id-old"] {
        let ended = server.pulse(&["tokens", "revoke", asked]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    }
    let bearer = |request: &support::Request| request.header("authorization") == Some("Bearer test-token");
    assert!(server.requests().iter().all(bearer), "the one who asks is not the one who is named");
    let deleted: Vec<_> =
        server.requests().into_iter().filter(|request| request.method == "DELETE").map(|request| request.target).collect();
    assert_eq!(deleted, ["/api/v1/tokens/id-ci", "/api/v1/tokens/id-old"]);
    let nobody = server.pulse(&["tokens", "revoke", "nobody"]);
    assert_eq!(
        (nobody.code, nobody.stderr.as_str()),
        (Some(2), "error: there is no token nobody\nhelp: `pulse tokens list` lists those there are\n")
    );
}

#[test]
fn users_are_listed_as_their_provider_said_them() {
    let user = json!({"name": "anna", "displayName": "Anna", "email": "anna@example.org", "groups": ["web", "sre"], "provider": "proxy",
        "firstSeenAt": "2026-11-21T05:00:00Z", "lastSeenAt": "2026-11-21T05:00:00Z"});
    let server = FakeServer::start(move |_| Reply::Json(200, json!({"items": [user], "nextCursor": null})));
    let listed = server.pulse(&["get", "users", "--no-headers"]).stdout;
    assert!(listed.starts_with("anna  Anna  web,sre"), "{listed}");
    assert_eq!(server.pulse(&["get", "users", "-o", "name"]).stdout, "anna\n");
    assert_eq!(server.pulse(&["get", "user", "anna", "-o", "json"]).code, Some(0));
    assert_eq!(server.requests()[0].target, "/api/v1/users");
}
