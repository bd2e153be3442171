//! Sessions, heartbeats, quarantine, revocation.

use crate::bench::{Bench, NOW, agent};
use crate::tokens::{enrolment, token};
use pulse_core::time::Timestamp;
use pulse_protocol::{BootId, Epoch, Incarnation};
use pulse_store::{Heartbeat, SessionError, SessionStart, Store};
use uuid::Uuid;

async fn enrolled(store: &Store) -> SessionStart {
    token(store, "s1", 1, &[]).await;
    store.enrol(&enrolment("web1", "k1", "s1")).await.expect("enrolled");
    SessionStart {
        name: agent("web1"),
        public_key: "k1".to_owned(),
        seen_epoch: Epoch(0),
        boot: BootId(Uuid::new_v4()),
        incarnation: Incarnation(Uuid::new_v4()),
        sequence: 10,
        alive: false,
        slots: 5,
        labels: [("self".to_owned(), "said".to_owned())].into(),
        facts: [("os".to_owned(), "Debian".to_owned())].into(),
        now: NOW,
    }
}

pub async fn a_session_raises_the_epoch_once(bench: Bench) {
    let store = bench.open().await;
    let start = enrolled(&store).await;
    let answers = futures_util::future::join_all((0..10).map(|_| store.start_session(&start))).await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(Epoch(1)))).count(), 1);
    let superseded = |answer: &&Result<_, _>| matches!(answer, Err(SessionError::Superseded { .. }));
    assert_eq!(answers.iter().filter(superseded).count(), 9);
    let row = store.agent(&agent("web1")).await.expect("readable").expect("there");
    assert_eq!((row.epoch, row.boot, row.incarnation), (Epoch(1), Some(start.boot), Some(start.incarnation)));
    assert_eq!((row.slots, row.sequence, row.last_seen), (5, 10, Some(NOW)));
    assert_eq!((row.labels, row.facts), (start.labels.clone(), start.facts.clone()));
    let next = SessionStart { seen_epoch: Epoch(1), sequence: 11, ..start };
    assert_eq!(store.start_session(&next).await.expect("started"), Epoch(2));
}

pub async fn a_sequence_that_went_back_is_quarantined(bench: Bench) {
    let store = bench.open().await;
    let start = enrolled(&store).await;
    store.start_session(&start).await.expect("started");
    let late = SessionStart { seen_epoch: Epoch(1), sequence: 9, ..start.clone() };
    let another = SessionStart { incarnation: Incarnation(Uuid::new_v4()), ..late.clone() };
    for late in [&late, &another] {
        let error = store.start_session(late).await.expect_err("it may be a word of somebody who is gone");
        assert!(matches!(error, SessionError::Doubtful { .. }), "{error}");
    }
    let back = SessionStart { alive: true, ..late };
    let error = store.start_session(&back).await.expect_err("its journal was restored");
    assert!(matches!(error, SessionError::SequenceWentBack { stored: 10, said: 9, .. }), "{error}");
    let healthy = SessionStart { sequence: 12, ..back.clone() };
    let error = store.start_session(&healthy).await.expect_err("a person has to look first");
    assert!(matches!(error, SessionError::Quarantined { .. }), "{error}");
    assert!(!store.quarantine_agent(&agent("web1"), "second reason").await.expect("kept"));
    assert!(store.release_agent(&agent("web1")).await.expect("released"));
    assert_eq!(store.start_session(&back).await.expect("started"), Epoch(2));
    let reborn =
        SessionStart { seen_epoch: Epoch(2), incarnation: Incarnation(Uuid::new_v4()), sequence: 0, alive: true, ..start };
    assert_eq!(store.start_session(&reborn).await.expect("a new journal begins at zero"), Epoch(3));
}

pub async fn heartbeats_move_only_their_own_session(bench: Bench) {
    let store = bench.open().await;
    let start = enrolled(&store).await;
    store.start_session(&start).await.expect("started");
    let beat = |epoch, sequence| Heartbeat { name: agent("web1"), epoch: Epoch(epoch), sequence };
    let stranger = Heartbeat { name: agent("ghost"), epoch: Epoch(1), sequence: 5 };
    let later = Timestamp(NOW.0 + 5);
    store.touch(&[beat(1, 20), stranger], later).await.expect("touched");
    let row = async || store.agent(&agent("web1")).await.expect("readable").expect("there");
    assert_eq!((row().await.sequence, row().await.last_seen), (20, Some(later)));
    let much_later = Timestamp(NOW.0 + 9);
    store.touch(&[beat(1, 15)], much_later).await.expect("touched");
    assert_eq!((row().await.sequence, row().await.last_seen), (20, Some(much_later)), "late, but of its own session");
    store.touch(&[beat(0, 99), beat(2, 99)], Timestamp(NOW.0 + 20)).await.expect("touched");
    assert_eq!((row().await.sequence, row().await.last_seen), (20, Some(much_later)), "of another session");
    store.touch(&[], later).await.expect("nothing to do");
    assert_eq!(store.agents().await.expect("readable").len(), 1);
}

pub async fn a_revoked_agent_starts_no_session(bench: Bench) {
    let store = bench.open().await;
    let start = enrolled(&store).await;
    let stranger = SessionStart { public_key: "forged".to_owned(), ..start.clone() };
    assert!(matches!(store.start_session(&stranger).await, Err(SessionError::Unknown { .. })));
    store.revoke_agent(&agent("web1"), NOW).await.expect("revoked");
    let now = SessionStart { seen_epoch: Epoch(1), ..start };
    assert!(matches!(store.start_session(&now).await, Err(SessionError::Revoked { .. })));
}
