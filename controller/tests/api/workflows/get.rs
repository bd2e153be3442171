use crate::harness::{Server, workflow};

#[test]
fn live_workflows_come_page_by_page() {
    let files = ["a", "b", "c"].map(|name| (format!("{name}.yaml"), workflow(name, "echo")));
    let server = Server::with(&files.each_ref().map(|(path, text)| (path.as_str(), text.as_str())));
    let page = server.get("/api/v1/workflows?limit=2").ok();
    let names = |page: &serde_json::Value| {
        page["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&page), ["a", "b"]);
    let rest = server.get(&format!("/api/v1/workflows?limit=2&cursor={}", page["nextCursor"].as_str().unwrap())).ok();
    assert_eq!(names(&rest), ["c"]);
    assert!(rest["nextCursor"].is_null());
}
