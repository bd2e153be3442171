//! From a push to what is live: a real repository over `git http-backend` behind Basic auth, signed deliveries, the real controller
//! on both engines; and what comes of held commits, other histories, lost branches, lost deliveries and lost credentials.

use crate::harness::{Api, Engine, Forge, Scene, attempts, manifest, on_both, step, wait, within};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

on_both! {
    a_push_is_live_by_its_webhook
    a_lost_webhook_is_healed_by_the_poll
    a_held_commit_is_released_as_it_was_seen_or_not_at_all
    another_history_is_the_new_state_and_what_ran_stays
    what_is_live_outlives_its_branch_and_its_credentials
}

/// How long a delivery may take to be live, on however busy a machine.
const LIVE: Duration = Duration::from_secs(10);

/// The text of a workflow that says one word.
fn workflow(name: &str, said: &str) -> String {
    manifest("Workflow", name, &json!({ "description": said, "steps": [step("only", &["a1"], &format!("echo {said}"))] }))
}

/// A scene whose source is a repository with these workflows, by name and word. Its controller does not run yet.
fn scene(engine: Engine, name: &str, workflows: &[(&str, &str)]) -> (Scene, Forge) {
    let mut scene = Scene::on(engine, name);
    let forge = Forge::with(&[]);
    push(&forge, workflows);
    scene.controller.set(forge.settings());
    (scene, forge)
}

/// A commit of these workflows and of nothing else; its id.
fn push(forge: &Forge, workflows: &[(&str, &str)]) -> String {
    let files = files(workflows);
    forge.repository.replace("main", &borrowed(&files))
}

fn files(workflows: &[(&str, &str)]) -> BTreeMap<String, String> {
    workflows.iter().map(|(name, said)| (format!("{name}.yaml"), workflow(name, said))).collect()
}

fn borrowed(files: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

fn sync(scene: &Scene) -> Value {
    scene.controller.api().post("/api/v1/syncs", &json!({}))
}

fn source(api: &Api) -> Value {
    api.get("/api/v1/sources/default")
}

/// Live workflows with their words.
fn live(scene: &Scene) -> BTreeMap<String, String> {
    let list = scene.controller.api().get("/api/v1/workflows?limit=500");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = list["items"].as_array().expect("a list").iter();
    items.map(|item| (text(&item["metadata"]["name"]), text(&item["spec"]["description"]))).collect()
}

fn set(workflows: &[(&str, &str)]) -> BTreeMap<String, String> {
    workflows.iter().map(|(name, said)| ((*name).to_owned(), (*said).to_owned())).collect()
}

#[track_caller]
fn assert_live(scene: &Scene, commit: &str, workflows: &[(&str, &str)]) {
    assert_eq!((source(scene.controller.api())["observedCommit"].as_str(), live(scene)), (Some(commit), set(workflows)));
}

/// The status and reason of Ready, and those of Stalled.
fn conditions(source: &Value) -> [(String, String); 2] {
    ["Ready", "Stalled"].map(|kind| {
        let all = source["conditions"].as_array().expect("conditions");
        let one = all.iter().find(|one| one["type"] == kind).expect(kind);
        (one["status"].as_str().unwrap().to_owned(), one["reason"].as_str().unwrap().to_owned())
    })
}

#[track_caller]
fn assert_conditions(scene: &Scene, ready: (&str, &str), stalled: &str) {
    let source = source(scene.controller.api());
    let said = [(ready.0, ready.1), (stalled, ready.1)].map(|(status, reason)| (status.to_owned(), reason.to_owned()));
    assert_eq!(conditions(&source), said, "{source:#}");
}

/// Waits until no look is under way: what comes next, the controller was told to.
fn wait_quiet(api: &Api) -> Value {
    wait("the source to be quiet", || Some(source(api)).filter(|source| source["nextLook"].is_string()))
}

fn a_push_is_live_by_its_webhook(engine: Engine) {
    let (mut scene, forge) = scene(engine, "gitops: push, webhook, live", &[("w", "first"), ("x", "first")]);
    let first = forge.repository.head("main").unwrap();
    scene.controller.start(&[]);
    let api = scene.controller.api().clone();
    assert_live(&scene, &first, &[("w", "first"), ("x", "first")]);
    let before = wait_quiet(&api);

    let second = push(&forge, &[("w", "second"), ("x", "first"), ("y", "second")]);
    assert_eq!(forge.forge_delivery(&api, &second), 401);
    assert_eq!(source(&api)["lastLook"], before["lastLook"], "a wrong signature makes nobody look");
    assert_eq!(forge.deliver(&api, &second), 202);
    within(LIVE, "the push to be live", || (source(&api)["observedCommit"] == json!(second)).then_some(()));
    assert_live(&scene, &second, &[("w", "second"), ("x", "first"), ("y", "second")]);
    let page = api.get("/api/v1/syncs");
    let (sync, hook) = (&page["items"][0], &page["lastWebhook"]);
    assert_eq!((&sync["outcome"], &sync["commit"], &sync["generation"]), (&json!("applied"), &json!(second), &json!(2)));
    assert_eq!((&hook["accepted"], &hook["after"]), (&json!(true), &json!(second)), "{hook:#}");
    let status = |name: &str| api.get(&format!("/api/v1/workflows/{name}"))["status"].clone();
    assert_eq!((&status("w")["observedCommit"], &status("w")["generation"]), (&json!(second), &json!(2)), "{:#}", status("w"));

    // The branch's head decides, whatever a late delivery names.
    let before = wait_quiet(&api);
    assert_eq!(forge.deliver(&api, &first), 202);
    within(LIVE, "the late delivery to be looked into", || (source(&api)["lastLook"] != before["lastLook"]).then_some(()));
    assert_live(&scene, &second, &[("w", "second"), ("x", "first"), ("y", "second")]);
}

fn a_lost_webhook_is_healed_by_the_poll(engine: Engine) {
    let (mut scene, forge) = scene(engine, "gitops: a lost webhook", &[("w", "first")]);
    scene.controller.set([("PULSE_SOURCE_POLL", "2s".to_owned())]);
    scene.controller.start(&[]);
    let api = scene.controller.api().clone();
    // Two in a row, so that it is not the look of the start that finds it.
    for said in ["second", "third"] {
        let commit = push(&forge, &[("w", said)]);
        within(Duration::from_secs(2) + LIVE, "the poll to find the commit", || {
            (source(&api)["observedCommit"] == json!(commit)).then_some(())
        });
        assert_live(&scene, &commit, &[("w", said)]);
    }
    assert!(api.get("/api/v1/syncs")["lastWebhook"].is_null(), "nobody delivered anything");
}

fn a_held_commit_is_released_as_it_was_seen_or_not_at_all(engine: Engine) {
    let all = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| (name, "first"));
    let (mut scene, forge) = scene(engine, "gitops: a held commit", &all);
    let first = forge.repository.head("main").unwrap();
    scene.controller.start(&[]);
    let api = scene.controller.api().clone();
    // A word on a held sync; status and answer.
    let confirm = |held: &Value, commit: &str, digest: &Value| {
        let path = format!("/api/v1/syncs/{}/confirm", held["id"].as_str().unwrap());
        api.try_post(&path, &json!({ "commit": commit, "planDigest": digest }), &[]).expect("an answer")
    };
    let hold = |gone: usize| {
        let commit = push(&forge, &all[gone..]);
        let held = sync(&scene);
        let counts = (&held["outcome"], &held["commit"], &held["counts"]["retire"]);
        assert_eq!(counts, (&json!("held"), &json!(commit), &json!(gone)), "{held:#}");
        assert_live(&scene, &first, &all);
        (commit, held)
    };

    let (seen, held) = hold(5);
    assert_conditions(&scene, ("False", "Held"), "True");
    let (status, refused) = confirm(&held, &first, &held["planDigest"]);
    assert_eq!((status, &refused["code"]), (409, &json!("another_plan")), "{refused}");

    // While the person read, somebody pushed: that commit holds the source now, and wants a word of its own.
    let (moved, newer) = hold(4);
    let (status, refused) = confirm(&held, &seen, &held["planDigest"]);
    assert_eq!((status, &refused["code"]), (409, &json!("head_moved")), "{refused}");
    assert_eq!((&refused["sync"]["id"], &refused["sync"]["outcome"]), (&newer["id"], &json!("held")), "{refused}");
    assert_live(&scene, &first, &all);
    let (status, applied) = confirm(&newer, &moved, &newer["planDigest"]);
    assert_eq!((status, &applied["outcome"], &applied["commit"]), (200, &json!("applied"), &json!(moved)), "{applied}");
    assert_eq!((&applied["confirmedBy"], &applied["confirms"]), (&json!("admin"), &newer["id"]), "{applied}");
    assert_live(&scene, &moved, &all[4..]);
    let retired = "SELECT COUNT(*) FROM definitions WHERE retired_at IS NOT NULL";
    assert_eq!(scene.database.number(retired), 4, "their rows stay");

    // A head that needs no word goes past the one that waits for it.
    push(&forge, &all);
    assert_eq!(sync(&scene)["outcome"], "applied");
    let gone = push(&forge, &all[5..]);
    let held = sync(&scene);
    assert_eq!(held["outcome"], "held", "{held:#}");
    let mended = push(&forge, &all[1..]);
    let (status, refused) = confirm(&held, &gone, &held["planDigest"]);
    assert_eq!((status, &refused["code"], &refused["sync"]["outcome"]), (409, &json!("head_moved"), &json!("applied")));
    assert_live(&scene, &mended, &all[1..]);
    assert_conditions(&scene, ("True", "Applied"), "False");
}

fn another_history_is_the_new_state_and_what_ran_stays(engine: Engine) {
    let (mut scene, forge) = scene(engine, "gitops: force-push", &[]);
    let (start, go, end) = (scene.witness.start(), scene.until_go(), scene.witness.end());
    let say = step("say", &["a1"], &format!("{start}; echo old; {end}"));
    let steps = [step("hold", &["a1"], &format!("{start}; {go}; {end}")), say];
    let held = manifest("Workflow", "held", &json!({ "description": "old", "steps": steps }));
    let old = forge.repository.commit("main", &[("held.yaml", &held)]);
    scene.set_up(&["a1"], 5);
    let api = scene.controller.api().clone();
    let id = scene.start("held");
    scene.wait_witnessed(1);

    let files = files(&[("other", "new")]);
    let forced = forge.repository.force("main", &borrowed(&files).into_iter().collect::<Vec<_>>());
    let applied = sync(&scene);
    assert_eq!((&applied["outcome"], &applied["commit"]), (&json!("applied"), &json!(forced)), "{applied:#}");
    assert_live(&scene, &forced, &[("other", "new")]);
    let (status, _) = api.try_get("/api/v1/workflows/held").expect("an answer");
    assert_eq!(status, 404);

    // Nothing of the old history is in the branch any more; what ran of it, and that it was live, is.
    scene.go();
    let execution = api.wait_ended(&id);
    assert_eq!((&execution["status"], &execution["commit"]), (&json!("succeeded"), &json!(old)), "{execution:#}");
    assert_eq!(api.whole_output(&id, &attempts(&execution)[1], "stdout"), "old\n");
    let syncs = api.get("/api/v1/syncs");
    let commits: Vec<_> = syncs["items"].as_array().unwrap().iter().map(|sync| sync["commit"].as_str().unwrap()).collect();
    assert_eq!(commits, [forced.as_str(), old.as_str()]);
    scene.judge();
}

fn what_is_live_outlives_its_branch_and_its_credentials(engine: Engine) {
    let (mut scene, forge) = scene(engine, "gitops: branch and credentials", &[("w", "first")]);
    let first = forge.repository.head("main").unwrap();
    scene.controller.start(&[]);
    let git = |arguments: &[&str]| drop(forge.repository.git(arguments));

    git(&["update-ref", "-d", "refs/heads/main"]);
    let lost = sync(&scene);
    assert_eq!((&lost["outcome"], &lost["reason"]), (&json!("unreachable"), &json!("BranchMissing")), "{lost:#}");
    assert_conditions(&scene, ("False", "BranchMissing"), "True");
    assert_live(&scene, &first, &[("w", "first")]);
    git(&["update-ref", "refs/heads/main", &first]);
    assert_eq!(sync(&scene)["outcome"], "unchanged");
    assert_conditions(&scene, ("True", "Unchanged"), "False");

    git(&["branch", "-m", "main", "trunk"]);
    let lost = sync(&scene);
    assert!(lost["message"].as_str().unwrap().contains("`trunk`"), "it says what is there: {lost:#}");
    assert_live(&scene, &first, &[("w", "first")]);
    git(&["branch", "-m", "trunk", "main"]);
    let second = push(&forge, &[("w", "second")]);
    assert_eq!(sync(&scene)["outcome"], "applied");
    assert_live(&scene, &second, &[("w", "second")]);

    // The token was changed at the server and not here.
    forge.rotate_token("another-token");
    let third = push(&forge, &[("w", "third")]);
    let refused = sync(&scene);
    assert_eq!((&refused["outcome"], &refused["reason"]), (&json!("unreachable"), &json!("Unauthorized")), "{refused:#}");
    assert!(!refused.to_string().contains("the-token"), "{refused:#}");
    assert_live(&scene, &second, &[("w", "second")]);
    // A restart with the wrong one does no harm, and one with the right one mends it.
    scene.controller.terminate();
    scene.controller.start(&[]);
    wait_quiet(scene.controller.api());
    assert_conditions(&scene, ("False", "Unauthorized"), "True");
    assert_live(&scene, &second, &[("w", "second")]);
    scene.controller.terminate();
    scene.controller.set([("PULSE_SOURCE_TOKEN", "another-token".to_owned())]);
    scene.controller.start(&[]);
    let api = scene.controller.api();
    within(LIVE, "the third commit to be live", || (source(api)["observedCommit"] == json!(third)).then_some(()));
    assert_live(&scene, &third, &[("w", "third")]);
    assert!(!scene.controller.log().contains("another-token"), "no secret in the log");
}
