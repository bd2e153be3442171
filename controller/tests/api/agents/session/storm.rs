//! A whole fleet at once.

use crate::harness::{Agent, Server};
use serde_json::json;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

const AGENTS: usize = 300;

/// Comes again and again, as it is told, until it is let in; tells what it was told first.
#[expect(clippy::disallowed_methods, reason = "an agent that is sent away waits in real time")]
fn comes(server: &Server, name: &str, token: &str, told: &Sender<(String, u64)>) -> Agent {
    loop {
        match Agent::knock(server, name, token) {
            Ok(agent) => return agent,
            Err((code, retry)) => {
                let retry = retry.unwrap_or_else(|| panic!("{name} is sent away for good: {code}"));
                drop(told.send((code, retry)));
                std::thread::sleep(Duration::from_millis(retry));
            }
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's patience is real time")]
fn agents_beyond_what_can_be_let_in_are_told_when_to_come_again_and_all_get_in() {
    let server = Server::start();
    let made = server.post("/api/v1/agents/tokens", &json!({ "uses": AGENTS })).ok();
    let token = made["token"].as_str().unwrap();
    let (told, heard) = channel();
    let begun = Instant::now();
    let (agents, refusals) = std::thread::scope(|scope| {
        let mut coming = Vec::new();
        let mut refusals = Vec::new();
        // As long as the database takes no writes, nobody gets through.
        server.meanwhile("UPDATE agents SET slots = slots", async {
            for n in 0..AGENTS {
                let (server, told) = (&server, told.clone());
                coming.push(scope.spawn(move || comes(server, &format!("web-{n}"), token, &told)));
            }
            while refusals.iter().filter(|(code, _)| code == "busy").count() < AGENTS - pulse_core::session::MOST {
                refusals.push(heard.recv_timeout(Duration::from_secs(20)).expect("more are sent away"));
            }
        });
        (coming.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>(), refusals)
    });
    let busy: Vec<u64> = refusals.iter().filter(|(code, _)| code == "busy").map(|(_, retry)| *retry).collect();
    assert!(busy.iter().all(|retry| (1000..=62_000).contains(retry)), "{busy:?}");
    let spread = busy.iter().max().unwrap() - busy.iter().min().unwrap();
    assert!(spread > 300, "they are not told to come in step: {spread} ms between the first and the last");
    assert_eq!(agents.len(), AGENTS);
    let online = server.until("/api/v1/agents?limit=500", |page| {
        let items = page["items"].as_array().unwrap();
        items.len() == AGENTS && items.iter().all(|agent| agent["status"]["state"] == "online")
    });
    assert!(online["nextCursor"].is_null());
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
}
