use crate::harness::{ASK, RUN, Server, flow, workflow};
use pulse_protocol::Observed;
use pulse_protocol::observation::EndKind;
use serde_json::json;

#[test]
fn what_holds_an_execution_is_said_with_its_time() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    let attempt = agent.assigned().attempt;
    let why = server.get(&format!("/api/v1/executions/{id}/why")).ok();
    let reason = &why["items"][0];
    assert_eq!((&reason["code"], &reason["target"]), (&"unconfirmed".into(), &"web-1".into()), "{why}");
    assert_eq!(reason["attempt"], attempt.to_string());
    assert!(reason["since"].as_str().unwrap().ends_with('Z'), "{why}");
    server.get("/api/v1/executions/b%231/why").refused(404, "no_such_execution");
}

/// Every code but those that other files wait for (`queued`, `paused`, `unknown`, `unconfirmed`) and `offline`, which takes 30 s.
#[test]
fn each_reason_has_its_fields_and_a_sentence() {
    let timed = ASK.replace('}', ", timeout: 1h, onTimeout: {answer: \"No\"}}");
    let retried = RUN.replace('}', ", retry: {attempts: 2, backoff: 5m}}");
    let files = [
        ("person", flow("person", "", &[&timed])),
        ("timer", flow("timer", "", &["{id: rest, type: wait, duration: 1h}"])),
        ("running", flow("running", "", &[&RUN.replace("all", "web-1")])),
        ("backoff", flow("backoff", "", &[&retried.replace("all", "web-1")])),
        ("reboot", flow("reboot", "", &[&RUN.replace('}', ", expectDisconnect: true}").replace("all", "web-1")])),
        ("late", flow("late", "timeout: 1s", &[&RUN.replace("all", "web-1")])),
        ("narrow", flow("narrow", "", &[&RUN.replace('}', ", maxParallel: 1}")])),
        ("away", flow("away", "", &[&RUN.replace("all", "web-3")])),
    ];
    let named = files.each_ref().map(|(name, text)| (format!("{name}.yaml"), text.clone()));
    let server = Server::with(&named.each_ref().map(|(path, text)| (path.as_str(), text.as_str())));
    let (mut one, _two) = (server.agent("web-1"), server.agent("web-2"));
    drop(server.agent("web-3"));
    server.until("/api/v1/agents/web-3", |agent| agent["status"]["state"] != "online");
    let check = |name: &str, code: &str, fields: &[&str]| {
        let id = server.run(name);
        let reason = server.reason(&id, code);
        for field in fields {
            assert!(!reason[field].is_null(), "{code} has no {field}: {reason}");
        }
        assert!(reason["message"].as_str().is_some_and(|message| !message.is_empty()), "{reason}");
        id
    };
    check("person", "person", &["prompt", "since", "until", "step"]);
    check("timer", "timer", &["since", "until", "step"]);
    check("narrow", "max_parallel", &["limit", "waiting", "step"]);
    check("away", "disconnected", &["since", "step", "target"]);
    let attempt = |one: &mut crate::harness::Agent| one.assigned().attempt;
    // The first target of `narrow`.
    attempt(&mut one);
    let id = check("late", "timed_out", &["since", "running"]);
    attempt(&mut one);
    server.post(&format!("/api/v1/executions/{id}/cancel"), &json!({ "reason": "x" })).ok();
    let cancelling = server.reason(&id, "cancelling");
    assert_eq!((&cancelling["mode"], &cancelling["by"]), (&json!("drain"), &json!("admin")));
    assert_eq!((&cancelling["running"], &cancelling["away"]), (&json!(1), &json!(0)));
    for (name, code, end, fields) in [
        ("running", "running", None, ["attempt", "since", "present", "target"]),
        ("backoff", "backoff", Some(1), ["until", "failure", "step", "target"]),
        ("reboot", "rebooting", Some(0), ["until", "step", "target", "message"]),
    ] {
        let id = server.run(name);
        let attempt = attempt(&mut one);
        one.report(attempt, Observed::Started { pid: 1 });
        end.into_iter().for_each(|code| one.ended(attempt, EndKind::Exited { code }, 0));
        let reason = server.reason(&id, code);
        assert!(fields.iter().all(|field| !reason[field].is_null()), "{code}: {reason}");
    }
}

#[test]
fn agents_that_take_no_more_say_why() {
    let server = Server::with(&[("a.yaml", &flow("a", "concurrency: {policy: Allow}", &[RUN]))]);
    let _agent = server.agent("web-1");
    let ids: Vec<_> = (0..6).map(|_| server.run("a")).collect();
    let full = server.reason(&ids[5], "slots_full");
    assert_eq!((&full["slots"], &full["target"]), (&json!(5), &json!("web-1")));
    server.engine().fleet().lock().quarantine(&"web-1".parse().unwrap(), "its journal went backwards".to_owned());
    let quarantined = server.reason(&ids[5], "quarantined");
    assert_eq!(quarantined["reason"], "its journal went backwards");
}

#[test]
fn one_in_a_queue_names_who_has_the_right_and_who_is_directly_before_it() {
    let queue = "concurrency: {policy: Queue}";
    let server = Server::with(&[("a.yaml", &flow("a", queue, &[ASK]))]);
    let ids: Vec<_> = (0..4).map(|_| server.run("a")).collect();
    let behind = |id: &str| {
        let why = server.reason(id, "queued");
        let message = why["message"].as_str().unwrap().to_owned();
        (message, why["count"].clone(), why["directlyBehind"].clone())
    };
    assert_eq!(behind(&ids[1]), ("queued behind a#1, which has begun".to_owned(), json!(1), json!(null)));
    let second = json!({ "execution": ids[1], "name": "a#2" });
    assert_eq!(behind(&ids[2]), ("queued behind a#1, which has begun, and a#2".to_owned(), json!(2), second));
    let third = json!({ "execution": ids[2], "name": "a#3" });
    let message = "queued behind a#1, which has begun, and 2 more; directly behind a#3";
    assert_eq!(behind(&ids[3]), (message.to_owned(), json!(3), third));
}
