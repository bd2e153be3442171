//! Group commit: fence, conflicts, claims, keys, order.

use crate::bench::{Bench, NOW, Run, agent, started};
use pulse_core::execution::Event;
use pulse_core::time::Timestamp;
use pulse_protocol::{AttemptId, ExecutionId, Incarnation};
use pulse_store::{AttemptRow, AttemptState, IdempotencyRow, Store, WriteError, WriteItem, partition_of};
use uuid::Uuid;

/// Submits all at once, so that they wait together, and answers in their order.
async fn submit_all(store: &Store, items: Vec<WriteItem>) -> Vec<Result<(), WriteError>> {
    let handles: Vec<_> = items
        .into_iter()
        .map(|item| {
            let writer = store.writer().clone();
            tokio::spawn(async move { writer.submit(item).await })
        })
        .collect();
    let mut answers = Vec::new();
    for handle in handles {
        answers.push(handle.await.expect("no panic"));
    }
    answers
}

pub async fn a_stale_epoch_writes_nothing(bench: Bench) {
    let store = bench.open().await;
    let mut old = started(&store, "update", 1).await;
    bench.meddle("UPDATE leases SET epoch = epoch + 1, owner = 'controller-2'").await;
    let mut new = Run::new("update", 2);
    let answers = submit_all(&store, vec![old.note("too late"), new.create()]).await;
    for (answer, id) in answers.iter().zip([old.id(), new.id()]) {
        assert_eq!(answer, &Err(WriteError::Fenced { partition: partition_of(id) }));
    }
    assert_eq!(bench.count("SELECT COUNT(*) FROM events").await, 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM executions WHERE seq = 1").await, 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM executions").await, 1);
}

pub async fn a_lost_partition_fences_only_its_executions(bench: Bench) {
    let store = bench.open().await;
    let mut runs: Vec<Run> = (1..=64).map(|number| Run::new("update", number)).collect();
    let lost = partition_of(runs[0].id());
    bench.meddle(&format!("UPDATE leases SET epoch = epoch + 1 WHERE part = {lost}")).await;
    let items = runs.iter_mut().map(Run::create).collect();
    for (run, answer) in runs.iter().zip(submit_all(&store, items).await) {
        let expected = if partition_of(run.id()) == lost { Err(WriteError::Fenced { partition: lost }) } else { Ok(()) };
        assert_eq!(answer, expected);
        assert_eq!(store.history(run.id()).await.expect("readable").len(), usize::from(expected.is_ok()));
    }
}

pub async fn of_256_items_only_the_stale_one_fails(bench: Bench) {
    let store = bench.open().await;
    let mut runs: Vec<Run> = (1..=256).map(|number| Run::new("update", number)).collect();
    for answer in submit_all(&store, runs.iter_mut().map(Run::create).collect()).await {
        answer.expect("written");
    }
    // Somebody else has moved one of them on.
    let mut other = runs[100].clone();
    store.writer().submit(other.note("first")).await.expect("written");
    let answers = submit_all(&store, runs.iter_mut().map(|run| run.note("second")).collect()).await;
    for (index, (run, answer)) in runs.iter().zip(answers).enumerate() {
        let expected = if index == 100 { Err(WriteError::Stale { execution: run.id() }) } else { Ok(()) };
        assert_eq!(answer, expected);
        let history = store.history(run.id()).await.expect("readable");
        assert_eq!(history.len(), 2);
        let text = format!("{:?}", history[1].event);
        assert!(text.contains(if index == 100 { "first" } else { "second" }), "{text}");
    }
}

pub async fn one_workflow_has_one_holder_of_its_claim(bench: Bench) {
    let store = bench.open().await;
    let key = "workflow/main/update";
    let mut runs: Vec<Run> = (1..=50).map(|number| Run::new("update", number)).collect();
    let items = runs.iter_mut().map(|run| WriteItem { take: vec![key.to_owned()], ..run.create() }).collect();
    let answers = submit_all(&store, items).await;
    let holder = store.claim_holder(key).await.expect("readable").expect("one has it");
    for (run, answer) in runs.iter().zip(answers) {
        let taken = WriteError::ClaimTaken { key: key.to_owned(), holder };
        assert_eq!(answer, if run.id() == holder { Ok(()) } else { Err(taken) });
    }
    assert_eq!(bench.count("SELECT COUNT(*) FROM executions").await, 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM events").await, 1);
}

pub async fn claims_move_from_one_execution_to_another(bench: Bench) {
    let store = bench.open().await;
    let claim = || vec!["slot/web1/0".to_owned()];
    let (mut first, mut second) = (Run::new("a", 1), Run::new("b", 1));
    store.writer().submit(WriteItem { take: claim(), ..first.create() }).await.expect("taken");
    let end = WriteItem { release: claim(), ..first.end() };
    let take = WriteItem { take: claim(), ..second.create() };
    // Polled in order, so that they wait in order: in one batch or in two, the release comes first.
    let (end, take) = tokio::join!(biased; store.writer().submit(end), store.writer().submit(take));
    assert_eq!((end, take), (Ok(()), Ok(())), "the claim moves over");
    assert_eq!(store.claim_holder("slot/web1/0").await.expect("readable"), Some(second.id()));
    // Released and taken again in one item, as when a slot's next command follows at once.
    let again = WriteItem { take: claim(), release: claim(), ..second.note("again") };
    store.writer().submit(again).await.expect("kept");
    assert_eq!(store.claim_holder("slot/web1/0").await.expect("readable"), Some(second.id()));
    let twice = WriteItem { take: claim(), ..second.note("twice") };
    assert_eq!(store.writer().submit(twice).await, Err(WriteError::Stale { execution: second.id() }));
}

pub async fn a_released_claim_of_another_stays(bench: Bench) {
    let store = bench.open().await;
    let (mut first, mut second) = (Run::new("a", 1), Run::new("b", 1));
    store.writer().submit(WriteItem { take: vec!["k".to_owned()], ..first.create() }).await.expect("taken");
    store.writer().submit(WriteItem { release: vec!["k".to_owned()], ..second.create() }).await.expect("written");
    assert_eq!(store.claim_holder("k").await.expect("readable"), Some(first.id()));
    assert_eq!(store.claims().await.expect("readable"), [Ok(("k".to_owned(), first.id()))]);
}

pub async fn numbers_are_unique_in_a_workflow_of_a_source(bench: Bench) {
    let store = bench.open().await;
    assert_eq!(store.next_number("main", "update").await.expect("readable"), 1);
    started(&store, "update", 1).await;
    assert_eq!(store.next_number("main", "update").await.expect("readable"), 2);
    let taken = WriteError::NumberTaken { workflow: "update".to_owned(), number: 1 };
    assert_eq!(store.writer().submit(Run::new("update", 1).create()).await, Err(taken));
    assert_eq!(bench.count("SELECT COUNT(*) FROM events").await, 1, "nothing of it stays");
    let mut elsewhere = Run::new("update", 1);
    elsewhere.summary.source = "other".to_owned();
    store.writer().submit(elsewhere.create()).await.expect("another source counts for itself");
    started(&store, "backup", 1).await;
}

pub async fn an_idempotency_key_starts_one_execution(bench: Bench) {
    let store = bench.open().await;
    let item = |number: i64, principal: &str, digest: &str| {
        let mut run = Run::new("update", number);
        let idempotency = IdempotencyRow {
            principal: principal.to_owned(),
            key: "k1".to_owned(),
            body_digest: digest.to_owned(),
            execution: run.id(),
            created_at: NOW,
        };
        WriteItem { idempotency: Some(idempotency), ..run.create() }
    };
    let items: Vec<_> = (1..=20).map(|number| item(number, "anna", "d1")).collect();
    let ids: Vec<ExecutionId> = items.iter().map(|item| item.execution).collect();
    let answers = submit_all(&store, items).await;
    let row = store.idempotency("anna", "k1").await.expect("readable").expect("written");
    assert!(ids.contains(&row.execution) && row.body_digest == "d1");
    for (id, answer) in ids.iter().zip(answers) {
        let taken = WriteError::IdempotencyTaken { execution: row.execution, body_digest: "d1".to_owned() };
        assert_eq!(answer, if *id == row.execution { Ok(()) } else { Err(taken) });
    }
    // The key says it before the number does.
    let number = store.execution(row.execution).await.expect("readable").expect("written").number;
    let taken = WriteError::IdempotencyTaken { execution: row.execution, body_digest: "d1".to_owned() };
    assert_eq!(store.writer().submit(item(number, "anna", "d2")).await, Err(taken));
    store.writer().submit(item(99, "bert", "d1")).await.expect("another's key is another key");
    assert_eq!(store.forget_idempotency(Timestamp(NOW.0 + 1)).await.expect("deleted"), 2);
    assert_eq!(store.idempotency("anna", "k1").await.expect("readable"), None);
}

pub async fn items_that_contradict_themselves_are_refused(bench: Bench) {
    let store = bench.open().await;
    let mut run = started(&store, "update", 1).await;
    let mut other_row = run.note("x");
    other_row.summary = Run::new("update", 2).summary;
    let mut gap = run.note("y");
    gap.events[0].seq += 1;
    let nothing = Run::new("update", 3).item(Vec::new());
    let snapshot = WriteItem { snapshot: Some(("d".to_owned(), "b".into())), ..run.note("z") };
    let mut still = started(&store, "update", 4).await;
    let claim = WriteItem { take: vec!["c".to_owned()], ..still.item(Vec::new()) };
    let row = AttemptRow { attempt: AttemptId(Uuid::now_v7()), agent: agent("web1"), incarnation: Incarnation(Uuid::new_v4()) };
    let attempt = WriteItem { attempts_opened: vec![row], ..still.item(Vec::new()) };
    for item in [other_row, gap, nothing, snapshot, claim, attempt] {
        let error = store.writer().submit(item).await.expect_err("refused");
        assert_eq!(error.code(), "invalid_write", "{error}");
    }
    assert_eq!(bench.count("SELECT COUNT(*) FROM events").await, 2);
}

pub async fn what_does_not_fit_is_refused_before_it_is_tried(bench: Bench) {
    let store = bench.open().await;
    let long = |length: usize| "x".repeat(length);
    let key = |principal: usize, key: usize| {
        let mut run = Run::new("update", 1);
        let idempotency = IdempotencyRow {
            principal: long(principal),
            key: long(key),
            body_digest: "d".to_owned(),
            execution: run.id(),
            created_at: NOW,
        };
        WriteItem { idempotency: Some(idempotency), ..run.create() }
    };
    let claim = |length: usize| WriteItem { take: vec![long(length)], ..Run::new("update", 1).create() };
    let started_by = |length: usize| {
        let mut run = Run::new("update", 1);
        run.summary.started_by = long(length);
        run.create()
    };
    for (item, word) in [
        (key(191, 1), "a principal"),
        (key(1, 256), "an idempotency key"),
        (claim(513), "a claim's key"),
        (started_by(256), "who started"),
        (Run::new(&long(191), 1).create(), "a workflow's name"),
    ] {
        let error = store.writer().submit(item).await.expect_err(word);
        assert!(error.code() == "invalid_write" && error.to_string().contains(word), "{error}");
    }
    // What just fits is stored, also where a character has four bytes.
    let mut widest = Run::new(&"𝄞".repeat(190), 1);
    widest.summary.source = "𝄞".repeat(190);
    widest.summary.started_by = "𝄞".repeat(255);
    let idempotency = IdempotencyRow {
        principal: "𝄞".repeat(190),
        key: "𝄞".repeat(255),
        body_digest: long(64),
        execution: widest.id(),
        created_at: NOW,
    };
    let item = WriteItem { take: vec!["𝄞".repeat(512)], idempotency: Some(idempotency), ..widest.create() };
    store.writer().submit(item).await.expect("it fits");
    assert_eq!(store.execution(widest.id()).await.expect("readable"), Some(widest.summary));
    assert_eq!(bench.count("SELECT COUNT(*) FROM executions").await, 1);
    // Trailing blanks and case count.
    for (number, claim) in (2..).zip(["key", "key ", "Key"]) {
        let mut run = Run::new("blanks", number);
        store.writer().submit(WriteItem { take: vec![claim.to_owned()], ..run.create() }).await.expect("another key");
    }
}

pub async fn large_documents_are_cut_into_statements(bench: Bench) {
    let store = bench.open().await;
    let body = |n: u8| char::from(b'a' + n).to_string().repeat(7 << 20);
    let items: Vec<_> = (0..6_u8)
        .map(|n| {
            let mut run = Run::new("large", i64::from(n) + 1);
            let mut item = run.create();
            item.events.extend(run.note(&body(n)).events);
            item.summary = run.summary.clone();
            WriteItem { snapshot: Some((format!("snapshot{n}"), body(n).into())), ..item }
        })
        .collect();
    let ids: Vec<ExecutionId> = items.iter().map(|item| item.execution).collect();
    for answer in submit_all(&store, items).await {
        answer.expect("no statement is larger than a packet");
    }
    for (n, id) in (0..6_u8).zip(ids) {
        assert_eq!(store.history(id).await.expect("readable").len(), 2);
        assert_eq!(store.snapshot(&format!("snapshot{n}")).await.expect("readable"), Some(body(n)));
    }
    let mut run = Run::new("too large", 1);
    let item = WriteItem { snapshot: Some(("d".to_owned(), "x".repeat((12 << 20) + 1).into())), ..run.create() };
    assert_eq!(store.writer().submit(item).await.expect_err("too large").code(), "invalid_write");
}

pub async fn items_of_one_execution_keep_their_order(bench: Bench) {
    let store = bench.open().await;
    let mut run = Run::new("update", 1);
    let mut items = vec![run.create()];
    items.extend((0..40).map(|number| run.note(&number.to_string())));
    // Polled in order, so that they wait in order.
    let answers = futures_util::future::join_all(items.into_iter().map(|item| store.writer().submit(item))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(store.history(run.id()).await.expect("readable").len(), 41);
    assert_eq!(store.execution(run.id()).await.expect("readable"), Some(run.summary.clone()));
    // What one item takes and the next releases is free, also when both wait for the same batch.
    let claim = || vec!["slot/web1/0".to_owned()];
    for round in 0..20 {
        let mut other = Run::new("other", round);
        let items = [
            other.create(),
            WriteItem { take: claim(), ..run.note("take") },
            WriteItem { release: claim(), ..run.note("release") },
        ];
        let answers = futures_util::future::join_all(items.into_iter().map(|item| store.writer().submit(item))).await;
        assert_eq!(answers, [Ok(()), Ok(()), Ok(())]);
        assert_eq!(store.claim_holder("slot/web1/0").await.expect("readable"), None);
    }
}

pub async fn a_stale_row_never_wins(bench: Bench) {
    let store = bench.open().await;
    let mut run = started(&store, "update", 1).await;
    let mut stale = run.clone();
    run.summary.message = Some("new".to_owned());
    store.writer().submit(run.note("on")).await.expect("written");
    // Only a wake-up, no event: the guard of the row decides alone.
    stale.summary.wake_at = Some(Timestamp(1));
    assert_eq!(store.writer().submit(stale.item(Vec::new())).await, Err(WriteError::Stale { execution: stale.id() }));
    assert_eq!(store.execution(run.id()).await.expect("readable"), Some(run.summary.clone()));
    run.summary.wake_at = Some(Timestamp(7));
    for _ in 0..2 {
        store.writer().submit(run.item(Vec::new())).await.expect("a wake-up alone, and again the same");
    }
    assert_eq!(store.execution(run.id()).await.expect("readable"), Some(run.summary));
}

pub async fn attempts_are_opened_and_closed_with_the_events(bench: Bench) {
    let store = bench.open().await;
    let mut run = started(&store, "update", 1).await;
    let rows: Vec<AttemptRow> = ["web1", "web1", "web2"]
        .map(|name| AttemptRow {
            attempt: AttemptId(Uuid::now_v7()),
            agent: agent(name),
            incarnation: Incarnation(Uuid::new_v4()),
        })
        .into();
    let open = WriteItem { attempts_opened: rows.clone(), ..run.note("open") };
    store.writer().submit(open).await.expect("written");
    let close = WriteItem { attempts_closed: vec![rows[0].attempt], ..run.note("close") };
    store.writer().submit(close).await.expect("written");

    let web1 = store.open_attempts(Some(&agent("web1"))).await.expect("readable");
    let [Ok(only)] = web1.as_slice() else { panic!("{web1:?}") };
    assert_eq!((only.attempt, only.execution, only.incarnation), (rows[1].attempt, run.id(), rows[1].incarnation));
    assert_eq!(store.open_attempts(None).await.expect("readable").len(), 2);
    let unknown = AttemptId(Uuid::now_v7());
    let found = store.attempts(&[rows[0].attempt, unknown]).await.expect("readable");
    let [Ok(closed)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((closed.attempt, closed.state), (rows[0].attempt, AttemptState::Closed));
    let twice = WriteItem { attempts_opened: vec![rows[2].clone()], ..run.note("twice") };
    assert_eq!(store.writer().submit(twice).await, Err(WriteError::Stale { execution: run.id() }));
}

pub async fn a_snapshot_is_written_once(bench: Bench) {
    let store = bench.open().await;
    let snapshot = || Some(("5nap".to_owned(), r#"{"workflow":"ü"}"#.into()));
    let items = (1..=8).map(|number| WriteItem { snapshot: snapshot(), ..Run::new("update", number).create() }).collect();
    for answer in submit_all(&store, items).await {
        answer.expect("written");
    }
    assert_eq!(store.snapshot("5nap").await.expect("readable"), snapshot().map(|(_, body)| body.to_string()));
    assert_eq!(store.snapshots(&["5nap".to_owned(), "none".to_owned()]).await.expect("readable").len(), 1);
    assert_eq!(store.snapshot("none").await.expect("readable"), None);
}

pub async fn a_closed_store_says_so(bench: Bench) {
    let store = bench.open().await;
    let mut run = started(&store, "update", 1).await;
    let held = store.clone();
    let writer = store.writer().clone();
    store.close().await;
    assert_eq!(writer.submit(run.item(vec![Event::Started])).await, Err(WriteError::Closed));
    assert_eq!(held.execution(run.id()).await.expect_err("closed").code(), "store_closed");
}
