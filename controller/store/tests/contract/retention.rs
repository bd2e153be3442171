//! Retention: what is over goes whole and in small steps, what something needs stays, the audit log still holds without its beginning, and
//! nobody who writes waits for it.

use crate::audit::row;
use crate::bench::{Bench, NOW, Run, agent};
use crate::prompts::question;
use pulse_core::audit::{ANCHOR, Anchor, Head, Outcome, Record, Walk};
use pulse_core::retention::Hold;
use pulse_core::time::Timestamp;
use pulse_protocol::message::Stream;
use pulse_protocol::{AttemptId, ExecutionId, Incarnation};
use pulse_store::{AttemptRow, AuditWrite, Gap, OutputPiece, Store, WorkflowAt, WriteItem};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

const TABLES: [&str; 8] =
    ["executions", "events", "attempts", "prompts", "output", "output_state", "execution_labels", "removals"];

/// An execution that is over, with something in every table; and its attempt.
async fn over(store: &Store, workflow: &str, number: i64) -> (Run, AttemptId) {
    let mut run = Run::new(workflow, number);
    run.summary.labels = [("team".to_owned(), "infra".to_owned()), ("env".to_owned(), "prod".to_owned())].into();
    let (digest, attempt) = (run.summary.snapshot.clone(), AttemptId(Uuid::now_v7()));
    let opened = AttemptRow { attempt, agent: agent("web1"), incarnation: Incarnation(Uuid::now_v7()) };
    let create = WriteItem { snapshot: Some((digest, "{}".into())), attempts_opened: vec![opened], ..run.create() };
    write(store, create).await;
    let asked = WriteItem { prompts_opened: vec![question("Go on?")], ..run.note("asks") };
    write(store, asked).await;
    for stream in [Stream::Stdout, Stream::Stderr] {
        let piece = OutputPiece { attempt, stream, offset: 0, cut: 0, bytes: b"hello".to_vec() };
        store.output_writer().submit(piece).await.expect("stored");
    }
    write(store, WriteItem { attempts_closed: vec![attempt], ..run.end() }).await;
    (run, attempt)
}

async fn write(store: &Store, item: WriteItem) {
    store.writer().submit(item).await.expect("written");
}

async fn sweep(store: &Store) -> u64 {
    let mut steps = 0;
    while store.sweep_removed().await.expect("swept").more {
        steps += 1;
    }
    steps
}

fn of(workflow: &str, newest: i64) -> WorkflowAt {
    WorkflowAt { source: "main".to_owned(), workflow: workflow.to_owned(), newest }
}

async fn holds(store: &Store, workflow: &str) -> Vec<(i64, Option<Hold>)> {
    let rows = store.survey(&of(workflow, 9), 0, false).await.expect("readable");
    rows.into_iter().map(|row| row.expect("readable").past).map(|past| (past.number, past.hold)).collect()
}

pub async fn a_removed_execution_leaves_nothing_behind(bench: Bench) {
    let store = bench.open().await;
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for number in 1..=30 {
        let (run, _) = over(&store, "update", number).await;
        if number > 2 { gone.push(run.id()) } else { kept.push(run.id()) }
    }
    let before = bench.count("SELECT COUNT(*) FROM events").await;
    assert_eq!(store.remove_executions(&gone, NOW).await.expect("removed"), 28);
    // Gone for everybody at once; the rest follows, also after a controller that has died here.
    assert_eq!(store.execution(gone[0]).await.expect("readable"), None);
    assert_eq!(bench.count("SELECT COUNT(*) FROM removals").await, 28);
    store.close().await;
    let store = bench.open().await;
    assert!(sweep(&store).await > 3, "in steps");
    for table in TABLES {
        let left = bench.count(&format!("SELECT COUNT(*) FROM {table}")).await;
        let of_two = match table {
            "removals" => 0,
            "events" => before / 15,
            "output" | "output_state" | "execution_labels" => 4,
            _ => 2,
        };
        assert_eq!(left, of_two, "{table}");
    }
    assert_eq!(store.history(kept[0]).await.expect("whole").len(), 3);
    assert_eq!(bench.count("SELECT COUNT(*) FROM snapshots").await, 1, "another one is pinned to it");
    assert_eq!(store.next_number("main", "update").await.expect("readable"), 3);
    store.remove_executions(&kept, NOW).await.expect("removed");
    sweep(&store).await;
    for table in TABLES.into_iter().chain(["snapshots"]) {
        assert_eq!(bench.count(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
    }
    assert_eq!(store.remove_executions(&kept, NOW).await.expect("twice is once"), 0);
}

pub async fn what_something_needs_is_not_removed(bench: Bench) {
    let store = bench.open().await;
    let (first, _) = over(&store, "update", 1).await;
    let mut running = Run::new("update", 2);
    write(&store, running.create()).await;
    let (unknown, attempt) = over(&store, "update", 3).await;
    bench.meddle(&format!("UPDATE attempts SET state = 'open' WHERE attempt = '{attempt}'")).await;
    let mut retry = Run::new("update", 4);
    retry.summary.retry_of = Some(first.id());
    write(&store, retry.create()).await;
    let (last, _) = over(&store, "update", 5).await;
    bench.meddle(&format!("UPDATE executions SET schedule = 'nightly' WHERE id = '{}'", last.id())).await;
    let schedule = "INSERT INTO schedules (source, name, timing, watermark, suspended, revision, updated_at, fired_execution)";
    bench.meddle(&format!("{schedule} VALUES ('main', 'nightly', 't', 1, 0, 1, 1, '{}')", last.id())).await;
    let (unheard, _) = over(&store, "update", 6).await;
    let agent =
        "INSERT INTO agents (name, public_key, labels, token_labels, slots, facts, sequence, epoch, enrolled_at, last_seen)";
    bench.meddle(&format!("{agent} VALUES ('web1', 'k', '{{}}', '{{}}', 5, '{{}}', 0, 0, 0, {})", NOW.0)).await;
    let expected = [
        (1, Some(Hold::Retried)),
        (2, Some(Hold::Open)),
        (3, Some(Hold::Unknown)),
        (4, Some(Hold::Open)),
        (5, Some(Hold::LastOfSchedule)),
        (6, Some(Hold::Unheard)),
    ];
    assert_eq!(holds(&store, "update").await, expected);
    // What must not go is asked again in the transaction, whoever has decided and when.
    let ids: Vec<ExecutionId> = [&first, &running, &unknown, &retry].map(Run::id).to_vec();
    assert_eq!(store.remove_executions(&ids, NOW).await.expect("asked"), 0);
    bench.meddle(&format!("UPDATE agents SET last_seen = {}", NOW.0 + 4_000_000_000)).await;
    assert_eq!(holds(&store, "update").await[5], (6, None));
    assert_eq!(store.remove_executions(&[unheard.id()], NOW).await.expect("removed"), 1);
}

pub async fn a_replaced_controller_removes_nothing(bench: Bench) {
    let store = bench.open().await;
    let (run, _) = over(&store, "update", 1).await;
    bench.meddle("UPDATE leases SET epoch = epoch + 1, owner = 'controller-2'").await;
    assert_eq!(store.remove_executions(&[run.id()], NOW).await.expect_err("fenced").code(), "fenced");
    assert_eq!(store.remove_output(&[run.id()], NOW).await.expect_err("fenced").code(), "fenced");
    assert_eq!(store.sweep_removed().await.expect_err("fenced").code(), "fenced");
    assert_eq!(store.remove_leftovers(NOW).await.expect_err("fenced").code(), "fenced");
    let anchor = Anchor { through: Head::START };
    assert_eq!(store.remove_audit(anchor).await.expect_err("fenced").code(), "fenced");
    assert_eq!(bench.count("SELECT COUNT(*) FROM executions").await, 1);
}

pub async fn output_goes_before_its_execution(bench: Bench) {
    let store = bench.open().await;
    let (run, attempt) = over(&store, "update", 1).await;
    let (_, others) = over(&store, "update", 2).await;
    assert_eq!(store.survey(&of("update", 2), 0, true).await.expect("readable").len(), 2);
    let first = store.remove_output(&[run.id()], NOW).await.expect("removed");
    let second = store.remove_output(&[run.id()], NOW).await.expect("removed");
    assert_eq!((first.pieces, first.executions, second.pieces, second.executions), (2, 0, 0, 1));
    let read = store.read_output(attempt, Stream::Stdout, 0, 100).await.expect("readable");
    assert_eq!((read.pieces.len(), read.stored, read.gaps), (0, 5, vec![Gap { start: 0, end: 5 }]));
    assert_eq!(store.read_output(others, Stream::Stdout, 0, 100).await.expect("readable").pieces.len(), 1);
    let left = store.survey(&of("update", 2), 0, true).await.expect("readable");
    assert_eq!(left.into_iter().map(|row| row.expect("readable").past.number).collect::<Vec<_>>(), [2]);
    assert_eq!(store.history(run.id()).await.expect("whole").len(), 3, "what happened stays");
}

pub async fn every_workflow_comes_up(bench: Bench) {
    let store = bench.open().await;
    for (workflow, newest) in [("a", 3), ("b", 1), ("c", 2)] {
        for number in 1..=newest {
            write(&store, Run::new(workflow, number).create()).await;
        }
    }
    let mut other = Run::new("b", 1);
    other.summary.source = "other".to_owned();
    write(&store, other.create()).await;
    let (mut found, mut last) = (Vec::new(), None);
    while let Some(next) = store.workflow_after(last.as_ref()).await.expect("readable") {
        found.push((next.source.clone(), next.workflow.clone(), next.newest));
        last = Some(next);
    }
    let expected = [("main", "a", 3), ("main", "b", 1), ("main", "c", 2), ("other", "b", 1)];
    assert_eq!(found, expected.map(|(source, workflow, newest)| (source.to_owned(), workflow.to_owned(), newest)));
}

pub async fn an_audit_log_without_its_beginning_holds(bench: Bench) {
    let store = bench.open().await;
    let rows: Vec<_> = (0..450).map(|n| AuditWrite::Row(row(&format!("a.{n}"), Outcome::Done))).collect();
    store.audit(&rows).await.expect("written");
    while store.seal_audit(Timestamp(0)).await.expect("sealed").more {}
    let through = store.audit_chain(299, 1).await.expect("readable").remove(0).expect("readable");
    let anchor = Anchor { through: Head { seq: 300, hash: through.hash } };
    assert_eq!(store.audit_anchor().await.expect("readable"), None);
    let said = Record { details: anchor.details(), ..row(ANCHOR, Outcome::Done) };
    store.audit(&[AuditWrite::Row(said)]).await.expect("written");
    assert_eq!(store.audit_anchor().await.expect("readable"), None, "a row that is not sealed says nothing yet");
    while store.seal_audit(Timestamp(0)).await.expect("sealed").more {}
    assert_eq!(store.audit_anchor().await.expect("readable"), Some(anchor));
    let mut gone = Vec::new();
    loop {
        match store.remove_audit(anchor).await.expect("removed") {
            0 => break,
            rows => gone.push(rows),
        }
        assert_eq!(verified(&store).await, Ok(451), "at each moment");
    }
    assert_eq!(gone, [200, 100]);
    bench.meddle("DELETE FROM audit WHERE seq = 301").await;
    assert_eq!(
        verified(&store).await,
        Err("rows 1 to 301 are missing, and no row of the log says that retention has removed them".to_owned())
    );
}

/// Walks what there is; how far it holds.
async fn verified(store: &Store) -> Result<i64, String> {
    let rows = store.audit_chain(0, 1000).await.expect("readable");
    let rows: Vec<_> = rows.into_iter().map(|row| row.expect("readable")).collect();
    let anchor = store.audit_anchor().await.expect("readable");
    let mut walk = Walk::begin(Head::START, rows.first(), anchor, None).map_err(|fault| fault.said)?;
    rows.iter().try_for_each(|row| walk.step(row)).map_err(|fault| fault.said)?;
    walk.finish().map(|head| head.seq).map_err(|fault| fault.said)
}

pub async fn what_is_over_for_long_goes(bench: Bench) {
    let store = bench.open().await;
    let pause = "INSERT INTO pauses (id, scope, reason, created_by, created_at, expires_at, ended_at, ended_by) VALUES";
    bench.meddle(&format!("{pause} ('a', 'all', 'r', 'anna', 1, NULL, 5, 'anna')")).await;
    bench.meddle(&format!("{pause} ('b', 'all', 'r', 'anna', 1, 5, NULL, NULL)")).await;
    bench.meddle(&format!("{pause} ('c', 'all', 'r', 'anna', 1, NULL, NULL, NULL)")).await;
    bench.meddle(&format!("{pause} ('d', 'all', 'r', 'anna', 1, 50, NULL, NULL)")).await;
    assert_eq!(store.remove_leftovers(Timestamp(10)).await.expect("removed"), 2);
    assert_eq!(bench.texts("SELECT id FROM pauses ORDER BY id").await, ["c", "d"]);
}

/// While thousands of rows go, whoever writes waits for one small transaction at most.
pub async fn whoever_writes_does_not_wait_for_it(bench: Bench) {
    let store = bench.open().await;
    let mut ids = Vec::new();
    for number in 1..=300 {
        let mut run = Run::new("update", number);
        write(&store, run.create()).await;
        let notes: Vec<_> = (0..20).map(|n| run.note(&format!("{n} {}", "x".repeat(200))).events.remove(0)).collect();
        let mut item = run.note("last");
        item.events.splice(0..0, notes);
        write(&store, item).await;
        write(&store, run.end()).await;
        ids.push(run.id());
    }
    let events = bench.count("SELECT COUNT(*) FROM events").await;
    let removing = tokio::spawn({
        let store = store.clone();
        async move {
            for step in ids.chunks(pulse_store::RETENTION_STEP) {
                store.remove_executions(step, NOW).await.expect("removed");
            }
            sweep(&store).await
        }
    });
    let (mut waits, mut number) = (Vec::new(), 1000);
    while !removing.is_finished() {
        let (begun, mut run) = (Instant::now(), Run::new("other", number));
        write(&store, run.create()).await;
        waits.push(begun.elapsed());
        number += 1;
    }
    let steps = removing.await.expect("no panic");
    waits.sort();
    let (median, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    println!("{events} events in {steps} steps; {} writes meanwhile, median {median:?}, longest {longest:?}", waits.len());
    assert!(steps >= 30 && waits.len() >= 30, "they take turns: {steps} steps, {} writes", waits.len());
    assert!(longest < Duration::from_secs(2), "nobody waits for all of it: {longest:?}");
}
