use crate::harness::{ASK, RUN, Server, flow, workflow};
use serde_json::json;

#[test]
fn executions_are_listed_newest_first_and_filtered() {
    let allow = workflow("a", "echo").replace("spec:\n", "spec:\n  concurrency: {policy: Allow}\n");
    let server = Server::with(&[("a.yaml", &allow), ("b.yaml", &workflow("b", "echo"))]);
    let _agent = server.agent("web-1");
    let ids = ["a", "a", "b"].map(|name| server.run(name));
    let page = server.get("/api/v1/executions?limit=2").ok();
    let found = |page: &serde_json::Value| {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&page), [ids[2].clone(), ids[1].clone()]);
    let rest = server.get(&format!("/api/v1/executions?limit=2&cursor={}", page["nextCursor"].as_str().unwrap())).ok();
    assert_eq!(found(&rest), [ids[0].clone()]);
    assert_eq!(found(&server.get("/api/v1/executions?workflow=b").ok()), [ids[2].clone()]);
    assert_eq!(found(&server.get("/api/v1/executions?status=running").ok()).len(), 3);
    assert!(found(&server.get("/api/v1/executions?status=failed").ok()).is_empty());
    let unknown = server.get("/api/v1/executions?status=broken").refused(400, "bad_parameter");
    assert!(unknown["detail"].as_str().unwrap().contains("succeeded"), "{unknown}");
}

#[test]
fn executions_are_searched_by_what_they_were_started_with() {
    let infra = flow("a", "concurrency: {policy: Allow}", &[ASK]);
    let ran = flow("b", "", &[RUN]).replace("{team: infra}", "{team: web, env: prod}");
    let server = Server::with(&[("a.yaml", &infra), ("b.yaml", &ran)]);
    let mut agent = server.agent("web-1");
    let first = server.run("a");
    let second = server.run("b");
    agent.does("", 0);
    server.until(&format!("/api/v1/executions/{second}"), |one| one["status"] == "succeeded");
    let third = server.run("a");
    let found = |query: &str| {
        let page = server.get(&format!("/api/v1/executions?{query}")).ok();
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (all, none): (Vec<String>, Vec<String>) = (vec![third.clone(), second.clone(), first.clone()], Vec::new());
    assert_eq!(found("label=team%3Dinfra"), [third.clone(), first.clone()]);
    assert_eq!(found("label=team=web,env=prod"), std::slice::from_ref(&second));
    assert_eq!(
        (found("label=team=web&label=env=prod"), found("label=team=web&label=env=dev")),
        (vec![second.clone()], none.clone())
    );
    assert_eq!((found("startedBy=admin"), found("startedBy=schedule/nightly")), (all.clone(), none.clone()));
    assert_eq!((found("agent=web-1"), found("agent=web-9")), (vec![second.clone()], none.clone()));
    let one = server.get(&format!("/api/v1/executions/{second}")).ok();
    let (commit, created) = (one["commit"].as_str().unwrap(), one["createdAt"].as_str().unwrap());
    assert_eq!((found(&format!("commit={}", &commit[..7])), found("commit=0000000")), (all.clone(), none.clone()));
    assert_eq!(found(&format!("since={created}")), [third, second.clone()]);
    assert_eq!(found(&format!("until={created}")), [first]);
    assert_eq!(found(&format!("workflow=b&status=succeeded&label=team=web&agent=web-1&since={created}&limit=1")), [second]);
    assert_eq!(found("since=2020-01-01T00:00:00%2B01:00"), all);
    let line = &server.get("/api/v1/executions").ok()["items"][0];
    assert_eq!((&line["labels"], &line["waits"]), (&json!({ "team": "infra" }), &json!({ "for": "person" })));
}

#[test]
fn each_wrong_parameter_of_a_search_is_named() {
    let server = Server::start();
    let wrong = [
        ("label=infra", "label"),
        ("label==x", "label"),
        ("label=team!=x", "label"),
        ("label=a=b,", "label"),
        ("agent=A%20B", "agent"),
        ("commit=abc", "commit"),
        ("since=yesterday", "since"),
        ("until=2026-11-21", "until"),
        ("since=2026-11-21T12:00:00Z&until=2026-11-21T12:00:00Z", "until"),
        ("status=broken", "status"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("cursor=x", "cursor"),
        ("workflow=a&workflow=b", "workflow"),
        ("started_by=a", "started_by"),
    ];
    for (query, name) in wrong {
        let refused = server.get(&format!("/api/v1/executions?{query}")).refused(400, "bad_parameter");
        assert_eq!(refused["errors"][0]["name"], name, "{query}");
    }
}
