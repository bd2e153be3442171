use crate::harness::{Server, schedule, workflow};
use serde_json::{Value, json};

#[test]
fn slots_come_newest_first_and_say_what_became_of_them() {
    // No agent is enrolled, so that no slot finds its targets.
    let server = Server::with(&[("a.yaml", &schedule("often", "every: 1s")), ("b.yaml", &workflow("work", "echo"))]);
    let path = "/api/v1/schedules/often/slots";
    let long = |page: &Value| page["items"].as_array().unwrap().iter().find(|slot| slot["slots"].as_u64() >= Some(3)).cloned();
    let run = long(&server.until(path, |page| long(page).is_some())).unwrap();
    assert_eq!((&run["outcome"], &run["reason"], &run["execution"]), (&"skipped".into(), &"no_targets".into(), &Value::Null));
    assert!(run["message"].as_str().unwrap().contains("no agent"), "{run}");
    let at = |field: &str| run[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(at("lastSlot") - at("slot") + 1, run["slots"].as_i64().unwrap(), "a slot each second: {run}");
    server.until("/api/v1/schedules/often", |view| view["status"]["last"]["reason"] == "no_targets");
    // Those that fire are records of their own.
    let _agent = server.agent("web1");
    server.until(path, |page| page["items"].as_array().unwrap().len() >= 3);
    let slots = |page: &Value| page["items"].as_array().unwrap().iter().map(|slot| slot["slot"].clone()).collect::<Vec<_>>();
    let first = server.get(&format!("{path}?limit=1")).ok();
    let second = server.get(&format!("{path}?limit=1&cursor={}", first["nextCursor"].as_str().unwrap())).ok();
    assert!(slots(&first)[0].as_str() > slots(&second)[0].as_str());
    server.get(&format!("{path}?cursor=x")).refused(400, "bad_parameter");
    // Retired, its history is found by its source.
    std::fs::remove_file(server.source("a.yaml")).unwrap();
    server.post("/api/v1/syncs", &json!({})).ok();
    server.get(path).refused(404, "no_such_schedule");
    let kept = server.get(&format!("{path}?source=default")).ok();
    assert!(kept["items"].as_array().unwrap().len() >= 3);
}

#[test]
fn an_execution_says_the_slot_that_started_it() {
    let server = Server::with(&[("a.yaml", &schedule("often", "every: 1s")), ("b.yaml", &workflow("work", "echo"))]);
    let _agent = server.agent("web1");
    let fired = |page: &Value| page["items"].as_array().unwrap().iter().find(|slot| slot["outcome"] == "fired").cloned();
    let page = server.until("/api/v1/schedules/often/slots?limit=500", |page| fired(page).is_some());
    let slot = fired(&page).unwrap();
    let execution = server.get(&format!("/api/v1/executions/{}", slot["execution"]["id"].as_str().unwrap())).ok();
    assert_eq!((&execution["name"], &execution["schedule"]), (&slot["execution"]["name"], &"often".into()));
    assert_eq!(execution["trigger"], json!({"kind": "schedule", "by": "schedule/often", "slot": slot["slot"], "reason": null}));
    let listed = server.get("/api/v1/executions").ok();
    assert!(listed["items"].as_array().unwrap().iter().all(|item| item["startedBy"] == "schedule/often"));
    assert!(server.get("/api/v1/schedules/often").ok()["status"]["lastFired"]["execution"]["id"].is_string());
}
