//! `kill -9` at every durable write of a sync, between the statements of the one that applies, and between the pieces of one that is
//! cut: what is live afterwards is the old commit or the new one, whole, and the next look heals what is left to do.

use crate::harness::{Engine, Forge, Scene, full, manifest, on_both, step, wait};
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both! {
    a_killed_sync_of_a_repository_leaves_the_old_commit_or_the_new_one
    a_killed_sync_of_a_folder_leaves_the_old_commit_or_the_new_one
    a_killed_record_of_a_refused_commit_leaves_what_is_live
}

/// Points of the apply, and whether the new commit is live when the process dies there.
const APPLY: [(&str, bool); 7] = [
    ("controller.apply.advanced", false),
    // Some rows of the set are written, the others are not.
    ("controller.apply.upserting", false),
    ("controller.apply.upserted", false),
    ("controller.apply.retiring", false),
    ("controller.apply.retired", false),
    // Every row is written, COMMIT is not sent.
    ("controller.apply.before", false),
    ("controller.apply.after", true),
];

/// Points of the row of a sync that changes nothing live, and whether the row is there.
const RECORD: [(&str, bool); 2] = [("controller.record.before", false), ("controller.record.after", true)];

/// Live workflows with their descriptions.
type Live = BTreeMap<String, String>;

/// Workflows of these numbers that say this word.
fn numbered(numbers: std::ops::Range<usize>, said: &str) -> Live {
    numbers.map(|number| (format!("w{number:03}"), said.to_owned())).collect()
}

/// More than one statement takes: rows come by 256, 32, 8 and 4.
fn old() -> Live {
    numbered(0..300, "old")
}

/// 20 are retired, which takes two statements and no confirmation; 20 stay, 260 change, 10 are new.
fn new() -> Live {
    numbered(20..40, "old").into_iter().chain(numbered(40..310, "new")).collect()
}

fn text(name: &str, said: &str) -> String {
    manifest("Workflow", name, &json!({ "description": said, "steps": [step("only", &["a1"], "true")] }))
}

fn files(of: &Live) -> BTreeMap<String, String> {
    of.iter().map(|(name, said)| (format!("{name}.yaml"), text(name, said))).collect()
}

/// A scene, and where its manifests come from: a repository, or else the scene's folder.
struct Sync {
    scene: Scene,
    forge: Option<Forge>,
    /// The commits of the repository that are without error, in their order.
    commits: Vec<String>,
}

impl Sync {
    fn of_folder(engine: Engine, point: &str) -> Self {
        let scene = Scene::on(engine, &format!("sync: kill at {point}"));
        Self { scene, forge: None, commits: Vec::new() }
    }

    fn of_repository(engine: Engine, point: &str) -> Self {
        let mut scene = Scene::on(engine, &format!("sync: kill at {point}, Git"));
        let forge = Forge::with(&[]);
        scene.controller.set(forge.settings());
        Self { scene, forge: Some(forge), commits: Vec::new() }
    }

    /// The source holds these and nothing else; the controller does not run.
    fn hold(&mut self, wanted: &Live) {
        let commit = self.put(&files(wanted));
        self.commits.extend(commit);
    }

    /// The same, and beside them one that is wrong.
    fn hold_with_error(&self, wanted: &Live) {
        let mut files = files(wanted);
        files.insert("broken.yaml".to_owned(), "apiVersion: pulse.dev/v1\nkind: Nonsense\n".to_owned());
        self.put(&files);
    }

    /// Makes these the source's only files; the commit, where there is one.
    fn put(&self, files: &BTreeMap<String, String>) -> Option<String> {
        if let Some(forge) = &self.forge {
            let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            return Some(forge.repository.replace("main", &files));
        }
        std::fs::remove_dir_all(self.scene.source("")).unwrap();
        std::fs::create_dir(self.scene.source("")).unwrap();
        files.iter().for_each(|(path, text)| std::fs::write(self.scene.source(path), text).unwrap());
        None
    }

    /// Starts a controller that stopped before the source changed, and kills it at the point that its first look comes by.
    fn kill_at(&mut self, point: &str) {
        let gate = self.scene.gate(point);
        gate.arm();
        self.scene.controller.launch(&[gate.environment()]);
        gate.wait_reached();
        self.scene.controller.kill();
        self.scene.controller.bury();
        gate.open();
    }

    /// Starts it with a repository that cannot be reached, so that what the killed one left is looked at, and not what the next
    /// look makes of it.
    fn start_without_source(&mut self) {
        self.scene.controller.start(&[("PULSE_SOURCE_URL".to_owned(), "http://127.0.0.1:1/nobody/listens.git".to_owned())]);
    }

    /// What is live, as the controller has it in memory.
    fn live(&self) -> Live {
        let list = self.scene.controller.api().get("/api/v1/workflows?limit=500");
        assert!(list["nextCursor"].is_null(), "one page holds them");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = list["items"].as_array().expect("a list").iter();
        items.map(|item| (text(&item["metadata"]["name"]), text(&item["spec"]["description"]))).collect()
    }

    /// After so many commits: the one that is live, what it brought, and every row of the source, whether live or retired, with the
    /// commit that wrote it.
    #[track_caller]
    fn assert_rows_agree(&self, applied: &[&Live]) {
        let number = |sql: &str| self.scene.database.number(sql);
        let count = i64::try_from(applied.len()).unwrap();
        assert_eq!(number("SELECT COALESCE(MAX(generation), 0) FROM sources"), count);
        assert_eq!(number("SELECT COUNT(*) FROM syncs WHERE outcome = 'applied'"), count);
        let commits = self.scene.database.texts::<1>(
            "SELECT syncs.commit_id FROM syncs JOIN sources ON sources.source = syncs.source \
             WHERE syncs.outcome = 'applied' AND sources.generation >= syncs.generation ORDER BY syncs.generation",
        );
        let commits: Vec<String> = commits.into_iter().map(|[commit]| commit).collect();
        if self.forge.is_some() {
            assert_eq!(commits, self.commits[..applied.len()]);
        }
        let stands = self.scene.database.texts::<1>("SELECT commit_id FROM sources");
        assert_eq!(stands.first().map(|[commit]| commit), commits.last(), "the source stands at what was applied last");
        assert_eq!(self.rows(), expected(applied, &commits));
    }

    /// Every row of the source: name, word, commit, live or retired.
    fn rows(&self) -> Vec<[String; 4]> {
        let rows = self.scene.database.texts::<4>(
            "SELECT name, manifest, commit_id, CASE WHEN retired_at IS NULL THEN 'live' ELSE 'retired' END FROM definitions \
             ORDER BY name",
        );
        let said =
            |manifest: &str| serde_json::from_str::<Value>(manifest).unwrap()["spec"]["description"].as_str().map(str::to_owned);
        rows.into_iter().map(|[name, manifest, commit, state]| [name, said(&manifest).unwrap(), commit, state]).collect()
    }
}

/// The rows that these sets leave when they are applied in this order as these commits.
fn expected(applied: &[&Live], commits: &[String]) -> Vec<[String; 4]> {
    let mut rows: BTreeMap<String, [String; 3]> = BTreeMap::new();
    for (set, commit) in applied.iter().zip(commits) {
        for (name, said) in set.iter() {
            let row = rows.entry(name.clone()).or_default();
            if row[0] != *said {
                *row = [said.clone(), commit.clone(), "live".to_owned()];
            }
        }
        for (_, row) in rows.iter_mut().filter(|(name, _)| !set.contains_key(*name)) {
            *row = [row[0].clone(), commit.clone(), "retired".to_owned()];
        }
    }
    rows.into_iter().map(|(name, [said, commit, state])| [name, said, commit, state]).collect()
}

/// The first commit of all, then one that creates, changes and retires, each killed at the point and looked at again.
fn kill_both_commits(mut sync: Sync, point: &str, is_new: bool) {
    let (none, old, new) = (Live::new(), old(), new());
    for (before, after, applied) in [(&none, &old, vec![&old]), (&old, &new, vec![&old, &new])] {
        sync.hold(after);
        let retires_nothing = before.is_empty() && point == "controller.apply.retiring";
        if !retires_nothing {
            sync.kill_at(point);
            sync.start_without_source();
            let expected = if is_new { after } else { before };
            assert_eq!(&sync.live(), expected, "killed at {point}");
            sync.assert_rows_agree(&applied[..applied.len() - usize::from(!is_new)]);
            sync.scene.controller.terminate();
        }
        sync.scene.controller.start(&[]);
        wait("the next look to heal it", || (sync.live() == *after).then_some(()));
        sync.assert_rows_agree(&applied);
        sync.scene.controller.terminate();
    }
}

fn a_killed_sync_of_a_repository_leaves_the_old_commit_or_the_new_one(engine: Engine) {
    for (point, is_new) in APPLY {
        kill_both_commits(Sync::of_repository(engine, point), point, is_new);
    }
}

/// What applies knows nothing of where a set came from, so the short run is content with the points that can go wrong in most ways.
fn a_killed_sync_of_a_folder_leaves_the_old_commit_or_the_new_one(engine: Engine) {
    let short = ["controller.apply.upserting", "controller.apply.after"];
    for (point, is_new) in APPLY.into_iter().filter(|(point, _)| full() || short.contains(point)) {
        kill_both_commits(Sync::of_folder(engine, point), point, is_new);
    }
}

fn a_killed_record_of_a_refused_commit_leaves_what_is_live(engine: Engine) {
    for (point, is_recorded) in RECORD {
        kill_record(Sync::of_folder(engine, point), point, is_recorded);
        kill_record(Sync::of_repository(engine, point), point, is_recorded);
    }
}

fn kill_record(mut sync: Sync, point: &str, is_recorded: bool) {
    let (old, new) = (numbered(0..3, "old"), numbered(1..4, "new"));
    sync.hold(&old);
    sync.scene.controller.start(&[]);
    sync.scene.controller.terminate();
    sync.hold_with_error(&new);
    sync.kill_at(point);
    sync.start_without_source();
    assert_eq!(sync.live(), old, "killed at {point}");
    let refused = sync.scene.database.number("SELECT COUNT(*) FROM syncs WHERE outcome = 'refused'");
    assert_eq!(refused, i64::from(is_recorded));
    sync.assert_rows_agree(&[&old]);
    sync.scene.controller.terminate();
    sync.hold(&new);
    sync.scene.controller.start(&[]);
    wait("the mended commit to be live", || (sync.live() == new).then_some(()));
    sync.assert_rows_agree(&[&old, &new]);
}
