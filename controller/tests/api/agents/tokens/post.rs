use crate::harness::Server;
use serde_json::json;

const PATH: &str = "/api/v1/agents/tokens";

#[test]
fn a_token_is_shown_once_and_its_bounds_are_kept() {
    let server = Server::start();
    let made = server.post(PATH, &json!({ "uses": 2, "expires": "10m", "labels": { "role": "web" }, "names": ["web-1"] })).ok();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("pulse_enrol_") && token.len() > 90, "{made}");
    assert_eq!((&made["uses"], &made["server"]), (&2.into(), &json!(server.serving().url)));
    let listed = server.get(PATH).ok();
    assert_eq!(listed["items"][0]["usesLeft"], 2);
    assert!(!listed.to_string().contains(token.rsplit('_').next().unwrap()), "{listed}");
    let default = server.post(PATH, &json!({})).ok();
    assert_eq!((&default["uses"], &default["names"]), (&1.into(), &json!([])));
}

#[test]
fn nonsense_is_refused_with_its_name() {
    let server = Server::start();
    for (body, status, code) in [
        (json!({ "uses": 0 }), 400, "bad_parameter"),
        (json!({ "expires": "0s" }), 400, "bad_parameter"),
        (json!({ "expires": "100d" }), 400, "bad_parameter"),
        (json!({ "labels": { "self/x": "y" } }), 400, "bad_parameter"),
        (json!({ "labels": { "a,b": "y" } }), 400, "bad_parameter"),
        (json!({ "expires": "60" }), 400, "bad_body"),
        (json!({ "names": ["all"] }), 400, "bad_body"),
        (json!({ "use": 1 }), 400, "bad_body"),
        (json!([]), 400, "bad_body"),
    ] {
        server.post(PATH, &body).refused(status, code);
    }
}

#[test]
fn dev_gives_none_out() {
    Server::closed().post(PATH, &json!({})).refused(403, "enrolment_closed");
}
