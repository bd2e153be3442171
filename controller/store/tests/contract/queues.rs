//! Queues: places and the turn to run are claims like any other, so an execution has one or the other, whatever happens in between.

use crate::bench::{Bench, Run, child, say_written};
use pulse_core::execution::{ClaimKey, Event};
use pulse_store::{Store, WriteError, WriteItem};
use uuid::Uuid;

fn place(workflow: &str, place: u32) -> Vec<String> {
    let (source, name, key) = ("main".to_owned(), workflow.to_owned(), Some("web1".to_owned()));
    vec![ClaimKey::Place { source, name, key, place }.to_string()]
}

fn turn(workflow: &str) -> Vec<String> {
    let (source, name, key) = ("main".to_owned(), workflow.to_owned(), Some("web1".to_owned()));
    vec![ClaimKey::Workflow { source, name, key }.to_string()]
}

/// It comes into the queue.
fn queued(run: &mut Run, at: u32) -> WriteItem {
    run.summary.status = "pending";
    WriteItem { take: place(&run.summary.workflow, at), ..run.create() }
}

/// It leaves its place and runs.
fn begins(run: &mut Run, at: u32) -> WriteItem {
    run.summary.status = "running";
    let workflow = run.summary.workflow.clone();
    WriteItem { release: place(&workflow, at), take: turn(&workflow), ..run.item(vec![Event::Started]) }
}

fn ends(run: &mut Run) -> WriteItem {
    WriteItem { release: turn(&run.summary.workflow), ..run.end() }
}

async fn write(store: &Store, item: WriteItem) {
    store.writer().submit(item).await.expect("written");
}

async fn holder(store: &Store, key: &[String]) -> Option<pulse_protocol::ExecutionId> {
    store.claim_holder(&key[0]).await.expect("readable")
}

pub async fn a_place_in_a_queue_is_taken_once(bench: Bench) {
    let store = bench.open().await;
    let mut runs: Vec<Run> = (1..=20).map(|number| Run::new("update", number)).collect();
    // Four places for twenty.
    let items: Vec<_> = runs.iter_mut().zip(0..).map(|(run, number)| queued(run, number % 4)).collect();
    let answers = futures_util::future::join_all(items.into_iter().map(|item| store.writer().submit(item))).await;
    for (number, (run, answer)) in (0..).zip(runs.iter().zip(answers)) {
        let key = place("update", number % 4);
        let holder = holder(&store, &key).await.expect("somebody has it");
        let taken = WriteError::ClaimTaken { key: key[0].clone(), holder };
        assert_eq!(answer, if run.id() == holder { Ok(()) } else { Err(taken) });
    }
    assert_eq!(bench.count("SELECT COUNT(*) FROM claims").await, 4);
    assert_eq!(bench.count("SELECT COUNT(*) FROM executions").await, 4, "who gets no place is not there");
    // Queues of other workflows, sources and keys are others.
    write(&store, queued(&mut Run::new("backup", 1), 0)).await;
}

pub async fn a_place_is_released_and_the_turn_taken_at_once(bench: Bench) {
    let store = bench.open().await;
    let mut runs: Vec<Run> = (1..=3).map(|number| Run::new("update", number)).collect();
    let [first, second, third] = runs.as_mut_slice() else { unreachable!("three") };
    write(&store, queued(first, 0)).await;
    write(&store, begins(first, 0)).await;
    write(&store, queued(second, 0)).await;
    // It is not its turn: it keeps its place.
    let early = begins(&mut second.clone(), 0);
    let taken = WriteError::ClaimTaken { key: turn("update")[0].clone(), holder: first.id() };
    assert_eq!(store.writer().submit(early).await, Err(taken));
    assert_eq!(holder(&store, &place("update", 0)).await, Some(second.id()));
    assert_eq!(store.history(second.id()).await.expect("readable").len(), 1);
    // The turn moves on, and the place with it, in one batch or in three: they wait in this order.
    let (end, begin, queue) = (ends(first), begins(second, 0), queued(third, 0));
    let writer = store.writer();
    let written = tokio::join!(biased; writer.submit(end), writer.submit(begin), writer.submit(queue));
    assert_eq!(written, (Ok(()), Ok(()), Ok(())));
    assert_eq!(holder(&store, &turn("update")).await, Some(second.id()));
    assert_eq!(holder(&store, &place("update", 0)).await, Some(third.id()));
    // One that ends in its place lets go of it.
    write(&store, WriteItem { release: place("update", 0), ..third.end() }).await;
    assert_eq!(holder(&store, &place("update", 0)).await, None);
}

pub async fn a_killed_process_leaves_each_execution_its_place_or_its_turn(bench: Bench) {
    if let Some(url) = child() {
        return pass_turns_until_killed(&url).await;
    }
    for lines in [1, 15, 60] {
        let ids = bench.killed_after(lines);
        bench.meddle("UPDATE leases SET expires_at = 0").await;
        let store = bench.open().await;
        for id in ids {
            assert!(store.history(id.parse().expect("an id")).await.expect("readable").len() >= 2, "what was said has begun");
        }
        store.close().await;
        let held = "(SELECT COUNT(*) FROM claims WHERE execution = e.id";
        for (status, rights, places) in [("pending", 0, 1), ("running", 1, 0), ("succeeded", 0, 0)] {
            let wrong = format!(
                "SELECT COUNT(*) FROM executions e WHERE status = '{status}' AND ({held} AND claim_key LIKE 'workflow/%') <> {rights} \
                 OR status = '{status}' AND {held} AND claim_key LIKE 'queue/%') <> {places})"
            );
            assert_eq!(bench.count(&wrong).await, 0, "{status}");
        }
        assert_eq!(bench.count("SELECT COUNT(*) FROM claims WHERE execution NOT IN (SELECT id FROM executions)").await, 0);
    }
}

/// One runs and one waits behind it; again and again the turn moves on.
async fn pass_turns_until_killed(url: &str) {
    let store = Store::open(url, "child").await.expect("the child opens the store");
    let workflow = format!("killed-{}", Uuid::new_v4());
    let mut running = Run::new(&workflow, 1);
    write(&store, queued(&mut running, 0)).await;
    write(&store, begins(&mut running, 0)).await;
    for number in 2.. {
        let (at, mut next) = ((number % 2) as u32, Run::new(&workflow, number));
        write(&store, queued(&mut next, at)).await;
        let (end, begin) = (ends(&mut running), begins(&mut next, at));
        let written = tokio::join!(biased; store.writer().submit(end), store.writer().submit(begin));
        assert_eq!(written, (Ok(()), Ok(())));
        say_written(next.id());
        running = next;
    }
}
