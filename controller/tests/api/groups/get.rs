use crate::harness::Server;

const GROUP: &str = "apiVersion: pulse.dev/v1\nkind: AgentGroup\nmetadata: {name: web}\nspec: {selector: self/role=web}\n";

#[test]
fn a_group_knows_its_members() {
    let server = Server::with(&[("web.yaml", GROUP)]);
    assert_eq!(server.get("/api/v1/groups").ok()["items"][0]["spec"]["selector"], "self/role=web");
    let _agent = server.agent("web-1");
    let group = &server.get("/api/v1/groups").ok()["items"][0];
    assert_eq!(group["status"]["members"], serde_json::json!(["web-1"]), "{group}");
}
