use crate::harness::{Server, workflow};
use serde_json::json;

#[test]
fn sources_are_listed_with_how_they_stand() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let page = server.get("/api/v1/sources").ok();
    assert_eq!(page["nextCursor"], json!(null));
    let source = &page["items"][0];
    let shown = ["name", "kind", "branch", "generation", "failures"].map(|field| source[field].clone());
    assert_eq!(shown, [json!("default"), json!("folder"), json!(null), json!(1), json!(0)]);
    assert!(source["url"].as_str().unwrap().ends_with("/source"), "{source}");
    assert_eq!(server.get("/api/v1/sources?cursor=default").ok()["items"], json!([]));
}
