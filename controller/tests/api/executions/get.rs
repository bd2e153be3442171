use crate::harness::{Server, workflow};

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
