//! The source is a plain folder: an edit is live at once, a broken file changes nothing.

use crate::harness::{Engine, Scene, attempts, errors, on_both, step, wait, within};
use serde_json::{Value, json};
use std::time::Duration;

on_both! {
    an_edit_is_live_within_two_seconds
    a_broken_file_changes_nothing_and_is_reported
    a_running_execution_keeps_the_definition_it_started_with
}

/// How long an edit may take to be live.
const LIVE: Duration = Duration::from_secs(2);

fn workflow(said: &str) -> Value {
    json!({ "description": said, "steps": [step("only", &["a1"], &format!("echo {said}"))] })
}

fn description(scene: &Scene) -> String {
    let live = scene.controller.api().get("/api/v1/workflows/edited");
    live["spec"]["description"].as_str().unwrap_or_default().to_owned()
}

fn says(scene: &Scene) -> String {
    let execution = scene.run("edited");
    let attempt = &attempts(&execution)[0];
    scene.controller.api().whole_output(execution["id"].as_str().unwrap(), attempt, "stdout")
}

fn an_edit_is_live_within_two_seconds(engine: Engine) {
    let mut scene = Scene::on(engine, "folder: an edit is live");
    scene.write_workflow("edited", &workflow("before"));
    scene.set_up(&["a1"], 5);
    assert_eq!(says(&scene), "before\n");
    scene.write_workflow("edited", &workflow("after"));
    within(LIVE, "the edit to be live", || (description(&scene) == "after").then_some(()));
    assert_eq!(says(&scene), "after\n");
    // Editors write beside and rename over.
    let (beside, place) = (scene.path("beside"), scene.source("edited.yaml"));
    let text = std::fs::read_to_string(&place).unwrap().replace("after", "renamed");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, &place).unwrap();
    within(LIVE, "the renamed file to be live", || (description(&scene) == "renamed").then_some(()));
    std::fs::create_dir(scene.source("deep")).unwrap();
    std::fs::write(scene.source("deep/new.yaml"), std::fs::read_to_string(&place).unwrap().replace("edited", "new")).unwrap();
    let api = scene.controller.api();
    within(LIVE, "a file in a new folder to be live", || {
        api.try_get("/api/v1/workflows/new").filter(|(status, _)| *status == 200)
    });
}

fn a_broken_file_changes_nothing_and_is_reported(engine: Engine) {
    let mut scene = Scene::on(engine, "folder: a broken file");
    scene.write_workflow("edited", &workflow("before"));
    scene.set_up(&["a1"], 5);
    let api = scene.controller.api();
    let good = api.get("/api/v1/workflows/edited");
    // A good change of one file and two mistakes in another: all or nothing, and every mistake at once.
    scene.write_workflow("edited", &workflow("after"));
    let broken = "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: broken}\nspec:\n  steps:\n\
                  \x20   - {id: a, type: exectue, targets: [all], command: 'true'}\n\
                  \x20   - {id: b, type: execute, targets: [all], command: 'true', timeout: 90}\n";
    std::fs::write(scene.source("broken.yaml"), broken).unwrap();
    let refused = within(LIVE, "the broken file to be reported", || {
        let syncs = api.get("/api/v1/syncs");
        let sync = &syncs["items"][0];
        (sync["outcome"] == "refused" && errors(sync).len() == 2).then(|| sync.clone())
    });
    let expected = [("broken.yaml", 6, "unknown-step-type"), ("broken.yaml", 7, "wrong-type")];
    assert_eq!(errors(&refused), expected.map(|(file, line, code)| (file.to_owned(), line, code.to_owned())), "{refused:#}");
    let now = api.get("/api/v1/workflows/edited");
    assert_eq!(now["spec"], good["spec"], "the last good state stays live");
    std::fs::remove_file(scene.source("broken.yaml")).unwrap();
    wait("the mended folder to be live", || (description(&scene) == "after").then_some(()));
}

fn a_running_execution_keeps_the_definition_it_started_with(engine: Engine) {
    let mut scene = Scene::on(engine, "folder: an execution is pinned");
    let (start, go, end) = (scene.witness.start(), scene.until_go(), scene.witness.end());
    let spec = |said: &str| {
        let second = format!("{start}; echo {said}; {end}");
        let steps = [step("first", &["a1"], &format!("{start}; {go}; {end}")), step("second", &["a1"], &second)];
        json!({ "description": said, "steps": steps })
    };
    scene.write_workflow("edited", &spec("before"));
    scene.set_up(&["a1"], 5);
    let id = scene.start("edited");
    scene.wait_witnessed(1);
    scene.write_workflow("edited", &spec("after"));
    within(LIVE, "the edit to be live", || (description(&scene) == "after").then_some(()));
    scene.controller.kill();
    scene.controller.bury();
    scene.controller.start(&[]);
    scene.go();
    let api = scene.controller.api();
    let execution = api.wait_ended(&id);
    let all = attempts(&execution);
    assert_eq!(api.whole_output(&id, &all[1], "stdout"), "before\n");
    scene.judge();
}
