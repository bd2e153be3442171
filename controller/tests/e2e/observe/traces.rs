//! Traces as a collector receives them: from the webhook to the command, through a controller that is killed, and without a collector.

use super::collector::{Collector, Span};
use crate::harness::{Forge, Scene, attempts, manifest, step, within};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const AGAIN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const SOON: Duration = Duration::from_secs(20);

/// The only span of this name in a trace; one that came twice came as the same.
#[track_caller]
fn one(spans: &[Span], trace: &str, name: &str) -> Span {
    let found: Vec<&Span> = spans.iter().filter(|span| span.trace == trace && span.name == name).collect();
    let ids: BTreeSet<&str> = found.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), 1, "{name} in {trace}: {spans:#?}");
    found[0].clone()
}

fn of_execution(id: &str) -> String {
    id.replace('-', "")
}

fn whole(collector: &Collector, traces: &[&str]) -> Vec<Span> {
    within(SOON, "every trace to be received", || {
        let spans = collector.spans();
        let has = |trace: &&str| spans.iter().any(|span| span.trace == **trace && span.kind.contains("SERVER"));
        traces.iter().all(has).then_some(spans)
    })
}

#[test]
fn from_the_webhook_to_the_command_it_is_seen_what_follows_from_what() {
    let mut scene = Scene::new("observe: a real collector");
    let mut collector = Collector::new(&scene);
    let forge = Forge::with(&[]);
    scene.controller.set(forge.settings());
    scene.controller.set([("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()), ("OTEL_SERVICE_NAME", "pulse-here".to_owned())]);
    collector.start();
    scene.set_up(&["a1"], 4);
    let steps = json!({ "steps": [step("say", &["a1"], "echo \"$TRACEPARENT\""), step("fail", &["a1"], "exit 3")] });
    let commit = forge.repository.replace("main", &[("w.yaml", manifest("Workflow", "w", &steps).as_str())].into());
    assert_eq!(forge.deliver(scene.api(), &commit), 202);
    within(SOON, "the push to be live", || (scene.api().try_get("/api/v1/workflows/w")?.0 == 200).then_some(()));

    let ours = scene.start("w");
    let headers = [("traceparent", CALLER)];
    let (status, theirs) = scene.api().try_post("/api/v1/executions", &json!({ "workflow": "w" }), &headers).unwrap_or_default();
    // The workflow's own executions exclude each other; the second waits for the first.
    let theirs = if status == 201 {
        theirs
    } else {
        scene.api().wait_ended(&ours);
        scene.api().try_post("/api/v1/executions", &json!({ "workflow": "w" }), &headers).unwrap().1
    };
    let theirs = theirs["id"].as_str().unwrap().to_owned();
    for id in [&ours, &theirs] {
        assert_eq!(scene.api().wait_ended(id)["status"], "failed");
    }
    // What failed is run again by another caller, with another trace.
    let headers = [("traceparent", AGAIN)];
    let again = scene.api().try_post(&format!("/api/v1/executions/{ours}/retry"), &json!({}), &headers).unwrap();
    assert_eq!(again.0, 201, "{}", again.1);
    assert_eq!(scene.api().wait_ended(again.1["id"].as_str().unwrap())["status"], "failed");
    let sync = scene.api().get("/api/v1/syncs")["items"][0].clone();
    assert_eq!(sync["commit"], commit.as_str());
    let (own, synced, callers) = (of_execution(&ours), of_execution(sync["id"].as_str().unwrap()), &CALLER[3..35]);
    let spans = whole(&collector, &[&own, callers, &AGAIN[3..35], &synced]);
    assert_eq!(one(&spans, &AGAIN[3..35], "RUN w").parent, "b7ad6b7169203331");

    let root = one(&spans, &own, "RUN w");
    assert!(root.kind.contains("SERVER") && root.parent.is_empty() && root.status.contains("ERROR"), "{root:?}");
    let told = |span: &Span, name: &str| span.attributes.get(name).cloned().unwrap_or_default();
    assert_eq!((told(&root, "cicd.pipeline.name"), told(&root, "cicd.pipeline.run.id")), ("w".into(), ours.clone()));
    assert_eq!((told(&root, "cicd.pipeline.result"), told(&root, "vcs.ref.head.revision")), ("failure".into(), commit.clone()));
    let (say, fail) = (one(&spans, &own, "RUN say"), one(&spans, &own, "RUN fail"));
    assert_eq!((&say.parent, &fail.parent), (&root.id, &root.id));
    assert_eq!(
        (told(&say, "cicd.pipeline.task.run.result"), told(&fail, "cicd.pipeline.task.run.result")),
        ("success".into(), "failure".into())
    );
    let attempt = one(&spans, &own, "say attempt");
    assert_eq!((&attempt.parent, told(&attempt, "cicd.worker.name")), (&say.id, "a1".into()));
    let webhook = one(&spans, &synced, "webhook");
    assert_eq!(webhook.parent, one(&spans, &synced, "SYNC default").id, "what a webhook asked for");

    // The command's own spans would hang on its attempt's; the caller's trace goes through to it.
    for (id, trace) in [(&ours, own.as_str()), (&theirs, callers)] {
        let said = attempts(&scene.api().execution(id)).remove(0);
        let handed = scene.api().output(id, &said, "stdout");
        let span = one(&spans, trace, "say attempt");
        assert_eq!(handed.trim(), format!("00-{trace}-{}-01", span.id));
    }
    assert_eq!(one(&spans, callers, "RUN w").parent, "00f067aa0ba902b7");
    let log = std::fs::read_to_string(scene.path("collector.log")).unwrap();
    assert!(log.contains("service.name: Str(pulse-here)"), "{log}");
    assert!(!log.contains(scene.api().admin_token()) && !log.contains("the-token"), "no secret is exported");
}

#[test]
fn neither_a_killed_controller_nor_an_absent_collector_leaves_a_gap() {
    let mut scene = Scene::new("observe: a collector that comes late");
    let mut collector = Collector::new(&scene);
    scene.controller.set([("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())]);
    let held = format!("echo\n{}", scene.until_go());
    scene.write_workflow("quick", &json!({ "concurrency": { "policy": "Allow" }, "steps": [step("only", &["a1"], "echo")] }));
    scene.write_workflow("held", &json!({ "steps": [step("only", &["a1"], &held)] }));
    scene.set_up(&["a1"], 4);
    let held = scene.start("held");
    // Nobody takes them, and nobody waits for that.
    let before: Vec<String> = (0..3).map(|_| scene.start("quick")).collect();
    before.iter().for_each(|id| assert_eq!(scene.api().wait_ended(id)["status"], "succeeded"));
    scene.controller.kill();
    scene.controller.bury();
    collector.start();
    scene.controller.start(&[]);
    scene.go();
    assert_eq!(scene.api().wait_ended(&held)["status"], "succeeded");
    let traces: Vec<String> = before.iter().chain([&held]).map(|id| of_execution(id)).collect();
    let traces: Vec<&str> = traces.iter().map(String::as_str).collect();
    let spans = whole(&collector, &traces);
    for trace in traces {
        let all = spans.iter().filter(|span| span.trace == trace);
        let (ids, names): (BTreeSet<_>, BTreeSet<_>) = all.map(|span| (&span.id, &span.name)).unzip();
        assert_eq!((ids.len(), names.len()), (3, 3), "the execution, its step, its attempt: {names:?}");
    }
}
