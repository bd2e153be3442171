use crate::harness::{ASK, RUN, Server, flow};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/pauses";

#[test]
fn a_pause_says_what_it_holds_by_whom_why_and_until_when() {
    let server = Server::start();
    let answer = server.post(PATH, &json!({ "scope": "team=infra,env!=dev", "reason": " OPS-12 ", "expires": "2h" }));
    assert_eq!(answer.status, 201);
    let pause = answer.ok();
    assert_eq!((&pause["scope"], &pause["reason"]), (&json!("team=infra,env!=dev"), &json!("OPS-12")));
    assert_eq!((&pause["createdBy"], &pause["endedAt"], &pause["endedBy"]), (&json!("admin"), &Value::Null, &Value::Null));
    let at = |field: &str| pause[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(at("expiresAt") - at("createdAt"), 7200);
}

#[test]
fn wrong_pauses_are_refused_by_their_field() {
    let server = Server::start();
    let refused = |body: Value| server.post(PATH, &body).refused(400, "bad_parameter")["errors"][0]["name"].clone();
    let long = format!("{}=x", "a=b,".repeat(130));
    for scope in ["", "nothing", "workflow/", "group/web", "a=b,", "workflow/Über all", "schedule/a.b", "agent/Web", &long] {
        assert_eq!(refused(json!({ "scope": scope, "reason": "x" })), "scope", "{scope}");
    }
    let wrong = server.post(PATH, &json!({ "scope": "workflow/Über all", "reason": "x" })).refused(400, "bad_parameter");
    let detail = wrong["detail"].as_str().unwrap();
    assert!(detail.contains("1 to 63 of a-z, 0-9 and `-`") && detail.contains("`pulse get workflows`"), "{detail}");
    for expires in ["", "2", "0s", "10ms", "400d", "-1h", "soon"] {
        assert_eq!(refused(json!({ "scope": "all", "reason": "x", "expires": expires })), "expires", "{expires}");
    }
    for reason in [String::new(), "  ".to_owned(), "x".repeat(1001)] {
        assert_eq!(refused(json!({ "scope": "all", "reason": reason })), "reason");
    }
    server.post(PATH, &json!({ "scope": "all" })).refused(400, "bad_body");
    assert_eq!(server.get("/api/v1/pauses?all=true").ok()["items"], json!([]));
}

#[test]
fn a_pause_counts_the_live_objects_that_it_holds() {
    let schedule = "apiVersion: pulse.dev/v1\nkind: Schedule\nmetadata: {name: nightly, labels: {team: infra}}\nspec: {cron: \"0 3 * * *\", workflow: b}\n";
    let server = Server::with(&[("a.yaml", &flow("a", "", &[ASK])), ("b.yaml", &flow("b", "", &[ASK])), ("s.yaml", schedule)]);
    server.second_source(&[("a.yaml", &flow("a", "", &[ASK]))]);
    let _agents = (server.agent("web-1"), server.agent("web-2"), server.agent("web-3"));
    assert_eq!(server.delete("/api/v1/agents/web-3").status, 204);
    for (scope, counts) in [
        ("all", [3, 1, 2]),
        ("workflow/a", [2, 0, 0]),
        ("schedule/nightly", [0, 1, 0]),
        ("agent/web-1", [0, 0, 1]),
        ("agent/web-3", [0, 0, 0]),
        ("team=infra", [3, 1, 0]),
        ("team!=infra", [0, 0, 2]),
        ("workflow/typo", [0, 0, 0]),
    ] {
        let [workflows, schedules, agents] = counts;
        let holds = json!({ "workflows": workflows, "schedules": schedules, "agents": agents });
        let answer = server.post(PATH, &json!({ "scope": scope, "reason": "x" }));
        assert_eq!((answer.status, &answer.ok()["holds"]), (201, &holds), "{scope}");
        let listed = server.get(PATH).ok();
        assert_eq!((&listed["items"][0]["scope"], &listed["items"][0]["holds"]), (&json!(scope), &holds), "{listed}");
    }
}

#[test]
fn as_many_pauses_hold_as_may_and_no_more() {
    let server = Server::start();
    let first = server.post(PATH, &json!({ "scope": "all", "reason": "x" })).ok();
    // All but the last one, behind the controller's back: a thousand requests would take their time.
    server.meddle(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 998) INSERT INTO pauses \
         (id, scope, reason, created_by, created_at) \
         SELECT printf('01930000-0000-7000-8000-%012d', i), printf('agent/web-%d', i), 'x', 'eve', 1 FROM n",
    );
    let last = json!({ "scope": "workflow/last", "reason": "x" });
    assert_eq!(server.post(PATH, &last).status, 201);
    let more = json!({ "scope": "workflow/more", "reason": "x" });
    let refused = server.post(PATH, &more).refused(409, "too_many_pauses");
    assert!(refused["detail"].as_str().unwrap().contains("1000 pauses hold already"), "{refused}");
    assert!(refused["help"].as_str().unwrap().contains("pulse resume"), "{refused}");
    assert_eq!(server.post(PATH, &last).status, 200, "one that holds already is no further one");
    server.delete(&format!("{PATH}/{}", first["id"].as_str().unwrap())).ok();
    assert_eq!(server.post(PATH, &more).status, 201, "there is room again");
}

#[test]
fn an_execution_of_a_paused_workflow_waits_says_why_and_goes_on() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[RUN]))]);
    let mut agent = server.agent("web-1");
    let set =
        |scope: &str, expires: &str| server.post(PATH, &json!({ "scope": scope, "reason": "a freeze", "expires": expires })).ok();
    let pause = set("team=infra", "1h");
    let id = server.run("a");
    let why = server.reason(&id, "paused");
    assert_eq!((&why["pause"], &why["scope"], &why["by"]), (&pause["id"], &json!("team=infra"), &json!("admin")));
    assert_eq!((&why["reason"], &why["until"], &why["step"]), (&json!("a freeze"), &pause["expiresAt"], &Value::Null));
    let path = format!("/api/v1/executions/{id}");
    let waits = server.until(&path, |one| one["status"] == "waiting");
    assert_eq!(waits["waits"]["for"], "pause");
    // One that ends by itself holds it on.
    let brief = set("workflow/a", "1s");
    server.delete(&format!("{PATH}/{}", pause["id"].as_str().unwrap())).ok();
    agent.does("", 0);
    let done = server.until(&path, |one| one["status"] == "succeeded");
    assert!(done["steps"][0]["startedAt"].as_str() >= brief["expiresAt"].as_str(), "not before: {done}");
}

#[test]
fn a_paused_agent_gets_no_command_and_others_go_on() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[RUN])), ("b.yaml", &flow("b", "", &[ASK]))]);
    let (_held, mut free) = (server.agent("web-1"), server.agent("web-2"));
    server.post(PATH, &json!({ "scope": "agent/web-1", "reason": "a disk" })).ok();
    let id = server.run("a");
    free.does("", 0);
    let why = server.reason(&id, "paused");
    assert_eq!((&why["target"], &why["step"], &why["scope"]), (&json!("web-1"), &json!("go"), &json!("agent/web-1")));
    assert_eq!(server.asks("b")["status"], "open", "people are asked");
}

#[test]
fn the_same_pause_again_is_the_one_that_holds() {
    let server = Server::start();
    let (again, other) = (json!({ "scope": "all", "reason": "x", "expires": "1h" }), json!({ "scope": "all", "reason": "x" }));
    let first = server.post(PATH, &again);
    let second = server.post(PATH, &again);
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.ok(), second.ok());
    assert_eq!(server.post(PATH, &other).status, 201, "for another time");
    server.delete(&format!("{PATH}/{}", first.ok()["id"].as_str().unwrap())).ok();
    assert_eq!(server.post(PATH, &again).status, 201, "the first is over");
}

#[test]
fn pauses_of_which_memory_was_not_told_are_found_by_the_scan() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[RUN]))]);
    let mut agent = server.agent("web-1");
    server.post(PATH, &json!({ "scope": "all", "reason": "x" })).ok();
    let id = server.run("a");
    let path = format!("/api/v1/executions/{id}");
    server.until(&path, |one| one["status"] == "waiting");
    server.meddle("UPDATE pauses SET ended_at = 1, ended_by = 'eve'");
    server.block_on(server.engine().scan()).unwrap();
    agent.does("", 0);
    server.until(&path, |one| one["status"] == "succeeded");
}

#[test]
fn one_that_was_not_told_of_the_end_of_its_pause_is_found_by_the_scan() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[ASK]))]);
    server.post(PATH, &json!({ "scope": "workflow/a", "reason": "x" })).ok();
    let id = server.run("a");
    let path = format!("/api/v1/executions/{id}");
    server.until(&path, |one| one["status"] == "waiting");
    server.meddle("UPDATE pauses SET ended_at = 1, ended_by = 'eve'");
    // Memory has heard of it, and nobody woke the execution.
    server.engine().fleet().lock().set_pauses(Vec::new());
    assert_eq!(server.get(&path).ok()["waits"]["for"], "pause");
    server.block_on(server.engine().scan()).unwrap();
    server.until(&path, |one| one["waits"]["for"] == "person");
}

#[test]
fn the_end_of_any_pause_wakes_those_whom_it_held() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[RUN]))]);
    let mut agent = server.agent("web-1");
    for scope in ["workflow/a", "agent/web-1", "team=infra", "all"] {
        let pause = server.post(PATH, &json!({ "scope": scope, "reason": "x" })).ok();
        let id = server.run("a");
        server.reason(&id, "paused");
        server.delete(&format!("{PATH}/{}", pause["id"].as_str().unwrap())).ok();
        agent.does("", 0);
        server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "succeeded");
    }
}
