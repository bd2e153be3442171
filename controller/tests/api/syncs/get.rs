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
    let all = server.get("/api/v1/syncs").ok();
    assert_eq!(server.get("/api/v1/syncs?source=default").ok()["items"], all["items"]);
    assert_eq!(server.get("/api/v1/syncs?source=other").ok()["items"], json!([]));
    server.get("/api/v1/syncs?cursor=nonsense").refused(400, "bad_parameter");
}

#[test]
fn a_list_has_the_first_problems_and_a_sync_alone_all_of_them() {
    let server = Server::with(&[]);
    for n in 0..30 {
        std::fs::write(server.source(&format!("{n}.yaml")), "nonsense: [").unwrap();
    }
    let refused = server.post("/api/v1/syncs", &json!({})).ok();
    let all = refused["problems"].as_array().unwrap().len();
    assert!(all >= 30 && refused["problemCount"] == all, "{refused}");
    let listed = &server.get("/api/v1/syncs?limit=1").ok()["items"][0];
    assert_eq!((&listed["id"], listed["problems"].as_array().unwrap().len()), (&refused["id"], 20));
    assert_eq!(listed["problemCount"], all);
    let alone = server.get(&format!("/api/v1/syncs/{}", refused["id"].as_str().unwrap())).ok();
    assert_eq!(alone["problems"], refused["problems"]);
}
