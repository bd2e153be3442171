use super::post::{PATH, SECRET};
use crate::harness::Server;

#[test]
fn a_webhook_of_the_wrong_method_says_what_to_set() {
    let server = Server::hooked(&[], SECRET);
    let refused = server.send("GET", PATH, None, &[], b"");
    assert_eq!(refused.header("allow"), "POST");
    let problem = refused.refused(405, "wrong_method");
    assert_eq!(problem["help"], "set the HTTP method of Gitea's webhook to POST");
    assert_eq!(server.get("/api/v1/syncs").ok()["lastWebhook"]["reason"], "NotPost");
}
