//! A look with something kept says what a look without anything kept says.

use super::{Cache, Checked, check};
use crate::source::tree::SourceReason;
use crate::source::{Given, SourceFile};
use std::collections::BTreeMap;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

fn tree(files: &BTreeMap<String, String>) -> Given {
    let file =
        |(path, text): (&String, &String)| SourceFile { path: path.clone(), bytes: text.clone().into_bytes(), executable: false };
    Given::new(files.iter().map(file).collect())
}

/// A manifest that is right by itself, wrong by itself, or wrong among the others, as it falls out.
fn manifest(dice: &mut Dice) -> String {
    let name = |dice: &mut Dice| ["a", "b", "c", "d", "e", "all"][dice.roll(6)];
    let head = |kind: &str, name: &str| format!("apiVersion: pulse.dev/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n");
    match dice.roll(7) {
        0 | 1 => {
            let (own, target, number) = (name(dice), name(dice), dice.roll(4));
            let command = ["echo", "'{{ params.x }}'", "uptime", "{{ agent.name }}"][number];
            let step = format!("{{id: go, type: execute, targets: [{target}, \"x=1\"], command: \"{command}\"}}");
            format!("{}spec:\n  steps:\n    - {step}\n", head("Workflow", own))
        }
        6 => {
            let (own, file) = (name(dice), script(dice));
            let step = format!("{{id: go, type: execute, targets: [all], script: {{file: {file}}}}}");
            format!("{}spec:\n  steps:\n    - {step}\n", head("Workflow", own))
        }
        2 => format!("{}spec: {{slots: {}}}\n", head("Agent", name(dice)), 1 + dice.roll(3)),
        3 => format!("{}spec: {{agents: [{}, {}]}}\n", head("AgentGroup", name(dice)), name(dice), name(dice)),
        4 => format!("{}spec: {{selector: \"{}\"}}\n", head("AgentGroup", name(dice)), ["a=b", "a", "a="][dice.roll(3)]),
        _ => ["a: [", "kind: Nonsense\n", "", "# nothing\n"][dice.roll(4)].to_owned(),
    }
}

fn script(dice: &mut Dice) -> String {
    format!("scripts/{}.sh", dice.roll(4))
}

fn edit(files: &mut BTreeMap<String, String>, dice: &mut Dice) {
    let path = format!("{}.yaml", dice.roll(30));
    match dice.roll(7) {
        5 => drop(files.insert(script(dice), ["#!/bin/sh\necho 1", "#!/bin/sh\necho 2", "echo"][dice.roll(3)].to_owned())),
        6 => drop(files.remove(&script(dice))),
        0 => drop(files.remove(&path)),
        1 => {
            if let Some(text) = files.remove(&path) {
                files.insert(format!("moved/{path}"), text);
            }
        }
        2 => drop(files.insert(path, format!("{}---\n{}", manifest(dice), manifest(dice)))),
        _ => drop(files.insert(path, manifest(dice))),
    }
}

/// Everything that a check says.
fn said(checked: &Checked) -> String {
    let declared =
        checked.declared.iter().map(|declared| (declared.path(), &declared.digest, declared.manifest(), &declared.files));
    format!("{:#?}\n{:#?}\n{:#?}", checked.commit, declared.collect::<Vec<_>>(), checked.problems)
}

#[test]
fn what_is_kept_changes_nothing_but_the_time() {
    let (mut errors, mut good) = (0, 0);
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let (mut files, mut kept) = (BTreeMap::new(), Cache::default());
        for _ in 0..40 {
            for _ in 0..=dice.roll(4) {
                edit(&mut files, &mut dice);
            }
            let tree = tree(&files);
            let (fresh, _) = check(&tree, &Cache::default()).unwrap();
            let (cached, cache) = check(&tree, &kept).unwrap();
            assert_eq!(said(&cached), said(&fresh), "seed {seed}: {files:#?}");
            let manifests = files.keys().filter(|path| path.ends_with(".yaml")).count();
            assert_eq!(cache.len(), manifests, "no more is kept than the commit holds");
            kept = cache;
            errors += fresh.errors();
            good += fresh.declared.len();
        }
    }
    assert!(errors > 1000 && good > 1000, "both were tried: {errors} errors, {good} documents");
}

#[test]
fn a_file_is_parsed_once() {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for n in 0..50 {
        files.insert(format!("{n:02}.yaml"), format!("apiVersion: pulse.dev/v1\nkind: Agent\nmetadata: {{name: a{n}}}\n"));
    }
    let (first, kept) = check(&tree(&files), &Cache::default()).unwrap();
    files.insert("07.yaml".into(), "apiVersion: pulse.dev/v1\nkind: Agent\nmetadata: {name: other}\n".into());
    let (second, _) = check(&tree(&files), &kept).unwrap();
    let pairs = first.declared.iter().zip(&second.declared);
    let same: Vec<bool> = pairs.map(|(a, b)| std::sync::Arc::ptr_eq(&a.document, &b.document)).collect();
    assert_eq!(same.iter().filter(|same| !**same).count(), 1);
    assert!(!same[7]);
}

#[test]
fn a_file_that_a_manifest_uses_counts_and_is_missed_by_line() {
    let manifest = "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  steps:\n    - id: go\n      type: execute\n      targets: [all]\n      script: {file: scripts/run.sh}\n";
    let mut files: BTreeMap<String, String> = [("w.yaml".to_owned(), manifest.to_owned())].into();
    let (missing, kept) = check(&tree(&files), &Cache::default()).unwrap();
    let problem = &missing.problems[0];
    assert_eq!((problem.file.as_str(), problem.line, problem.code.as_str()), ("w.yaml", 9, "missing-file"), "{problem}");
    assert!(problem.message.contains("scripts/run.sh"));
    files.insert("scripts/run.sh".into(), "echo 1".into());
    let (first, kept) = check(&tree(&files), &kept).unwrap();
    assert_eq!((first.errors(), first.declared[0].files["scripts/run.sh"].content.as_slice()), (0, b"echo 1".as_slice()));
    files.insert("scripts/run.sh".into(), "echo 2".into());
    let (second, kept) = check(&tree(&files), &kept).unwrap();
    files.insert("scripts/run.sh".into(), "#!/bin/sh".into());
    let (third, _) = check(&tree(&files), &kept).unwrap();
    let digests: std::collections::BTreeSet<_> =
        [&first, &second, &third].map(|checked| checked.declared[0].digest.clone()).into();
    assert_eq!(digests.len(), 3, "content and mode count");
}

#[test]
fn very_many_problems_are_counted_and_not_all_listed() {
    // In each file two warnings and one error; in one file more errors than are kept of a file.
    let step = "- {id: go, type: execute, targets: [nobody-a, nobody-b], command: \"'{{ params.x }}'\"}";
    let bad = |name: &str| {
        format!("apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n  steps:\n    {step}\n")
    };
    let mut files: BTreeMap<String, String> = (0..600).map(|n| (format!("{n:03}.yaml"), bad(&format!("w{n}")))).collect();
    let (checked, kept) = check(&tree(&files), &Cache::default()).unwrap();
    assert_eq!((checked.errors(), checked.problems.len()), (600, 501));
    let last = checked.problems.last().unwrap();
    assert_eq!((last.code.as_str(), last.severity), ("more-problems", crd_schemas::Severity::Error));
    assert!(last.message.contains(" more problems") && checked.bad_files() == 600, "{last}");
    let unknown: String = (0..1_000).map(|n| format!("x{n}: 1\n")).collect();
    let agent = format!("apiVersion: pulse.dev/v1\nkind: Agent\nmetadata: {{name: a}}\n{unknown}");
    files = [("one.yaml".to_owned(), agent)].into();
    let (checked, _) = check(&tree(&files), &kept).unwrap();
    assert_eq!(checked.problems.len(), 201);
    let more = checked.problems.iter().find(|problem| problem.code == "more-problems").unwrap();
    assert!(more.file == "one.yaml" && more.line > 200, "{more}");
}

#[test]
fn what_is_too_much_together_is_refused_with_and_without_what_is_kept() {
    let filler = "#".repeat(crd_schemas::MAX_FILE_BYTES);
    let mut files: BTreeMap<String, String> = (0..64).map(|n| (format!("{n:02}.yaml"), filler.clone())).collect();
    let (_, kept) = check(&tree(&files), &Cache::default()).unwrap();
    files.insert("64.yaml".into(), "# one more\n".into());
    for kept in [&kept, &Cache::default()] {
        let error = check(&tree(&files), kept).unwrap_err();
        assert_eq!(error.reason, SourceReason::TooLarge);
        assert!(error.message.contains("64 MiB"), "{error}");
    }
    // The files that manifests use have the same bound.
    let step = |n: usize| format!("    - {{id: s{n}, type: execute, targets: [all], script: {{file: s/{n}.sh}}}}\n");
    let one = |from: usize| {
        let steps: String = (from..from + 5).map(step).collect();
        format!("apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: w{from}}}\nspec:\n  steps:\n{steps}")
    };
    let mut files: BTreeMap<String, String> = (0..13).map(|n| (format!("{n}.yaml"), one(n * 5))).collect();
    files.extend((0..65).map(|n| (format!("s/{n}.sh"), "x".repeat(1 << 20))));
    let error = check(&tree(&files), &Cache::default()).unwrap_err();
    assert!(error.reason == SourceReason::TooLarge && error.message.contains("files that manifests use"), "{error}");
}
