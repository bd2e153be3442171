use crate::harness::Server;
use serde_json::{Value, json};

#[test]
fn those_that_hold_come_newest_first_and_all_with_those_that_are_over() {
    let server = Server::start();
    let set = |scope: &str, expires: Option<&str>| {
        let body = json!({ "scope": scope, "reason": "x", "expires": expires });
        server.post("/api/v1/pauses", &body).ok()["id"].clone()
    };
    let (first, second, brief) = (set("all", None), set("agent/web-1", None), set("workflow/a", Some("1s")));
    let ids = |page: &Value| page["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    let holding = server.until("/api/v1/pauses", |page| ids(page).len() == 2);
    assert_eq!(ids(&holding), [second.clone(), first.clone()], "one has expired");
    server.delete(&format!("/api/v1/pauses/{}", first.as_str().unwrap())).ok();
    assert_eq!(ids(&server.get("/api/v1/pauses").ok()), std::slice::from_ref(&second));
    let all = server.get("/api/v1/pauses?all=true").ok();
    assert_eq!(ids(&all), [brief, second, first]);
    assert_eq!((&all["items"][0]["endedAt"], &all["items"][2]["endedBy"]), (&Value::Null, &json!("admin")));
    let states = all["items"].as_array().unwrap().iter().map(|one| (one["status"].as_str().unwrap(), one["holds"].is_null()));
    assert_eq!(states.collect::<Vec<_>>(), [("expired", true), ("active", false), ("ended", true)]);
    let page = server.get("/api/v1/pauses?all=true&limit=2").ok();
    let rest = server.get(&format!("/api/v1/pauses?all=true&cursor={}", page["nextCursor"].as_str().unwrap())).ok();
    assert_eq!(ids(&rest).len(), 1);
    server.get("/api/v1/pauses?cursor=x").refused(400, "bad_parameter");
    server.get("/api/v1/pauses?all=perhaps").refused(400, "bad_parameter");
}
