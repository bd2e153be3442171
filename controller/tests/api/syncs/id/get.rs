use crate::harness::{Server, workflow};

#[test]
fn a_sync_is_shown_alone_as_in_the_list() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let listed = server.get("/api/v1/syncs").ok()["items"].as_array().unwrap().last().unwrap().clone();
    let alone = server.get(&format!("/api/v1/syncs/{}", listed["id"].as_str().unwrap())).ok();
    assert_eq!(alone, listed);
    assert_eq!(alone["changes"][0]["action"], "create", "{alone}");
    server.get("/api/v1/syncs/nonsense").refused(404, "no_such_sync");
    server.get("/api/v1/syncs/01930000-0000-7000-8000-000000000000").refused(404, "no_such_sync");
}
