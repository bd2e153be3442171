use crate::audit::sealed;
use crate::harness::Server;
use pulse_core::audit::{Head, Sealed, Walk};
use serde_json::json;

fn lines(server: &Server, query: &str) -> Vec<Sealed> {
    let answer = server.get(&format!("/api/v1/audit/export{query}"));
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jsonl"));
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_export_is_a_chain_of_its_own() {
    let server = Server::start();
    let pause =
        |n: i32| server.post("/api/v1/pauses", &json!({ "scope": format!("workflow/w{n}"), "reason": "ü \u{1b}[2J" })).ok();
    (0..40).for_each(|n| drop(pause(n)));
    let all = sealed(&server);
    let rows = lines(&server, "");
    assert_eq!(rows.len(), all);
    let mut walk = Walk::behind(Head::START, None);
    rows.iter().for_each(|row| walk.step(row).unwrap());
    let part = lines(&server, "?from=5&to=9");
    assert_eq!(part, rows[4..9]);
    assert_eq!(lines(&server, &format!("?from={}", all + 1)), []);
    assert_eq!(lines(&server, "?to=3"), rows[..3]);
    let mut walk = Walk::behind(Head { seq: 4, hash: rows[3].hash }, None);
    part.iter().for_each(|row| walk.step(row).unwrap());
    for wrong in ["?from=0", "?from=4&to=3", "?from=x", "?before=3"] {
        server.get(&format!("/api/v1/audit/export{wrong}")).refused(400, "bad_parameter");
    }
}
