//! Which names of a source may hold manifests: the rules in one table.

use crd_schemas::listing::{EntryKind, Listed, MAX_DEPTH, MAX_PATH_BYTES, Names, manifests_among};

/// The code of what is refused, or what becomes of it.
fn word(listed: &Listed) -> &str {
    match listed {
        Listed::PassedOver => "-",
        Listed::Manifest(_) => "manifest",
        Listed::Folder(_) => "folder",
        Listed::Refused(problem) => &problem.code,
    }
}

#[test]
fn every_rule_in_one_table() {
    use EntryKind::{File, Folder, Link, Other, Submodule};
    let long = format!("{}.yaml", "x".repeat(251));
    let fits = format!("{}.yaml", "x".repeat(250));
    let table: &[(&[u8], EntryKind, &str)] = &[
        (b"a.yaml", File, "manifest"),
        (b"a.yml", File, "manifest"),
        (b"it's \"b\".yaml", File, "manifest"),
        ("ä ö.yaml".as_bytes(), File, "manifest"),
        (fits.as_bytes(), File, "manifest"),
        (b"README.md", File, "-"),
        (b"yaml", File, "-"),
        (b"c.YAML", File, "-"),
        (b"d.yaml.orig", File, "-"),
        // Hidden, and what looks so.
        (b".yaml", File, "-"),
        (b".hidden.yaml", File, "-"),
        (b".github", Folder, "-"),
        (b".git", Folder, "-"),
        (b"..", Folder, "-"),
        (b".", Folder, "-"),
        (b".link.yaml", Link, "-"),
        (b".module", Submodule, "-"),
        // Names that are no part of a path.
        (b"/etc/a.yaml", File, "bad-file-name"),
        (b"a/../b.yaml", File, "bad-file-name"),
        (b"a\\b.yaml", File, "bad-file-name"),
        (b"line\nbreak.yaml", File, "bad-file-name"),
        (b"bad-\xff.yaml", File, "bad-file-name"),
        (b"", Folder, "bad-file-name"),
        (b"x/y", Folder, "bad-file-name"),
        (b"bad-\xff", Folder, "bad-file-name"),
        (long.as_bytes(), File, "bad-file-name"),
        // What holds no manifest may be called as it likes.
        (b"bad-\xff.txt", File, "-"),
        // Case.
        (b"A.yaml", File, "ambiguous-file-name"),
        ("Ä ö.yaml".as_bytes(), File, "ambiguous-file-name"),
        (b"sub", Folder, "folder"),
        (b"Sub", Folder, "ambiguous-file-name"),
        (b"SUB", File, "-"),
        (b"c.yaml", File, "manifest"),
        // A folder may end like a manifest.
        (b"e.yaml", Folder, "folder"),
        (b"link.yaml", Link, "symlink"),
        (b"link.txt", Link, "-"),
        (b"module", Submodule, "submodule"),
        (b"pipe.yaml", Other, "bad-file-mode"),
        (b"pipe", Other, "-"),
    ];
    let mut names = Names::of("");
    for (name, kind, expected) in table {
        let listed = names.judge(name, *kind, || false);
        assert_eq!(word(&listed), *expected, "{:?} {kind:?}: {listed:?}", String::from_utf8_lossy(name));
        if let Listed::Refused(problem) = listed {
            assert!(!problem.file.contains('\n') && problem.help.is_some(), "{problem}");
        }
    }
    assert_eq!(word(&names.judge(b"to-folder", Link, || true)), "symlink", "manifests could hide behind it");
    assert_eq!(word(&names.judge(b".to-folder", Link, || panic!("nobody asks"))), "-");
}

#[test]
fn paths_are_those_below_the_root_and_bounded() {
    assert_eq!(Names::of("").judge(b"a.yaml", EntryKind::File, || false), Listed::Manifest("a.yaml".into()));
    assert_eq!(Names::of("x/y").judge(b"a.yaml", EntryKind::File, || false), Listed::Manifest("x/y/a.yaml".into()));
    let deep = |folders: usize| vec!["d"; folders].join("/");
    assert_eq!(word(&Names::of(&deep(MAX_DEPTH - 1)).judge(b"d", EntryKind::Folder, || false)), "folder");
    assert_eq!(word(&Names::of(&deep(MAX_DEPTH)).judge(b"a.yaml", EntryKind::File, || false)), "manifest");
    let Listed::Refused(problem) = Names::of(&deep(MAX_DEPTH)).judge(b"d", EntryKind::Folder, || false) else {
        panic!("one folder too many")
    };
    assert_eq!((problem.code.as_str(), problem.file), ("too-deep", deep(MAX_DEPTH + 1)));
    let folder = ["f".repeat(250), "g".repeat(MAX_PATH_BYTES - 250 - 2 - "a.yaml".len())].join("/");
    assert_eq!(word(&Names::of(&folder).judge(b"a.yaml", EntryKind::File, || false)), "manifest");
    assert_eq!(word(&Names::of(&folder).judge(b"ab.yaml", EntryKind::File, || false)), "bad-file-name");
}

#[test]
fn whole_paths_are_judged_as_a_source_that_holds_them_would() {
    let deep = format!("{}x.yaml", "d/".repeat(MAX_DEPTH + 1));
    let mut paths = vec![
        "../a.yaml",
        "./b.yaml",
        "/etc/c.yaml",
        "a//d.yaml",
        "a.yaml/",
        "",
        ".github/x.yml",
        "ops/.old/a.yaml",
        "ops/.a.yaml",
        "A.yaml",
        "a.yaml",
        "Ops/a.yaml",
        "ops/a.yaml",
        "ops/b.yml",
        "ops/run.sh",
        "e.yaml/f.yaml",
        &deep,
    ];
    paths.sort_unstable();
    let (manifests, problems) = manifests_among(paths);
    assert_eq!(manifests, ["A.yaml", "Ops/a.yaml", "e.yaml/f.yaml"]);
    let said: Vec<_> = problems.iter().map(|problem| (problem.file.as_str(), problem.code.as_str())).collect();
    let too_deep = vec!["d"; MAX_DEPTH + 1].join("/");
    let expected = [
        ("", "bad-file-name"),
        ("../a.yaml", "bad-file-name"),
        ("./b.yaml", "bad-file-name"),
        ("/etc/c.yaml", "bad-file-name"),
        ("a.yaml", "ambiguous-file-name"),
        ("a.yaml/", "bad-file-name"),
        ("a//d.yaml", "bad-file-name"),
        (&too_deep, "too-deep"),
        ("ops", "ambiguous-file-name"),
    ];
    assert_eq!(said, expected, "a folder is told once, however much lies in it");
}
