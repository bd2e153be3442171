use crate::harness::{ASK, Server, flow, workflow};
use serde_json::json;

const PATH: &str = "/api/v1/executions";

#[test]
fn a_start_answers_where_to_look() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo {{ params.who }}"))]);
    let _agent = server.agent("web-1");
    let answer = server.post(PATH, &json!({ "workflow": "a", "params": { "who": "you" } }));
    assert_eq!(answer.status, 201);
    let started = answer.ok();
    assert_eq!((&started["number"], &started["name"]), (&1.into(), &"a#1".into()));
    assert_eq!(answer.header("location"), format!("{PATH}/{}", started["id"].as_str().unwrap()));
    let running = server.post(PATH, &json!({ "workflow": "a" })).refused(409, "already_running");
    assert_eq!((&running["execution"], &running["name"]), (&started["id"], &"a#1".into()));
}

#[test]
fn the_same_key_starts_once() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let _agent = server.agent("web-1");
    let key = [("idempotency-key", "k-1")];
    let first = server.post_with(PATH, &json!({ "workflow": "a", "params": { "who": "1" } }), &key);
    let again = server.post_with(PATH, &json!({ "params": { "who": "1" }, "workflow": "a" }), &key);
    assert_eq!(first.ok()["id"], again.ok()["id"]);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    server.post_with(PATH, &json!({ "workflow": "a" }), &key).refused(422, "idempotency_mismatch");
    server.post_with(PATH, &json!({ "workflow": "a" }), &[("idempotency-key", "")]).refused(400, "bad_header");
}

#[test]
fn wrong_requests_are_told_apart() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    server.post(PATH, &json!({ "workflow": "b" })).refused(422, "no_such_workflow");
    let targets = server.post(PATH, &json!({ "workflow": "a" })).refused(422, "bad_targets");
    assert_eq!(targets["errors"][0]["name"], "go", "no agent is enrolled: {targets}");
    let _agent = server.agent("web-1");
    let params = server.post(PATH, &json!({ "workflow": "a", "params": { "who": 1, "x": "" } })).refused(422, "bad_params");
    let pointers: Vec<_> = params["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/params/x", "/params/who"], "{params}");
    server.post(PATH, &json!({ "workflow": "a", "limit": "role=db" })).refused(422, "bad_targets");
    assert_eq!(server.get(PATH).ok()["items"], json!([]), "nothing was started");
}

#[test]
fn a_dry_run_says_all_and_starts_nothing() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo {{ params.who }}"))]);
    let _agent = server.agent("web-1");
    let answer = server.post(PATH, &json!({ "workflow": "a", "dryRun": true }));
    assert_eq!(answer.status, 200);
    let dry = answer.ok();
    assert_eq!(dry["steps"][0]["targets"], json!(["web-1"]));
    assert_eq!(dry["params"]["who"], "world");
    assert_eq!(server.get(PATH).ok()["items"], json!([]));
    let key = [("idempotency-key", "k")];
    server.post_with(PATH, &json!({ "workflow": "a", "dryRun": true }), &key).refused(400, "bad_header");
}

#[test]
fn a_start_may_name_its_source() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let _agent = server.agent("web-1");
    let refused = server.post(PATH, &json!({ "workflow": "a", "source": "other" })).refused(422, "no_such_workflow");
    assert_eq!(refused["detail"], "no workflow of source `other` is named `a`");
    assert!(refused["help"].as_str().unwrap().contains("each with its source"), "{refused}");
    let started = server.post(PATH, &json!({ "workflow": "a", "source": "default" })).ok();
    assert_eq!((&started["name"], &started["source"]), (&"a#1".into(), &"default".into()));
    let listed = |source: &str| server.get(&format!("{PATH}?source={source}")).ok()["items"].as_array().unwrap().len();
    assert_eq!((listed("default"), listed("other")), (1, 0));
}

#[test]
fn a_name_of_two_sources_is_refused_until_one_is_named() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo one"))]);
    let _agent = server.agent("web-1");
    server.second_source(&[("a.yaml", &workflow("a", "echo two"))]);
    let refused = server.post(PATH, &json!({ "workflow": "a", "dryRun": true })).refused(409, "ambiguous_name");
    assert_eq!(refused["sources"], json!(["default", "two"]));
    assert!(refused["help"].as_str().unwrap().contains("pulse run NAME --source SOURCE"), "{refused}");
    for (source, script) in [("default", "echo one"), ("two", "echo two")] {
        let dry = server.post(PATH, &json!({ "workflow": "a", "source": source, "dryRun": true })).ok();
        assert_eq!(dry["steps"][0]["script"], script);
    }
    // Each counts its own, and both are shown with their source.
    for source in ["default", "two"] {
        assert_eq!(server.post(PATH, &json!({ "workflow": "a", "source": source })).ok()["name"], "a#1");
    }
    let workflows = server.get("/api/v1/workflows").ok();
    let sources: Vec<_> = workflows["items"].as_array().unwrap().iter().map(|one| one["status"]["source"].clone()).collect();
    assert_eq!(sources, ["default", "two"]);
    let one = server.get("/api/v1/workflows/a").refused(409, "ambiguous_name");
    assert_eq!(one["sources"], json!(["default", "two"]));
}

#[test]
fn a_full_queue_is_refused_and_those_in_it_say_who_is_first() {
    let server = Server::with(&[("a.yaml", &flow("a", "concurrency: {policy: Queue, maxQueued: 1}", &[ASK]))]);
    let asked = server.asks("a");
    let second = server.run("a");
    let full = server.post(PATH, &json!({ "workflow": "a" })).refused(409, "queue_full");
    assert!(full["detail"].as_str().unwrap().contains("maxQueued"), "{full}");
    let why = server.reason(&second, "queued");
    assert_eq!((&why["execution"], &why["name"], &why["count"]), (&asked["execution"], &json!("a#1"), &json!(1)));
    assert_eq!((&why["begun"], &why["message"]), (&json!(true), &json!("queued behind a#1, which has begun")));
    assert!(why["directlyBehind"].is_null(), "{why}");
    server.post(&format!("/api/v1/prompts/{}/answer", asked["id"].as_str().unwrap()), &json!({ "answer": "Yes" })).ok();
    server.until(&format!("{PATH}/{second}"), |one| one["steps"][0]["prompt"]["id"].is_string());
    assert_eq!(server.post(PATH, &json!({ "workflow": "a" })).status, 201, "there is room again");
}

#[test]
fn only_equal_keys_exclude_each_other() {
    let spec = "params: [{name: host, type: string, default: a}]\n  concurrency: {policy: Forbid, key: '{{ params.host }}'}";
    let server = Server::with(&[("a.yaml", &flow("a", spec, &[ASK]))]);
    let start = |host: &str| server.post(PATH, &json!({ "workflow": "a", "params": { "host": host } }));
    let first = start("x").ok();
    assert_eq!(start("x").refused(409, "already_running")["execution"], first["id"]);
    let second = start("y").ok()["id"].as_str().unwrap().to_owned();
    assert!(server.get(&format!("{PATH}/{second}")).ok()["concurrencyKey"].as_str().unwrap().contains('y'));
}

const TYPED: &str = "params: [{name: n, type: int, min: 1, max: 9, default: 3}, {name: r, type: number, default: 1}, {name: b, type: bool, default: false}, \
    {name: e, type: enum, values: [x, y], default: x}, {name: d, type: duration, default: 1m}, {name: h, type: agent, default: web-1}, \
    {name: l, type: list, default: []}, {name: t, type: string, pattern: 'OPS-\\d+', default: OPS-1}]";

#[test]
fn every_wrong_parameter_is_said_with_its_place() {
    let server = Server::with(&[("a.yaml", &flow("a", TYPED, &[ASK]))]);
    let _agent = server.agent("web-1");
    let params = json!({
        "n": 10, "r": "much", "b": "yes", "e": "z", "d": "5", "h": "A B", "l": ["a", 1], "t": "OPS", "a/b~c": 1,
    });
    let refused = server.post(PATH, &json!({ "workflow": "a", "params": params })).refused(422, "bad_params");
    let errors = refused["errors"].as_array().unwrap();
    let message = |pointer: &str| {
        let found = errors.iter().find(|error| error["pointer"] == pointer);
        found.unwrap_or_else(|| panic!("nothing of {pointer} in {refused}"))["message"].as_str().unwrap()
    };
    let wanted = [
        ("/params/n", "9"),
        ("/params/r", "a number"),
        ("/params/b", "true or false"),
        ("/params/e", "x"),
        ("/params/d", "unit"),
        ("/params/h", "A B"),
        ("/params/l", "item 2"),
        ("/params/t", "OPS-\\d+"),
        ("/params/a~1b~0c", "no such parameter"),
    ];
    assert_eq!(errors.len(), wanted.len(), "{refused}");
    for (pointer, words) in wanted {
        assert!(message(pointer).contains(words), "{pointer}: {}", message(pointer));
    }
    assert_eq!(server.get(PATH).ok()["items"], json!([]));
}

#[test]
fn a_value_may_be_of_its_type_or_the_text_of_it() {
    let server = Server::with(&[("a.yaml", &flow("a", TYPED, &[ASK]))]);
    let _agent = server.agent("web-1");
    let dry = |params: serde_json::Value| server.post(PATH, &json!({ "workflow": "a", "params": params, "dryRun": true })).ok();
    let typed = dry(json!({ "n": 5, "r": 2.5, "b": true, "l": ["a"], "d": "90s" }));
    let texts = dry(json!({ "n": "5", "r": "2.5", "b": "true", "l": "[\"a\"]", "d": "90s" }));
    assert_eq!(typed["params"], texts["params"]);
    assert_eq!(
        (&typed["params"]["n"], &typed["params"]["l"], &typed["params"]["t"]),
        (&json!("5"), &json!("[\"a\"]"), &json!("OPS-1"))
    );
}

#[test]
fn a_dry_run_shows_every_type_of_step() {
    let steps = [
        "{id: df, type: execute, targets: [all], command: df, when: 1 < 2}",
        "{id: again, type: execute, targets: {from: df, result: failed}, command: df}",
        "{id: read, type: parse, from: df, into: disk, format: regex, pattern: '(?<used>[0-9]+)%', agent: web-1}",
        "{id: choose, type: route, routes: [{if: 'int(state.disk.used) > 90', goto: ask, label: Full}, {default: true, goto: end}]}",
        "{id: ask, type: prompt, message: 'Clean {{ params.what }}?', options: [\"Yes\", {value: \"No\", goto: end}], timeout: 1h, onTimeout: {answer: \"No\"}}",
        "{id: rest, type: wait, duration: 5m, goto: df}",
    ];
    let server = Server::with(&[("a.yaml", &flow("a", "params: [{name: what, default: logs}]", &steps))]);
    let _agent = server.agent("web-1");
    let dry = server.post(PATH, &json!({ "workflow": "a", "dryRun": true })).ok();
    let [df, again, read, choose, ask, rest] = dry["steps"].as_array().unwrap().as_slice() else { panic!("{dry}") };
    assert_eq!((&df["type"], &df["when"], &df["targets"]), (&json!("execute"), &json!("1 < 2"), &json!(["web-1"])));
    assert_eq!((&again["targets"], &again["targetsFrom"]), (&json!([]), &json!({ "from": "df", "result": "failed" })));
    assert_eq!(
        (&read["type"], &read["from"], &read["into"], &read["agent"]),
        (&json!("parse"), &json!("df"), &json!("disk"), &json!("web-1"))
    );
    assert_eq!((&choose["type"], &choose["routes"][0]["label"]), (&json!("route"), &json!("Full")));
    assert_eq!((&ask["message"], &ask["timeout"]), (&json!("Clean logs?"), &json!("1h")));
    assert_eq!((&ask["options"][1]["value"], &ask["onTimeout"]["answer"]), (&json!("No"), &json!("No")), "{ask}");
    assert_eq!((&rest["type"], &rest["duration"], &rest["goto"]), (&json!("wait"), &json!("5m"), &json!("df")));
}

/// Asks for a start, and goes away while the commit waits for the database; then `sql` comes before it.
fn gone_before_the_commit(server: &Server, sql: &str) {
    use pulse_controller::engine::StartRequest;
    let web = "web-1".parse().unwrap();
    let taken = || server.engine().fleet().get(&web, pulse_core::Timestamp(0)).unwrap().slots_taken;
    let request = StartRequest {
        workflow: "a".into(),
        source: None,
        params: std::collections::BTreeMap::new(),
        limit: None,
        trigger: pulse_core::execution::Trigger::person("ada".into()),
        idempotency: None,
        audit: None,
        trace: None,
    };
    server.meanwhile(sql, async {
        let mut start = std::pin::pin!(server.engine().start(request));
        // Polled until it has taken its slot, which it does before its commit; then dropped.
        while taken() == 0 {
            tokio::select! {
                biased;
                ended = &mut start => panic!("the database is held, and yet: {ended:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    });
}

#[test]
fn who_goes_away_during_a_start_that_fails_leaves_no_slot_taken() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let _agent = server.agent("web-1");
    let no = "CREATE TRIGGER no BEFORE INSERT ON executions BEGIN SELECT RAISE(ABORT, 'no'); END";
    gone_before_the_commit(&server, no);
    server.until("/api/v1/agents/web-1", |agent| agent["status"]["slotsTaken"] == 0);
    assert_eq!(server.get(PATH).ok()["items"], json!([]));
}

#[test]
fn who_goes_away_during_a_start_has_started_it() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    gone_before_the_commit(&server, "SELECT 1");
    let attempt = agent.assigned();
    let listed = server.get(PATH).ok();
    assert_eq!(listed["items"][0]["id"], json!(attempt.execution));
}

#[test]
fn refused_starts_leave_the_holder_its_right() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    for _ in 0..3 {
        server.post(PATH, &json!({ "workflow": "a" })).refused(409, "already_running");
    }
    agent.does("", 0);
    server.until(&format!("{PATH}/{id}"), |one| one["status"] == "succeeded");
    server.post(PATH, &json!({ "workflow": "a" })).ok();
}
