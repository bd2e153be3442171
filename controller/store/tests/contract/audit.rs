//! The audit log: rows go with what they are about, are sealed once and in order, and whatever is done to them behind the store's back
//! is found.

use crate::bench::{Bench, NOW, Run};
use pulse_core::audit::{Fault, Flaw, Head, Object, Outcome, Record, Walk, Who};
use pulse_core::time::Timestamp;
use pulse_store::{AuditFilter, AuditRow, AuditWrite, Store};
use serde_json::json;
use uuid::Uuid;

/// Nothing is given up.
const NEVER: Timestamp = Timestamp(0);

pub fn row(action: &str, outcome: Outcome) -> Record {
    Record {
        id: Uuid::now_v7(),
        at: NOW,
        principal: Some(Who { name: "anna ✓".to_owned(), kind: "user".to_owned(), means: "session".to_owned() }),
        peer: Some("10.0.0.7".to_owned()),
        request_id: Some("r-1".to_owned()),
        action: action.to_owned(),
        object: Some(Object { kind: "pause".to_owned(), id: "p".to_owned() }),
        outcome,
        status: Some(200),
        code: None,
        before: None,
        after: Some("a".repeat(64)),
        details: [("scope".to_owned(), json!({ "b": 1, "a": "ü" }))].into_iter().collect(),
    }
}

async fn write(store: &Store, rows: &[Record]) {
    let rows: Vec<_> = rows.iter().cloned().map(AuditWrite::Row).collect();
    store.audit(&rows).await.expect("written");
}

async fn seal(store: &Store) -> Head {
    loop {
        let sealed = store.seal_audit(NEVER).await.expect("sealed");
        if !sealed.more {
            return sealed.head;
        }
    }
}

/// A store with so many sealed rows, and their last one.
async fn sealed(bench: &Bench, count: usize) -> (Store, Head) {
    let store = bench.open().await;
    let rows: Vec<_> = (0..count).map(|n| row(&format!("a.{n}"), Outcome::Done)).collect();
    write(&store, &rows).await;
    let head = seal(&store).await;
    assert_eq!(head.seq, i64::try_from(count).expect("few"));
    (store, head)
}

/// Walks the whole chain in small pieces.
async fn verify(store: &Store, witness: Option<Head>) -> Result<Head, (i64, Flaw)> {
    let mut walk = Walk::behind(Head::START, witness);
    let tell = |fault: Fault| (fault.seq, fault.flaw);
    loop {
        let rows = store.audit_chain(walk.head().seq, 3).await.expect("readable");
        if rows.is_empty() {
            return walk.finish().map_err(tell);
        }
        for row in rows {
            let row = row.map_err(|error| (error.key.expect("its number").parse().expect("a number"), Flaw::Changed))?;
            walk.step(&row).map_err(tell)?;
        }
    }
}

pub async fn complete_rows_are_sealed_once_in_order(bench: Bench) {
    let store = bench.open().await;
    assert_eq!((seal(&store).await, store.audit_head().await.expect("readable")), (Head::START, Head::START));
    let begun = row("pause.set", Outcome::Begun);
    let rows: Vec<_> = (0..300).map(|n| row(&format!("a.{n}"), Outcome::Refused)).collect();
    write(&store, std::slice::from_ref(&begun)).await;
    write(&store, &rows).await;
    let head = seal(&store).await;
    assert_eq!((head.seq, verify(&store, Some(head)).await), (300, Ok(head)), "what is begun holds nobody up");
    assert_eq!(seal(&store).await, head, "and a second time changes nothing");
    let ended = Record { outcome: Outcome::Done, ..begun };
    let end = AuditWrite::End { record: ended.clone(), late: Uuid::now_v7() };
    store.audit(&[end.clone(), end]).await.expect("ended, and ended again");
    let head = seal(&store).await;
    assert_eq!((head.seq, verify(&store, None).await), (301, Ok(head)));
    let last = store.audit_chain(300, 10).await.expect("readable").pop().expect("there").expect("readable");
    assert_eq!(last.record, ended);
    let written: Vec<_> =
        store.audit_chain(0, 300).await.expect("readable").into_iter().map(|row| row.expect("readable").record).collect();
    assert_eq!(written, rows);
    store.close().await;
    let store = bench.open().await;
    assert_eq!((store.audit_head().await.expect("readable"), verify(&store, Some(head)).await), (head, Ok(head)));
}

pub async fn what_was_begun_and_not_ended_is_unknown(bench: Bench) {
    let store = bench.open().await;
    let (old, new) =
        (row("token.create", Outcome::Begun), Record { at: Timestamp(NOW.0 + 1), ..row("token.create", Outcome::Begun) });
    write(&store, &[old.clone(), new.clone()]).await;
    let sealed = store.seal_audit(new.at).await.expect("sealed");
    assert_eq!((sealed.from.seq, sealed.head.seq), (0, 1));
    // It ends after all: what is sealed stays, and another row says so. Of one that nobody gave up there is one row.
    let late = Uuid::now_v7();
    let at = |record: &Record| AuditWrite::End { record: Record { outcome: Outcome::Done, ..record.clone() }, late };
    let none = AuditWrite::End { record: Record { outcome: Outcome::Unknown, ..old.clone() }, late: Uuid::now_v7() };
    store.audit(&[at(&old), none]).await.expect("ended");
    store.audit(&[at(&old)]).await.expect("the same again");
    store
        .audit(&[AuditWrite::End { record: Record { outcome: Outcome::Failed, ..new.clone() }, late: Uuid::now_v7() }])
        .await
        .expect("ended");
    let head = seal(&store).await;
    assert_eq!((head.seq, verify(&store, None).await), (3, Ok(head)));
    let rows: Vec<_> =
        store.audit_chain(0, 10).await.expect("readable").into_iter().map(|row| row.expect("readable").record).collect();
    let outcome = |id: Uuid| rows.iter().find(|row| row.id == id).map(|row| row.outcome);
    assert_eq!([old.id, late, new.id].map(outcome), [Outcome::Unknown, Outcome::Done, Outcome::Failed].map(Some));
    let follows = rows.iter().find(|row| row.id == late).map(|row| &row.details["follows"]);
    assert_eq!(follows, Some(&json!(old.id)));
}

pub async fn whatever_is_done_to_rows_is_found(bench: Bench) {
    let (store, head) = sealed(&bench, 9).await;
    assert_eq!(verify(&store, Some(head)).await, Ok(head));
    // What is done, what undoes it, and what is found.
    let columns = [
        ("action", "'x'", "'a.3'"),
        ("outcome", "'refused'", "'done'"),
        ("principal", "'eve'", "'anna ✓'"),
        ("happened_at", "1", "1700000000000000"),
        ("status", "NULL", "200"),
        ("peer", "'10.0.0.8'", "'10.0.0.7'"),
        ("object_id", "'q'", "'p'"),
        ("details", "'{}'", r#"'{"scope":{"b":1,"a":"ü"}}'"#),
        ("outcome", "'from the future'", "'done'"),
        ("row_hash", "NULL", "previous_hash"),
    ];
    for (column, bad, good) in columns {
        bench.meddle(&format!("UPDATE audit SET {column} = {bad} WHERE seq = 4")).await;
        assert_eq!(verify(&store, Some(head)).await, Err((4, Flaw::Changed)), "{column}");
        if column != "row_hash" {
            bench.meddle(&format!("UPDATE audit SET {column} = {good} WHERE seq = 4")).await;
            assert_eq!(verify(&store, Some(head)).await, Ok(head), "{column}");
        }
    }
}

pub async fn rows_that_are_moved_or_removed_are_found(bench: Bench) {
    let (store, head) = sealed(&bench, 9).await;
    let swap = |one: i64, other: i64| {
        let (bench, park) = (&bench, 1000);
        async move {
            for (from, to) in [(one, park), (other, one), (park, other)] {
                bench.meddle(&format!("UPDATE audit SET seq = {to} WHERE seq = {from}")).await;
            }
        }
    };
    swap(3, 6).await;
    assert_eq!(verify(&store, None).await, Err((3, Flaw::Reordered)));
    swap(3, 6).await;
    assert_eq!(verify(&store, None).await, Ok(head));
    bench.meddle("DELETE FROM audit WHERE seq = 5").await;
    assert_eq!(verify(&store, None).await, Err((5, Flaw::Missing)));
    for seq in 6..=9 {
        bench.meddle(&format!("UPDATE audit SET seq = {} WHERE seq = {seq}", seq - 1)).await;
    }
    assert_eq!(verify(&store, None).await, Err((5, Flaw::Reordered)), "numbers without a gap help nobody");
    bench.meddle("DELETE FROM audit WHERE seq >= 5").await;
    assert!(verify(&store, None).await.is_ok(), "inside, nothing tells of a tail that is gone");
    assert_eq!(verify(&store, Some(head)).await, Err((5, Flaw::Truncated)), "outside, the head does");
    // The log goes on from there, and never again reaches the head that was seen.
    write(&store, &(0..8).map(|_| row("later", Outcome::Done)).collect::<Vec<_>>()).await;
    seal(&store).await;
    assert_eq!(verify(&store, Some(head)).await, Err((9, Flaw::Changed)));
}

pub async fn only_one_controller_seals(bench: Bench) {
    let (store, head) = sealed(&bench, 2).await;
    write(&store, &[row("a.b", Outcome::Done)]).await;
    bench.meddle("UPDATE leases SET epoch = epoch + 1, owner = 'controller-2'").await;
    assert_eq!(store.seal_audit(NOW).await.expect_err("another does").code(), "fenced");
    assert_eq!(store.audit(&[AuditWrite::Row(row("a.c", Outcome::Done))]).await.expect_err("fenced").code(), "fenced");
    assert_eq!(store.audit_head().await.expect("readable"), head);
    assert_eq!(bench.count("SELECT COUNT(*) FROM audit").await, 3);
}

pub async fn a_row_goes_with_its_item_or_not_at_all(bench: Bench) {
    let store = bench.open().await;
    let mut run = Run::new("update", 1);
    let audit = vec![row("execution.start", Outcome::Done)];
    let start = pulse_store::WriteItem { audit: audit.clone(), ..run.create() };
    store.writer().submit(start).await.expect("written");
    let mut stale = run.clone();
    store.writer().submit(run.note("first")).await.expect("written");
    let cancel = pulse_store::WriteItem { audit: vec![row("execution.cancel", Outcome::Done)], ..stale.note("second") };
    store.writer().submit(cancel).await.expect_err("it has gone on");
    let alone = pulse_store::WriteItem { audit: audit.clone(), ..run.item(Vec::new()) };
    assert!(store.writer().submit(alone).await.expect_err("no event").to_string().contains("with an event"));
    let long = Record { action: "x".repeat(65), ..row("", Outcome::Done) };
    let long = pulse_store::WriteItem { audit: vec![long], ..run.note("third") };
    assert_eq!(store.writer().submit(long).await.expect_err("too long").code(), "invalid_write");
    // The same row again, as after an answer that was lost, is no second one.
    write(&store, &[Record { outcome: Outcome::Unchanged, ..audit[0].clone() }]).await;
    assert_eq!(seal(&store).await.seq, 1);
    let rows = store.audit_chain(0, 10).await.expect("readable");
    assert_eq!(rows.into_iter().map(|row| row.expect("readable").record).collect::<Vec<_>>(), audit);
}

pub async fn rows_are_listed_newest_first_and_filtered(bench: Bench) {
    let store = bench.open().await;
    let at = |second: i64, action: &str, outcome| {
        let (millis, record) = (u128::try_from(NOW.0 / 1000 + second * 1000).expect("after 1970"), row(action, outcome));
        let id = Uuid::from_u128(millis << 80 | 7 << 76 | u128::try_from(second).expect("small"));
        Record { id, at: Timestamp(NOW.0 + second * 1_000_000), ..record }
    };
    let mut rows = vec![
        at(1, "execution.start", Outcome::Done),
        at(2, "pause.set", Outcome::Refused),
        at(3, "execution.start", Outcome::Refused),
        at(4, "execution.start", Outcome::Begun),
    ];
    rows[1].principal = None;
    rows[2].object = Some(Object { kind: "execution".to_owned(), id: "e".to_owned() });
    write(&store, &rows).await;
    seal(&store).await;
    let listed = async |filter: AuditFilter| {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = store.audit_rows(&filter, 1, cursor).await.expect("readable");
            found.extend(page.items.into_iter().map(|row| row.expect("readable")));
            cursor = page.next;
            if cursor.is_none() {
                break found
                    .iter()
                    .map(|row| rows.iter().position(|one| one == row.record()).expect("known") + 1)
                    .collect::<Vec<_>>();
            }
        }
    };
    let filter = AuditFilter::default;
    assert_eq!(listed(filter()).await, [4, 3, 2, 1]);
    assert_eq!(listed(AuditFilter { principal: Some("anna ✓".into()), ..filter() }).await, [4, 3, 1]);
    assert_eq!(listed(AuditFilter { action: Some("execution.start".into()), ..filter() }).await, [4, 3, 1]);
    assert_eq!(listed(AuditFilter { object: Some("e".into()), ..filter() }).await, [3]);
    assert_eq!(listed(AuditFilter { outcome: Some(Outcome::Refused), ..filter() }).await, [3, 2]);
    let (since, until) = (Some(Timestamp(NOW.0 + 2_000_000)), Some(Timestamp(NOW.0 + 3_000_001)));
    assert_eq!(listed(AuditFilter { since, until, ..filter() }).await, [3, 2]);
    let (since, until) = (Some(Timestamp(NOW.0 + 2_000_001)), Some(Timestamp(NOW.0 + 4_000_000)));
    assert_eq!(listed(AuditFilter { since, until, ..filter() }).await, [3]);
    let page = store.audit_rows(&filter(), 4, None).await.expect("readable");
    let open = page.items.iter().filter(|row| matches!(row, Ok(AuditRow::Open(_)))).count();
    assert_eq!((page.items.len(), open), (4, 1));
}
