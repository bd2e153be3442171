use crate::harness::Server;

#[test]
fn each_schema_is_there() {
    let server = Server::start();
    for (name, schema) in crd_schemas::schemas() {
        let answer = server.get(&format!("/schemas/{name}"));
        assert_eq!(answer.ok(), schema);
        assert_eq!(answer.header("content-type"), "application/schema+json");
    }
    let unknown = server.get("/schemas/pod.json").refused(404, "no_such_schema");
    assert!(unknown["detail"].as_str().unwrap().contains("workflow.json"));
}
