use super::rows;
use crate::harness::{Server, workflow};
use serde_json::{Value, json};

#[test]
fn the_log_is_listed_newest_first_page_by_page_and_filtered() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let pause = server.post("/api/v1/pauses", &json!({ "scope": "all", "reason": "a freeze" })).ok();
    server.post("/api/v1/executions", &json!({ "workflow": "none" })).refused(422, "no_such_workflow");
    let operator = server.token("ops", &["operator"], &json!({}));
    let headers = [("content-type", "application/json")];
    let body = json!({ "scope": "workflow/a", "reason": "x" }).to_string();
    assert_eq!(server.send("POST", "/api/v1/pauses", Some(&operator), &headers, body.as_bytes()).status, 201);
    let all = rows(&server);
    let one_by_one = |filter: &str| {
        let (mut found, mut cursor) = (Vec::<Value>::new(), String::new());
        loop {
            let page = server.get(&format!("/api/v1/audit?limit=1{filter}{cursor}")).ok();
            found.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    };
    let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&one_by_one("")), ids(&all));
    assert!(all.is_sorted_by(|a, b| a["at"].as_str() >= b["at"].as_str()), "{all:#?}");
    let expect = |filter: &str, holds: &dyn Fn(&Value) -> bool| {
        let wanted: Vec<Value> = all.iter().filter(|row| holds(row)).cloned().collect();
        assert!(!wanted.is_empty() && wanted.len() < all.len(), "{filter} tells rows apart");
        assert_eq!(ids(&one_by_one(filter)), ids(&wanted), "{filter}");
    };
    expect("&principal=token:ops", &|row| row["principal"]["name"] == "token:ops");
    expect("&action=pause.set", &|row| row["action"] == "pause.set");
    expect(&format!("&object={}", pause["id"].as_str().unwrap()), &|row| row["object"]["id"] == pause["id"]);
    expect("&outcome=refused", &|row| row["outcome"] == "refused");
    let at = all[1]["at"].as_str().unwrap();
    expect(&format!("&since={at}"), &|row| row["at"].as_str() >= Some(at));
    expect(&format!("&until={at}"), &|row| row["at"].as_str() < Some(at));
    for wrong in ["outcome=maybe", "since=yesterday", "until=1", "limit=0", "cursor=x", "what=else"] {
        server.get(&format!("/api/v1/audit?{wrong}")).refused(400, "bad_parameter");
    }
}
