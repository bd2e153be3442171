//! The chain finds what was done to it; its bytes never change.

use super::{ANCHOR, Anchor, Fault, Flaw, Head, Link, Object, Outcome, Record, Sealed, Walk, Who, digest};
use crate::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

fn record(n: u128) -> Record {
    let Value::Object(details) = json!({ "b": [1, { "z": 1, "y": 2 }], "a": "ü\n" }) else { unreachable!("it is an object") };
    Record {
        id: Uuid::from_u128(n),
        at: Timestamp(1_700_000_000_000_001),
        principal: Some(Who { name: "anna".into(), kind: "user".into(), means: "session".into() }),
        peer: Some("10.0.0.7".into()),
        request_id: Some("r-1".into()),
        action: "execution.start".into(),
        object: Some(Object { kind: "execution".into(), id: "e".into() }),
        outcome: Outcome::Done,
        status: Some(201),
        code: None,
        before: None,
        after: Some(digest(&json!({ "x": 1 }))),
        details,
    }
}

fn chain(length: u128) -> Vec<Sealed> {
    let (mut rows, mut previous) = (Vec::new(), Link::FIRST);
    for n in 1..=length {
        let (record, seq) = (record(n), i64::try_from(n).unwrap());
        let hash = previous.then(&record);
        rows.push(Sealed { seq, record, previous, hash });
        previous = hash;
    }
    rows
}

fn verify(rows: &[Sealed], witness: Option<Head>) -> Result<Head, (i64, Flaw)> {
    let mut walk = Walk::behind(Head::START, witness);
    let walked = rows.iter().try_for_each(|row| walk.step(row)).and_then(|()| walk.finish());
    walked.map_err(|Fault { seq, flaw, .. }| (seq, flaw))
}

fn head(rows: &[Sealed]) -> Head {
    rows.last().map_or(Head::START, |row| Head { seq: row.seq, hash: row.hash })
}

#[test]
fn a_chain_that_nobody_touched_holds() {
    let rows = chain(5);
    assert_eq!(verify(&rows, Some(head(&rows))), Ok(head(&rows)));
    assert_eq!(verify(&rows, Some(head(&rows[..2]))), Ok(head(&rows)));
    assert_eq!(verify(&[], None), Ok(Head::START));
    let mut later = Walk::behind(head(&rows[..3]), None);
    rows[3..].iter().for_each(|row| later.step(row).unwrap());
    assert_eq!(later.head(), head(&rows));
}

#[test]
fn every_field_counts() {
    let changes: [fn(&mut Record); 13] = [
        |row| row.id = Uuid::from_u128(99),
        |row| row.at = Timestamp(row.at.0 + 1),
        |row| row.principal = None,
        |row| row.peer = Some(String::new()),
        |row| row.request_id = None,
        |row| row.action.push('x'),
        |row| row.object = None,
        |row| row.outcome = Outcome::Refused,
        |row| row.status = None,
        |row| row.code = Some(String::new()),
        |row| row.before = Some(String::new()),
        |row| row.after = None,
        |row| drop(row.details.insert("c".into(), json!(null))),
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut rows = chain(4);
        change(&mut rows[2].record);
        assert_eq!(verify(&rows, None), Err((3, Flaw::Changed)), "change {n}");
    }
}

#[test]
fn the_first_bad_row_is_named() {
    let whole = chain(6);
    let changed = |change: fn(&mut Vec<Sealed>)| {
        let mut rows = whole.clone();
        change(&mut rows);
        verify(&rows, Some(head(&whole))).unwrap_err()
    };
    assert_eq!(changed(|rows| drop(rows.remove(2))), (3, Flaw::Missing));
    assert_eq!(changed(|rows| drop(rows.remove(0))), (1, Flaw::Missing));
    assert_eq!(changed(|rows| rows.swap(1, 3)), (2, Flaw::Missing), "an export that was sorted anew");
    assert_eq!(changed(|rows| rows.truncate(4)), (5, Flaw::Truncated));
    assert_eq!(changed(Vec::clear), (1, Flaw::Truncated));
    let swapped: fn(&mut Vec<Sealed>) = |rows| {
        rows.swap(1, 3);
        (rows[1].seq, rows[3].seq) = (2, 4);
    };
    assert_eq!(changed(swapped), (2, Flaw::Reordered));
    let closed_up: fn(&mut Vec<Sealed>) = |rows| {
        drop(rows.remove(2));
        (1..).zip(rows).for_each(|(seq, row)| row.seq = seq);
    };
    assert_eq!(changed(closed_up), (3, Flaw::Reordered));
    let resealed: fn(&mut Vec<Sealed>) = |rows| {
        rows[2].record.outcome = Outcome::Refused;
        rows[2].hash = rows[2].previous.then(&rows[2].record);
    };
    assert_eq!(changed(resealed), (4, Flaw::Reordered));
}

#[test]
fn who_can_write_every_row_anew_is_found_by_what_is_known_outside() {
    let (whole, mut rows) = (chain(4), chain(4));
    let mut previous = Link::FIRST;
    rows[0].record.principal = None;
    for row in &mut rows {
        (row.previous, row.hash) = (previous, previous.then(&row.record));
        previous = row.hash;
    }
    assert!(verify(&rows, None).is_ok());
    assert_eq!(verify(&rows, Some(head(&whole[..3]))), Err((3, Flaw::Changed)));
}

#[test]
fn a_row_comes_back_from_its_json_as_it_went() {
    for row in chain(2) {
        let text = serde_json::to_string(&row).unwrap();
        assert!(text.contains("\"at\":\"2023-11-14T22:13:20.000001Z\""), "{text}");
        assert_eq!(serde_json::from_str::<Sealed>(&text).unwrap(), row);
        // The order of keys is no part of it.
        let shuffled = text.replace("\"b\":[1,{\"z\":1,\"y\":2}],\"a\":\"ü\\n\"", "\"a\":\"ü\\n\",\"b\":[1,{\"y\":2,\"z\":1}]");
        assert_ne!(shuffled, text);
        let read: Sealed = serde_json::from_str(&shuffled).unwrap();
        assert_eq!(read.previous.then(&read.record), row.hash);
    }
}

#[test]
fn hashes_stay_what_they_are_for_ever() {
    // Made by another program: Python's hashlib over the fields as `canonical.rs` says.
    assert_eq!(Link::FIRST.then(&record(1)).to_string(), "54831941d5098ce8cd10a47d3e6e8056e05679cc7a98f348d525a9f4ad36ba5d");
    assert_eq!(digest(&json!({ "b": 1, "a": [true] })), "708747538ba81fd60b5aac8c646370de5e24abf70ab1872f67458a5a4f3af05d");
}

#[test]
fn a_head_is_read_as_it_is_written() {
    let head = head(&chain(3));
    assert_eq!(head.to_string().parse(), Ok(head));
    assert_eq!(Head::START.to_string().parse(), Ok(Head::START));
    for wrong in [
        "",
        "3",
        "3:",
        "x:00",
        "-1:00",
        &format!("3:{}", "0".repeat(63)),
        &format!("3:{}", "A".repeat(64)),
        &format!("0:{}", "1".repeat(64)),
    ] {
        assert!(wrong.parse::<Head>().unwrap_err().contains("SEQ:HASH"), "{wrong}");
    }
}

#[test]
fn a_log_whose_beginning_has_gone_hangs_on_the_row_that_says_so() {
    let rows = chain(9);
    let anchor = |seq: usize| Anchor { through: head(&rows[..seq]) };
    let walk = |first: usize, anchor, witness| {
        let mut walk = Walk::begin(Head::START, rows.get(first), anchor, witness).map_err(|fault| (fault.seq, fault.flaw))?;
        rows[first..]
            .iter()
            .try_for_each(|row| walk.step(row))
            .and_then(|()| walk.finish())
            .map_err(|fault| (fault.seq, fault.flaw))
    };
    let whole = Ok(head(&rows));
    assert_eq!((walk(0, None, None), walk(0, Some(anchor(4)), None)), (whole, whole), "nothing has gone yet");
    assert_eq!((walk(4, Some(anchor(4)), None), walk(2, Some(anchor(4)), None)), (whole, whole));
    assert_eq!(walk(4, None, None), Err((1, Flaw::Missing)));
    assert_eq!(walk(5, Some(anchor(4)), None), Err((1, Flaw::Missing)), "more has gone than is said");
    let lie = Anchor { through: Head { seq: 4, hash: Link::FIRST } };
    assert_eq!(walk(4, Some(lie), None), Err((1, Flaw::Missing)), "not the row that was there");
    let witness = Head { seq: 4, hash: Link::FIRST };
    assert_eq!(walk(4, Some(anchor(4)), Some(witness)), Err((4, Flaw::Changed)), "somebody has seen another row there");
    assert_eq!(walk(4, Some(anchor(4)), Some(head(&rows[..4]))), whole);
}

#[test]
fn an_anchor_is_a_row_that_was_done() {
    let anchor = Anchor { through: Head { seq: 3, hash: Link::FIRST } };
    let row = Record { action: ANCHOR.to_owned(), details: anchor.details(), ..record(1) };
    assert_eq!(Anchor::of(&row), Some(anchor));
    assert_eq!(Anchor::of(&Record { outcome: Outcome::Refused, ..row.clone() }), None);
    assert_eq!(Anchor::of(&Record { action: "other".to_owned(), ..row }), None);
}
