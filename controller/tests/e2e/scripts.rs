//! Scripts and files of the source: from a folder and from a real Git remote to the command, pinned and planned with the workflow.

use crate::harness::{Forge, Scene, attempts, errors, manifest, pulse, wait, within};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Python takes the arguments as they are and says them as JSON, with what lies around it.
const PYTHON: &str = "#!/usr/bin/env python3
import json, os, sys
work = os.environ['PULSE_WORKDIR']
found = {os.path.relpath(os.path.join(place, name), work): bool(os.stat(os.path.join(place, name)).st_mode & 0o111)
         for place, _, names in os.walk(work) for name in names}
print(json.dumps({'args': sys.argv[1:], 'self': os.path.relpath(sys.argv[0], work), 'cwd': os.getcwd() == work, 'found': found}))
";

/// No shebang: the step's shell reads it, and stops at the first failure.
const PLAIN: &str = "for arg in \"$@\"; do printf '%s|' \"$arg\"; done; cat conf/app.conf; ./tool.sh; false; echo never\n";

/// Values that a shell would run, split or expand.
const HOSTILE: [&str; 7] =
    ["$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "a  b\n\"c\"\\", "*", "-n", "${HOME} %s {{ params.other }}"];

fn step(id: &str, further: Value) -> Value {
    let mut step = json!({ "id": id, "type": "execute", "targets": ["a1"], "timeout": "1m" });
    step.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    step
}

/// One script that is executed, and one that the shell is given, each with the hostile values as arguments.
fn both() -> Value {
    let names: Vec<String> = (0..HOSTILE.len()).map(|n| format!("v{n}")).collect();
    let params: Vec<Value> = names.iter().map(|name| json!({ "name": name, "required": true })).collect();
    let args: Vec<String> =
        names.iter().map(|name| format!("{{{{ params.{name} }}}}")).chain(["{{ agent.name }}!".into()]).collect();
    let files = json!(["lib/data", { "from": "bin/tool.sh", "to": "tool.sh" }]);
    let plain = json!([{ "from": "conf/prod", "to": "conf/app.conf" }, { "from": "bin/tool.sh", "to": "tool.sh" }]);
    json!({ "params": params, "steps": [
        step("python", json!({ "script": { "file": "bin/look.sh", "args": args }, "files": files })),
        step("plain", json!({ "script": { "file": "lib/plain", "args": args }, "files": plain, "successExitCodes": [1] })),
    ]})
}

/// The files of [`both`]; those that end in `.sh` can be executed.
const FILES: [(&str, &str); 5] = [
    ("bin/look.sh", PYTHON),
    ("bin/tool.sh", "#!/bin/sh\necho tool\n"),
    ("lib/plain", PLAIN),
    ("lib/data", "data"),
    ("conf/prod", "prod\n"),
];

/// Runs [`both`], and holds what its commands said against what they must have got.
fn assert_both_run(scene: &Scene) {
    let params: serde_json::Map<String, Value> =
        HOSTILE.iter().enumerate().map(|(n, value)| (format!("v{n}"), json!(value))).collect();
    let api = scene.controller.api();
    let id = api.start(&json!({ "workflow": "both", "params": params }));
    let execution = api.wait_ended(&id);
    let all = attempts(&execution);
    assert_eq!((execution["status"].as_str(), all.len()), (Some("succeeded"), 2), "{execution:#}");
    let args: Vec<&str> = HOSTILE.iter().copied().chain(["a1!"]).collect();
    let said: Value = serde_json::from_str(&api.whole_output(&id, &all[0], "stdout")).unwrap();
    let found = json!({ "bin/look.sh": true, "lib/data": false, "tool.sh": true });
    assert_eq!(said, json!({ "args": args, "self": "bin/look.sh", "cwd": true, "found": found }));
    let expected: String = args.iter().map(|arg| format!("{arg}|")).collect::<String>() + "prod\ntool\n";
    assert_eq!(api.whole_output(&id, &all[1], "stdout"), expected);
}

/// A file of the scene's folder that serves as source.
fn write(scene: &Scene, path: &str, content: &str) {
    let at = scene.source(path);
    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    // Written beside and moved there, as editors do: nobody sees half of it.
    let beside = scene.path("beside");
    std::fs::write(&beside, content).unwrap();
    let mode = if path.ends_with(".sh") { 0o755 } else { 0o644 };
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::rename(&beside, &at).unwrap();
}

fn sync(scene: &Scene) -> Value {
    scene.controller.api().post("/api/v1/syncs", &json!({}))
}

fn status(scene: &Scene, workflow: &str) -> Value {
    scene.controller.api().get(&format!("/api/v1/workflows/{workflow}"))["status"].clone()
}

/// `pulse plan` of a path: its exit code and what it says.
fn plan(scene: &Scene, path: &Path) -> (Option<i32>, String) {
    let api = scene.controller.api();
    let mut command = Command::new(pulse());
    command.args(["plan", path.to_str().unwrap()]).env_clear().env("HOME", scene.root());
    let output = command.env("PULSE_SERVER", api.address()).env("PULSE_TOKEN", api.admin_token()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn scripts_of_a_folder_run_with_their_arguments_and_files() {
    let mut scene = Scene::new("scripts: from a folder");
    scene.write_workflow("both", &both());
    FILES.iter().for_each(|(path, content)| write(&scene, path, content));
    scene.set_up(&["a1"], 5);
    assert_both_run(&scene);
}

#[test]
fn an_edit_of_a_script_is_an_update_and_runs_only_in_new_executions() {
    let mut scene = Scene::new("scripts: an edit, and a pinned execution");
    let waiting = format!("{}; {}; {}", scene.witness.start(), scene.until_go(), scene.witness.end());
    let steps = json!([
        step("hold", json!({ "command": waiting })),
        step("say", json!({ "script": { "file": "say.sh" }, "files": ["word"] })),
    ]);
    scene.write_workflow("pinned", &json!({ "concurrency": { "policy": "Allow" }, "steps": steps }));
    scene.write_workflow("other", &json!({ "steps": [step("only", json!({ "command": "true" }))] }));
    write(&scene, "say.sh", "#!/bin/sh\necho \"old $(cat word)\"\n");
    write(&scene, "word", "word");
    scene.set_up(&["a1"], 5);
    let before = status(&scene, "pinned");
    assert_eq!(plan(&scene, &scene.path("source")).0, Some(0), "what is live is what lies there");
    let pinned = scene.start("pinned");
    scene.wait_witnessed(1);

    // Another content, then only another mode: each is an update of this workflow and of no other.
    let copy = scene.path("copy");
    assert!(Command::new("cp").arg("-a").args([&scene.path("source"), &copy]).status().unwrap().success());
    std::fs::write(copy.join("say.sh"), "#!/bin/sh\necho \"new $(cat word)\"\n").unwrap();
    let (code, said) = plan(&scene, &copy);
    assert!(
        code == Some(1) && said.contains("~ Workflow   pinned") && said.contains("0 to create, 1 to update, 0 to retire"),
        "{said}"
    );
    std::fs::copy(scene.source("say.sh"), copy.join("say.sh")).unwrap();
    std::fs::set_permissions(copy.join("word"), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(plan(&scene, &copy).0, Some(1), "a mode counts");

    // Only the script is edited, and nobody asks for a look.
    write(&scene, "say.sh", "#!/bin/sh\necho \"new $(cat word)\"\n");
    let api = scene.controller.api().clone();
    within(Duration::from_secs(5), "the edit of the script to be live", || {
        (status(&scene, "pinned")["digest"] != before["digest"]).then_some(())
    });
    let after = status(&scene, "pinned");
    assert_eq!(after["generation"], before["generation"].as_i64().unwrap() + 1, "{after:#}");
    assert_eq!(status(&scene, "other")["generation"], 1);

    // The controller forgets everything but what it wrote down.
    scene.controller.kill();
    scene.controller.bury();
    scene.controller.start(&[]);
    scene.go();
    let said = |id: &str| {
        let execution = api.wait_ended(id);
        assert_eq!(execution["status"], "succeeded", "{execution:#}");
        api.whole_output(id, &attempts(&execution)[1], "stdout")
    };
    assert_eq!(said(&pinned), "old word\n");
    assert_eq!(said(&scene.start("pinned")), "new word\n");
}

#[test]
fn a_missing_file_refuses_the_whole_folder_with_its_place() {
    let mut scene = Scene::new("scripts: a missing file");
    scene.write_workflow("good", &json!({ "steps": [step("only", json!({ "command": "echo before" }))] }));
    scene.set_up(&[], 5);
    let before = status(&scene, "good");
    scene.write_workflow("good", &json!({ "steps": [step("only", json!({ "command": "echo after" }))] }));
    let spec = "spec:\n  steps:\n    - id: a\n      type: execute\n      targets: [all]\n      script:\n        file: bin/gone.sh\n      \
                files:\n        - lib\n        - {from: there, to: x}\n";
    write(&scene, "bad.yaml", &format!("apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: bad}}\n{spec}"));
    write(&scene, "lib/data", "");
    write(&scene, "there", "");
    let api = scene.controller.api();
    let refused = wait("the commit to be refused", || {
        let sync = sync(&scene);
        (sync["outcome"] == "refused").then_some(sync)
    });
    let expected = [10, 12].map(|line| ("bad.yaml".to_owned(), line, "missing-file".to_owned()));
    assert_eq!(errors(&refused), expected, "{refused:#}");
    assert_eq!(refused["problems"][0]["message"], "there is no file `bin/gone.sh` in the source");
    assert_eq!(refused["problems"][1]["message"], "`lib` is a folder, not a file");
    assert_eq!(status(&scene, "good")["digest"], before["digest"], "nothing of it is live");
    assert!(
        plan(&scene, &scene.path("source")).1.contains("bad.yaml:10:15: error[missing-file]: there is no file `bin/gone.sh`")
    );

    write(&scene, "bin/gone.sh", "#!/bin/sh\n");
    std::fs::remove_file(scene.source("lib/data")).unwrap();
    std::fs::remove_dir(scene.source("lib")).unwrap();
    write(&scene, "lib", "");
    wait("the mended folder to be live", || {
        let live = || api.try_get("/api/v1/workflows/bad").is_some_and(|(status, _)| status == 200);
        (sync(&scene)["outcome"] == "applied" || live()).then_some(())
    });
    assert_ne!(status(&scene, "good")["digest"], before["digest"]);
}

#[test]
fn scripts_of_a_git_remote_run_and_links_are_refused() {
    let mut scene = Scene::new("scripts: from Git over http");
    let both = manifest("Workflow", "both", &both());
    let files: Vec<(&str, &str)> = FILES.into_iter().chain([("both.yaml", both.as_str())]).collect();
    let forge = Forge::with(&files);
    let repository = &forge.repository;
    scene.controller.set(forge.settings());
    scene.set_up(&["a1"], 5);
    assert_both_run(&scene);

    let before = status(&scene, "both");
    let edited = repository.commit("main", &[("conf/prod", "PROD\n")]);
    let applied = sync(&scene);
    assert_eq!((&applied["outcome"], &applied["commit"]), (&json!("applied"), &json!(edited)), "{applied:#}");
    assert_eq!((&applied["counts"]["update"], &applied["changes"][0]["name"]), (&json!(1), &json!("both")), "{applied:#}");
    assert_ne!(status(&scene, "both")["digest"], before["digest"]);

    let away = manifest("Workflow", "away", &json!({ "steps": [step("only", json!({ "script": { "file": "away.sh" } }))] }));
    let blob = |content: &str| repository.blob(content.as_bytes());
    let (link, manifest, target) = (blob("target.sh"), blob(&away), blob("#!/bin/sh\n"));
    let lines: [(&str, &[u8], &str); 3] =
        [("120000", b"away.sh", &link), ("100644", b"away.yaml", &manifest), ("100755", b"target.sh", &target)];
    repository.commit_raw_tree("main", &lines);
    let refused = sync(&scene);
    let line = 1 + away.lines().position(|line| line.contains("away.sh")).unwrap() as u64;
    assert_eq!(refused["outcome"], "refused", "{refused:#}");
    assert_eq!(errors(&refused), [("away.yaml".to_owned(), line, "missing-file".to_owned())], "{refused:#}");
    assert!(refused["problems"].to_string().contains("`away.sh` is a symbolic link, not a file"), "{refused:#}");
    assert_eq!(status(&scene, "both")["observedCommit"], json!(edited), "what was live stays live");
}
