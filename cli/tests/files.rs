//! Scripts and files of manifests, looked for by `pulse validate` and sent by `pulse plan`.

mod support;

use serde_json::{Value, json};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use support::{Ended, FakeServer, Reply, pulse};

const DEPLOY: &str = "apiVersion: pulse.dev/v1
kind: Workflow
metadata: {name: deploy}
spec:
  steps:
    - id: go
      type: execute
      targets: [all]
      script: {file: bin/deploy.sh}
      files: [lib/data.bin, {from: deploy.yaml, to: me.yaml}]
";

/// A source: `deploy.yaml` with its files, and `sub/hello.yaml` that uses none.
fn source() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, content: &[u8], mode: u32| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("deploy.yaml", DEPLOY.as_bytes(), 0o644);
    write("bin/deploy.sh", b"#!/bin/sh\necho deployed\n", 0o755);
    write("lib/data.bin", b"\xff\x00", 0o644);
    let hello = DEPLOY.replace("deploy}", "hello}").replace("script: {file: bin/deploy.sh}", "command: echo");
    let hello = hello.lines().filter(|line| !line.contains("files:")).map(|line| format!("{line}\n")).collect::<String>();
    write("sub/hello.yaml", hello.as_bytes(), 0o644);
    folder
}

fn validate(folder: &Path, args: &[&str]) -> (Option<i32>, Value) {
    let args: Vec<&str> = ["validate", "-o", "json"].into_iter().chain(args.iter().copied()).collect();
    let ended = Ended::from(pulse(&args).current_dir(folder).output().unwrap());
    let answer = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    (ended.code, answer)
}

/// Code, line, column and message of each problem.
fn said(answer: &Value) -> Vec<String> {
    let one = |problem: &Value| {
        let [code, message] = ["code", "message"].map(|field| problem[field].as_str().unwrap().to_owned());
        format!("{}:{} {code}: {message}", problem["line"], problem["column"])
    };
    answer["problems"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn a_folder_is_the_root_and_what_is_not_there_is_an_error() {
    let folder = source();
    let at = |path: &str| folder.path().join(path);
    assert_eq!(validate(folder.path(), &["."]).1, json!({"valid": true, "manifests": 2, "problems": []}));

    std::fs::remove_file(at("bin/deploy.sh")).unwrap();
    std::fs::remove_file(at("lib/data.bin")).unwrap();
    symlink("../deploy.yaml", at("lib/data.bin")).unwrap();
    let (code, answer) = validate(folder.path(), &["."]);
    assert_eq!(code, Some(1));
    let missing = "9:22 missing-file: there is no file `bin/deploy.sh` in the source";
    let linked = "10:15 missing-file: `lib/data.bin` is a symbolic link, not a file";
    assert_eq!(said(&answer), [missing, linked]);

    std::fs::write(at("bin/deploy.sh"), vec![b'x'; (1 << 20) + 1]).unwrap();
    std::fs::remove_file(at("lib/data.bin")).unwrap();
    std::fs::create_dir(at("lib/data.bin")).unwrap();
    let large = "9:22 missing-file: `bin/deploy.sh` has 1048577 bytes; at most 1 MiB is allowed";
    let folder_there = "10:15 missing-file: `lib/data.bin` is a folder, not a file";
    assert_eq!(said(&validate(folder.path(), &["."]).1), [large, folder_there]);

    std::fs::remove_dir_all(at("lib")).unwrap();
    std::fs::write(at("lib"), "a file in the way").unwrap();
    std::fs::write(at("bin/deploy.sh"), "").unwrap();
    let below = "10:15 missing-file: there is no file `lib/data.bin` in the source";
    assert_eq!(said(&validate(folder.path(), &["."]).1), [below]);
}

#[test]
fn all_files_of_a_manifest_are_bounded_together() {
    let folder = source();
    let paths: Vec<String> = (0..5).map(|n| format!("f{n}")).collect();
    paths.iter().for_each(|path| std::fs::write(folder.path().join(path), vec![b'x'; 900_000]).unwrap());
    let manifest = DEPLOY.replace("lib/data.bin, {from: deploy.yaml, to: me.yaml}", &paths.join(", "));
    std::fs::write(folder.path().join("deploy.yaml"), manifest).unwrap();
    let (code, answer) = validate(folder.path(), &["."]);
    assert_eq!(code, Some(1));
    assert!(said(&answer)[0].starts_with("10:31 files-too-large: with `f4`, the files"), "{answer:#}");
}

#[test]
fn a_file_alone_has_no_root_unless_it_is_said() {
    let folder = source();
    let unknown =
        "9:22 unchecked-files: `bin/deploy.sh` and 2 more files were not looked for, because the source's root is not known";
    let (code, answer) = validate(folder.path(), &["deploy.yaml"]);
    assert_eq!((code, said(&answer)), (Some(0), vec![unknown.to_owned()]));
    assert_eq!(answer["problems"][0]["severity"], "warning");
    assert_eq!(validate(folder.path(), &["sub/hello.yaml"]).1["problems"], json!([]), "it uses none");
    assert_eq!(validate(folder.path(), &["deploy.yaml", "--root", "."]).1["problems"], json!([]));
    assert_eq!(validate(folder.path(), &["./deploy.yaml", "."]).1["problems"], json!([]), "its folder is given, too");

    // Within the source a folder is not the root.
    std::fs::rename(folder.path().join("deploy.yaml"), folder.path().join("sub/deploy.yaml")).unwrap();
    let me = DEPLOY.replace("from: deploy.yaml", "from: sub/deploy.yaml");
    std::fs::write(folder.path().join("sub/deploy.yaml"), me).unwrap();
    assert_eq!(said(&validate(folder.path(), &["sub"]).1).len(), 3);
    assert_eq!(validate(folder.path(), &["sub", "--root", "."]).1["problems"], json!([]));
    let outside = Ended::from(pulse(&["validate", ".", "--root", "sub"]).current_dir(&folder).output().unwrap());
    assert!(outside.code == Some(2) && outside.stderr.contains(". does not lie below --root sub"), "{}", outside.stderr);
}

fn nothing_changes() -> FakeServer {
    FakeServer::start(|_| Reply::Json(200, json!({"plan": {"create": [], "update": [], "unchanged": [], "retire": []}})))
}

#[test]
fn a_plan_sends_the_files_that_manifests_use() {
    let (folder, server) = (source(), nothing_changes());
    std::fs::write(folder.path().join("README.md"), "nobody uses it").unwrap();
    let plan = |args: &[&str]| Ended::from(server.command(args).current_dir(&folder).output().unwrap());
    assert_eq!(plan(&["plan", "."]).code, Some(0));
    let sent = |index: usize| server.requests()[index].body["files"].as_array().unwrap().clone();
    let file = |path: &str, executable: bool, content: &str| json!({"path": path, "encoding": "base64", "executable": executable, "content": content});
    let all = sent(0);
    let paths: Vec<&str> = all.iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["bin/deploy.sh", "deploy.yaml", "lib/data.bin", "sub/hello.yaml"]);
    assert_eq!(all[0], file("bin/deploy.sh", true, "IyEvYmluL3NoCmVjaG8gZGVwbG95ZWQK"));
    assert_eq!(all[2], file("lib/data.bin", false, "/wA="));
    assert_eq!((&all[1]["encoding"], &all[1]["executable"]), (&json!("base64"), &json!(false)), "used, and a manifest");
    assert_eq!(all[3].as_object().unwrap().keys().collect::<Vec<_>>(), ["path", "content"]);
    assert_eq!(plan(&["plan", "deploy.yaml", "--root", "."]).code, Some(0));
    assert_eq!(sent(1), all[..3]);
}

#[test]
fn nothing_is_planned_of_which_a_part_is_not_known() {
    let (folder, server) = (source(), nothing_changes());
    let refused = |args: &[&str], part: &str| {
        let ended = Ended::from(server.command(args).current_dir(&folder).output().unwrap());
        assert!(ended.code == Some(2) && ended.stderr.contains(part), "{args:?}: {}", ended.stderr);
    };
    refused(&["plan", "deploy.yaml"], "--root DIR");
    refused(&["plan", "sub", "--root", "bin"], "sub does not lie below --root bin");
    refused(&["plan", "nowhere", "--root", "."], "no file or folder nowhere");
    refused(&["plan", "bin/deploy.sh"], "the controller would pass over bin/deploy.sh");
    std::fs::remove_file(folder.path().join("bin/deploy.sh")).unwrap();
    refused(&["plan", "."], "deploy.yaml:9:22: error[missing-file]: there is no file `bin/deploy.sh` in the source");
    assert!(server.requests().is_empty());
}
