use crate::harness::{Server, workflow};
use serde_json::json;

#[test]
fn a_held_commit_is_released_by_its_commit_and_plan() {
    let files = ["a", "b", "c", "d", "e"].map(|name| (format!("{name}.yaml"), workflow(name, "echo")));
    let server = Server::with(&files.each_ref().map(|(path, text)| (path.as_str(), text.as_str())));
    for (path, _) in &files[..4] {
        std::fs::remove_file(server.source(path)).unwrap();
    }
    let held = server.post("/api/v1/syncs", &json!({})).ok();
    assert_eq!(held["outcome"], "held", "{held}");
    assert_eq!(server.get("/api/v1/workflows").ok()["items"].as_array().unwrap().len(), 5);

    let path = format!("/api/v1/syncs/{}/confirm", held["id"].as_str().unwrap());
    let wrong = json!({ "commit": held["commit"], "planDigest": "0" });
    server.post(&path, &wrong).refused(409, "another_plan");
    let word = json!({ "commit": held["commit"], "planDigest": held["planDigest"] });
    // Whether the source still holds it cannot be told while it is away.
    std::fs::rename(server.source(""), server.source("").with_file_name("away")).unwrap();
    let gone = server.post(&path, &word).refused(503, "source_unreachable");
    assert_eq!((&gone["reason"], &gone["sync"]["outcome"]), (&json!("Unreachable"), &json!("unreachable")), "{gone}");
    std::fs::rename(server.source("").with_file_name("away"), server.source("")).unwrap();
    std::fs::write(server.source("bad.yaml"), "nonsense").unwrap();
    let refused = server.post(&path, &word).refused(409, "head_refused");
    assert_eq!(refused["sync"]["outcome"], "refused", "{refused}");
    std::fs::remove_file(server.source("bad.yaml")).unwrap();
    let applied = server.post(&path, &word).ok();
    assert_eq!(
        (&applied["outcome"], &applied["confirmedBy"], &applied["confirms"]),
        (&json!("applied"), &json!("admin"), &held["id"])
    );
    assert_eq!(held["confirmedBy"], json!(null));
    assert_eq!(server.get("/api/v1/workflows").ok()["items"].as_array().unwrap().len(), 1);

    let applied = server.get("/api/v1/syncs").ok()["items"][0]["id"].clone();
    server.post(&format!("/api/v1/syncs/{}/confirm", applied.as_str().unwrap()), &word).refused(409, "not_held");
    server.post("/api/v1/syncs/nonsense/confirm", &word).refused(404, "no_such_sync");
    let none = "/api/v1/syncs/01930000-0000-7000-8000-000000000000/confirm";
    server.post(none, &word).refused(404, "no_such_sync");
}
