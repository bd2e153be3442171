//! Tickets and strangers, without a database.

use super::Ticket;
use super::strangers::Strangers;
use super::ticket::fresh;
use pulse_core::Timestamp;
use pulse_core::audit::{MAX_DETAILS, Object, Outcome};
use serde_json::json;
use std::net::IpAddr;

const NOW: Timestamp = Timestamp(1_700_000_000_000_123);

#[test]
fn ids_sort_by_the_microsecond() {
    let ids: Vec<_> = (0..3000).map(|later| fresh(Timestamp(NOW.0 + later))).collect();
    assert!(ids.is_sorted());
    assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
    assert!(ids[0] > uuid::Uuid::from_u128(1_700_000_000_000 << 80) && ids[0] != fresh(NOW));
}

#[test]
fn what_a_ticket_says_is_bounded() {
    let ticket = Ticket::new("pause.set", None, None);
    ticket.on("pause", "x\u{1b}y".repeat(300));
    ticket.say("a", "ü".repeat(1000));
    ticket.say("b", json!({ "c": "d".repeat(MAX_DETAILS) }));
    ticket.say("a", json!("e".repeat(10)));
    let row = ticket.end(200, None);
    let id = row.object.unwrap().id;
    assert!(id.chars().count() == 255 && !id.contains('\u{1b}'), "{id}");
    assert_eq!(json!(row.details), json!({ "a": "eeeeeeeeee" }));
}

#[test]
fn an_answer_tells_the_outcome() {
    let outcome = |status, code, begun: bool| {
        let ticket = Ticket::new("pause.set", None, None);
        if begun {
            ticket.begin();
        }
        ticket.end(status, code).outcome
    };
    for begun in [false, true] {
        assert_eq!(outcome(201, None, begun), Outcome::Done);
        assert_eq!(outcome(409, Some("already_running"), begun), Outcome::Refused);
        assert_eq!(outcome(503, Some("overloaded"), begun), Outcome::Failed);
    }
    // Where something may have been done, nobody knows whether it was.
    assert_eq!(outcome(503, Some("database_unavailable"), false), Outcome::Failed);
    assert_eq!(outcome(503, Some("database_unavailable"), true), Outcome::Unknown);
    assert_eq!(outcome(500, Some("internal"), true), Outcome::Unknown);
    let ticket = Ticket::new("pause.set", None, None);
    ticket.unchanged();
    assert_eq!((ticket.end(200, None).outcome, ticket.end(403, None).outcome), (Outcome::Unchanged, Outcome::Refused));
}

#[test]
fn whoever_was_handed_a_ticket_says_whether_it_is_written() {
    let object = || Object { kind: "execution".to_owned(), id: "e".to_owned() };
    let ticket = Ticket::new("execution.start", None, None);
    ticket.say("workflow", "w");
    let handed = ticket.hand_over(201);
    let row = handed.row(object(), None, None);
    assert_eq!(
        (row.id, row.outcome, row.status, &row.details["workflow"]),
        (ticket.end(201, None).id, Outcome::Done, Some(201), &json!("w"))
    );
    handed.written();
    let mut receipt = ticket.receipt().unwrap();
    assert_eq!(receipt.written.try_recv(), Ok(()));
    let handed = ticket.hand_over(201);
    handed.clone().unclear();
    drop(handed);
    let mut receipt = ticket.receipt().unwrap();
    assert!(receipt.written.try_recv().is_err() && receipt.is_unclear());
}

#[test]
fn strangers_are_counted_by_peer() {
    let strangers = Strangers::default();
    let peer = |n: u8| Some(IpAddr::from([10, 0, 0, n]));
    for _ in 0..500 {
        assert!(!strangers.is_worth_a_row(peer(1), "execution.start", true, NOW));
    }
    let rows = (0..500).filter(|_| strangers.is_worth_a_row(peer(2), "pause.set", false, NOW)).count();
    assert_eq!(rows, 10, "of those who guess, the first few have rows of their own");
    assert!(!strangers.is_worth_a_row(None, "pause.set", true, NOW));
    let later = Timestamp(NOW.0 + 60_000_000);
    let told: Vec<_> =
        strangers.take(later).into_iter().map(|row| (row.peer, row.details["requests"].as_u64().unwrap())).collect();
    assert_eq!(told, [(None, 1), (Some("10.0.0.1".to_owned()), 500), (Some("10.0.0.2".to_owned()), 490)]);
    assert!(strangers.take(later).is_empty());
    assert!(strangers.is_worth_a_row(peer(2), "pause.set", false, later));
    assert!(strangers.take(later).is_empty(), "what has a row is not counted");
    for n in 0..5000_u32 {
        strangers.is_worth_a_row(Some(IpAddr::from(n.to_be_bytes())), &format!("action.{n}"), true, NOW);
    }
    let rows = strangers.take(later);
    assert_eq!(rows.len(), 1001, "the others are counted together");
    assert_eq!(rows.iter().map(|row| row.details["requests"].as_u64().unwrap()).sum::<u64>(), 5000);
    assert!(rows.iter().all(|row| json!(row.details).to_string().len() < MAX_DETAILS));
}
