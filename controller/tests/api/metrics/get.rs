//! What a scrape says, to whom, and what it never says.

use crate::harness::{Server, workflow};
use pulse_controller::config::Secret;
use serde_json::json;
use std::collections::BTreeMap;

const TOKEN: &str = "a-token-for-metrics";

/// What was scraped.
pub struct Scrape {
    /// Families with their kinds.
    pub types: BTreeMap<String, String>,
    pub samples: Vec<Sample>,
}

#[derive(Debug)]
pub struct Sample {
    pub family: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Scrape {
    /// The one sample of a family with these labels among its own.
    #[track_caller]
    pub fn value(&self, family: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &&Sample| {
            sample.family == family && labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|own| own == value))
        };
        let found: Vec<_> = self.samples.iter().filter(fits).collect();
        let [sample] = found.as_slice() else { panic!("{family} {labels:?}: {found:?}") };
        sample.value
    }
}

/// A scrape, with this bearer.
pub fn scrape(server: &Server, bearer: Option<&str>) -> Scrape {
    let answer = server.send("GET", "/metrics", bearer, &[], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    parse(&String::from_utf8(answer.body).unwrap())
}

fn parse(text: &str) -> Scrape {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let (mut types, mut samples) = (BTreeMap::new(), Vec::new());
    let full = |family: &str, kind: &str| if kind == "counter" { format!("{family}_total") } else { family.to_owned() };
    for line in text.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            let (family, kind) = told.split_once(' ').unwrap();
            assert!(types.insert(full(family, kind), kind.to_owned()).is_none(), "{family} twice");
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = name.split_once('{').map_or((name, ""), |(name, labels)| (name, labels.trim_end_matches('}')));
            let labels = labels.split("\",").filter(|one| !one.is_empty()).map(|one| one.split_once("=\"").unwrap());
            let labels: BTreeMap<String, String> =
                labels.map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned())).collect();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|part| {
                let family = name.strip_suffix(part)?;
                types.get(family).is_some_and(|kind| kind == "histogram").then(|| family.to_owned())
            });
            samples.push(Sample { family: family.unwrap_or_else(|| name.to_owned()), labels, value: value.parse().unwrap() });
        }
    }
    Scrape { types, samples }
}

#[test]
fn what_happened_is_counted() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo")), ("b.yaml", "kind: Nonsense\n")]);
    std::fs::write(server.source("b.yaml"), workflow("b", "echo")).unwrap();
    server.post("/api/v1/syncs", &json!({})).ok();
    let _agent = server.agent("one");
    let before = scrape(&server, None);
    assert_eq!(before.value("pulse_leader", &[]), 1.0);
    assert_eq!(before.value("pulse_phase", &[("phase", "active")]), 1.0);
    assert_eq!(before.value("pulse_agents", &[("state", "online")]), 1.0);
    assert_eq!(before.value("pulse_live_definitions", &[("kind", "workflow")]), 2.0);
    assert_eq!(before.value("pulse_sync_last_outcome", &[("source", "default"), ("outcome", "refused")]), 0.0);
    assert!(before.value("pulse_syncs_total", &[("source", "default"), ("outcome", "refused")]) >= 1.0);
    assert_eq!(before.value("pulse_syncs_total", &[("source", "default"), ("outcome", "applied")]), 1.0);
    let id = server.run("a");
    server.post(&format!("/api/v1/executions/{id}/cancel"), &json!({ "reason": "enough", "mode": "kill" })).ok();
    server.send("GET", "/api/v1/executions/nonsense", None, &[], b"");
    let after = scrape(&server, None);
    let of = |object, to| after.value("pulse_transitions_total", &[("object", object), ("to", to)]);
    assert_eq!((of("execution", "pending"), of("execution", "running"), of("attempt", "assigned")), (1.0, 1.0, 1.0));
    let post = [("method", "POST"), ("route", "/api/v1/executions"), ("status", "201")];
    assert_eq!(after.value("pulse_http_requests_total", &post), 1.0);
    let stranger = [("method", "GET"), ("route", "/api/v1/executions/{id}"), ("status", "401")];
    assert_eq!(after.value("pulse_http_requests_total", &stranger), 1.0);
    assert_eq!(after.value("pulse_attempts_open", &[]), 1.0);
}

#[test]
fn no_name_and_no_value_of_anybody_is_told_to_strangers() {
    let server = Server::with(&[("a.yaml", &workflow("quiet-workflow", "echo"))]);
    let _agent = server.agent("quiet-agent");
    let id = server.run("quiet-workflow");
    server.send("GET", "/api/v1/quiet-path", None, &[], b"");
    server.raw("QUIET /quiet-page", "");
    let text = String::from_utf8(server.send("GET", "/metrics", None, &[], b"").body).unwrap();
    for secret in ["quiet", "QUIET", id.as_str(), "a-token-for-tests", "127.0.0.1"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(text.contains("method=\"other\",route=\"other\""), "{text}");
}

#[test]
fn a_token_guards_them_and_then_workflows_are_named() {
    let server = Server::told(|config| config.observe.metrics_token = Some(Secret::new(TOKEN)));
    std::fs::write(server.source("a.yaml"), workflow("a", "echo")).unwrap();
    server.post("/api/v1/syncs", &json!({})).ok();
    let _agent = server.agent("one");
    let id = server.run("a");
    server.post(&format!("/api/v1/executions/{id}/cancel"), &json!({ "reason": "enough", "mode": "drain" })).ok();
    for wrong in [None, Some("Bearer a-token-for-metricz"), Some("Bearer "), Some(server.bearer().as_str())] {
        server.send("GET", "/metrics", wrong, &[], b"").refused(401, "unauthorized");
    }
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(scrape(&server, Some(&bearer)).value("pulse_leader", &[]), 1.0);
    server.get("/health/live").ok();
    assert_eq!(server.send("GET", "/api/v1/workflows", Some(&bearer), &[], b"").status, 401, "it opens nothing else");
}
