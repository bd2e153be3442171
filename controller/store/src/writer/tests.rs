//! A COMMIT whose answer gets lost, in both ways.

use super::settle::committed;
use super::{WriteError, WriteItem};
use crate::open::CommitFault::{AnswerLost, Late, RequestLost};
use crate::planted_runs::is_caught;
use crate::test_room::{Room, on_both_engines};
use crate::{Advance, ExecutionFilter, Store};
use pulse_core::execution::{CancelMode, Event, EventRecord, PromptClosed, PromptRow, PromptStatus, StepPath, Summary};
use pulse_core::schedule::{Outcome, ScheduleState, Settled};
use pulse_core::time::Timestamp;
use pulse_protocol::planted::Bug;
use pulse_protocol::{ExecutionId, PromptId};
use std::collections::BTreeMap;
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

fn item(number: i64) -> WriteItem {
    let id = ExecutionId(Uuid::now_v7());
    let text = |text: &str| text.to_owned();
    let summary = Summary {
        id,
        source: text("main"),
        workflow: text("update"),
        number,
        status: "running",
        waits: None,
        terminal: false,
        commit: text("c"),
        snapshot: text("s"),
        started_by: text("anna"),
        schedule: None,
        retry_of: None,
        labels: BTreeMap::new(),
        created_at: NOW,
        started_at: None,
        ended_at: None,
        seq: 1,
        wake_at: None,
        message: None,
    };
    WriteItem {
        execution: id,
        events: vec![EventRecord { seq: 1, at: NOW, event: Event::Started }],
        summary,
        take: vec![format!("claim/{number}")],
        release: Vec::new(),
        attempts_opened: Vec::new(),
        attempts_closed: Vec::new(),
        prompts_opened: Vec::new(),
        prompts_closed: Vec::new(),
        snapshot: None,
        idempotency: None,
        advance: None,
        audit: Vec::new(),
    }
}

/// Submits items that wait together, and looks whether what was answered is what is there.
async fn check(store: &Store, items: Vec<WriteItem>, written: impl Fn(usize, &Result<(), WriteError>) -> bool) {
    let ids: Vec<ExecutionId> = items.iter().map(|item| item.execution).collect();
    let answers = futures_util::future::join_all(items.into_iter().map(|item| store.writer().submit(item))).await;
    for (index, (id, answer)) in ids.into_iter().zip(&answers).enumerate() {
        let expected = usize::from(written(index, answer));
        assert_eq!(store.history(id).await.unwrap().len(), expected, "{index}: {answer:?}");
    }
}

async fn a_commit_that_happened_is_answered_as_written(room: Room) {
    let store = &room.store;
    // Where the commit is still under way, reading back waits for it.
    for (numbers, fault) in [(1..2, AnswerLost), (2..40, AnswerLost), (40..41, Late), (41..80, Late)] {
        store.database.fault.plan([fault]);
        check(store, numbers.map(item).collect(), |_, answer| {
            assert_eq!(answer, &Ok(()));
            true
        })
        .await;
    }
    assert!(store.database.fault.is_spent());
    let vitals = &store.database.ground.vitals;
    assert_eq!((vitals.unclear.get(), vitals.lasting.get(), vitals.fenced.get()), (4, 0, 0), "each is counted");
}

async fn a_commit_that_did_not_happen_is_written_again(room: Room) {
    let store = &room.store;
    store.database.fault.plan([RequestLost, AnswerLost]);
    // The batch never arrives; of its replay the first answer gets lost as well.
    check(store, (1..40).map(item).collect(), |_, answer| {
        assert_eq!(answer, &Ok(()));
        true
    })
    .await;
    assert!(store.database.fault.is_spent());
}

async fn one_that_never_arrives_is_answered_as_not_written(room: Room) {
    let store = &room.store;
    store.database.fault.plan([RequestLost, RequestLost]);
    check(store, vec![item(1)], |_, answer| {
        assert!(matches!(answer, Err(WriteError::Database { .. })), "{answer:?}");
        false
    })
    .await;
    assert!(store.database.fault.is_spent());
    check(store, vec![item(1)], |_, answer| {
        assert_eq!(answer, &Ok(()), "nothing of the first try is in its way");
        true
    })
    .await;
    let (mut registry, mut said) = (prometheus_client::registry::Registry::default(), String::new());
    registry.register("size", "of batches", store.database.ground.vitals.batch_size.clone());
    prometheus_client::encoding::text::encode(&mut said, &registry).unwrap();
    assert!(said.contains("size_count 1\n") && said.contains("size_sum 1.0\n"), "what was not written is no batch: {said}");
}

async fn a_fire_whose_answer_gets_lost_fired_once(room: Room) {
    let store = &room.store;
    for (slot, faults) in (1..).zip([&[AnswerLost][..], &[RequestLost], &[RequestLost, AnswerLost]]) {
        store.database.fault.plan(faults.iter().copied());
        let mut fire = item(slot);
        let state = ScheduleState { watermark: Timestamp(slot), timing: "t".to_owned(), suspended: false };
        let (slot_at, outcome) = (Timestamp(slot), Outcome::Fired(fire.execution));
        let fired = Settled { slot: slot_at, last: slot_at, slots: 1, outcome, message: String::new() };
        fire.advance = Some(Advance {
            source: "main".to_owned(),
            name: "nightly".to_owned(),
            revision: Some(slot - 1).filter(|revision| *revision > 0),
            state,
            settled: vec![fired],
            continues: None,
            at: NOW,
        });
        let execution = fire.execution;
        // What did not arrive is said to be not written, and the same again goes through.
        let answer = store.writer().submit(fire.clone()).await;
        let row = store.schedule("main", "nightly").await.unwrap();
        let there = row.as_ref().is_some_and(|row| row.revision == slot);
        assert_eq!(there, answer.is_ok(), "{faults:?}: {answer:?}");
        if !there {
            store.writer().submit(fire).await.unwrap();
        }
        assert!(store.database.fault.is_spent());
        let row = store.schedule("main", "nightly").await.unwrap().unwrap();
        assert_eq!((row.revision, row.fired.map(|fired| fired.execution)), (slot, Some(execution)));
        assert_eq!(store.slots("main", "nightly", 10, None).await.unwrap().len() as i64, slot);
    }
}

async fn a_prompt_whose_commit_is_unclear_is_asked_and_closed_once(room: Room) {
    let store = &room.store;
    let row = || PromptRow {
        prompt: PromptId(Uuid::now_v7()),
        step: StepPath("approve".to_owned()),
        visit: 1,
        message: "Go on?".to_owned(),
        options: vec!["Yes".to_owned()],
        who: Vec::new(),
        opened_at: NOW,
        timeout: None,
    };
    for (number, faults) in (1..).zip([&[AnswerLost][..], &[Late], &[RequestLost], &[RequestLost, AnswerLost]]) {
        let row = row();
        let mut asks = item(number);
        (asks.summary.labels, asks.prompts_opened) = ([("team".to_owned(), "infra".to_owned())].into(), vec![row.clone()]);
        store.database.fault.plan(faults.iter().copied());
        // What did not arrive even on its second way is said to be not written, and goes through when it is sent again.
        written(store, &asks).await;
        let (status, by) = (PromptStatus::Answered, Some("anna".to_owned()));
        let end = PromptClosed { prompt: row.prompt, status, answer: by.clone(), by, comment: None, at: NOW };
        let mut ends =
            WriteItem { prompts_opened: Vec::new(), take: Vec::new(), prompts_closed: vec![end.clone()], ..asks.clone() };
        (ends.events[0].seq, ends.summary.seq) = (2, 2);
        store.database.fault.plan(faults.iter().copied());
        written(store, &ends).await;
        assert!(store.database.fault.is_spent());
        let stored = store.prompt(row.prompt).await.unwrap().unwrap();
        assert_eq!((stored.row, stored.end), (row, Some(end)), "{faults:?}");
        let labelled = ExecutionFilter { labels: vec![("team".to_owned(), "infra".to_owned())], ..ExecutionFilter::default() };
        assert_eq!(store.executions(&labelled, 10, None).await.unwrap().items.len() as i64, number, "{faults:?}");
    }
}

/// Submits an item until it is written; what it is told meanwhile is true.
async fn written(store: &Store, item: &WriteItem) {
    let before = store.history(item.execution).await.unwrap().len();
    while let Err(error) = store.writer().submit(item.clone()).await {
        assert!(matches!(error, WriteError::Database { .. }), "{error:?}");
        assert_eq!(store.history(item.execution).await.unwrap().len(), before);
    }
    assert_eq!(store.history(item.execution).await.unwrap().len(), before + 1);
}

/// After a takeover another controller writes its own events under the same sequences.
async fn what_another_wrote_in_its_place_is_not_ours(room: Room) {
    let store = &room.store;
    let two = |at: i64, reason: &str| {
        let cancel = Event::CancelRequested { mode: CancelMode::Drain, by: "anna".to_owned(), reason: reason.to_owned() };
        let mut two = WriteItem { take: Vec::new(), ..item(1) };
        two.events[0].at = Timestamp(at);
        two.events.push(EventRecord { seq: 2, at: Timestamp(at), event: cancel });
        two.summary.seq = 2;
        two
    };
    let ours = two(1, "x");
    store.writer().submit(ours.clone()).await.unwrap();
    let as_ours = |other: WriteItem| {
        let summary = Summary { id: ours.execution, ..other.summary };
        WriteItem { execution: ours.execution, summary, ..other }.prepare().unwrap()
    };
    for (other, there) in [(two(1, "x"), true), (two(2, "x"), false), (two(1, "y"), false)] {
        assert_eq!(committed(&store.database, &[&as_ours(other)]).await.unwrap(), [there]);
    }
}

on_both_engines! {
    a_prompt_whose_commit_is_unclear_is_asked_and_closed_once
    what_another_wrote_in_its_place_is_not_ours
    a_fire_whose_answer_gets_lost_fired_once
    a_commit_that_happened_is_answered_as_written
    a_commit_that_did_not_happen_is_written_again
    one_that_never_arrives_is_answered_as_not_written
}

/// The checks bite.
#[test]
fn a_commit_that_is_blindly_repeated_is_caught() {
    for test in ["a_commit_that_happened_is_answered_as_written", "a_prompt_whose_commit_is_unclear_is_asked_and_closed_once"] {
        for engine in ["sqlite", "mariadb"] {
            is_caught(Bug::BlindRetry, &format!("writer::tests::{engine}::{test}"), "Stale { execution", &[]);
        }
    }
}
