use crate::audit::sealed;
use crate::harness::Server;
use serde_json::{Value, json};

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
