//! How many requests are taken of whom.

use crate::harness::{Answer, Server};

fn is_over(answer: &Answer, name: &str) {
    let problem = answer.refused(429, "too_many_requests");
    let retry: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=3600).contains(&retry), "{problem}");
    assert!(answer.header("ratelimit-policy").starts_with(&format!("\"{name}\";q=")), "{answer:?}");
    assert!(answer.header("ratelimit").starts_with(&format!("\"{name}\";r=0;t=")), "{answer:?}");
}

#[test]
fn strangers_are_few_and_lock_out_nobody() {
    let server = Server::limited(None, Some("5/h"));
    let ask = |path: &str, bearer: Option<&str>| server.send("GET", path, bearer, &[], b"");
    let first = ask("/api/v1/workflows", Some("Bearer wrong"));
    first.refused(401, "unauthorized");
    assert_eq!(
        (first.header("ratelimit-policy"), first.header("ratelimit")),
        ("\"stranger\";q=5;w=3600", "\"stranger\";r=4;t=720")
    );
    ask("/api/v1/workflows", None).refused(401, "unauthorized");
    assert_eq!(ask("/docs", None).status, 200);
    ask("/nothing", None).refused(404, "no_such_path");
    assert_eq!(ask("/openapi.json", None).status, 200);
    for path in ["/api/v1/workflows", "/docs", "/nothing", "/openapi.json"] {
        is_over(&ask(path, None), "stranger");
    }
    is_over(&ask("/api/v1/workflows", Some("Bearer wrong")), "stranger");
    for _ in 0..10 {
        assert_eq!(server.get("/api/v1/workflows").status, 200, "whoever has a token is no stranger");
        assert_eq!(ask("/health/live", None).status, 200, "a probe is always answered");
        assert_eq!(ask("/api/v1/agents/session", None).status, 426, "agents have bounds of their own");
    }
    assert_eq!(server.get("/api/v1/workflows").header("ratelimit"), "", "nobody said a rate for principals");
}

#[test]
fn principals_have_a_rate_where_one_is_set() {
    // The harness itself has asked once.
    let server = Server::limited(Some("4/h"), None);
    for left in [2, 1, 0] {
        let answer = server.get("/api/v1/workflows");
        assert_eq!((answer.status, answer.header("ratelimit-policy")), (200, "\"principal\";q=4;w=3600"));
        assert!(answer.header("ratelimit").starts_with(&format!("\"principal\";r={left};t=")), "{answer:?}");
    }
    is_over(&server.get("/api/v1/workflows"), "principal");
    is_over(&server.post("/api/v1/syncs", &serde_json::json!({})), "principal");
    assert_eq!(server.send("GET", "/docs", None, &[], b"").status, 200, "strangers have a bucket of their own");
}
