//! Debian's Prometheus scrapes a controller that works. Every query of every dashboard has an answer with data, and every rule is evaluated.

use super::rules::{ALERTS, metrics_of};
use crate::harness::{Process, Scene, free_port, step, wait, within};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const DASHBOARDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/pulse/files/dashboards");
const PROGRAM: &str = "/usr/bin/prometheus";

/// What such a controller has certainly taken the time, or the size, of.
const TIMED: [&str; 9] = [
    "pulse_http_request_duration_seconds",
    "pulse_sync_duration_seconds",
    "pulse_reconcile_duration_seconds{loop=\"executions\"}",
    "pulse_reconcile_duration_seconds{loop=\"schedules\"}",
    "pulse_execution_duration_seconds",
    "pulse_dispatch_latency_seconds",
    "pulse_schedule_lateness_seconds",
    "pulse_database_batch_size",
    "pulse_database_commit_duration_seconds",
];

/// A Prometheus of its own.
struct Prometheus {
    url: String,
    process: Process,
    http: ureq::Agent,
}

impl Prometheus {
    fn start(scene: &Scene) -> Self {
        assert!(Path::new(PROGRAM).is_file(), "no {PROGRAM}; run scripts/setup, or: sudo apt-get install prometheus");
        let address = format!("127.0.0.1:{}", free_port());
        let target = scene.controller.api().address().strip_prefix("http://").unwrap();
        std::fs::write(scene.path("alerts.yaml"), ALERTS).unwrap();
        let config = json!({
            "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
            "rule_files": [scene.path("alerts.yaml")],
            "scrape_configs": [{ "job_name": "pulse", "static_configs": [{ "targets": [target] }] }],
        });
        std::fs::write(scene.path("prometheus.yaml"), config.to_string()).unwrap();
        let arguments = [
            format!("--config.file={}", scene.path("prometheus.yaml").display()),
            format!("--storage.tsdb.path={}", scene.path("tsdb").display()),
            format!("--web.listen-address={address}"),
            "--log.level=warn".to_owned(),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let process = Process::start(Path::new(PROGRAM), &arguments, &[], &scene.path("prometheus.log"));
        let http = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        let http = http.timeout_global(Some(Duration::from_secs(20))).build().new_agent();
        Self { url: format!("http://{address}"), process, http }
    }

    /// What it says of a query now; none while it does not answer.
    fn try_ask(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let request = self.http.get(format!("{}{path}", self.url)).query_pairs(query.iter().copied());
        request.call().ok()?.body_mut().read_json().ok()
    }

    /// The samples of a query.
    #[track_caller]
    fn samples(&self, query: &str) -> Vec<Value> {
        let answer = self.try_ask("/api/v1/query", &[("query", query)]);
        let answer = answer.unwrap_or_else(|| panic!("Prometheus does not answer:\n{}", self.process.log()));
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }
}

/// A controller that has done a bit of everything: executions that go well and not, a prompt, a schedule that fires.
fn busy() -> Scene {
    let mut scene = Scene::new("observe: a real Prometheus");
    scene.write_workflow("good", &json!({ "steps": [step("only", &["a1"], "echo good")] }));
    scene.write_workflow("bad", &json!({ "steps": [step("only", &["a1"], "exit 3")] }));
    scene.write_workflow("ask", &json!({ "steps": [{ "id": "ask", "type": "prompt", "message": "?", "options": ["Yes"] }] }));
    let spec = json!({ "workflow": "good", "every": "2s", "concurrencyPolicy": "Allow" });
    std::fs::write(scene.source("often.yaml"), crate::harness::manifest("Schedule", "often", &spec)).unwrap();
    scene.set_up(&["a1"], 4);
    scene
}

#[test]
fn every_panel_has_data_and_every_rule_is_evaluated() {
    let scene = busy();
    let prometheus = Prometheus::start(&scene);
    wait("a first scrape", || {
        let answer = prometheus.try_ask("/api/v1/query", &[("query", "pulse_leader")])?;
        (!answer["data"]["result"].as_array()?.is_empty()).then_some(())
    });
    scene.api().wait_ended(&scene.start("bad"));
    scene.start("ask");
    // A rate needs what was before and what came after.
    let fired = |query: &str| {
        let value = prometheus.samples(query).first()?["value"][1].as_str()?.parse::<f64>().ok()?;
        (value >= 1.0).then_some(())
    };
    within(Duration::from_secs(30), "a schedule that fired between two scrapes", || {
        fired("increase(pulse_schedule_slots_total{outcome=\"fired\"}[1m])")?;
        fired("increase(pulse_transitions_total{object=\"execution\",to=\"failed\"}[1m])")?;
        fired("pulse_prompts_open")
    });
    for timed in TIMED {
        let (name, labels) = timed.split_once('{').unwrap_or((timed, "}"));
        let count = prometheus
            .samples(&format!("sum({name}_count{{{labels})"))
            .first()
            .and_then(|sample| sample["value"][1].as_str()?.parse::<f64>().ok());
        assert!(count.is_some_and(|count| count >= 1.0), "nobody observed {timed}: {count:?}");
    }
    let mut panels = 0;
    for entry in std::fs::read_dir(DASHBOARDS).unwrap() {
        let path = entry.unwrap().path();
        let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let query = target["expr"].as_str().unwrap().replace("$job", "pulse").replace("$__rate_interval", "1m");
                assert!(!query.contains('$'), "{}: {query}", path.display());
                let samples = prometheus.samples(&query);
                assert!(!samples.is_empty(), "{}: {}: no data: {query}", path.display(), panel["title"]);
                panels += 1;
            }
        }
    }
    assert!(panels >= 40, "{panels}");
    let rules = rules(&prometheus);
    for rule in &rules {
        assert_eq!((&rule["health"], &rule["lastError"]), (&json!("ok"), &Value::Null), "{rule}");
        for metric in metrics_of(rule["query"].as_str().unwrap()) {
            assert!(!prometheus.samples(&metric).is_empty(), "{}: nobody says {metric}", rule["name"]);
        }
    }
    let loud: Vec<&Value> = rules.iter().filter(|rule| rule["state"] == "firing").map(|rule| &rule["name"]).collect();
    assert!(loud.is_empty(), "nothing is wrong, and these fire: {loud:?}");
}

/// Every rule, once each was evaluated.
fn rules(prometheus: &Prometheus) -> Vec<Value> {
    within(Duration::from_secs(20), "every rule to be evaluated", || {
        let answer = prometheus.try_ask("/api/v1/rules", &[])?;
        let groups = answer["data"]["groups"].as_array()?;
        let rules: Vec<Value> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).cloned().collect();
        let known = !rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown");
        known.then_some(rules)
    })
}
