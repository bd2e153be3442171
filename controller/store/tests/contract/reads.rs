//! Lists, look-ups, and rows that cannot be read.

use crate::bench::{Bench, NOW, Run, agent, started};
use pulse_core::time::Timestamp;
use pulse_core::transition::{ExecutionEnd, ExecutionState, WaitReason};
use pulse_protocol::{AttemptId, Incarnation};
use pulse_store::{AttemptRow, ExecutionFilter, OpenExecutions, WriteItem};
use uuid::Uuid;

pub async fn lists_are_paged_newest_first(bench: Bench) {
    let store = bench.open().await;
    let mut ids = Vec::new();
    for number in 1..=7 {
        ids.push(started(&store, "update", number).await.id());
        started(&store, "backup", number).await;
    }
    ids.reverse();
    let filter = ExecutionFilter {
        workflow: Some("update".to_owned()),
        status: Some(ExecutionState::Pending),
        ..ExecutionFilter::default()
    };
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.executions(&filter, 3, cursor).await.expect("readable");
        assert!(page.items.len() <= 3);
        seen.extend(page.items.into_iter().map(|row| row.expect("readable").id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
    let ended = ExecutionFilter { status: Some(ExecutionState::Ended(ExecutionEnd::Failed)), ..ExecutionFilter::default() };
    assert!(store.executions(&ended, 10, None).await.expect("readable").items.is_empty());
    assert_eq!(store.executions(&ExecutionFilter::default(), 100, None).await.expect("readable").items.len(), 14);
}

pub async fn what_is_open_is_counted_and_what_has_ended_is_found(bench: Bench) {
    let store = bench.open().await;
    assert_eq!(store.count_open().await.expect("readable"), []);
    let (mut ended, mut waits) = (started(&store, "update", 1).await, started(&store, "update", 2).await);
    started(&store, "update", 3).await;
    started(&store, "update", 4).await;
    store.writer().submit(ended.end()).await.expect("written");
    (waits.summary.status, waits.summary.waits) = ("waiting", Some(WaitReason::Unknown));
    store.writer().submit(waits.note("waits")).await.expect("written");
    let mut open = store.count_open().await.expect("readable");
    open.sort_by_key(|row| row.count);
    let row = |status, waits, count| OpenExecutions { status, waits, count };
    assert_eq!(open, [row("waiting", Some(WaitReason::Unknown), 1), row("pending", None, 2)]);
    assert_eq!(store.ended_since(NOW, 10).await.expect("readable"), [ended.id()]);
    assert_eq!(store.ended_since(Timestamp(NOW.0 + 1), 10).await.expect("readable"), []);
    assert_eq!(store.ended_since(NOW, 1).await.expect("readable"), [], "the newest one has not ended");
    assert_eq!(store.sync_of("main", "c0ffee").await.expect("readable"), None);
}

pub async fn executions_are_searched_by_what_they_were_started_with(bench: Bench) {
    let store = bench.open().await;
    let mut run = Run::new("update", 1);
    run.summary.labels = [("team".to_owned(), "infra".to_owned()), ("empty".to_owned(), String::new())].into();
    run.summary.retry_of = Some(Run::new("update", 0).id());
    store.writer().submit(run.create()).await.expect("written");
    let mut other = started(&store, "update", 2).await;
    // An attempt that is settled still says where the execution ran.
    let row = AttemptRow { attempt: AttemptId(Uuid::now_v7()), agent: agent("web1"), incarnation: Incarnation(Uuid::new_v4()) };
    let (opened, closed) = (vec![row.clone()], vec![row.attempt]);
    store.writer().submit(WriteItem { attempts_opened: opened, ..other.note("opens") }).await.expect("written");
    store.writer().submit(WriteItem { attempts_closed: closed, ..other.note("closes") }).await.expect("written");
    // What it waits for changes with it; what it was started with does not.
    (run.summary.status, run.summary.waits) = ("waiting", Some(WaitReason::Person));
    let mut waits = run.note("asks");
    waits.summary.labels.clear();
    store.writer().submit(waits).await.expect("written");
    assert_eq!(store.execution(run.id()).await.expect("readable"), Some(run.summary.clone()));
    let all = ExecutionFilter::default;
    let label = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
    for (filter, id) in [
        (ExecutionFilter { labels: label("team", "infra"), ..all() }, Some(run.id())),
        (ExecutionFilter { labels: label("empty", ""), ..all() }, Some(run.id())),
        (ExecutionFilter { labels: [label("team", "infra"), label("empty", "")].concat(), ..all() }, Some(run.id())),
        (ExecutionFilter { labels: [label("team", "infra"), label("team", "web")].concat(), ..all() }, None),
        (ExecutionFilter { labels: label("team", "Infra"), ..all() }, None),
        (ExecutionFilter { agent: Some(agent("web1")), ..all() }, Some(other.id())),
        (ExecutionFilter { agent: Some(agent("web1")), labels: label("team", "infra"), ..all() }, None),
        (ExecutionFilter { started_by: Some("Anna".to_owned()), ..all() }, None),
        (ExecutionFilter { since: Some(Timestamp(NOW.0 + 1)), ..all() }, None),
    ] {
        let found = store.executions(&filter, 10, None).await.expect("readable").items;
        assert_eq!(found.into_iter().map(|row| row.expect("readable").id).collect::<Vec<_>>(), Vec::from_iter(id), "{filter:?}");
    }
}

pub async fn an_execution_is_found_by_id_and_by_number(bench: Bench) {
    let store = bench.open().await;
    let run = started(&store, "update", 812).await;
    for reference in [run.id().to_string(), "update#812".to_owned()] {
        assert_eq!(store.find_execution(&reference).await.expect("readable"), Some(run.summary.clone()), "{reference}");
    }
    for reference in ["update#813", "update", "backup#812", "#", "update#x", "'; DROP TABLE events; --#1"] {
        assert_eq!(store.find_execution(reference).await.expect("readable"), None, "{reference}");
    }
    let mut twin = Run::new("update", 812);
    twin.summary.source = "other".to_owned();
    twin.summary.schedule = Some("nightly".to_owned());
    store.writer().submit(twin.create()).await.expect("written");
    assert_eq!(store.execution(twin.id()).await.expect("readable"), Some(twin.summary.clone()));
    let error = store.find_execution("update#812").await.expect_err("two sources have it");
    assert!(error.code() == "execution_ambiguous" && error.to_string().contains("main, other"), "{error}");
}

pub async fn open_and_due_executions_are_found(bench: Bench) {
    let store = bench.open().await;
    let mut runs = Vec::new();
    for (number, wake) in [(1, Some(30)), (2, Some(10)), (3, None), (4, Some(99)), (5, Some(5))] {
        let mut run = Run::new("update", number);
        run.summary.wake_at = wake.map(Timestamp);
        store.writer().submit(run.create()).await.expect("written");
        runs.push(run);
    }
    let end = runs[4].end();
    store.writer().submit(end).await.expect("written");
    let open: Vec<_> =
        store.open_executions().await.expect("readable").into_iter().map(|row| row.expect("readable").id).collect();
    assert_eq!(open, runs[..4].iter().map(Run::id).collect::<Vec<_>>());
    assert_eq!(store.due(Timestamp(30), 10).await.expect("readable"), [Ok(runs[1].id()), Ok(runs[0].id())]);
    assert_eq!(store.due(Timestamp(30), 1).await.expect("readable"), [Ok(runs[1].id())]);
    assert_eq!(store.next_due().await.expect("readable"), Some(Timestamp(10)));
}

pub async fn one_bad_row_hides_no_other(bench: Bench) {
    let store = bench.open().await;
    let mut runs = Vec::new();
    for number in 1..=5 {
        runs.push(started(&store, "update", number).await);
    }
    // A word from the future, a number out of range, and a key that is none.
    bench.meddle(&format!("UPDATE executions SET status = 'teleported' WHERE id = '{}'", runs[0].id())).await;
    bench.meddle(&format!("UPDATE executions SET seq = -1 WHERE id = '{}'", runs[1].id())).await;
    bench.meddle(&format!("UPDATE executions SET id = 'nobody' WHERE id = '{}'", runs[2].id())).await;
    let rows = store.open_executions().await.expect("the list is there");
    assert_eq!(rows.len(), 5);
    let good: Vec<_> = rows.iter().filter_map(|row| Some(row.as_ref().ok()?.id)).collect();
    assert_eq!(good, [runs[3].id(), runs[4].id()]);
    let bad = rows[0].as_ref().expect_err("the first row is bad");
    assert!(bad.reason.contains("teleported") && bad.key == Some(runs[0].id().to_string()), "{bad}");
    let page = store.executions(&ExecutionFilter::default(), 5, None).await.expect("the page is there");
    assert_eq!(page.items.iter().filter(|row| row.is_ok()).count(), 2);
    assert_eq!(store.execution(runs[0].id()).await.expect_err("asked for itself it is an error").code(), "store_row");
}

/// A server refuses such text; a file takes whatever somebody writes into it.
pub async fn text_that_is_no_text_hides_no_other_row(bench: Bench) {
    let store = bench.open().await;
    let (bad, good) = (started(&store, "update", 1).await, started(&store, "update", 2).await);
    bench.meddle(&format!("UPDATE executions SET message = CAST(x'ff00fe' AS CHAR) WHERE id = '{}'", bad.id())).await;
    let rows = store.open_executions().await.expect("the list is there");
    assert!(rows[0].is_err() && rows[1].as_ref().is_ok_and(|row| row.id == good.id()), "{rows:?}");
}

pub async fn a_bad_or_missing_event_fails_its_own_history_only(bench: Bench) {
    let store = bench.open().await;
    let mut runs = Vec::new();
    for number in 1..=4 {
        let mut run = started(&store, "update", number).await;
        for reason in ["a", "b"] {
            store.writer().submit(run.note(reason)).await.expect("written");
        }
        runs.push(run);
    }
    bench.meddle(&format!("UPDATE events SET version = 9 WHERE execution = '{}' AND seq = 2", runs[0].id())).await;
    bench.meddle(&format!("UPDATE events SET body = '{{' WHERE execution = '{}' AND seq = 3", runs[1].id())).await;
    bench.meddle(&format!("DELETE FROM events WHERE execution = '{}' AND seq = 2", runs[2].id())).await;
    for (run, word) in runs.iter().zip(["newer release", "event body", "missing"]) {
        let error = store.history(run.id()).await.expect_err("its history is damaged");
        assert!(error.code() == "store_row" && error.to_string().contains(word), "{error}");
    }
    assert_eq!(store.history(runs[3].id()).await.expect("readable").len(), 3);
    let later = store.events_after(runs[3].id(), 1, 1).await.expect("readable");
    assert_eq!(later.iter().map(|event| (event.seq, event.at)).collect::<Vec<_>>(), [(2, NOW)]);
}
