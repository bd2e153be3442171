use crate::harness::{Server, workflow};
use serde_json::json;

#[test]
fn syncs_are_listed_newest_first_page_by_page() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    std::fs::write(server.source("a.yaml"), "nonsense: [").unwrap();
    server.post("/api/v1/syncs", &json!({})).ok();
    let page = server.get("/api/v1/syncs?limit=1").ok();
    assert_eq!(page["items"][0]["outcome"], "refused");
    let problem = &page["items"][0]["problems"][0];
    assert_eq!((&problem["file"], &problem["line"]), (&"a.yaml".into(), &1.into()), "{page}");
    let rest = server.get(&format!("/api/v1/syncs?cursor={}", page["nextCursor"].as_str().unwrap())).ok();
    assert!(rest["items"].as_array().unwrap().iter().any(|sync| sync["outcome"] == "applied"), "{rest}");
    server.get("/api/v1/syncs?cursor=nonsense").refused(400, "bad_parameter");
}
