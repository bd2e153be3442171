//! Who may write while others share, and while somebody says nothing more.

use super::{LEASE, PARTITIONS, holder, partition_of, partitions};
use crate::test_room::Room;
use crate::{Candidate, Taken, faults};
use pulse_protocol::ExecutionId;
use pulse_protocol::failpoint::Act;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

#[test]
fn partitions_are_fixed_and_spread() {
    // Executions remember theirs, so these never change.
    let fixed = [
        ("00000000-0000-0000-0000-000000000000", 8),
        ("01890a5d-ac96-774b-bcce-b302099a8057", 3),
        ("0198c5d2-7f00-7abc-8def-0123456789ab", 10),
    ];
    for (id, part) in fixed {
        assert_eq!(partition_of(ExecutionId(Uuid::parse_str(id).unwrap())), part, "{id}");
    }
    let mut counts = [0_u32; PARTITIONS as usize];
    for _ in 0..16_000 {
        counts[usize::from(partition_of(ExecutionId(Uuid::now_v7())))] += 1;
    }
    assert!(counts.iter().all(|count| (700..1300).contains(count)), "{counts:?}");
}

/// A large sync shares the controller's lease for as long as it takes.
#[tokio::test]
async fn a_long_transaction_keeps_nobody_from_renewing() {
    let Room { store, .. } = &Room::mariadb().await;
    let long = store.database.begin_fenced().await.unwrap();
    let begun = Instant::now();
    store.renew_leases().await.unwrap();
    let mut batch = store.database.begin().await.unwrap();
    let ground = &store.database.ground;
    assert!(store.database.leases.hold(&ground.dialect, &mut batch, &partitions()).await.unwrap());
    batch.commit(Act::Commit).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "neither waits: {:?}", begun.elapsed());
    long.commit(Act::Apply).await.unwrap();
}

/// The controller stands still, or its network is cut, inside transactions that hold the leases' rows.
#[tokio::test]
async fn one_that_says_nothing_more_is_taken_over() {
    let room = Room::mariadb().await;
    let database = &room.store.database;
    let (dialect, mut batch) = (&database.ground.dialect, database.begin().await.unwrap());
    assert!(database.leases.hold(dialect, &mut batch, &partitions()).await.unwrap());
    let mut apply = database.begin_fenced().await.unwrap();
    let silent_since = Instant::now();
    let second = Candidate::connect(&room.url, "controller-2").await.unwrap();
    // The leases expire, the server ends the transactions beside them, and a lock that came too late is asked for again.
    let latest = LEASE + Duration::from_secs(6);
    let store = loop {
        match second.take().await {
            Ok(Taken::Store(store)) => break store,
            Ok(Taken::StandBy(_)) => {}
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
        assert!(silent_since.elapsed() < latest, "locks outlive the one who took them");
        pause().await;
    };
    // What was silent finds its connection gone, which is what it takes for a lost one.
    for transaction in [&mut batch, &mut apply] {
        let error = crate::sql::query("UPDATE meta SET value = value").execute(&mut **transaction).await.unwrap_err();
        assert!(faults::lost_connection(&error), "{error:?}");
    }
    assert_eq!(room.store.renew_leases().await.unwrap_err().code(), "fenced");
    let held = holder(dialect, &mut database.reader().await.unwrap()).await.unwrap();
    assert_eq!(held.map(|holder| holder.name).as_deref(), Some("controller-2"));
    store.renew_leases().await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "nothing tells when the server ends another's transaction")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}
