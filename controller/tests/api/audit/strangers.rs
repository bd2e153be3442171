//! Whoever is not known cannot fill the log.

use super::rows;
use crate::harness::Server;
use serde_json::{Value, json};

#[test]
fn strangers_are_counted_and_guesses_have_few_rows() {
    let mut server = Server::start();
    let before = rows(&server).len();
    let knock = |bearer: Option<&str>| {
        let answer = server.send("POST", "/api/v1/pauses", bearer, &[("content-type", "application/json")], b"{}");
        answer.refused(401, "unauthorized");
    };
    (0..50).for_each(|_| knock(None));
    (0..30).for_each(|_| knock(Some("Bearer wrong")));
    assert_eq!(rows(&server).len(), before + 10, "the first guesses have rows of their own");
    let guess = &rows(&server)[0];
    assert_eq!(
        (&guess["action"], &guess["principal"], &guess["outcome"]),
        (&json!("pause.set"), &Value::Null, &json!("refused"))
    );
    assert_eq!((&guess["status"], &guess["code"], &guess["peer"]), (&json!(401), &json!("unauthorized"), &json!("127.0.0.1")));
    // The others are told once a minute, and at the end.
    server.restart();
    let rows = rows(&server);
    let counts: Vec<&Value> = rows.iter().filter(|row| row["action"] == "access.refused").collect();
    let [count] = counts.as_slice() else { panic!("{counts:#?}") };
    assert_eq!((&count["details"]["requests"], &count["details"]["actions"]), (&json!(70), &json!({ "pause.set": 70 })));
    assert_eq!((&count["outcome"], &count["peer"], count["seq"].is_i64()), (&json!("refused"), &json!("127.0.0.1"), true));
}
