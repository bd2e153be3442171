//! A controller that is told to end: what was asked is answered, nothing accepted is lost, and the next one works at once.

use crate::harness::{Api, Scene, step, wait};
use crate::standby::Pair;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The longest from the signal to the next controller being ready.
const HANDOVER: Duration = Duration::from_secs(2);
/// The longest from the signal to the process's end where nobody has asked anything, and to its successor on the same data.
const RESTART: Duration = Duration::from_secs(4);
/// Who asks at once.
const CLIENTS: usize = 4;

/// Clients that ask for executions without a pause, each with a key, again until it is answered.
struct Crowd {
    over: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<BTreeMap<String, String>>>,
}

impl Crowd {
    fn asking(api: &Api) -> Self {
        let (over, accepted) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let client = |client: usize| {
            let (api, over, accepted) = (api.patient(Duration::from_secs(20)), Arc::clone(&over), Arc::clone(&accepted));
            std::thread::spawn(move || {
                let mut known = BTreeMap::new();
                while !over.load(Ordering::Relaxed) {
                    let key = format!("client-{client}-{}", known.len());
                    known.insert(key.clone(), ask(&api, &key));
                    accepted.fetch_add(1, Ordering::Relaxed);
                }
                known
            })
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self { over, accepted, clients }
    }

    fn wait_accepted(&self, more: usize) {
        let wanted = self.accepted.load(Ordering::Relaxed) + more;
        wait("requests to be accepted", || (self.accepted.load(Ordering::Relaxed) >= wanted).then_some(()));
    }

    /// Ends it; what was accepted, by key.
    fn end(self) -> BTreeMap<String, String> {
        self.over.store(true, Ordering::Relaxed);
        self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    }
}

/// Asks until it is answered; who is sent away asks again, as `pulse` and every proxy do.
fn ask(api: &Api, key: &str) -> String {
    wait(&format!("an answer to {key}"), || {
        match api.try_post("/api/v1/executions", &json!({ "workflow": "quick" }), &[("Idempotency-Key", key)]) {
            Some((200 | 201, answer)) => Some(answer["id"].as_str().unwrap().to_owned()),
            None | Some((429 | 503, _)) => None,
            Some((status, answer)) => panic!("{key}: {status} {answer}"),
        }
    })
}

fn write_quick(scene: &Scene) {
    let quick = step("only", &["a1"], &scene.signed("true"));
    scene.write_workflow("quick", &json!({ "concurrency": { "policy": "Allow" }, "steps": [quick] }));
}

/// Each key has one execution and each execution one key, and all of them ended well.
fn assert_none_lost(scene: &Scene, known: &BTreeMap<String, String>) {
    let of_quick = |all: Vec<Value>| all.into_iter().filter(|one| one["workflow"] == "quick").count();
    for (key, id) in known {
        assert_eq!(ask(scene.api(), key), *id, "asked again, {key} names the same one");
        assert_eq!(scene.api().wait_ended(id)["status"], "succeeded", "{key}");
    }
    assert_eq!(of_quick(scene.api().executions()), known.len());
    scene.judge();
}

#[test]
fn a_pair_hands_over_within_two_seconds_and_loses_no_request() {
    let (mut pair, id) = Pair::running("handover: a pair under load");
    write_quick(&pair.scene);
    let api = pair.scene.api().clone();
    wait("the workflow to be live", || (api.try_get("/api/v1/workflows/quick")?.0 == 200).then_some(()));
    let crowd = Crowd::asking(&api);
    crowd.wait_accepted(20);
    let begun = Instant::now();
    pair.scene.controller.signal("TERM");
    let ready = wait("the second to take over", || pair.second.api().is_ready().then(|| begun.elapsed()));
    drop(writeln!(std::io::stderr(), "e2e handover: taken over {:.2} s after SIGTERM", ready.as_secs_f64()));
    assert!(ready < HANDOVER, "taken over only after {ready:?}");
    assert_eq!(pair.scene.controller.wait_ended(), Some(0), "{}", pair.scene.controller.log());
    crowd.wait_accepted(20);
    let known = crowd.end();
    assert!(pair.scene.agents[0].log().contains("the controller stops: coming again soon"), "{}", pair.scene.agents[0].log());
    // The command that ran through all of it.
    pair.scene.go();
    pair.scene.api().wait_ended(&id);
    assert_none_lost(&pair.scene, &known);
    pair.assert_ran_once(&id);
}

#[test]
fn on_sqlite_a_restart_is_quick_and_loses_no_request() {
    let mut scene = Scene::new("handover: SQLite under load");
    write_quick(&scene);
    scene.set_up(&["a1"], 5);
    let crowd = Crowd::asking(scene.api());
    crowd.wait_accepted(20);
    let begun = Instant::now();
    scene.controller.terminate();
    scene.controller.launch(&[]);
    scene.controller.wait_ready();
    let away = begun.elapsed();
    drop(writeln!(std::io::stderr(), "e2e handover: ready again {:.2} s after SIGTERM", away.as_secs_f64()));
    assert!(away < RESTART, "ready again only after {away:?}");
    crowd.wait_accepted(20);
    assert_none_lost(&scene, &crowd.end());
}

/// A request whose body does not come to its end; the connection that holds it.
fn half_a_request(scene: &Scene) -> TcpStream {
    let address = scene.controller.api().address().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let token = scene.controller.api().admin_token();
    let head = format!(
        "POST /api/v1/executions HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // It is being read once another one is answered.
    scene.controller.api().get("/health");
    stream
}

#[test]
fn a_request_that_does_not_end_is_cut_off_at_its_time() {
    let mut scene = Scene::new("handover: a request without an end");
    scene.controller.set([("PULSE_STOP_TIMEOUT", "1s".to_owned())]);
    scene.controller.start(&[]);
    let mut held = half_a_request(&scene);
    let begun = Instant::now();
    scene.controller.terminate();
    let took = begun.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(4)).contains(&took), "{took:?}");
    assert_eq!(held.read(&mut [0; 16]).unwrap_or(0), 0);
    assert!(scene.controller.log().contains("(PULSE_STOP_TIMEOUT)"), "{}", scene.controller.log());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut scene = Scene::new("handover: a second signal");
    scene.controller.set([("PULSE_STOP_TIMEOUT", "60s".to_owned())]);
    scene.controller.start(&[]);
    let _held = half_a_request(&scene);
    scene.controller.signal("TERM");
    wait("the stop to begin", || scene.controller.log().contains("stopping").then_some(()));
    let begun = Instant::now();
    scene.controller.signal("TERM");
    assert_eq!(scene.controller.wait_ended(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // Nothing of it is in the way of the next one.
    scene.controller.start(&[]);
}
