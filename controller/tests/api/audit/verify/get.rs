use crate::audit::sealed;
use crate::harness::Server;
use pulse_controller::keep::Keep;
use pulse_core::Timestamp;
use pulse_core::audit::{Outcome, Record};
use pulse_core::retention::{Age, Retention};
use pulse_store::AuditWrite;
use serde_json::{Map, Value, json};
use std::time::Duration;
use uuid::Uuid;

fn pauses(server: &Server, count: usize) {
    for n in 0..count {
        server.post("/api/v1/pauses", &json!({ "scope": format!("workflow/w{n}"), "reason": "x" })).ok();
    }
}

#[test]
fn what_is_done_to_the_log_is_found_and_the_first_bad_row_named() {
    let mut server = Server::start();
    pauses(&server, 12);
    let all = sealed(&server);
    let verify = |server: &Server, query: &str| server.get(&format!("/api/v1/audit/verify{query}")).ok();
    let verdict = verify(&server, "");
    let head = verdict["head"].as_str().unwrap().to_owned();
    assert_eq!((&verdict["ok"], &verdict["verified"], &verdict["next"]), (&json!(true), &json!(all), &Value::Null), "{verdict}");
    assert!(head.starts_with(&format!("{all}:")), "{verdict}");
    let behind = verify(&server, &format!("?behind={head}&head={head}"));
    assert_eq!((&behind["ok"], &behind["verified"]), (&json!(true), &json!(0)), "{behind}");

    let fault = |server: &Server, query: &str| {
        let verdict = verify(server, query);
        assert_eq!(verdict["ok"], false, "{verdict}");
        (verdict["fault"]["seq"].as_i64().unwrap(), verdict["fault"]["flaw"].as_str().unwrap().to_owned())
    };
    server.meddle("UPDATE audit SET principal = 'eve' WHERE seq = 5");
    assert_eq!(fault(&server, ""), (5, "changed".to_owned()));
    server.meddle("UPDATE audit SET principal = 'admin' WHERE seq = 5");
    server.meddle("UPDATE audit SET details = 'no JSON' WHERE seq = 6");
    assert_eq!(fault(&server, ""), (6, "changed".to_owned()));
    server.get("/api/v1/audit/export").refused(500, "unreadable_row");
    server.meddle("DELETE FROM audit WHERE seq = 6");
    assert_eq!(fault(&server, ""), (6, "missing".to_owned()));
    server.meddle("DELETE FROM audit WHERE seq >= 6");
    assert_eq!(verify(&server, "")["ok"], true, "inside, nothing tells of a tail that is gone");
    assert_eq!(fault(&server, &format!("?head={head}")), (6, "truncated".to_owned()));
    // What comes later does not hide it, nor does another controller.
    server.restart();
    pauses(&server, all);
    sealed(&server);
    assert_eq!(fault(&server, &format!("?head={head}")).1, "changed");
    for wrong in ["head=12", "head=x:y", "behind=-1:00", "from=1"] {
        server.get(&format!("/api/v1/audit/verify?{wrong}")).refused(400, "bad_parameter");
    }
}

/// A row from so many days ago.
fn old(days: u64) -> AuditWrite {
    let millis = Uuid::now_v7().as_u128() >> 80;
    let millis = millis - u128::from(days) * 86_400_000;
    AuditWrite::Row(Record {
        id: Uuid::from_u128(millis << 80 | 7 << 76 | 2 << 62 | Uuid::new_v4().as_u128() & 0xffff_ffff),
        at: Timestamp(i64::try_from(millis * 1000).unwrap()),
        principal: None,
        peer: None,
        request_id: None,
        action: "pause.set".to_owned(),
        object: None,
        outcome: Outcome::Done,
        status: Some(201),
        code: None,
        before: None,
        after: None,
        details: Map::new(),
    })
}

#[test]
fn a_log_whose_beginning_retention_has_removed_holds() {
    let server = Server::told(|config| {
        let retention = Retention { audit: Age::days(400), ..Retention::default() };
        config.keep = Keep { retention, every: Duration::from_millis(300) };
    });
    let rows: Vec<_> = (0..20).map(|_| old(500)).collect();
    server.block_on(server.engine().store().audit(&rows)).unwrap();
    let verdict = server.until("/api/v1/audit/verify", |verdict| verdict["removed"].as_i64() > Some(0));
    assert_eq!((&verdict["ok"], &verdict["fault"]), (&json!(true), &Value::Null), "{verdict}");
    assert!(verdict["removed"].as_i64() >= Some(20) && verdict["verified"].as_i64() > Some(0), "{verdict}");
    let said = server.get("/api/v1/audit?action=retention.audit").ok();
    assert_eq!(said["items"][0]["details"]["rows"], verdict["removed"], "{said}");
    let run = server.until("/api/v1/audit?action=retention.run", |said| said["items"][0].is_object());
    assert!(run["items"][0]["details"]["audit"].as_i64() >= Some(20), "{run}");
    // What nobody says has gone is missing.
    let first = verdict["removed"].as_i64().unwrap() + 1;
    sealed(&server);
    server.meddle(&format!("DELETE FROM audit WHERE seq = {first}"));
    let verdict = server.get("/api/v1/audit/verify").ok();
    assert_eq!((&verdict["ok"], &verdict["fault"]["flaw"]), (&json!(false), &json!("missing")), "{verdict}");
}
