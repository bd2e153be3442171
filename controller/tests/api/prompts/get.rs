use crate::harness::{ASK, Server, flow};
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<&Value> {
    page["items"].as_array().unwrap().iter().map(|one| &one["id"]).collect()
}

#[test]
fn what_is_open_comes_oldest_first_and_history_newest_first() {
    let server =
        Server::with(&[("a.yaml", &flow("a", "concurrency: {policy: Allow}", &[ASK])), ("b.yaml", &flow("b", "", &[ASK]))]);
    let asked = ["a", "a", "b"].map(|name| server.asks(name));
    let page = server.get("/api/v1/prompts").ok();
    assert_eq!(ids(&page), asked.each_ref().map(|one| &one["id"]));
    let first = &page["items"][0];
    assert_eq!((&first["name"], &first["workflow"], &first["source"]), (&json!("a#1"), &json!("a"), &json!("default")));
    assert_eq!((&first["step"], &first["visit"], &first["message"]), (&json!("ask"), &json!(1), &json!("Go on?")));
    assert_eq!((&first["options"], &first["status"]), (&json!(["Yes", "No"]), &json!("open")));
    for none in ["timeout", "deadline", "answer", "answeredBy", "comment", "closedAt"] {
        assert_eq!(first[none], Value::Null, "{none}");
    }
    let second = server.get("/api/v1/prompts?limit=1").ok();
    let rest = server.get(&format!("/api/v1/prompts?cursor={}", second["nextCursor"].as_str().unwrap())).ok();
    assert_eq!((ids(&second).len(), ids(&rest)), (1, vec![&asked[1]["id"], &asked[2]["id"]]));
    assert_eq!(ids(&server.get("/api/v1/prompts?workflow=b").ok()), [&asked[2]["id"]]);
    assert!(ids(&server.get("/api/v1/prompts?source=other").ok()).is_empty());

    let id = asked[1]["id"].as_str().unwrap();
    server.post(&format!("/api/v1/prompts/{id}/answer"), &json!({ "answer": "No" })).ok();
    assert_eq!(ids(&server.get("/api/v1/prompts").ok()), [&asked[0]["id"], &asked[2]["id"]]);
    assert_eq!(ids(&server.get("/api/v1/prompts?status=answered").ok()), [&asked[1]["id"]]);
    let all = server.get("/api/v1/prompts?status=all").ok();
    assert_eq!(ids(&all), [&asked[2]["id"], &asked[1]["id"], &asked[0]["id"]]);
    assert!(ids(&server.get("/api/v1/prompts?status=expired").ok()).is_empty());
    let wrong = server.get("/api/v1/prompts?status=closed").refused(400, "bad_parameter");
    assert!(wrong["detail"].as_str().unwrap().contains("withdrawn, all"), "{wrong}");
    server.get("/api/v1/prompts?cursor=x").refused(400, "bad_parameter");
}
