//! Running again: from where it failed, without what succeeded; at the same commit; at what is live now.

use crate::harness::{Engine, Scene, attempts, on_both, step, with};
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both! {
    a_retry_repeats_the_failed_targets_and_nothing_that_succeeded
    the_same_commit_runs_again_as_it_was_and_head_as_it_is
    an_unknown_target_is_repeated_only_where_a_person_says_so
}

/// Runs on each agent, and fails on a2 until the test has mended it.
fn flaky(scene: &Scene) -> Value {
    let mended = scene.path("mended").display().to_string();
    let command = scene.signed(&format!("[ \"$PULSE_AGENT\" = a1 ] || [ -e '{mended}' ] || exit 3"));
    step("flaky", &["all"], &command)
}

fn runs(scene: &Scene) -> BTreeMap<String, usize> {
    scene.runs().into_iter().map(|((step, agent), times)| (format!("{step} {agent}"), times)).collect()
}

fn counted<const N: usize>(runs: [(&str, usize); N]) -> BTreeMap<String, usize> {
    runs.into_iter().map(|(name, times)| (name.to_owned(), times)).collect()
}

fn a_retry_repeats_the_failed_targets_and_nothing_that_succeeded(engine: Engine) {
    let mut scene = Scene::on(engine, "retries: of failed targets");
    let first = step("first", &["a1"], &scene.signed("echo VALUE=kept"));
    let read = json!({ "id": "read", "type": "parse" });
    let ask = json!({ "id": "ask", "type": "prompt", "message": "Go on?", "options": ["Yes", "No"] });
    let last = with(
        step("last", &["all"], &scene.signed("echo \"$SAID\"")),
        json!({
            "when": "steps.ask.answer == \"Yes\" && steps.flaky.agents.len() == 2",
            "env": { "SAID": "{{ state.value }} {{ steps.ask.answer }}" },
        }),
    );
    scene.write_workflow("w", &json!({ "steps": [first, read, ask, flaky(&scene), last] }));
    scene.set_up(&["a1", "a2"], 5);
    let id = scene.start("w");
    let prompt = scene.api().wait_prompt(&id);
    let (status, body) = scene.api().try_retry(&id, &json!({}));
    assert_eq!((status, &body["code"]), (409, &json!("not_over")), "{body:#}");
    scene.api().answer(&prompt["id"], "Yes");
    let failed = scene.api().wait_ended(&id);
    assert_eq!(failed["status"], "failed", "{failed:#}");
    let before = counted([("first a1", 1), ("flaky a1", 1), ("flaky a2", 1)]);
    assert_eq!(runs(&scene), before);

    // What it was mended for fails once more: the new one repeats the same target, and names the one that it repeats.
    let again = scene.api().retry(&id, &json!({}));
    assert_eq!(scene.api().wait_ended(&again)["status"], "failed");
    assert_eq!(runs(&scene), counted([("first a1", 1), ("flaky a1", 1), ("flaky a2", 2)]));

    std::fs::write(scene.path("mended"), "").unwrap();
    scene.controller.crash(&[]);
    for agent in ["a1", "a2"] {
        scene.api().wait_online(agent);
    }
    let mended = scene.api().retry(&again, &json!({}));
    let execution = scene.api().wait_ended(&mended);
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    let after = counted([("first a1", 1), ("flaky a1", 1), ("flaky a2", 3), ("last a1", 1), ("last a2", 1)]);
    assert_eq!(runs(&scene), after, "what succeeded is not run again");
    assert_eq!(scene.api().events_of(&mended, &["prompt_opened"]), Vec::<Value>::new(), "nobody is asked again");
    let steps: Vec<_> = execution["steps"].as_array().unwrap().iter().map(|run| (&run["id"], &run["carried"])).collect();
    assert_eq!(steps[0], (&json!("first"), &json!(true)), "{execution:#}");
    let all = attempts(&execution);
    let said = scene.api().whole_output(&mended, all.last().unwrap(), "stdout");
    assert_eq!(said, "kept Yes\n", "what was parsed and answered before is there");
    let (status, body) = scene.api().try_retry(&mended, &json!({}));
    assert_eq!((status, &body["code"]), (409, &json!("nothing_failed")), "{body:#}");
    scene.judge();
}

fn the_same_commit_runs_again_as_it_was_and_head_as_it_is(engine: Engine) {
    let mut scene = Scene::on(engine, "retries: same commit, and head");
    let spec = |said: &str| json!({ "steps": [step("say", &["a1"], &scene.signed(&format!("echo {said}")))] });
    let (old, new) = (spec("old"), spec("new"));
    scene.write_workflow("w", &old);
    scene.set_up(&["a1"], 5);
    let id = scene.start("w");
    let first = scene.api().wait_ended(&id);
    scene.write_workflow("w", &new);
    assert_ne!(scene.api().post("/api/v1/syncs", &json!({}))["outcome"], "refused");
    let says = |body: Value| {
        let id = scene.api().retry(&id, &body);
        let execution = scene.api().wait_ended(&id);
        assert_eq!(execution["status"], "succeeded", "{execution:#}");
        (execution["commit"].clone(), scene.api().whole_output(&id, &attempts(&execution)[0], "stdout"))
    };
    assert_eq!(says(json!({ "from": "start" })), (first["commit"].clone(), "old\n".to_owned()));
    let (commit, said) = says(json!({ "from": "start", "commit": "head" }));
    assert_eq!(said, "new\n");
    assert_ne!(commit, first["commit"]);
    // Also when it is no longer there.
    std::fs::remove_file(scene.source("w.yaml")).unwrap();
    scene.api().post("/api/v1/syncs", &json!({}));
    assert_eq!(says(json!({ "from": "start", "commit": "same" })).1, "old\n");
    let (status, body) = scene.api().try_retry(&id, &json!({ "from": "start", "commit": "head" }));
    assert_eq!((status, &body["code"]), (422, &json!("no_such_workflow")), "{body:#}");
    let (status, body) = scene.api().try_retry(&id, &json!({ "from": "failed", "commit": "head" }));
    assert_eq!((status, &body["code"]), (422, &json!("bad_retry")), "{body:#}");
    scene.judge();
}

fn an_unknown_target_is_repeated_only_where_a_person_says_so(engine: Engine) {
    let mut scene = Scene::on(engine, "retries: of an unknown target");
    let held = with(step("held", &["a1"], &scene.held("go")), json!({ "onUnknown": "fail" }));
    scene.write_workflow("w", &json!({ "steps": [held] }));
    scene.set_up(&["a1"], 5);
    let id = scene.start("w");
    scene.wait_witnessed(1);
    scene.agents[0].kill_shims();
    assert_eq!(scene.api().wait_ended(&id)["status"], "failed");
    let (status, body) = scene.api().try_retry(&id, &json!({}));
    assert_eq!((status, &body["code"], &body["targets"]), (409, &json!("unknown_targets"), &json!(["a1"])), "{body:#}");
    scene.let_go("go");
    let again = scene.api().retry(&id, &json!({ "includeUnknown": true }));
    assert_eq!(scene.api().wait_ended(&again)["status"], "succeeded");
    assert_eq!(scene.started(), 2);
    scene.judge();
}
