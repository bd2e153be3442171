//! A folder read as a tree.

use super::Folder;
use crate::source::Source;
use crate::source::tree::{FileFault, NoFile, SourceReason, Tree};
use std::fs;
use std::path::Path;

fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Folder) {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        write(root.path(), path, content);
    }
    let folder = Folder::new(root.path());
    (root, folder)
}

fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn look(folder: &Folder) -> Box<dyn Tree> {
    folder.look().unwrap()
}

fn paths(folder: &Folder) -> Vec<String> {
    look(folder).manifests().iter().map(|entry| entry.path.clone()).collect()
}

#[test]
fn manifests_are_read_in_a_stable_order_and_nothing_else_is() {
    let (_root, folder) =
        folder(&[("b.yaml", ""), ("a/z.yml", ""), ("a.yaml", ""), (".git/x.yaml", ""), (".x.yaml", ""), ("README.md", "")]);
    assert_eq!(paths(&folder), ["a.yaml", "a/z.yml", "b.yaml"]);
}

#[test]
fn the_commit_says_paths_and_contents_and_nothing_else() {
    let (_a, a) = folder(&[("x.yaml", "1"), ("y.yaml", "2")]);
    let (_b, b) = folder(&[("y.yaml", "2"), ("x.yaml", "1"), ("notes.txt", "n")]);
    let (_c, c) = folder(&[("x.yaml", "12"), ("y.yaml", "")]);
    let (_d, d) = folder(&[("x.yaml", "2"), ("y.yaml", "1")]);
    let id = |folder: &Folder| look(folder).commit().id;
    assert_eq!(id(&a), id(&b));
    assert!(id(&a) != id(&c) && id(&a) != id(&d));
    assert!(id(&a).starts_with("folder-") && id(&a).len() == 19, "{}", id(&a));
}

#[test]
fn links_are_refused_by_name() {
    let (root, folder) = folder(&[("a.yaml", "")]);
    std::os::unix::fs::symlink(root.path().join("a.yaml"), root.path().join("b.yaml")).unwrap();
    std::os::unix::fs::symlink(root.path(), root.path().join("round")).unwrap();
    let tree = look(&folder);
    let problems: Vec<_> = tree.problems().iter().map(|problem| (problem.file.as_str(), problem.code.as_str())).collect();
    assert_eq!(problems, [("b.yaml", "symlink"), ("round", "symlink")]);
    assert_eq!(tree.manifests().len(), 1);
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = format!("{}x.yaml", "d/".repeat(40));
    let large = "x".repeat(crd_schemas::MAX_FILE_BYTES + 100);
    let (_root, folder) = folder(&[(&deep, ""), ("large.yaml", &large)]);
    let tree = look(&folder);
    assert_eq!(tree.problems().iter().map(|problem| problem.code.as_str()).collect::<Vec<_>>(), ["too-deep"]);
    assert_eq!(
        tree.read(&tree.manifests()[0]).unwrap().len(),
        crd_schemas::MAX_FILE_BYTES + 1,
        "so that the parser says that it is too large"
    );
}

#[test]
fn a_folder_that_is_gone_is_unreadable() {
    let (root, folder) = folder(&[]);
    root.close().unwrap();
    assert_eq!(folder.look().err().unwrap().reason, SourceReason::Unreachable);
}

#[test]
fn files_that_are_used_belong_to_the_commit() {
    let (root, folder) = folder(&[("a.yaml", ""), ("run.sh", "echo 1"), ("sub/x", "")]);
    let tree = look(&folder);
    let unused = tree.commit().id;
    let file = tree.file("run.sh").unwrap();
    assert_eq!((file.executable, file.content.as_slice()), (false, b"echo 1".as_slice()));
    let used = tree.commit().id;
    assert_ne!(unused, used);
    write(root.path(), "run.sh", "echo 2");
    let tree = look(&folder);
    // Just written: it is read once it has stood still.
    assert_eq!(tree.file("run.sh").unwrap().content.as_slice(), b"echo 2");
    assert_ne!(tree.commit().id, used);
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let (root, folder) = folder(&[("a.yaml", ""), ("sub/x", "")]);
    std::os::unix::fs::symlink("sub", root.path().join("link")).unwrap();
    std::fs::write(root.path().join("large"), vec![0; pulse_core::definitions::MAX_PINNED_BYTES + 1]).unwrap();
    let tree = look(&folder);
    let fault = |path: &str| match tree.file(path) {
        Err(NoFile::Fault(fault)) => fault,
        other => panic!("{path}: {other:?}"),
    };
    assert_eq!(fault("nope"), FileFault::Missing("nope".into()));
    assert_eq!(fault("sub/x/y"), FileFault::Missing("sub/x/y".into()));
    assert_eq!(fault("sub"), FileFault::NotAFile { path: "sub".into(), what: "a folder" });
    assert_eq!(fault("link/x"), FileFault::NotAFile { path: "link/x".into(), what: "a symbolic link" });
    assert!(matches!(fault("large"), FileFault::TooLarge { .. }));
    for path in ["", "/etc/passwd", "../x", "sub/../x", "./a.yaml", "sub//x", "sub/x/", "a\0b"] {
        assert_eq!(fault(path), FileFault::BadPath(path.into()));
    }
}

#[test]
fn names_are_judged_as_in_every_source() {
    let (root, folder) =
        folder(&[("A.yaml", ""), ("a.yaml", ""), (".github/x.yml", ""), ("tab\t.yaml", ""), ("it's.yaml", ""), ("b.YAML", "")]);
    let made = std::process::Command::new("mkfifo").arg(root.path().join("pipe.yaml")).status().unwrap();
    assert!(made.success());
    let tree = look(&folder);
    assert_eq!(tree.manifests().iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["A.yaml", "it's.yaml"]);
    let problems: Vec<_> = tree.problems().iter().map(|problem| (problem.file.as_str(), problem.code.as_str())).collect();
    let expected = [("a.yaml", "ambiguous-file-name"), ("pipe.yaml", "bad-file-mode"), ("tab\u{fffd}.yaml", "bad-file-name")];
    assert_eq!(problems, expected);
}

#[test]
fn a_folder_below_another_names_files_by_their_path_within_that() {
    let (root, whole) = folder(&[("ops/a.yaml", "1"), ("ops/sub/b.yaml", "2"), ("ops/run.sh", "x"), ("else.yaml", "")]);
    std::os::unix::fs::symlink("a.yaml", root.path().join("ops/link.yaml")).unwrap();
    let below = whole.below("ops");
    let tree = look(&below);
    let read: Vec<_> = tree.manifests().iter().map(|entry| (entry.path.clone(), tree.read(entry).unwrap())).collect();
    assert_eq!(read, [("ops/a.yaml".to_owned(), b"1".to_vec()), ("ops/sub/b.yaml".to_owned(), b"2".to_vec())]);
    assert_eq!(tree.problems()[0].file, "ops/link.yaml");
    assert!(tree.file("run.sh").is_ok() && tree.file("ops/run.sh").is_err(), "what a manifest names starts at the source's root");
    let same = Folder::new(root.path().join("ops"));
    std::fs::remove_file(root.path().join("ops/link.yaml")).unwrap();
    assert_eq!(look(&below).commit().id, look(&same).commit().id, "where it lies is no part of what it holds");
    assert_eq!(below.address().path.as_deref(), Some("ops"));
}
