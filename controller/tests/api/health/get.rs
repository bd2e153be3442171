use crate::harness::Server;

#[test]
fn probes_need_no_token_and_say_what_is_so() {
    let server = Server::start();
    let probe = |path: &str| server.send("GET", path, None, &[], b"").ok();
    assert_eq!(probe("/health/live")["status"], "ok");
    assert_eq!(probe("/health/ready")["status"], "ok");
    let health = probe("/health");
    assert_eq!((&health["status"], &health["database"]["status"]), (&"ok".into(), &"ok".into()));
}

#[test]
fn a_database_that_is_gone_is_not_ready_but_live() {
    let server = Server::start();
    let store = server.engine().store().clone();
    server.block_on(store.close());
    let probe = |path: &str| server.send("GET", path, None, &[], b"");
    assert_eq!(probe("/health/live").status, 200);
    assert_eq!(probe("/health/ready").status, 503);
    assert_eq!(probe("/health").json()["database"]["status"], "unavailable");
    let refused = server.get("/api/v1/workflows");
    refused.refused(503, "database_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
}
