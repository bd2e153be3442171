use crate::harness::{Server, workflow};

#[test]
fn events_follow_each_other_page_by_page() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let _agent = server.agent("web-1");
    let path = format!("/api/v1/executions/{}/events", server.run("a"));
    let first = server.get(&format!("{path}?limit=1")).ok();
    let event = &first["items"][0];
    assert_eq!((&event["seq"], &event["type"], &event["workflow"]), (&1.into(), &"created".into(), &"a".into()), "{first}");
    assert!(event["at"].as_str().unwrap().ends_with('Z'));
    let rest = server.get(&format!("{path}?cursor={}", first["nextCursor"].as_str().unwrap())).ok();
    assert_eq!((&rest["items"][0]["seq"], &rest["nextCursor"]), (&2.into(), &serde_json::Value::Null), "{rest}");
    assert_eq!(server.get(&format!("{path}?after=1")).ok()["items"][0]["seq"], 2);
}
