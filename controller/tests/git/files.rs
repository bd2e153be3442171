//! What a tree may hold, and what of it is refused by name: links, submodules, names that no honest commit has.

use super::remotes::{HttpRemote, Repository};
use super::{Source, contents, pairs, remote};
use pulse_controller::source::git::GitTree;
use pulse_controller::source::tree::{FileFault, MAX_FILES, SourceReason, Tree};
use tokio::time::Instant;

fn looked(repository: &Repository) -> GitTree {
    let server = HttpRemote::open(repository.root());
    Source::new(remote(&server.url())).look()
}

fn problems(tree: &GitTree) -> Vec<(String, String)> {
    tree.problems().iter().map(|problem| (problem.file.clone(), problem.code.clone())).collect()
}

#[test]
fn crafted_names_and_modes_are_refused_where_they_could_hold_manifests() {
    let repository = Repository::empty();
    let blob = repository.blob(b"x");
    let commit = "1".repeat(40);
    let inner = repository.raw_tree(&[("100644", b"in.yaml", &blob)]);
    let link = repository.blob(b"sub");
    let out = repository.blob(b"../../etc");
    let lines: &[(&str, &[u8], &str)] = &[
        ("40000", b"..", &inner),
        ("40000", b".git", &inner),
        ("100644", b".hidden.yaml", &blob),
        ("100644", b"/etc/a.yaml", &blob),
        ("100644", b"A.yaml", &blob),
        ("100644", b"a.yaml", &blob),
        ("100644", b"bad-\xff.yaml", &blob),
        ("100644", b"bad-\xff.txt", &blob),
        ("100644", b"it's.yaml", &blob),
        ("100644", b"line\nbreak.yaml", &blob),
        ("120000", b"link", &link),
        ("120000", b"link.yaml", &link),
        ("120000", b"out", &out),
        ("120000", b"readme", &blob),
        ("160000", b"module", &commit),
        ("140000", b"odd.yaml", &blob),
        ("40000", b"sub", &inner),
        ("40000", b"x/y", &inner),
    ];
    repository.commit_raw_tree("main", lines);
    let local = Source::new(remote(&format!("file://{}", repository.path().display()))).look();
    let expected = pairs(&[
        ("/etc/a.yaml", "bad-file-name"),
        ("a.yaml", "ambiguous-file-name"),
        ("bad-\u{fffd}.yaml", "bad-file-name"),
        ("line\u{fffd}break.yaml", "bad-file-name"),
        ("link", "symlink"),
        ("link.yaml", "symlink"),
        ("module", "submodule"),
        ("odd.yaml", "bad-file-mode"),
        ("x/y", "bad-file-name"),
    ]);
    assert_eq!(problems(&local), expected);
    assert_eq!(contents(&local), pairs(&[("A.yaml", "x"), ("it's.yaml", "x"), ("sub/in.yaml", "x")]));
    for (path, part) in [
        ("link", "is a symbolic link"),
        ("link/in.yaml", "is a symbolic link"),
        ("module", "is a submodule"),
        ("module/x", "is a submodule"),
        ("sub", "is a folder"),
        ("nothing", "there is no file"),
        ("A.yaml/x", "there is no file"),
        ("", "is no path"),
        ("/etc/a.yaml", "is no path"),
        ("../x", "is no path"),
        ("sub/../A.yaml", "is no path"),
        ("./A.yaml", "is no path"),
        (".git/in.yaml", "is no path"),
        (".GIT/in.yaml", "is no path"),
        ("a\0b", "is no path"),
    ] {
        let fault = local.file(path).expect_err(path);
        assert!(fault.to_string().contains(part), "{path}: {fault}");
    }
}

#[test]
fn files_of_manifests_are_bounded_and_whole() {
    let large = "x".repeat((1 << 20) + 1);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    let repository =
        Repository::with(&[("a.yaml", "1"), ("bin/run.sh", "#!/bin/sh"), ("large.yaml", &large), ("large.iso", pointer)]);
    let tree = looked(&repository);
    let script = tree.file("bin/run.sh").unwrap();
    assert_eq!((script.executable, script.content.as_slice()), (true, b"#!/bin/sh".as_slice()));
    assert!(!tree.file("a.yaml").unwrap().executable);
    assert_eq!(tree.file("large.yaml"), Err(FileFault::TooLarge { path: "large.yaml".to_owned(), bytes: (1 << 20) + 1 }.into()));
    assert!(tree.file("large.iso").unwrap_err().to_string().contains("Git LFS"));
    let entry = tree.manifests().iter().find(|entry| entry.path == "large.yaml").unwrap();
    assert_eq!(tree.read(entry).unwrap().len(), (1 << 20) + 1, "so that the parser says that it is too large");
}

#[test]
fn depth_number_and_a_tree_that_holds_itself_are_bounded() {
    let deep = format!("{}x.yaml", "d/".repeat(40));
    let names: Vec<_> = (0..=MAX_FILES).map(|number| format!("{number}.yaml")).collect();
    let mut files: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
    files.push((&deep, "x"));
    let tree = looked(&Repository::with(&files));
    assert_eq!(tree.manifests().len(), MAX_FILES);
    let codes: Vec<_> = problems(&tree).into_iter().map(|(_, code)| code).collect();
    assert!(codes.contains(&"too-many-files".to_owned()), "{codes:?}");
    let tree = looked(&Repository::with(&[(&deep, "x"), ("a.yaml", "1")]));
    assert_eq!(problems(&tree).len(), 1, "{:?}", problems(&tree));
    assert_eq!(tree.problems()[0].code, "too-deep");

    // Ten folders, each ten times the next: ten thousand million paths in eleven small objects.
    let repository = Repository::empty();
    let mut tree = repository.raw_tree(&[("100644", b"x.txt", &repository.blob(b"x"))]);
    for _ in 0..10 {
        let names: Vec<_> = (0..10).map(|number| format!("d{number}")).collect();
        tree = repository.raw_tree(&names.iter().map(|name| ("40000", name.as_bytes(), tree.as_str())).collect::<Vec<_>>());
    }
    repository.commit_raw_tree("main", &[("40000", b"bomb", &tree)]);
    let begun = Instant::now();
    let looked = looked(&repository);
    assert_eq!(looked.problems().last().unwrap().code, "too-many-files");
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[test]
fn authors_and_titles_are_one_bounded_line_without_control_characters() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let tree = repository.git(&["rev-parse", "main^{tree}"]);
    let title = format!("\u{1b}[31mred \u{202e}{}", "ä".repeat(300));
    let commit = repository.git(&["commit-tree", &tree, "-m", &title]);
    repository.git(&["update-ref", "refs/heads/main", &commit]);
    let title = looked(&repository).commit().title.unwrap();
    assert!(title.starts_with("\u{fffd}[31mred \u{fffd}ä") && title.len() <= 255, "{title}");
}

#[test]
fn ten_thousand_files_of_which_one_changed_are_listed_in_a_moment() {
    let names: Vec<_> = (0..MAX_FILES).map(|number| format!("{}/w{number}.yaml", number % 100)).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let repository = Repository::with(&files);
    let server = HttpRemote::open(repository.root());
    let source = Source::new(remote(&server.url()));
    let before = source.look();
    repository.commit("main", &[("7/w7.yaml", "changed")]);
    let begun = Instant::now();
    let after = source.look();
    let fetched = begun.elapsed();
    let begun = Instant::now();
    source.look();
    println!("10,000 files, one changed: {fetched:?} with its fetch, {:?} unchanged", begun.elapsed());
    let changed = before.manifests().iter().zip(after.manifests()).filter(|(before, after)| before != after).count();
    assert_eq!((after.manifests().len(), changed), (MAX_FILES, 1), "equal contents have equal ids");
}

#[test]
fn a_file_that_is_small_only_while_it_is_packed_is_never_inflated_whole() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let large = repository.blob(&vec![0; 64 << 20]);
    let small = repository.blob(b"1");
    repository.commit_raw_tree("main", &[("100644", b"a.yaml", &small), ("100644", b"zeros.yaml", &large)]);
    let tree = looked(&repository);
    assert_eq!(tree.read(&tree.manifests()[1]).unwrap().len(), (1 << 20) + 1);
    assert_eq!(tree.file("zeros.yaml"), Err(FileFault::TooLarge { path: "zeros.yaml".to_owned(), bytes: 64 << 20 }.into()));
}

#[test]
fn many_links_and_scripts_in_one_folder_cost_one_reading_of_it() {
    const LINKS: usize = 50_000;
    const SCRIPTS: usize = 1_000;
    let repository = Repository::empty();
    let (blob, link) = (repository.blob(b"x"), repository.blob(b"readme.txt"));
    let names: Vec<_> = (0..LINKS).map(|number| format!("link{number:05}")).collect();
    let mut lines: Vec<(&str, &[u8], &str)> = names.iter().map(|name| ("120000", name.as_bytes(), link.as_str())).collect();
    let scripts: Vec<_> = (0..SCRIPTS).map(|number| format!("script{number:04}.sh")).collect();
    lines.extend(scripts.iter().map(|name| ("100755", name.as_bytes(), blob.as_str())));
    repository.commit_raw_tree("main", &lines);
    let begun = Instant::now();
    let tree = Source::new(remote(&format!("file://{}", repository.path().display()))).look();
    for script in &scripts {
        assert!(tree.file_content(script).unwrap().ends_with("true") && tree.file(script).unwrap().executable);
    }
    assert!(tree.problems().is_empty(), "none of the links leads to a folder");
    println!("{LINKS} links and {SCRIPTS} scripts in one folder: {:?}", begun.elapsed());
    // A reading of the folder takes some 10 ms; one for each link and script would take minutes.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn trees_commits_and_links_are_bounded_and_told_as_too_large() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let local = || Source::new(remote(&format!("file://{}", repository.path().display())));
    let (blob, link) = (repository.blob(b"x"), repository.blob(b"nowhere"));
    let names: Vec<_> = (0..100_001).map(|number| format!("l{number}")).collect();
    let lines: Vec<(&str, &[u8], &str)> = names.iter().map(|name| ("120000", name.as_bytes(), link.as_str())).collect();
    repository.commit_raw_tree("main", &lines);
    let problems = problems(&local().look());
    assert_eq!(problems, [(String::new(), "too-many-files".to_owned())]);

    let names: Vec<_> = (0..(17 << 20) / 250).map(|number| format!("{number:0220}.txt")).collect();
    let lines: Vec<(&str, &[u8], &str)> = names.iter().map(|name| ("100644", name.as_bytes(), blob.as_str())).collect();
    let tree = repository.raw_tree(&lines);
    repository.commit_raw_tree("main", &[("40000", b"wide", &tree)]);
    assert!(local().fails(SourceReason::TooLarge).contains(&tree));

    let tree = repository.raw_tree(&[("100644", b"a.yaml", &blob)]);
    let message = repository.root().join("message");
    std::fs::write(&message, "x".repeat((1 << 20) + 1)).unwrap();
    let commit = repository.git(&["commit-tree", &tree, "-F", message.to_str().unwrap()]);
    repository.git(&["update-ref", "refs/heads/main", &commit]);
    assert!(local().fails(SourceReason::TooLarge).contains(&commit));
    repository.commit("small", &[("a.yaml", "1")]);
    repository.git(&["tag", "-a", "inner", "small", "-m", "a tag"]);
    repository.git(&["tag", "-a", "outer", "inner", "-m", "a tag of a tag"]);
    assert_eq!(local().source.look_at("outer").unwrap().manifests().len(), 1, "tags are followed");
}
