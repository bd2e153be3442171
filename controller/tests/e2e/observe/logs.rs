//! The log as JSON: each line an object, each line about a request or an execution says which, and no line says a secret.

use crate::harness::{Scene, step};
use serde_json::{Value, json};

const METRICS: &str = "a-secret-for-the-metrics";
const WEBHOOK: &str = "a-secret-for-the-webhooks";
const COLLECTOR: &str = "a-secret-for-the-collector";

#[test]
fn lines_say_whom_they_are_about_and_never_a_secret() {
    let mut scene = Scene::new("observe: the log");
    scene.controller.set([
        ("PULSE_LOG", "debug,hyper=info,sqlx=info,mio=info,rustls=info,ureq=info,ureq_proto=info".to_owned()),
        ("PULSE_LOG_FORMAT", "json".to_owned()),
        ("PULSE_METRICS_TOKEN", METRICS.to_owned()),
        ("PULSE_WEBHOOK_SECRET", WEBHOOK.to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9".to_owned()),
        ("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization={COLLECTOR}")),
    ]);
    scene.write_workflow("w", &json!({ "steps": [step("only", &["a1"], "echo")] }));
    scene.set_up(&["a1"], 2);
    let enrolment = scene.api().token();
    let headers = [("x-request-id", "the-request-of-this-test")];
    let (_, started) = scene.api().try_post("/api/v1/executions", &json!({ "workflow": "w" }), &headers).unwrap();
    let id = started["id"].as_str().unwrap();
    assert_eq!(scene.api().wait_ended(id)["status"], "succeeded");
    let unsigned = scene.api().deliver(
        "/webhooks/gitea",
        &[("content-type", "application/json".to_owned()), ("x-gitea-signature", "00".repeat(32))],
        "{}",
    );
    assert_eq!(unsigned, 401);
    scene.api().deliver("/api/v1/session", &[("authorization", format!("Bearer {}x", scene.api().admin_token()))], "");
    scene.controller.terminate();
    let log = scene.controller.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect();
    for line in &lines {
        let whole = ["timestamp", "level", "target", "message"].iter().all(|field| line[field].is_string());
        assert!(whole, "{line}");
    }
    let of_request: Vec<&Value> = lines.iter().filter(|line| line["request_id"] == "the-request-of-this-test").collect();
    assert!(
        of_request.iter().any(|line| line["message"] == "answered" && line["path"] == "/api/v1/executions"),
        "{of_request:#?}"
    );
    assert!(of_request.iter().any(|line| line["message"] == "started" && line["execution"] == id), "{of_request:#?}");
    let about: Vec<&Value> = lines.iter().filter(|line| line["execution"] == id).collect();
    assert!(about.iter().any(|line| line["message"] == "over" && line["status"] == "succeeded"), "{about:#?}");
    // A line that has the id anywhere has it in its field.
    for line in lines.iter().filter(|line| line.to_string().contains(id)) {
        assert_eq!(line["execution"], id, "{line}");
    }
    for secret in [METRICS, WEBHOOK, COLLECTOR, scene.api().admin_token(), enrolment.as_str()] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
