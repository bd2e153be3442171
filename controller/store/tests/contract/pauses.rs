//! Pauses, and the time in which no controller ran.

use crate::bench::{Bench, NOW};
use pulse_core::elapsed::Span;
use pulse_core::time::Timestamp;
use pulse_store::{Candidate, PauseEnd, PauseRow, Pauses, Store, Taken};
use std::time::Duration;
use uuid::Uuid;

pub fn pause(scope: &str, expires: Option<i64>) -> PauseRow {
    PauseRow {
        id: Uuid::now_v7(),
        scope: scope.parse().expect("a scope"),
        reason: "a freeze, 'until' further notice ✓".to_owned(),
        created_by: "anna".to_owned(),
        created_at: NOW,
        expires_at: expires.map(|micros| Timestamp(NOW.0 + micros)),
        ended: None,
    }
}

async fn set(store: &Store, row: &PauseRow) {
    store.pause(row).await.expect("set");
}

/// The pauses of a list, in pages of two.
async fn listed(store: &Store, which: Pauses) -> Vec<PauseRow> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.pauses(which, 2, cursor).await.expect("readable");
        found.extend(page.items.into_iter().map(|row| row.expect("readable")));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

pub async fn a_pause_holds_until_it_expires_or_somebody_ends_it(bench: Bench) {
    let store = bench.open().await;
    let scopes = ["all", "workflow/update", "schedule/nightly", "agent/web1", "team=infra,env!=dev"];
    let rows: Vec<PauseRow> =
        scopes.into_iter().zip([None, Some(50), Some(100), None, None]).map(|(scope, expires)| pause(scope, expires)).collect();
    for row in &rows {
        set(&store, row).await;
    }
    let at = |micros: i64| Timestamp(NOW.0 + micros);
    let newest_first = |wanted: &[usize]| wanted.iter().map(|index| rows[*index].clone()).collect::<Vec<_>>();
    assert_eq!(listed(&store, Pauses::Active(at(49))).await, newest_first(&[4, 3, 2, 1, 0]));
    assert_eq!(listed(&store, Pauses::Active(at(50))).await, newest_first(&[4, 3, 2, 0]));
    let over = PauseRow { ended: Some((at(60), "bert".to_owned())), ..rows[3].clone() };
    assert_eq!(store.end_pause(rows[3].id, "bert", at(60)).await.expect("ended"), PauseEnd::Ended(over.clone()));
    assert_eq!(store.end_pause(rows[3].id, "carl", at(70)).await.expect("over"), PauseEnd::Over(over.clone()));
    assert_eq!(store.end_pause(rows[1].id, "carl", at(70)).await.expect("expired"), PauseEnd::Over(rows[1].clone()));
    assert_eq!(store.end_pause(Uuid::now_v7(), "carl", at(70)).await.expect("none"), PauseEnd::Absent);
    store.close().await;
    let store = bench.open().await;
    assert_eq!(listed(&store, Pauses::Active(at(70))).await, newest_first(&[4, 2, 0]));
    let history = [rows[4].clone(), over.clone(), rows[2].clone(), rows[1].clone(), rows[0].clone()];
    assert_eq!(listed(&store, Pauses::All).await, history);
    assert_eq!(store.find_pause(over.id).await.expect("readable"), Some(over));
    let seen = rows[4].pause();
    assert_eq!((seen.id, seen.scope.to_string(), seen.by), (rows[4].id.to_string(), scopes[4].to_owned(), "anna".to_owned()));
}

pub async fn of_many_who_end_a_pause_one_has_ended_it(bench: Bench) {
    let store = bench.open().await;
    let row = pause("all", None);
    set(&store, &row).await;
    let names: Vec<String> = (0..20).map(|number| format!("person{number}")).collect();
    let ended = futures_util::future::join_all(names.iter().map(|name| store.end_pause(row.id, name, NOW))).await;
    let ended: Vec<PauseEnd> = ended.into_iter().map(|end| end.expect("answered")).collect();
    let winners: Vec<_> = ended.iter().filter(|end| matches!(end, PauseEnd::Ended(_))).collect();
    let [PauseEnd::Ended(winner)] = winners.as_slice() else { panic!("{winners:?}") };
    assert!(ended.iter().all(|end| matches!(end, PauseEnd::Ended(row) | PauseEnd::Over(row) if row == winner)), "{ended:?}");
}

pub async fn pauses_that_contradict_themselves_are_refused(bench: Bench) {
    let store = bench.open().await;
    let row = pause("all", None);
    set(&store, &row).await;
    let unsaid = pulse_core::pause::PauseScope::Workflow("a=b".to_owned());
    for (row, word) in [
        (row.clone(), "there is one with the id"),
        (PauseRow { created_by: "x".repeat(256), ..pause("all", None) }, "who set a pause"),
        (PauseRow { ended: Some((NOW, "anna".to_owned())), ..pause("all", None) }, "ended"),
        (PauseRow { scope: unsaid, ..pause("all", None) }, "scope"),
    ] {
        let error = store.pause(&row).await.expect_err(word);
        assert!(error.code() == "store_value" && error.to_string().contains(word), "{error}");
    }
    assert!(store.end_pause(row.id, &"x".repeat(256), NOW).await.is_err());
    // What a newer release wrote hides no other.
    let good = pause("agent/web1", None);
    set(&store, &good).await;
    bench.meddle(&format!("UPDATE pauses SET scope = 'planet/mars' WHERE id = '{}'", row.id)).await;
    let page = store.pauses(Pauses::All, 10, None).await.expect("the list is there");
    assert_eq!(page.items[0], Ok(good));
    assert!(page.items[1].as_ref().is_err_and(|error| error.reason.contains("planet/mars")), "{page:?}");
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

async fn absences(store: &Store, since: i64) -> Vec<(i64, i64)> {
    let spans = store.absences(Timestamp(since)).await.expect("readable");
    spans.into_iter().map(|span| span.expect("readable")).map(|span| (span.from.0, span.to.0)).collect()
}

pub async fn absences_are_noted_and_old_ones_forgotten(bench: Bench) {
    let store = bench.open().await;
    let note =
        async |from: i64, to: i64| store.note_absence(Span { from: Timestamp(from), to: Timestamp(to) }).await.expect("noted");
    note(0, SECOND - 1).await;
    note(5 * SECOND, SECOND).await;
    assert_eq!(absences(&store, i64::MIN).await, [], "neither is worth a row");
    note(0, SECOND).await;
    note(2 * SECOND, 4 * SECOND).await;
    note(2 * SECOND, 4 * SECOND).await;
    note(DAY, 2 * DAY).await;
    assert_eq!(absences(&store, 0).await, [(0, SECOND), (2 * SECOND, 4 * SECOND), (DAY, 2 * DAY)]);
    assert_eq!(absences(&store, SECOND).await, [(2 * SECOND, 4 * SECOND), (DAY, 2 * DAY)]);
    store.close().await;
    let store = bench.open().await;
    // What ended 400 days before is forgotten, to the microsecond.
    let to = 400 * DAY + 4 * SECOND;
    store.note_absence(Span { from: Timestamp(to - SECOND), to: Timestamp(to) }).await.expect("noted");
    assert_eq!(absences(&store, 0).await, [(2 * SECOND, 4 * SECOND), (DAY, 2 * DAY), (to - SECOND, to)]);
}

pub async fn the_newest_ten_thousand_absences_are_read(bench: Bench) {
    let store = bench.open().await;
    for chunk in 0..41 {
        let rows: Vec<String> = (0..256).map(|row| chunk * 256 + row).map(|at| format!("({at}, {})", at + 2)).collect();
        bench.meddle(&format!("INSERT INTO absences (from_at, to_at) VALUES {}", rows.join(", "))).await;
    }
    let all = 41 * 256;
    let read = absences(&store, 0).await;
    assert_eq!((read.len(), read[0], read[9_999]), (10_000, (all - 10_000, all - 9_998), (all - 1, all + 1)));
}

/// What the store says of the time before it, in whole minutes.
fn minutes(store: &Store) -> Option<u64> {
    store.absence().map(|gone| gone.as_secs() / 60)
}

/// The store's absence is noted; as a span that is worth no row.
async fn note(store: &Store) {
    store.note_absence(Span { from: Timestamp(0), to: Timestamp(0) }).await.expect("noted");
}

async fn close_noted(store: Store) {
    note(&store).await;
    store.close().await;
}

pub async fn a_store_says_how_long_nobody_held_the_leases(bench: Bench) {
    let store = bench.open().await;
    assert_eq!(store.absence(), None, "nobody ever had");
    store.close().await;
    let store = bench.open().await;
    assert_eq!(minutes(&store), Some(0), "a clean stop counts as well");
    close_noted(store).await;
    // An hour passes: everything that the database knows of it lies an hour further back.
    let hour = 3600 * SECOND;
    bench.meddle(&format!("UPDATE leases SET given_back_at = given_back_at - {hour} WHERE part < 16")).await;
    let store = bench.open().await;
    assert_eq!(minutes(&store), Some(60));
    note(&store).await;
    store.renew_leases().await.expect("renewed");
    // One that is killed gives nothing back: its last renewal counts, and the 10 s of its leases do not.
    drop(store);
    bench.meddle(&format!("UPDATE leases SET expires_at = expires_at - {hour}, owner = 'killed'")).await;
    let store = loop {
        if let Taken::Store(store) =
            Candidate::connect(&bench.url, "controller-2").await.expect("connected").take().await.expect("asked")
        {
            break store;
        }
    };
    assert_eq!(minutes(&store), Some(60));
    // One partition that was renewed later says that somebody was there.
    close_noted(store).await;
    bench.meddle(&format!("UPDATE leases SET given_back_at = given_back_at - {hour} WHERE part < 15")).await;
    let store = bench.open().await;
    assert_eq!(minutes(&store), Some(0));
    // A database's clock that was set back makes no negative time.
    close_noted(store).await;
    bench.meddle(&format!("UPDATE leases SET given_back_at = given_back_at + {hour}")).await;
    let store = bench.open().await;
    assert_eq!(store.absence(), Some(Duration::ZERO));
    store.close().await;
}

/// A controller that dies before it has noted how long nobody was there leaves that to the next one.
pub async fn an_absence_that_was_not_noted_is_found_again(bench: Bench) {
    bench.open().await.close().await;
    let hour = 3600 * SECOND;
    bench.meddle(&format!("UPDATE leases SET given_back_at = given_back_at - {hour} WHERE part < 16")).await;
    for _ in 0..2 {
        let store = bench.open().await;
        assert_eq!(minutes(&store), Some(60));
        store.close().await;
    }
    let store = bench.open().await;
    close_noted(store).await;
    let store = bench.open().await;
    assert_eq!(minutes(&store), Some(0), "once noted it is over");
    store.close().await;
}

/// The answer to the first try got lost: the second one by the same controller finds its own leases.
pub async fn a_second_try_at_the_leases_knows_what_the_first_one_found(bench: Bench) {
    bench.open().await.close().await;
    let hour = 3600 * SECOND;
    bench.meddle(&format!("UPDATE leases SET given_back_at = given_back_at - {hour} WHERE part < 16")).await;
    let candidate = Candidate::connect(&bench.url, "controller-2").await.expect("connected");
    let mut stores = Vec::new();
    for _ in 0..2 {
        let Taken::Store(store) = candidate.take().await.expect("asked") else { panic!("the leases are free or ours") };
        assert_eq!(minutes(&store), Some(60));
        stores.push(store);
    }
}
