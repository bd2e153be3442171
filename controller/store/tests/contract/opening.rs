//! Opening, closing, locking, migrating; restarts and kills.

use crate::audit::row;
use crate::bench::{Bench, NOW, Run, child, say_written, started};
use crate::definitions::{plan, sync};
use crate::pauses::pause;
use crate::prompts::{ended, question};
use pulse_core::audit::{Object, Outcome, Record};
use pulse_core::elapsed::Span;
use pulse_core::execution::{Event, PromptStatus};
use pulse_core::time::Timestamp;
use pulse_protocol::AttemptId;
use pulse_protocol::message::Stream;
use pulse_store::{ApplyError, Error, OutputPiece, Store, SyncOutcome, migrate, migration_status};
use std::time::Duration;
use uuid::Uuid;

pub async fn a_second_store_on_the_same_folder_is_refused(bench: Bench) {
    let first = bench.open().await;
    let error = Store::open(&bench.url, "controller-2").await.expect_err("the folder is locked");
    assert_eq!(error.code(), "store_locked");
    assert!(error.to_string().contains(&bench.folder().join("controller.lock").display().to_string()), "{error}");
    assert_eq!(migrate(&bench.url).await.expect_err("a controller runs").code(), "store_locked");
    first.close().await;
    bench.open().await.close().await;
}

pub async fn opening_again_takes_every_lease_with_a_higher_epoch(bench: Bench) {
    for epoch in 1..=3 {
        bench.open().await.close().await;
        let sql = format!("SELECT COUNT(*) FROM leases WHERE epoch = {epoch} AND owner = 'controller-1'");
        assert_eq!(bench.count(&sql).await, 17);
    }
}

pub async fn a_closed_store_has_given_its_leases_back(bench: Bench) {
    let store = bench.open().await;
    // The one that stands for the controller as such never expires: it goes with the others.
    let expired = "SELECT COUNT(*) FROM leases WHERE part < 16 AND expires_at = 0";
    assert_eq!(bench.count(expired).await, 0);
    store.renew_leases().await.expect("renewed");
    store.close().await;
    assert_eq!(bench.count(expired).await, 16);
    // What another has taken meanwhile stays with it.
    let store = bench.open().await;
    bench.meddle("UPDATE leases SET epoch = epoch + 1, owner = 'controller-2', expires_at = 7 WHERE part < 9").await;
    store.close().await;
    assert_eq!((bench.count(expired).await, bench.count("SELECT COUNT(*) FROM leases WHERE expires_at = 7").await), (7, 9));
}

pub async fn a_replaced_controller_writes_nothing_more(bench: Bench) {
    let store = bench.open().await;
    bench.meddle("UPDATE leases SET epoch = epoch + 1, owner = 'controller-2'").await;
    assert_eq!(store.renew_leases().await.expect_err("another has them").code(), "fenced");
    let applied = store.apply(&plan("main", 0, "c1", Vec::new(), &[])).await.expect_err("fenced");
    assert!(matches!(applied, ApplyError::Store(Error::Fenced)), "{applied}");
    let recorded = store.record_sync(&sync("main", None, SyncOutcome::Unreachable)).await;
    assert_eq!(recorded.expect_err("fenced").code(), "fenced");
    assert_eq!(store.cluster_id("mine").await.expect_err("fenced").code(), "fenced");
    assert_eq!(store.pause(&pause("all", None)).await.expect_err("fenced").code(), "fenced");
    assert_eq!(store.end_pause(Uuid::now_v7(), "anna", NOW).await.expect_err("fenced").code(), "fenced");
    let span = Span { from: Timestamp(0), to: NOW };
    assert_eq!(store.note_absence(span).await.expect_err("fenced").code(), "fenced");
    let piece = OutputPiece { attempt: AttemptId(Uuid::now_v7()), stream: Stream::Stdout, offset: 0, cut: 0, bytes: vec![1] };
    store.output_writer().submit(piece).await.expect_err("fenced");
    for table in ["sources", "syncs", "meta", "output", "output_state", "pauses", "absences"] {
        assert_eq!(bench.count(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
    }
    store.close().await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM leases WHERE owner = 'controller-2' AND expires_at > 0").await, 17);
}

pub async fn what_is_worth_trying_again_says_so(bench: Bench) {
    let folder = bench.folder().display();
    for url in [format!("sqlite://{folder}"), "nonsense".to_owned(), "sqlite::memory:".to_owned()] {
        let error = Store::open(&url, "controller-1").await.expect_err("this is no database");
        assert!(!error.is_transient(), "{error}");
    }
    let store = bench.open().await;
    store.close().await;
    assert!(Error::Held { holder: "other".to_owned(), expires_in: Duration::from_secs(3) }.is_transient());
    assert!(!Error::Fenced.is_transient() && !Error::SchemaTooNew { found: 9, known: 2 }.is_transient());
}

pub async fn a_newer_schema_is_refused_and_left_alone(bench: Bench) {
    bench.open().await.close().await;
    bench
        .meddle(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (999, 'future', 1, x'00', 1)",
        )
        .await;
    let error = Store::open(&bench.url, "controller-1").await.expect_err("the schema is newer");
    assert!(matches!(error, Error::SchemaTooNew { found: 999, .. }), "{error}");
    assert_eq!(bench.count("SELECT COUNT(*) FROM leases WHERE epoch = 1").await, 17);
    let states = migration_status(&bench.url).await.expect("its status can be read");
    let future = states.last().expect("the future migration is shown");
    assert!(future.version == 999 && future.applied && !future.known);
}

pub async fn migrations_can_run_twice_and_side_by_side(bench: Bench) {
    let before = migration_status(&bench.url).await.expect("status without a database");
    assert!(!before.is_empty() && before.iter().all(|state| state.known && !state.applied));
    let (one, other) = tokio::join!(migrate(&bench.url), migrate(&bench.url));
    for result in [&one, &other] {
        assert!(matches!(result, Ok(_) | Err(Error::Locked { .. })), "{result:?}");
    }
    assert!(one.is_ok() || other.is_ok());
    let again = migrate(&bench.url).await.expect("a second run changes nothing");
    assert!(again.iter().all(|state| state.applied && state.known));
    assert_eq!(migration_status(&bench.url).await.expect("status"), again);
    assert_eq!(bench.open().await.migration_status().await.expect("status of an open store"), again);
}

pub async fn what_was_written_is_there_after_a_restart(bench: Bench) {
    let store = bench.open().await;
    let mut run = Run::new("update", 1);
    let create = run.create();
    store.writer().submit(create.clone()).await.expect("written");
    let note = run.note("äöü\u{0}\n'\"");
    store.writer().submit(note.clone()).await.expect("written");
    store.close().await;

    let store = bench.open().await;
    let history = store.history(run.id()).await.expect("readable");
    assert_eq!(history, [create.events, note.events].concat());
    assert_eq!(store.execution(run.id()).await.expect("readable"), Some(run.summary));
    store.close().await;
}

/// The audit log's word on starts.
const AUDITED: &str = "(SELECT object_id AS execution FROM audit WHERE action = 'execution.start') rows_of_it WHERE 1 = 1";

/// The test runs itself as the process that is killed: that one writes until it dies and says what was acknowledged.
pub async fn a_killed_process_leaves_whole_items_and_every_acknowledged_one(bench: Bench) {
    if let Some(url) = child() {
        return write_until_killed(&url).await;
    }
    let mut acknowledged = 0;
    for lines in [1, 40, 200] {
        let ids = bench.killed_after(lines);
        acknowledged += ids.len();
        // A killed controller gives nothing back; another test waits for the leases to expire.
        bench.meddle("UPDATE leases SET expires_at = 0").await;
        let store = bench.open().await;
        for id in ids {
            let history = store.history(id.parse().expect("an id")).await.expect("readable");
            assert_eq!(history.len(), 3, "an acknowledged item is whole");
        }
        store.close().await;
    }
    let whole = "SELECT COUNT(*) FROM executions e WHERE seq = 3 AND 3 = (SELECT COUNT(*) FROM events WHERE execution = e.id)";
    let all = bench.count("SELECT COUNT(*) FROM executions").await;
    assert!(all >= i64::try_from(acknowledged).expect("few"));
    assert_eq!(bench.count(whole).await, all, "no item is there in part");
    assert_eq!(bench.count("SELECT COUNT(DISTINCT execution) FROM events").await, all);
    for beside in ["prompts WHERE status = 'withdrawn'", "execution_labels WHERE label_value = 'infra'", AUDITED] {
        let whole = format!("SELECT COUNT(DISTINCT execution) FROM {beside} AND execution IN (SELECT id FROM executions)");
        assert_eq!(bench.count(&whole).await, all, "{beside}");
    }
    assert_eq!(bench.count("SELECT COUNT(*) FROM audit").await, all, "no row of the audit log is there without its start");
}

async fn write_until_killed(url: &str) {
    let store = Store::open(url, "child").await.expect("the child opens the store");
    let first = store.next_number("main", "killed").await.expect("a number");
    let mut tasks = tokio::task::JoinSet::new();
    for number in first.. {
        let writer = store.writer().clone();
        tasks.spawn(async move {
            let mut run = Run::new("killed", number);
            run.summary.labels = [("team".to_owned(), "infra".to_owned())].into();
            let asked = question("?");
            let withdrawn = ended(&asked, PromptStatus::Withdrawn);
            let mut item = run.create();
            item.events.extend(run.item(vec![Event::Started, Event::Resumed]).events);
            item.summary = run.summary.clone();
            (item.prompts_opened, item.prompts_closed) = (vec![asked], vec![withdrawn]);
            let object = Some(Object { kind: "execution".to_owned(), id: run.id().to_string() });
            item.audit = vec![Record { object, ..row("execution.start", Outcome::Done) }];
            writer.submit(item).await.expect("written");
            say_written(run.id());
        });
        if tasks.len() >= 32 {
            tasks.join_next().await;
        }
    }
}

pub async fn a_fact_is_put_once(bench: Bench) {
    let store = bench.open().await;
    assert_eq!(store.meta("cluster_id").await.expect("readable"), None);
    assert_eq!(store.cluster_id("one").await.expect("put"), "one");
    assert_eq!(store.cluster_id("two").await.expect("kept"), "one");
    started(&store, "update", 1).await;
    for until in ["1", "2", "2"] {
        store.put_meta("until", until).await.expect("put again");
        assert_eq!(store.meta("until").await.expect("readable").as_deref(), Some(until));
    }
    store.close().await;
    assert_eq!(bench.open().await.meta("cluster_id").await.expect("readable").as_deref(), Some("one"));
}
