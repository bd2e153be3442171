//! `kill -9` at every durable write of a sync, and between the statements of the one that applies: what is live afterwards is the
//! old commit or the new one, whole, and the next look heals what is left to do.

use crate::harness::{Engine, Scene, on_both, step, wait};
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both! {
    a_killed_sync_leaves_the_old_commit_or_the_new_one
    a_killed_record_of_a_refused_commit_leaves_what_is_live
}

/// Points of the apply, and whether the new commit is live when the process dies there.
const APPLY: [(&str, bool); 5] = [
    ("controller.apply.advanced", false),
    ("controller.apply.upserted", false),
    ("controller.apply.retired", false),
    // Every row is written, COMMIT is not sent.
    ("controller.apply.before", false),
    ("controller.apply.after", true),
];

/// Points of the row of a sync that changes nothing live, and whether the row is there.
const RECORD: [(&str, bool); 2] = [("controller.record.before", false), ("controller.record.after", true)];

fn spec(said: &str) -> Value {
    json!({ "description": said, "steps": [step("only", &["a1"], "true")] })
}

/// Live workflows with their descriptions.
type Live = BTreeMap<String, String>;

fn set(of: &[(&str, &str)]) -> Live {
    of.iter().map(|(name, said)| ((*name).to_owned(), (*said).to_owned())).collect()
}

fn old() -> Live {
    set(&[("changed", "old"), ("kept", "old"), ("removed", "old")])
}

fn new() -> Live {
    set(&[("added", "new"), ("changed", "new"), ("kept", "old")])
}

fn write(scene: &Scene, wanted: &Live) {
    for name in old().keys().chain(new().keys()).filter(|name| !wanted.contains_key(*name)) {
        // It may not be there.
        drop(std::fs::remove_file(scene.source(&format!("{name}.yaml"))));
    }
    wanted.iter().for_each(|(name, said)| scene.write_workflow(name, &spec(said)));
}

fn live(scene: &Scene) -> Live {
    let list = scene.controller.api().get("/api/v1/workflows");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = list["items"].as_array().expect("a list").iter();
    items.map(|item| (text(&item["metadata"]["name"]), text(&item["spec"]["description"]))).collect()
}

/// The source's generation is the number of commits that were applied, and no row is of a later one.
fn assert_rows_agree(scene: &Scene, applied: i64) {
    let number = |sql: &str| scene.database.number(sql);
    assert_eq!(number("SELECT COALESCE(MAX(generation), 0) FROM sources"), applied);
    assert_eq!(number("SELECT COUNT(*) FROM syncs WHERE outcome = 'applied'"), applied);
    let agreeing = "SELECT COUNT(*) FROM sources JOIN syncs ON syncs.source = sources.source \
        AND syncs.commit_id = sources.commit_id AND syncs.outcome = 'applied'";
    assert_eq!(number(agreeing), i64::from(applied > 0), "the source stands at the commit of the sync that was applied last");
    let strays = "SELECT COUNT(*) FROM definitions WHERE generation > (SELECT MAX(generation) FROM sources)";
    assert_eq!(number(strays), 0);
}

/// Starts a controller that stopped before the source changed, and kills it at the point that its first look comes by.
fn kill_at(scene: &mut Scene, point: &str) {
    let gate = scene.gate(point);
    gate.arm();
    scene.controller.launch(&[gate.environment()]);
    gate.wait_reached();
    scene.controller.kill();
    scene.controller.bury();
    gate.open();
}

/// Starts it with a repository that cannot be reached, so that what the killed one left is looked at, and not what the next look
/// makes of it.
fn start_without_source(scene: &mut Scene) {
    scene.controller.start(&[("PULSE_SOURCE_URL".to_owned(), "http://127.0.0.1:1/nobody/listens.git".to_owned())]);
}

fn start_with_source(scene: &mut Scene) {
    scene.controller.terminate();
    scene.controller.start(&[]);
}

fn a_killed_sync_leaves_the_old_commit_or_the_new_one(engine: Engine) {
    for (point, is_new) in APPLY {
        // The first commit of all, and one that creates, changes and retires.
        for (before, after, applied) in [(Live::new(), old(), 0), (old(), new(), 1)] {
            let mut scene = Scene::on(engine, &format!("sync: kill at {point}, after {applied} commits"));
            if applied > 0 {
                write(&scene, &before);
                scene.controller.start(&[]);
                scene.controller.terminate();
            }
            write(&scene, &after);
            kill_at(&mut scene, point);
            start_without_source(&mut scene);
            let expected = if is_new { &after } else { &before };
            assert_eq!(&live(&scene), expected, "killed at {point}");
            assert_rows_agree(&scene, applied + i64::from(is_new));
            start_with_source(&mut scene);
            wait("the next look to heal it", || (live(&scene) == after).then_some(()));
            assert_rows_agree(&scene, applied + 1);
        }
    }
}

fn a_killed_record_of_a_refused_commit_leaves_what_is_live(engine: Engine) {
    for (point, is_recorded) in RECORD {
        let mut scene = Scene::on(engine, &format!("sync: kill at {point}"));
        write(&scene, &old());
        scene.controller.start(&[]);
        scene.controller.terminate();
        write(&scene, &new());
        std::fs::write(scene.source("broken.yaml"), "apiVersion: pulse.dev/v1\nkind: Nonsense\n").unwrap();
        let refused = |scene: &Scene| scene.database.number("SELECT COUNT(*) FROM syncs WHERE outcome = 'refused'");
        kill_at(&mut scene, point);
        start_without_source(&mut scene);
        assert_eq!(live(&scene), old(), "killed at {point}");
        assert_eq!(refused(&scene), i64::from(is_recorded));
        assert_rows_agree(&scene, 1);
        std::fs::remove_file(scene.source("broken.yaml")).unwrap();
        start_with_source(&mut scene);
        wait("the mended commit to be live", || (live(&scene) == new()).then_some(()));
        assert_rows_agree(&scene, 2);
    }
}
