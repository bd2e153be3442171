use crate::harness::{ASK, Listener, Server, flow, workflow};
use serde_json::{Value, json};
use tungstenite::Message;

fn number(message: &Value) -> u64 {
    message["id"].as_str().unwrap().split_once('-').unwrap().1.parse().unwrap()
}

fn numbers(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(number).collect()
}

#[test]
fn every_change_is_noticed() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo")), ("b.yaml", &flow("b", "", &[ASK]))]);
    let _agent = server.agent("web-1");
    let mut listener = Listener::connect(&server, "");
    assert_eq!(listener.next()["type"], "hello");
    let id = server.run("a");
    let notice = listener.next_of(|notice| notice["type"] == "execution");
    assert_eq!((&notice["execution"], &notice["name"], &notice["source"]), (&json!(id), &json!("a#1"), &json!("default")));
    assert_eq!((&notice["workflow"], &notice["number"], &notice["waits"]), (&json!("a"), &json!(1), &Value::Null));
    assert!(notice["seq"].as_u64() >= Some(1), "{notice}");

    let asking = server.run("b");
    let opened = listener.next_of(|notice| notice["type"] == "prompt");
    assert_eq!((&opened["status"], &opened["name"], &opened["execution"]), (&json!("open"), &json!("b#1"), &json!(asking)));
    let waits = listener.next_of(|notice| notice["name"] == "b#1" && notice["status"] == "waiting");
    assert_eq!(waits["waits"]["for"], "person");
    assert!(waits["waits"]["since"].as_str().unwrap().ends_with('Z'), "{waits}");
    server.post(&format!("/api/v1/prompts/{}/answer", opened["prompt"].as_str().unwrap()), &json!({ "answer": "Yes" })).ok();
    let closed = listener.next_of(|notice| notice["type"] == "prompt");
    assert_eq!((&closed["status"], &closed["prompt"]), (&json!("answered"), &opened["prompt"]));
    let over = listener.next_of(|notice| notice["name"] == "b#1" && notice["status"] == "succeeded");
    assert_eq!(over["waits"], Value::Null);
}

#[test]
fn pauses_agents_and_syncs_are_noticed() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut listener = Listener::connect(&server, "");
    let pause = server.post("/api/v1/pauses", &json!({ "scope": "workflow/a", "reason": "x", "expires": "2h" })).ok();
    let set = listener.next_of(|notice| notice["type"] == "pause");
    assert_eq!((&set["pause"], &set["scope"], &set["status"]), (&pause["id"], &json!("workflow/a"), &json!("set")));
    assert_eq!(set["expiresAt"], pause["expiresAt"]);
    server.delete(&format!("/api/v1/pauses/{}", pause["id"].as_str().unwrap())).ok();
    assert_eq!(listener.next_of(|notice| notice["type"] == "pause")["status"], "ended");
    let _agent = server.agent("web-1");
    let came = listener.next_of(|notice| notice["type"] == "agent" && notice["state"] == "online");
    assert_eq!(came["agent"], "web-1");
    std::fs::write(server.source("a.yaml"), "kind: Nonsense").unwrap();
    let sync = listener.next_of(|notice| notice["type"] == "sync");
    assert_eq!((&sync["source"], &sync["outcome"]), (&json!("default"), &json!("refused")));
    server.get(&format!("/api/v1/syncs/{}", sync["sync"].as_str().unwrap())).ok();
}

#[test]
fn whoever_comes_back_hears_everything_once() {
    let server = Server::with(&[("a.yaml", &flow("a", "concurrency: {policy: Allow}", &[ASK]))]);
    let mut steady = Listener::connect(&server, "");
    let begin = steady.next();
    let mut heard = Vec::new();
    let mut last = begin["id"].as_str().unwrap().to_owned();
    for round in 1..=5 {
        // It hears the first of two, and is away for the second.
        let mut listener = Listener::connect(&server, &format!("?after={last}"));
        assert_eq!(listener.next()["type"], "hello");
        server.run("a");
        let first = format!("a#{}", 2 * round - 1);
        let told = listener.until(|notice| notice["name"] == first.as_str() && notice["status"] == "waiting");
        last = told.last().unwrap()["id"].as_str().unwrap().to_owned();
        heard.extend(told);
        drop(listener);
        server.run("a");
    }
    let mut listener = Listener::connect(&server, &format!("?after={last}"));
    assert_eq!(listener.next()["id"], last.as_str(), "it says from where on it tells");
    let is_last = |notice: &Value| notice["name"] == "a#10" && notice["status"] == "waiting";
    heard.extend(listener.until(is_last));
    let whole = steady.until(is_last);
    assert_eq!(heard, whole, "as whoever never went away");
    let first = number(&begin) + 1;
    assert_eq!(numbers(&heard), (first..first + heard.len() as u64).collect::<Vec<_>>(), "no gap, none twice");
}

#[test]
fn what_is_not_kept_any_more_is_a_resync() {
    let mut server = Server::with(&[("a.yaml", &flow("a", "", &[ASK]))]);
    let old = Listener::connect(&server, "").next()["id"].as_str().unwrap().to_owned();
    crowd(&server, 4096);
    assert_eq!(Listener::connect(&server, &format!("?after={old}")).next()["type"], "hello", "just so many are kept");
    crowd(&server, 1);
    let mut late = Listener::connect(&server, &format!("?after={old}"));
    let lost = late.next();
    assert_eq!(lost["type"], "resync");
    server.run("a");
    assert_eq!(number(&late.next()), number(&lost) + 1, "it goes on from there");
    let newest = lost["id"].as_str().unwrap();
    assert_eq!(
        Listener::connect(&server, &format!("?after={newest}")).next()["type"],
        "hello",
        "a resync is a place to come back to"
    );

    server.restart();
    let mut after = Listener::connect(&server, &format!("?after={newest}"));
    let begin = after.next();
    assert_eq!(begin["type"], "resync", "another start of the controller");
    assert_ne!(begin["id"].as_str().unwrap().split('-').next(), newest.split('-').next());
    assert_eq!(Listener::connect(&server, "").next()["type"], "hello", "whoever asks for nothing has lost nothing");
    for wrong in ["x", "a-b", "-1", ""] {
        let refused = Listener::handshake(&server, &format!("?after={wrong}"), Some(("authorization", server.bearer())));
        assert_eq!(refused.err(), Some(400), "{wrong}");
    }
}

/// Tells so many notices, as that many changes would.
fn crowd(server: &Server, count: usize) {
    use pulse_controller::feed::Notice;
    for _ in 0..count {
        server.engine().feed().tell(Notice::Agent { agent: "crowd".repeat(40), state: "online" });
    }
}

#[test]
fn one_that_does_not_read_holds_nobody_up_and_is_told_what_it_lost() {
    let server = Server::start();
    let mut lazy = Listener::connect(&server, "");
    let mut eager = Listener::connect(&server, "");
    let begin = number(&lazy.next());
    eager.next();
    // More than the buffers of a connection hold.
    let (rounds, each) = (60, 2000);
    for round in 1..=rounds {
        crowd(&server, each);
        let wanted = begin + (round * each) as u64;
        let told = eager.until(|notice| number(notice) == wanted);
        assert!(told.iter().all(|notice| notice["type"] == "agent"), "whoever reads loses nothing");
    }
    let end = begin + (rounds * each) as u64;
    let before = lazy.until(|notice| notice["type"] == "resync");
    let (lost, heard) = before.split_last().unwrap();
    assert!(heard.len() < rounds * each, "nothing is kept for it");
    assert_eq!(
        numbers(heard),
        (begin + 1..=begin + heard.len() as u64).collect::<Vec<_>>(),
        "in order up to where it fell behind"
    );
    assert_eq!(number(lost), end);
    crowd(&server, 1);
    assert_eq!(number(&lazy.next()), end + 1, "and it goes on");
}

#[test]
fn a_listener_to_one_workflow_hears_nothing_of_others() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[ASK])), ("b.yaml", &flow("b", "", &[ASK]))]);
    let mut listener = Listener::connect(&server, "?workflow=b");
    listener.next();
    server.run("a");
    server.run("b");
    let told = listener.until(|notice| notice["status"] == "waiting");
    assert!(told.iter().all(|notice| notice["workflow"] == "b"), "{told:?}");
    assert!(told.iter().any(|notice| notice["type"] == "prompt"), "{told:?}");
    server.post("/api/v1/pauses", &json!({ "scope": "all", "reason": "x" })).ok();
    assert_eq!(listener.next()["type"], "pause", "what is of no workflow is told");
    server.get("/api/v1/events?workflow=a&worklfow=b").refused(400, "bad_parameter");
}

#[test]
fn browsers_send_the_token_as_a_protocol_and_it_is_not_repeated() {
    let server = Server::start();
    let token = server.bearer().replace("Bearer ", "");
    let offered = |token: &str| Some(("sec-websocket-protocol", format!("pulse.v1, pulse.bearer.{token}")));
    let Ok((_, answer)) = Listener::handshake(&server, "", offered(&token)) else { panic!("let in") };
    assert_eq!(answer.headers()["sec-websocket-protocol"], "pulse.v1");
    assert_eq!(Listener::handshake(&server, "", offered("wrong")).err(), Some(401));
    assert_eq!(Listener::handshake(&server, "", None).err(), Some(401));
    let elsewhere = [("sec-websocket-protocol", format!("pulse.bearer.{token}"))];
    let elsewhere = elsewhere.each_ref().map(|(name, value)| (*name, value.as_str()));
    server.send("GET", "/api/v1/workflows", None, &elsewhere, b"").refused(401, "unauthorized");
    server.get("/api/v1/events").refused(426, "websocket_required");
}

#[test]
fn whoever_talks_here_is_told_where_to_talk() {
    let server = Server::start();
    let mut listener = Listener::connect(&server, "");
    listener.socket.send(Message::text("{}")).unwrap();
    let (code, reason) = listener.closed();
    assert_eq!(code, 1008);
    assert!(reason.contains("REST API"), "{reason}");
}
