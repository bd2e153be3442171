//! `pulse kubernetes …`: a controller and a cluster's API in the test's process, and what is told to the latter.

mod support;

use serde_json::{Value, json};
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{FakeServer, Reply, Request};

/// The controller's health, and the one token that it made.
type Health = Arc<Mutex<(u16, Value)>>;

fn health(role: &str) -> (u16, Value) {
    if role == "active" {
        (200, json!({"role": role, "status": "ok"}))
    } else {
        (503, json!({"role": role, "status": "unavailable"}))
    }
}

fn controller(role: &Health) -> FakeServer {
    let role = Arc::clone(role);
    FakeServer::start(move |request: &Request| match (request.method.as_str(), request.target.as_str()) {
        ("GET", "/health") => {
            let (status, body) = role.lock().unwrap().clone();
            Reply::Json(status, body)
        }
        ("POST", "/api/v1/agents/tokens") => Reply::Json(201, json!({"id": "id-1", "token": "pulse_enrol_x"})),
        ("GET", _) => Reply::Json(200, json!({"items": [{"id": "id-1", "usesLeft": 9999, "expiresAt": "2999-01-01T00:00:00Z"}]})),
        other => Reply::Json(404, json!({"detail": format!("{other:?}")})),
    })
}

/// A cluster that keeps one Secret, and says yes to every label.
fn cluster(secret: Value) -> FakeServer {
    let secret = Mutex::new(secret);
    FakeServer::start(move |request: &Request| {
        let mut secret = secret.lock().unwrap();
        if request.target.ends_with("/secrets/enrol") && request.method == "PATCH" {
            secret["metadata"]["annotations"] = request.body["metadata"]["annotations"].clone();
            secret["data"]["token"] = request.body["stringData"]["token"].clone();
        }
        Reply::Json(200, secret.clone())
    })
}

struct Account(tempfile::TempDir);

impl Account {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("namespace"), "ops").unwrap();
        std::fs::write(folder.path().join("token"), "account-token\n").unwrap();
        Self(folder)
    }
    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The sidecar, ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sidecar(controller: &FakeServer, cluster: &FakeServer, account: &Account, args: &[&str]) -> Running {
    let (url, folder) = (cluster.url(), account.path().to_str().unwrap().to_owned());
    let mut all = vec!["kubernetes", "sidecar", "--cluster", &url, "--account", &folder];
    all.extend(args);
    Running(controller.command(&all).spawn().unwrap())
}

/// The patches that the cluster got, as soon as there are so many.
fn patches(cluster: &FakeServer, count: usize) -> Vec<(String, Value)> {
    let begun = Instant::now();
    loop {
        let all = cluster.requests();
        let patches: Vec<_> = all.iter().filter(|request| request.method == "PATCH").collect();
        if patches.len() >= count {
            assert!(all.iter().all(|request| request.header("authorization") == Some("Bearer account-token")), "{all:?}");
            return patches.iter().map(|request| (request.target.clone(), request.body.clone())).collect();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{all:?}");
        std::thread::yield_now();
    }
}

fn labelled(pod: &str, role: &str) -> (String, Value) {
    (format!("/api/v1/namespaces/ops/pods/{pod}"), json!({"metadata": {"labels": {"pulse.dev/role": role}}}))
}

#[test]
fn the_active_one_is_labelled_and_the_others_are_not() {
    let role: Health = Arc::new(Mutex::new(health("standby")));
    let (controller, cluster, account) = (controller(&role), cluster(Value::Null), Account::new());
    let _running = sidecar(&controller, &cluster, &account, &["--pod", "pulse-1", "--of", "pulse-0", "--of", "pulse-1"]);
    assert_eq!(patches(&cluster, 1), [labelled("pulse-1", "standby")]);
    *role.lock().unwrap() = health("active");
    assert_eq!(patches(&cluster, 3)[1..], [labelled("pulse-1", "active"), labelled("pulse-0", "standby")]);
    *role.lock().unwrap() = health("cut_off");
    assert_eq!(patches(&cluster, 4)[3..], [labelled("pulse-1", "standby")]);
}

#[test]
fn the_active_one_fills_the_secret_once() {
    let role: Health = Arc::new(Mutex::new(health("active")));
    let (controller, cluster, account) = (controller(&role), cluster(json!({"metadata": {}})), Account::new());
    let args = ["--secret", "enrol", "--label", "via=chart", "--made-for", "off"];
    let running = sidecar(&controller, &cluster, &account, &args);
    let (target, body) = patches(&cluster, 1).remove(0);
    assert_eq!(
        (target.as_str(), body["stringData"]["token"].as_str()),
        ("/api/v1/namespaces/ops/secrets/enrol", Some("pulse_enrol_x"))
    );
    let made: Vec<_> = controller.requests().into_iter().filter(|request| request.method == "POST").collect();
    assert_eq!(made[0].body, json!({"uses": 10000, "expires": "60d", "labels": {"via": "chart"}}));
    assert_eq!(made[0].header("authorization"), Some("Bearer test-token"));
    drop(running);
    // Another one finds a token that lasts, unless something else was asked for.
    let again = sidecar(&controller, &cluster, &account, &args);
    let begun = Instant::now();
    while !controller.requests().iter().any(|request| request.target.starts_with("/api/v1/agents/tokens?")) {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::yield_now();
    }
    assert_eq!(patches(&cluster, 1).len(), 1);
    drop(again);
    let _other = sidecar(&controller, &cluster, &account, &["--secret", "enrol", "--label", "via=chart", "--made-for", "auto"]);
    assert_eq!(patches(&cluster, 2)[1].1["metadata"]["annotations"]["pulse.dev/token-id"], "id-1");
}

#[test]
fn a_standby_is_ready_and_the_probe_says_why_another_is_not() {
    for (role, any, active) in [("active", 0, 0), ("standby", 0, 1), ("connecting", 1, 1)] {
        let server = controller(&Arc::new(Mutex::new(health(role))));
        let ready = server.pulse(&["kubernetes", "ready"]);
        assert_eq!((ready.code, ready.stdout.trim()), (Some(any), role), "{}", ready.stderr);
        assert_eq!(server.pulse(&["kubernetes", "ready", "--active"]).code, Some(active), "{role}");
        assert!(server.requests().iter().all(|request| request.header("authorization").is_none()), "health needs no token");
    }
}

#[test]
fn outside_of_a_cluster_and_for_another_machine_it_refuses() {
    let outside =
        support::pulse(&["kubernetes", "sidecar", "--secret", "x"]).env_remove("KUBERNETES_SERVICE_HOST").output().unwrap();
    assert_eq!(outside.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&outside.stderr).contains("this command is for pods"));
    let half = support::pulse(&["kubernetes", "sidecar", "--pod", "pulse-0"]).output().unwrap();
    assert!(String::from_utf8_lossy(&half.stderr).contains("--of"));
}
