//! Schedules and their slots: compare-and-set, fires as one transaction, fences, pages.

use crate::bench::{Bench, NOW, Run};
use pulse_core::schedule::{Missed, Outcome, ScheduleState, Settled, Skipped};
use pulse_core::time::Timestamp;
use pulse_protocol::ExecutionId;
use pulse_store::{Advance, AdvanceError, Error, Fired, KEPT_SLOTS, Store, WriteError, WriteItem};

const MINUTE: i64 = 60_000_000;

fn slot(number: i64) -> Timestamp {
    Timestamp(NOW.0 + number * MINUTE)
}

fn settled(number: i64, outcome: Outcome) -> Settled {
    let message = if matches!(outcome, Outcome::Fired(_)) { String::new() } else { "it still runs".to_owned() };
    Settled { slot: slot(number), last: slot(number), slots: 1, outcome, message }
}

/// A step up to a slot, from a revision (0: no row yet), with these records.
fn advance(name: &str, revision: i64, number: i64, settled: Vec<Settled>) -> Advance {
    Advance {
        source: "main".to_owned(),
        name: name.to_owned(),
        revision: Some(revision).filter(|revision| *revision > 0),
        state: ScheduleState { watermark: slot(number), timing: "7im1ng".to_owned(), suspended: false },
        settled,
        continues: None,
        at: Timestamp(slot(number).0 + 7),
    }
}

/// An execution that a slot of a schedule starts.
fn fire(name: &str, revision: i64, number: i64) -> (ExecutionId, WriteItem) {
    let mut run = Run::new(name, number);
    run.summary.schedule = Some(name.to_owned());
    let step = advance(name, revision, number, vec![settled(number, Outcome::Fired(run.id()))]);
    (run.id(), WriteItem { advance: Some(step), ..run.create() })
}

fn moved(name: &str) -> WriteError {
    WriteError::ScheduleMoved { source_name: "main".to_owned(), schedule: name.to_owned() }
}

async fn revision(store: &Store, name: &str) -> i64 {
    store.schedule("main", name).await.expect("readable").map_or(0, |row| row.revision)
}

pub async fn a_schedule_goes_on_only_from_the_revision_that_was_read(bench: Bench) {
    let store = bench.open().await;
    assert_eq!(store.schedule("main", "nightly").await.expect("readable"), None);
    store.advance(&advance("nightly", 0, 0, Vec::new())).await.expect("a new row");
    let again = store.advance(&advance("nightly", 0, 1, Vec::new())).await;
    assert!(matches!(again, Err(AdvanceError::Moved { .. })), "{again:?}");
    let missed = Settled { slots: 3, last: slot(3), ..settled(1, Outcome::Missed(Missed::TooLate)) };
    let skipped = settled(4, Outcome::Skipped(Skipped::StillRunning));
    store.advance(&advance("nightly", 1, 4, vec![missed.clone(), skipped.clone()])).await.expect("goes on");
    for stale in [1, 3] {
        let refused = store.advance(&advance("nightly", stale, 5, vec![settled(5, Outcome::Missed(Missed::TooLate))])).await;
        assert!(matches!(refused, Err(AdvanceError::Moved { .. })), "{refused:?}");
    }
    let row = store.schedule("main", "nightly").await.expect("readable").expect("a row");
    assert_eq!((row.revision, row.state.watermark, row.fired), (2, slot(4), None));
    let slots = store.slots("main", "nightly", 10, None).await.expect("readable");
    let slots: Vec<_> = slots.into_iter().map(|row| row.expect("readable").settled).collect();
    assert_eq!(slots, [skipped, missed], "nothing of what was refused");
    // Of another source it is another schedule.
    assert_eq!(store.schedule("ops", "nightly").await.expect("readable"), None);
}

pub async fn a_slot_fires_with_its_execution_or_not_at_all(bench: Bench) {
    let store = bench.open().await;
    let (first, item) = fire("nightly", 0, 1);
    store.writer().submit(item).await.expect("fired");
    let fired = Fired { slot: slot(1), at: Timestamp(slot(1).0 + 7), execution: first };
    assert_eq!(store.schedule("main", "nightly").await.expect("readable").and_then(|row| row.fired), Some(fired));
    let open = store.open_of_schedule("main", "nightly").await.expect("readable");
    assert_eq!(open.into_iter().map(|row| row.expect("readable").id).collect::<Vec<_>>(), [first]);
    // A claim that is held: nothing of the fire stays.
    let (second, item) = fire("nightly", 1, 2);
    bench
        .meddle(&format!("INSERT INTO claims (claim_key, execution, part) VALUES ('workflow/main/nightly', '{first}', 0)"))
        .await;
    let refused = store.writer().submit(WriteItem { take: vec!["workflow/main/nightly".to_owned()], ..item }).await;
    assert!(matches!(refused, Err(WriteError::ClaimTaken { .. })), "{refused:?}");
    assert_eq!((revision(&store, "nightly").await, store.history(second).await.expect("readable").len()), (1, 0));
    assert_eq!(store.slots("main", "nightly", 10, None).await.expect("readable").len(), 1);
    // Settled without an execution, the row keeps what fired last.
    store.advance(&advance("nightly", 1, 2, vec![settled(2, Outcome::Skipped(Skipped::WorkflowRunning))])).await.expect("on");
    let row = store.schedule("main", "nightly").await.expect("readable").expect("a row");
    assert_eq!((row.revision, row.fired), (2, Some(fired)));
}

pub async fn of_many_fires_only_the_overtaken_one_fails(bench: Bench) {
    let store = bench.open().await;
    let names: Vec<String> = (0..100).map(|number| format!("s{number}")).collect();
    store.advance(&advance(&names[40], 0, 0, Vec::new())).await.expect("somebody else was here");
    let fires: Vec<_> = names.iter().map(|name| fire(name, 0, 1)).collect();
    let (ids, items): (Vec<_>, Vec<_>) = fires.into_iter().unzip();
    let answers = futures_util::future::join_all(items.into_iter().map(|item| store.writer().submit(item))).await;
    for (index, (answer, id)) in answers.into_iter().zip(ids).enumerate() {
        assert_eq!(answer, if index == 40 { Err(moved("s40")) } else { Ok(()) });
        assert_eq!(store.history(id).await.expect("readable").len(), usize::from(index != 40));
    }
    assert_eq!(bench.count("SELECT COUNT(*) FROM slots").await, 99);
    assert_eq!(bench.count("SELECT COUNT(*) FROM executions").await, 99);
}

pub async fn two_hundred_at_once_fire_a_slot_once(bench: Bench) {
    let store = bench.open().await;
    store.advance(&advance("nightly", 0, 0, Vec::new())).await.expect("a new row");
    let mut items: Vec<WriteItem> = (0..200).map(|_| fire("nightly", 1, 1).1).collect();
    for (number, item) in (1..).zip(&mut items) {
        item.summary.number = number;
    }
    let skip = advance("nightly", 1, 1, vec![settled(1, Outcome::Skipped(Skipped::StillRunning))]);
    let (answers, skipped) = tokio::join!(
        futures_util::future::join_all(items.into_iter().map(|item| store.writer().submit(item))),
        store.advance(&skip)
    );
    let won = answers.iter().filter(|answer| answer.is_ok()).count() + usize::from(skipped.is_ok());
    assert_eq!(won, 1, "{skipped:?}");
    assert!(answers.iter().all(|answer| answer.is_ok() || *answer == Err(moved("nightly"))), "{answers:?}");
    assert_eq!((revision(&store, "nightly").await, bench.count("SELECT COUNT(*) FROM slots").await), (2, 1));
    assert_eq!(bench.count("SELECT COUNT(*) FROM executions").await, i64::from(skipped.is_err()));
}

pub async fn a_settled_slot_is_not_settled_again(bench: Bench) {
    let store = bench.open().await;
    let (_, item) = fire("nightly", 0, 1);
    store.writer().submit(item).await.expect("fired");
    // A row that somebody removed: its slots are settled for all that.
    bench.meddle("DELETE FROM schedules").await;
    let (second, item) = fire("nightly", 0, 1);
    let taken = WriteError::SlotTaken { source_name: "main".to_owned(), schedule: "nightly".to_owned() };
    assert_eq!(store.writer().submit(item).await, Err(taken));
    let skip = store.advance(&advance("nightly", 0, 1, vec![settled(1, Outcome::Skipped(Skipped::StillRunning))])).await;
    assert!(matches!(skip, Err(AdvanceError::SlotTaken { .. })), "{skip:?}");
    assert_eq!((revision(&store, "nightly").await, store.history(second).await.expect("readable").len()), (0, 0));
}

pub async fn a_replaced_controller_settles_nothing(bench: Bench) {
    let store = bench.open().await;
    store.advance(&advance("nightly", 0, 0, Vec::new())).await.expect("a new row");
    bench.meddle("UPDATE leases SET epoch = epoch + 1, owner = 'controller-2'").await;
    let refused = store.advance(&advance("nightly", 1, 1, vec![settled(1, Outcome::Missed(Missed::TooLate))])).await;
    assert!(matches!(refused, Err(AdvanceError::Store(Error::Fenced))), "{refused:?}");
    let (_, item) = fire("nightly", 1, 1);
    assert!(matches!(store.writer().submit(item).await, Err(WriteError::Fenced { .. })));
    assert_eq!((revision(&store, "nightly").await, bench.count("SELECT COUNT(*) FROM slots").await), (1, 0));
}

pub async fn equal_slots_in_a_row_are_one_record(bench: Bench) {
    let store = bench.open().await;
    let skip = |number| settled(number, Outcome::Skipped(Skipped::StillRunning));
    store.advance(&advance("nightly", 0, 1, vec![skip(1)])).await.expect("goes on");
    let mut record = skip(1);
    for number in 2..=5 {
        let step = advance("nightly", number - 1, number, vec![skip(number)]);
        store.advance(&Advance { continues: Some(record.clone()), ..step }).await.expect("goes on");
        record = record.joined(&skip(number));
    }
    // The rest of such a step is of its own, also where it fires.
    let (_, item) = fire("nightly", 5, 8);
    let missed = settled(7, Outcome::Missed(Missed::Superseded));
    let advance_of = |item: &WriteItem, continues| {
        let mut step = item.advance.clone().expect("a step");
        step.settled.splice(0..0, [skip(6), missed.clone()]);
        Advance { continues, ..step }
    };
    // As it was read before somebody else went on: nothing of it stays.
    let stale = WriteItem { advance: Some(advance_of(&item, Some(skip(1)))), ..item.clone() };
    assert_eq!(store.writer().submit(stale).await, Err(moved("nightly")));
    let (other, refused) = (skip(6), advance("nightly", 5, 6, vec![skip(6)]));
    let refused = store.advance(&Advance { continues: Some(skip(2)), ..refused }).await;
    assert!(matches!(refused, Err(AdvanceError::Moved { .. })), "{refused:?}");
    assert_eq!((revision(&store, "nightly").await, bench.count("SELECT COUNT(*) FROM slots").await), (5, 1));
    let fires = WriteItem { advance: Some(advance_of(&item, Some(record.clone()))), ..item };
    store.writer().submit(fires).await.expect("fired");
    record = record.joined(&other);
    assert_eq!((record.slot, record.last, record.slots), (slot(1), slot(6), 6));
    let rows = store.slots("main", "nightly", 10, None).await.expect("readable");
    let rows: Vec<_> = rows.into_iter().map(|row| row.expect("readable")).collect();
    assert_eq!(rows[1..].iter().map(|row| row.settled.clone()).collect::<Vec<_>>(), [missed, record.clone()]);
    assert_eq!(rows[2].decided_at, Timestamp(slot(8).0 + 7), "when its last slot was decided");
    for number in 1..=6 {
        let found = store.slot("main", "nightly", slot(number)).await.expect("readable").expect("a record");
        assert_eq!(found.settled, record, "slot {number} has its record");
    }
    let before = store.record_before("main", "nightly", slot(8)).await.expect("readable").map(|row| row.settled.slot);
    assert_eq!((before, store.record_before("main", "nightly", slot(1)).await.expect("readable")), (Some(slot(7)), None));
    // What contradicts itself is refused before it is tried.
    let (_, item) = fire("nightly", 6, 9);
    let step = item.advance.clone().expect("a step");
    let fired = WriteItem { advance: Some(Advance { continues: Some(record.clone()), ..step.clone() }), ..item };
    assert!(matches!(store.writer().submit(fired).await, Err(WriteError::Invalid { .. })));
    let unlike = [
        vec![],
        vec![settled(9, Outcome::Skipped(Skipped::NoTargets))],
        vec![Settled { message: "another one runs".to_owned(), ..skip(9) }],
        vec![skip(6)],
    ];
    for settled in unlike {
        let wrong = Advance { continues: Some(record.clone()), ..advance("nightly", 6, 9, settled) };
        let refused = store.advance(&wrong).await;
        assert!(matches!(refused, Err(AdvanceError::Store(Error::Value { .. }))), "{refused:?}");
    }
}

pub async fn the_newest_records_of_a_schedule_are_kept(bench: Bench) {
    let store = bench.open().await;
    let kept = i64::from(KEPT_SLOTS);
    // Slots 1 and 3 have fired; what the first started is over, what the other started is not.
    let (_, item) = fire("nightly", 0, 1);
    store.writer().submit(item).await.expect("fired");
    bench.meddle("UPDATE executions SET terminal = 1").await;
    let (_, item) = fire("nightly", 1, 3);
    store.writer().submit(item).await.expect("fired");
    let unlike = |number: i64| Outcome::Skipped(if number % 2 == 0 { Skipped::NoTargets } else { Skipped::StillRunning });
    let rows: Vec<_> = (4..=kept + 600).map(|number| settled(number, unlike(number))).collect();
    store.advance(&advance("nightly", 2, kept + 600, rows)).await.expect("goes on");
    store.advance(&advance("weekly", 0, 1, vec![settled(1, unlike(1))])).await.expect("goes on");
    assert_eq!(store.prune_slots("main", "nightly").await.expect("pruned"), 598, "all but the open one's, in several pieces");
    assert_eq!(store.prune_slots("main", "nightly").await.expect("pruned"), 0);
    assert_eq!(bench.count("SELECT COUNT(*) FROM slots WHERE schedule = 'nightly'").await, kept + 1);
    let oldest = format!("SELECT MIN(slot_at) FROM slots WHERE schedule = 'nightly' AND slot_at > {}", slot(3).0);
    assert_eq!(bench.count(&oldest).await, slot(601).0, "the newest stay");
    assert!(store.slot("main", "nightly", slot(3)).await.expect("readable").is_some(), "what it started is not over");
    bench.meddle("UPDATE executions SET terminal = 1").await;
    assert_eq!(store.prune_slots("main", "nightly").await.expect("pruned"), 1);
    assert_eq!(store.prune_slots("main", "weekly").await.expect("pruned"), 0);
    assert_eq!(store.slots("main", "weekly", 10, None).await.expect("readable").len(), 1);
    bench.meddle("UPDATE leases SET epoch = epoch + 1, owner = 'controller-2'").await;
    bench.meddle(&format!("UPDATE slots SET schedule = 'nightly', slot_at = {} WHERE schedule = 'weekly'", slot(2).0)).await;
    let refused = store.prune_slots("main", "nightly").await;
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
}

pub async fn slots_are_listed_newest_first(bench: Bench) {
    let store = bench.open().await;
    for name in ["a", "b"] {
        for number in 1..=5 {
            let row = settled(number, Outcome::Skipped(Skipped::NoTargets));
            store.advance(&advance(name, number - 1, number, vec![row])).await.expect("goes on");
        }
    }
    let page = async |before| {
        let rows = store.slots("main", "a", 2, before).await.expect("readable");
        rows.into_iter().map(|row| row.expect("readable").settled.slot).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, [slot(5), slot(4)]);
    assert_eq!(page(Some(slot(4))).await, [slot(3), slot(2)]);
    assert_eq!(page(Some(slot(2))).await, [slot(1)]);
    let wanted = ["a", "b", "none"].map(|name| ("main".to_owned(), name.to_owned()));
    let last = store.last_slots(&wanted).await.expect("readable");
    let mut last: Vec<_> =
        last.into_iter().map(|row| row.expect("readable")).map(|row| (row.schedule, row.settled.slot)).collect();
    last.sort();
    assert_eq!(last, [("a".to_owned(), slot(5)), ("b".to_owned(), slot(5))]);
    bench.meddle(&format!("UPDATE slots SET reason = 'of the future' WHERE schedule = 'a' AND slot_at = {}", slot(4).0)).await;
    let rows = store.slots("main", "a", 10, None).await.expect("readable");
    assert_eq!(rows.iter().filter(|row| row.is_err()).count(), 1, "one bad row hides no other: {rows:?}");
    assert_eq!(rows.len(), 5);
    assert_eq!(store.schedules().await.expect("readable").len(), 2);
}

pub async fn rows_that_contradict_themselves_are_refused(bench: Bench) {
    let store = bench.open().await;
    let (_, item) = fire("nightly", 0, 1);
    let (other, _) = fire("nightly", 0, 1);
    let mut wrong = item.clone();
    if let Some(step) = &mut wrong.advance {
        step.settled = vec![settled(1, Outcome::Fired(other))];
    }
    assert!(matches!(store.writer().submit(wrong).await, Err(WriteError::Invalid { .. })));
    let mut long = item.clone();
    if let Some(step) = &mut long.advance {
        step.name = "x".repeat(191);
    }
    assert!(matches!(store.writer().submit(long).await, Err(WriteError::Invalid { .. })));
    let alone = store.advance(&advance("nightly", 0, 1, vec![settled(1, Outcome::Fired(other))])).await;
    assert!(matches!(alone, Err(AdvanceError::Store(Error::Value { .. }))), "{alone:?}");
    assert_eq!(bench.count("SELECT COUNT(*) FROM schedules").await, 0);
}
