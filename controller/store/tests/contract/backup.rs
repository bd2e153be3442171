//! The whole database, out and in: the same rows, no writer of before, nothing goes on, and nothing is half there.

use crate::audit::row;
use crate::bench::{Bench, Engine, NOW, Run};
use crate::pauses::pause;
use pulse_core::audit::Outcome;
use pulse_core::pause::PauseScope;
use pulse_protocol::AttemptId;
use pulse_protocol::message::Stream;
use pulse_store::{
    BackupTaken, Cell, Dump, Error, Finished, OutputPiece, Part, Pauses, Restore, Store, WriteItem, migration_status,
};
use uuid::Uuid;

/// Everything that a database holds now, with its schema and the highest epoch of its leases.
async fn dumped(bench: &Bench) -> (Vec<Part>, i64, i64) {
    let dump = Dump::begin(&bench.url).await.expect("it begins");
    let (schema, epoch, mut parts) = (dump.schema(), dump.epoch(), Vec::new());
    let said = dump.run(|part| {
        parts.push(part);
        Ok(())
    });
    said.await.expect("read");
    (parts, schema, epoch)
}

async fn restored(bench: &Bench, (parts, schema, epoch): (Vec<Part>, i64, i64), force: bool) -> Result<Finished, Error> {
    let mut restore = Restore::begin(&bench.url, schema, force, NOW).await?;
    for part in parts {
        restore.take(part).await?;
    }
    let audit = row("database.restore", Outcome::Done);
    restore.finish(&BackupTaken { at: NOW, epoch, now: NOW, reason: "look first".to_owned(), audit }).await
}

/// A database with something in most tables.
async fn filled(bench: &Bench) -> Run {
    let store = bench.open().await;
    let mut run = Run::new("update", 1);
    run.summary.labels = [("team".to_owned(), "ünfra \"x\"".to_owned())].into();
    store.writer().submit(WriteItem { take: vec!["k".to_owned()], ..run.create() }).await.expect("written");
    for number in 0..700 {
        store.writer().submit(run.note(&format!("note {number} {}", "ü".repeat(50)))).await.expect("written");
    }
    let bytes: Vec<u8> = (0..=255).cycle().take(60_000).collect();
    let piece = OutputPiece { attempt: AttemptId(Uuid::now_v7()), stream: Stream::Stdout, offset: 0, cut: 0, bytes };
    store.output_writer().submit(piece).await.expect("stored");
    store.pause(&pause("workflow/a", None)).await.expect("set");
    store.cluster_id("mine").await.expect("put");
    store.close().await;
    run
}

fn rows(parts: &[Part], table: &str) -> Vec<Vec<Cell>> {
    let begun = parts.iter().skip_while(|part| !matches!(part, Part::Table { name, .. } if name == table)).skip(1);
    let mut rows: Vec<_> = begun.map_while(|part| if let Part::Row(cells) = part { Some(cells.clone()) } else { None }).collect();
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}

/// On its own engine and on the other one: what is read of the copy is what was read of the first.
pub async fn what_is_restored_is_what_was_there(bench: Bench) {
    let run = filled(&bench).await;
    let first = dumped(&bench).await;
    for engine in [Engine::Sqlite, Engine::MariaDb] {
        let copy = Bench::new(engine, bench.test).await;
        let finished = restored(&copy, first.clone(), false).await.expect("restored");
        assert_eq!(finished.open, ["update#1"]);
        let (second, ..) = dumped(&copy).await;
        for table in ["executions", "events", "claims", "output", "output_state", "execution_labels", "snapshots", "agents"] {
            let (before, after) = (rows(&first.0, table), rows(&second, table));
            assert_eq!(before, after, "{table}");
        }
        assert_eq!(rows(&second, "events").len(), 701);
        let store = copy.open().await;
        assert_eq!(store.history(run.id()).await.expect("whole").len(), 701);
        assert_eq!(store.cluster_id("another").await.expect("readable"), "mine");
        let held = store.pauses(Pauses::Active(NOW), 10, None).await.expect("readable");
        let held: Vec<_> =
            held.items.into_iter().map(|row| row.expect("readable")).filter(|row| row.id == finished.pause).collect();
        assert_eq!((&held[0].scope, held[0].reason.as_str()), (&PauseScope::All, "look first"));
        assert!(store.migration_status().await.expect("readable").iter().all(|state| state.applied));
    }
}

pub async fn whoever_wrote_before_a_restore_writes_no_more(bench: Bench) {
    filled(&bench).await;
    let backup = dumped(&bench).await;
    // A controller that is stopped for so long that its leases have expired, and wakes up after the restore.
    let old = Store::open(&bench.url, "controller-1").await.expect("open");
    if !bench.url.starts_with("sqlite") {
        assert_eq!(restored(&bench, backup.clone(), true).await.expect_err("it runs").code(), "store_held");
        bench.meddle("UPDATE leases SET expires_at = 1 WHERE part < 16").await;
        restored(&bench, backup, true).await.expect("restored");
        let mut late = Run::new("late", 1);
        old.writer().submit(late.create()).await.expect_err("fenced");
        assert_eq!(old.renew_leases().await.expect_err("fenced").code(), "fenced");
    } else {
        assert_eq!(restored(&bench, backup.clone(), true).await.expect_err("it runs").code(), "store_locked");
        old.close().await;
        restored(&bench, backup, true).await.expect("restored");
    }
    assert_eq!(bench.count("SELECT COUNT(*) FROM executions").await, 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM leases WHERE epoch >= 3 AND owner = ''").await, 17);
}

pub async fn half_a_restore_is_no_database(bench: Bench) {
    filled(&bench).await;
    let backup = dumped(&bench).await;
    assert_eq!(restored(&bench, backup.clone(), false).await.expect_err("there is something").code(), "store_backup");
    let mut restore = Restore::begin(&bench.url, backup.1, true, NOW).await.expect("begun");
    for part in backup.0.iter().take(300).cloned() {
        restore.take(part).await.expect("taken");
    }
    drop(restore);
    for error in [
        Store::open(&bench.url, "controller-1").await.map(drop).expect_err("half of it"),
        pulse_store::migrate(&bench.url).await.map(drop).expect_err("half of it"),
        Dump::begin(&bench.url).await.map(drop).expect_err("half of it"),
    ] {
        assert_eq!(error.code(), "store_half_restored", "{error}");
    }
    restored(&bench, backup, false).await.expect("done again");
    assert_eq!(bench.open().await.history(Run::new("x", 1).id()).await.expect("readable").len(), 0);
    assert_eq!(bench.count("SELECT COUNT(*) FROM events").await, 701);
}

/// A backup of an earlier schema is restored by this release, and a later one is refused.
pub async fn a_backup_of_an_earlier_schema_is_brought_up(bench: Bench) {
    filled(&bench).await;
    let (parts, schema, epoch) = dumped(&bench).await;
    assert_eq!(
        restored(&bench, (parts.clone(), schema + 1, epoch), true).await.expect_err("newer").code(),
        "store_schema_too_new"
    );
    // What was there with the eighth migration.
    let mut earlier = Vec::new();
    let mut skip = false;
    for part in parts {
        match part {
            Part::Table { name, columns } => {
                skip = name == "removals";
                let columns =
                    columns.into_iter().filter(|c| c.name != "output_removed_at" && c.name != "revoked_reason").collect();
                if !skip {
                    earlier.push(Part::Table { name, columns });
                }
            }
            Part::Row(_) if skip => {}
            // Of executions the last column, of agents none has rows here.
            Part::Row(mut cells) => {
                if let Some(Part::Table { columns, .. }) = earlier.iter().rev().find(|part| matches!(part, Part::Table { .. })) {
                    cells.truncate(columns.len());
                }
                earlier.push(Part::Row(cells));
            }
        }
    }
    restored(&bench, (earlier, 8, epoch), true).await.expect("restored");
    let states = migration_status(&bench.url).await.expect("readable");
    assert!(states.iter().all(|state| state.applied && state.known), "{states:?}");
    assert_eq!(bench.count("SELECT COUNT(*) FROM executions WHERE output_removed_at IS NULL").await, 1);
    let store = bench.open().await;
    assert_eq!(store.next_number("main", "update").await.expect("readable"), 2);
    store.close().await;
    // A column that its schema does not have is refused, and leaves half a database.
    let stranger = vec![Part::Table { name: "removals".to_owned(), columns: Vec::new() }];
    refuses(&bench, stranger, epoch).await;
}

async fn refuses(bench: &Bench, parts: Vec<Part>, epoch: i64) {
    let error = restored(bench, (parts, 8, epoch), true).await.expect_err("no such table in that schema");
    assert!(error.to_string().contains("`removals`"), "{error}");
}
