//! Applying plans.

use crate::bench::{Bench, NOW};
use crd_schemas::manifest::{Agent, AgentGroup, AgentGroupSpec, AgentSpec, Kind, Manifest, Metadata};
use pulse_core::definitions::PinnedFile;
use pulse_store::{Apply, ApplyError, DefinitionKey, NewDefinition, SyncOutcome, SyncRecord};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

fn group(name: &str, member: &str) -> NewDefinition {
    let metadata = Metadata { name: name.to_owned(), ..Metadata::default() };
    let spec = AgentGroupSpec { agents: vec![member.to_owned()], ..AgentGroupSpec::default() };
    NewDefinition {
        manifest: Manifest::AgentGroup(AgentGroup { metadata, spec }),
        path: format!("groups/{name}.yaml"),
        digest: format!("{name}-{member}"),
        files: [(format!("{name}.sh"), PinnedFile { executable: true, content: Arc::new(vec![0, 255]) })].into(),
        generation: 1,
    }
}

pub fn plan(source: &str, parent: i64, commit: &str, upserted: Vec<NewDefinition>, retired: &[&str]) -> Apply {
    Apply {
        source: source.to_owned(),
        parent_generation: parent,
        commit: commit.to_owned(),
        digest: format!("set-{commit}"),
        upserted,
        retired: retired.iter().map(|name| DefinitionKey { kind: Kind::AgentGroup, name: (*name).to_owned() }).collect(),
        sync: sync(source, Some(commit), SyncOutcome::Applied),
        now: NOW,
        audit: None,
    }
}

pub fn sync(source: &str, commit: Option<&str>, outcome: SyncOutcome) -> SyncRecord {
    SyncRecord {
        id: Uuid::now_v7(),
        source: source.to_owned(),
        commit: commit.map(str::to_owned),
        author: Some("Anna <anna@example.org>".to_owned()),
        title: Some("A group".to_owned()),
        outcome,
        reason: None,
        generation: Some(1),
        problems: serde_json::json!([{"file": "a.yaml", "line": 3}]),
        counts: serde_json::json!({"created": 1}),
        message: None,
        started_at: NOW,
        duration_us: 1500,
    }
}

async fn names(store: &pulse_store::Store, source: &str) -> Vec<String> {
    let rows = store.live(source).await.expect("readable");
    rows.into_iter().map(|row| row.expect("readable").manifest.metadata().name.clone()).collect()
}

pub async fn a_plan_applies_whole_and_retired_ones_come_back(bench: Bench) {
    let store = bench.open().await;
    assert_eq!(store.source("main").await.expect("readable"), None);
    let first = plan("main", 0, "c1", vec![group("web", "w1"), group("db", "d1")], &[]);
    assert_eq!(store.apply(&first).await.expect("applied"), 1);
    assert_eq!(names(&store, "main").await, ["db", "web"]);
    assert_eq!(
        store
            .apply(&plan("main", 1, "c2", vec![NewDefinition { generation: 2, ..group("web", "w2") }], &["db"]))
            .await
            .expect("applied"),
        2
    );
    assert_eq!(names(&store, "main").await, ["web"]);
    let source = store.source("main").await.expect("readable").expect("there");
    assert_eq!((source.generation, source.commit.as_str(), source.digest.as_str()), (2, "c2", "set-c2"));
    let web = store.definition("main", Kind::AgentGroup, "web").await.expect("readable").expect("there");
    assert_eq!((web.manifest, web.generation, web.commit.as_str()), (group("web", "w2").manifest, 2, "c2"));
    let db = store.definition("main", Kind::AgentGroup, "db").await.expect("readable").expect("history stays");
    assert_eq!((db.retired_at, db.generation), (Some(NOW), 2));
    let heads: Vec<_> = store.heads("main").await.expect("readable").into_iter().map(|row| row.expect("readable")).collect();
    let said: Vec<_> = heads
        .iter()
        .map(|head| (head.name.as_str(), head.path.as_str(), head.digest.as_str(), head.retired, head.generation))
        .collect();
    assert_eq!(said, [("db", "groups/db.yaml", "db-d1", true, 2), ("web", "groups/web.yaml", "web-w2", false, 2)]);
    store.apply(&plan("main", 2, "c3", vec![group("db", "d9")], &[])).await.expect("applied");
    assert_eq!(names(&store, "main").await, ["db", "web"]);
}

pub async fn only_one_of_two_plans_on_the_same_generation_applies(bench: Bench) {
    let store = bench.open().await;
    for generation in 0..3 {
        let plans: Vec<Apply> = (0..8)
            .map(|n| plan("main", generation, &format!("c{generation}-{n}"), vec![group(&format!("g{n}"), "x")], &[]))
            .collect();
        let answers = futures_util::future::join_all(plans.iter().map(|plan| store.apply(plan))).await;
        let applied = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(applied, 1);
        for answer in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert!(matches!(answer, ApplyError::Moved { expected, .. } if *expected == generation), "{answer}");
        }
    }
    let source = store.source("main").await.expect("readable").expect("there");
    assert_eq!(source.generation, 3);
    assert_eq!(store.syncs(None, 100, None).await.expect("readable").len(), 3);
}

pub async fn a_plan_that_fails_half_way_changes_nothing(bench: Bench) {
    let store = bench.open().await;
    let first = plan("main", 0, "c1", vec![group("web", "w1")], &[]);
    store.apply(&first).await.expect("applied");
    // The sync's id exists, so that the last statement of the transaction fails.
    let mut broken = plan("main", 1, "c2", vec![group("web", "w2"), group("db", "d1")], &[]);
    broken.sync.id = first.sync.id;
    store.apply(&broken).await.expect_err("refused");
    assert_eq!(names(&store, "main").await, ["web"]);
    assert_eq!(store.source("main").await.expect("readable").expect("there").commit, "c1");
    let web = store.definition("main", Kind::AgentGroup, "web").await.expect("readable").expect("there");
    assert_eq!(web.manifest, group("web", "w1").manifest);
}

pub async fn large_files_are_applied_and_too_large_ones_refused(bench: Bench) {
    let store = bench.open().await;
    let with = |name: &str, bytes: usize| {
        let content = Arc::new(vec![7; bytes]);
        let files = [("a.bin".to_owned(), PinnedFile { executable: false, content })].into();
        NewDefinition { files, ..group(name, "w") }
    };
    // 4 MiB in base64 each: several statements, one transaction.
    let large = (0..7).map(|n| with(&format!("g{n}"), 3 << 20)).collect();
    store.apply(&plan("main", 0, "c1", large, &[])).await.expect("applied");
    let live = store.live("main").await.expect("readable");
    let sizes = live.into_iter().map(|row| row.expect("readable").files["a.bin"].content.len());
    assert_eq!(sizes.collect::<Vec<_>>(), vec![3 << 20; 7]);
    let error = store.apply(&plan("main", 1, "c2", vec![with("g", 10 << 20)], &[])).await.expect_err("too large");
    assert!(error.to_string().contains("a definition with its files"), "{error}");
    let mut long = sync("main", None, SyncOutcome::Refused);
    long.title = Some("x".repeat(256));
    assert_eq!(store.record_sync(&long).await.expect_err("too long").code(), "store_value");
    long.title = Some("ü".repeat(255));
    store.record_sync(&long).await.expect("it fits");
}

pub async fn sources_live_side_by_side(bench: Bench) {
    let store = bench.open().await;
    store.apply(&plan("main", 0, "c1", vec![group("web", "w1")], &[])).await.expect("applied");
    let many = (0..300).map(|n| group(&format!("g{n:03}"), "x")).chain([group("web", "other")]).collect();
    store.apply(&plan("other", 0, "c1", many, &[])).await.expect("applied");
    store.apply(&plan("other", 1, "c2", Vec::new(), &["web"])).await.expect("applied");
    assert_eq!(names(&store, "main").await, ["web"]);
    assert_eq!(names(&store, "other").await.len(), 300);
    assert_eq!(store.definitions(Kind::AgentGroup).await.expect("readable").len(), 301);
    assert!(store.definitions(Kind::Workflow).await.expect("readable").is_empty());
    bench.meddle("UPDATE definitions SET manifest = '{}' WHERE source = 'other' AND name = 'g000'").await;
    let rows = store.live("other").await.expect("the others are there");
    assert_eq!((rows.len(), rows.iter().filter(|row| row.is_err()).count()), (300, 1));
}

pub async fn what_a_newer_release_wrote_does_not_outlive_the_next_commit(bench: Bench) {
    let store = bench.open().await;
    let both = || vec![group("web", "w1"), group("db", "d1")];
    store.apply(&plan("main", 0, "c1", both(), &[])).await.expect("applied");
    store.apply(&plan("other", 0, "c1", both(), &[])).await.expect("applied");
    bench.meddle("UPDATE definitions SET kind = 'Trigger' WHERE name = 'web'").await;
    let heads = store.heads("main").await.expect("readable");
    assert_eq!((heads.len(), heads.iter().filter(|head| head.is_err()).count()), (2, 1), "it is not passed over in silence");
    store.apply(&plan("main", 1, "c2", Vec::new(), &[])).await.expect("applied");
    // As the newer release finds it.
    bench.meddle("UPDATE definitions SET kind = 'AgentGroup' WHERE name = 'web'").await;
    assert_eq!(names(&store, "main").await, ["db"]);
    assert_eq!(names(&store, "other").await, ["db", "web"], "another source is another matter");
    let retired = store.definition("main", Kind::AgentGroup, "web").await.expect("readable").expect("its history stays");
    assert_eq!((retired.commit.as_str(), retired.generation), ("c2", 2));
}

pub async fn what_is_live_is_read_as_of_one_moment(bench: Bench) {
    let store = bench.open().await;
    let set = |source: &'static str, n: i64| {
        let agent = |name: &str| {
            let metadata = Metadata { name: name.to_owned(), ..Metadata::default() };
            let manifest = Manifest::Agent(Agent { metadata, spec: AgentSpec::default() });
            NewDefinition { manifest, files: Default::default(), ..group(name, "w") }
        };
        let all = (0..20).map(|n| group(&format!("g{n}"), "w")).chain((0..20).map(|n| agent(&format!("a{n}")))).collect();
        plan(source, n, &format!("c{n}"), all, &[])
    };
    let writing = async {
        for n in 0..40 {
            for source in ["one", "two"] {
                store.apply(&set(source, n)).await.expect("applied");
            }
        }
    };
    let reading = async {
        for _ in 0.. {
            let live = store.live_set().await.expect("readable");
            let sources: Vec<_> = live.sources.into_iter().map(|row| row.expect("readable")).collect();
            let commits: BTreeMap<_, _> = sources.iter().map(|state| (&*state.source, &*state.commit)).collect();
            assert_eq!(live.definitions.len(), 40 * commits.len());
            for (kind, row) in &live.definitions {
                let row = row.as_ref().expect("readable");
                assert_eq!((row.manifest.kind(), Some(&&*row.commit)), (*kind, commits.get(&*row.source)));
            }
            let counts = |source| commits.get(source).map_or(-1, |commit| commit[1..].parse().expect("a number"));
            assert!((0..=1).contains(&(counts("one") - counts("two"))), "{commits:?}");
        }
    };
    tokio::select! { () = writing => {} () = reading => {} }
}

pub async fn the_last_thousand_syncs_of_a_source_are_kept(bench: Bench) {
    let store = bench.open().await;
    let other = sync("other", None, SyncOutcome::Unreachable);
    store.record_sync(&other).await.expect("recorded");
    // An older release kept all of them.
    bench
        .meddle(
            "INSERT INTO syncs (id, source, outcome, problems, counts, started_at, duration_us) \
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) \
             SELECT CONCAT('01930000-0000-7000-8000-', SUBSTR(CONCAT('000000000000', 50 * a.i + b.i), -12)), 'main', 'refused', '[]', '{}', \
             50 * a.i + b.i - 50, 1 FROM n a, n b WHERE a.i <= 22",
        )
        .await;
    let mut last = Uuid::nil();
    for left in [1037, 1000, 1000] {
        let record = sync("main", Some("c1"), SyncOutcome::Refused);
        store.record_sync(&record).await.expect("recorded");
        last = record.id;
        assert_eq!(bench.count("SELECT COUNT(*) FROM syncs WHERE source = 'main'").await, left);
    }
    store.apply(&plan("main", 0, "c2", vec![group("web", "w")], &[])).await.expect("applied");
    assert_eq!(bench.count("SELECT COUNT(*) FROM syncs WHERE source = 'main'").await, 1000);
    assert_eq!(bench.count("SELECT MIN(started_at) FROM syncs WHERE source = 'main'").await, 105, "the oldest ones went");
    assert!(store.sync(last).await.expect("readable").is_some() && store.sync(other.id).await.expect("readable").is_some());
}

pub async fn syncs_are_listed_newest_first(bench: Bench) {
    let store = bench.open().await;
    let mut records = Vec::new();
    for outcome in [SyncOutcome::Refused, SyncOutcome::Unreachable, SyncOutcome::Held, SyncOutcome::Unchanged] {
        let record = sync("main", (outcome != SyncOutcome::Unreachable).then_some("c1"), outcome);
        store.record_sync(&record).await.expect("recorded");
        records.push(record);
    }
    store.record_sync(&sync("other", None, SyncOutcome::Unreachable)).await.expect("recorded");
    records.reverse();
    let read =
        |rows: Vec<Result<SyncRecord, _>>| rows.into_iter().map(|row: Result<_, pulse_store::RowError>| row.expect("readable"));
    let first: Vec<_> = read(store.syncs(Some("main"), 2, None).await.expect("readable")).collect();
    assert_eq!(first, records[..2]);
    let rest: Vec<_> = read(store.syncs(Some("main"), 9, Some(first[1].id)).await.expect("readable")).collect();
    assert_eq!(rest, records[2..]);
    assert_eq!(store.sync(records[0].id).await.expect("readable"), Some(records[0].clone()));
}
