use crate::harness::{Server, schedule, workflow};
use serde_json::json;

#[test]
fn a_schedule_says_what_comes_by_the_clocks_of_its_zone() {
    let nightly = schedule("nightly", "cron: '30 2 * * *'\n  timeZone: Asia/Kolkata\n  jitter: 10m");
    let server = Server::with(&[("a.yaml", &nightly), ("b.yaml", &workflow("work", "echo"))]);
    let found = server.until("/api/v1/schedules/nightly", |found| found["status"]["settledUntil"].is_string());
    assert_eq!((&found["kind"], &found["spec"]["workflow"]), (&"Schedule".into(), &"work".into()));
    let status = &found["status"];
    assert_eq!((&status["path"], &status["timeZone"]), (&"a.yaml".into(), &"Asia/Kolkata".into()));
    assert_eq!(status["conditions"][0]["status"], "True");
    assert!(status["waitsFor"].as_str().unwrap().starts_with("the next slot, "), "{status}");
    for next in status["next"].as_array().unwrap() {
        let (slot, at, local) = (next["slot"].as_str().unwrap(), next["at"].as_str().unwrap(), next["local"].as_str().unwrap());
        assert!(slot.contains("T21:00:00") && at >= slot, "02:30 in India is 21:00 the day before: {next}");
        assert!(local.contains("T02:3") && local.ends_with("+05:30"), "{next}");
    }
    assert!(status["last"].is_null() && status["lastFired"].is_null());
    assert_eq!(status["open"], serde_json::json!([]));
}

#[test]
fn a_suspended_one_says_who_suspends_it() {
    let resting = schedule("resting", "every: 1h\n  suspend: true");
    let server = Server::with(&[("a.yaml", &resting), ("b.yaml", &workflow("work", "echo"))]);
    let status = server.get("/api/v1/schedules/resting").ok()["status"].clone();
    assert_eq!((&status["suspended"], &status["suspendedBy"]), (&true.into(), &"manifest".into()));
    assert_eq!(status["next"], serde_json::json!([]));
    let files = [("a.yaml", schedule("s", "every: 1s")), ("b.yaml", workflow("work", "echo"))];
    let server = Server::resting(&files.each_ref().map(|(path, text)| (*path, text.as_str())));
    let status = server.get("/api/v1/schedules/s").ok()["status"].clone();
    assert_eq!((&status["suspended"], &status["suspendedBy"]), (&true.into(), &"controller".into()));
    assert!(status["waitsFor"].as_str().unwrap().contains("--schedules"), "{status}");
    assert!(status["settledUntil"].is_null(), "no row is written");
}

#[test]
fn what_is_not_live_is_not_there() {
    let server = Server::start();
    server.get("/api/v1/schedules/x").refused(404, "no_such_schedule");
    server.get("/api/v1/schedules/x/slots").refused(404, "no_such_schedule");
}

#[test]
fn a_paused_one_shows_the_pause_and_skips_its_slots() {
    let often = schedule("often", "every: 1s\n  catchUp: all");
    let server = Server::with(&[("a.yaml", &often), ("b.yaml", &workflow("work", "echo"))]);
    let path = "/api/v1/schedules/often";
    assert!(server.get(path).ok()["status"]["pause"].is_null());
    let body = json!({ "scope": "schedule/often", "reason": "a freeze", "expires": "1h" });
    let pause = server.post("/api/v1/pauses", &body).ok();
    let status = server.get(path).ok()["status"].clone();
    let shown = &status["pause"];
    assert_eq!((&shown["id"], &shown["scope"], &shown["by"]), (&pause["id"], &json!("schedule/often"), &json!("admin")));
    assert_eq!(
        (&shown["reason"], &shown["since"], &shown["until"]),
        (&json!("a freeze"), &pause["createdAt"], &pause["expiresAt"])
    );
    assert_eq!((&status["suspended"], &status["suspendedBy"]), (&json!(false), &json!(null)));
    let skipped = server.until(path, |view| view["status"]["last"]["reason"] == "paused");
    let last = &skipped["status"]["last"];
    assert_eq!((&last["outcome"], &last["message"]), (&json!("skipped"), &json!("paused (schedule/often) by admin: a freeze")));
    server.delete(&format!("/api/v1/pauses/{}", pause["id"].as_str().unwrap())).ok();
    server.until(path, |view| view["status"]["last"]["reason"] == "no_targets");
    assert!(server.get(path).ok()["status"]["pause"].is_null());
}
