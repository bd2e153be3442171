use crate::harness::Server;

const DECLARED: &str = "apiVersion: pulse.dev/v1\nkind: Agent\nmetadata: {name: db-1, labels: {role: db}}\nspec: {slots: 3}\n";

#[test]
fn enrolled_and_declared_agents_are_listed_together() {
    let server = Server::with(&[("db.yaml", DECLARED)]);
    let _agent = server.agent("web-1");
    let agents = server.get("/api/v1/agents").ok();
    let (db, web) = (&agents["items"][0], &agents["items"][1]);
    assert_eq!((&db["metadata"]["name"], &db["status"]["state"]), (&"db-1".into(), &"not_enrolled".into()), "{agents}");
    assert_eq!((&web["metadata"]["name"], &web["status"]["state"]), (&"web-1".into(), &"online".into()), "{agents}");
    assert_eq!(web["status"]["labels"]["self/role"], "web");
    assert_eq!(web["status"]["slots"], 5);
    assert!(web["status"]["lastSeen"].as_str().unwrap().ends_with('Z'));
}
