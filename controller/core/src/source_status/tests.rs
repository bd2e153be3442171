//! Conditions, words and pace.

use super::*;
use std::time::Duration;

fn facts(reason: SyncReason) -> SourceFacts {
    let mut facts = SourceFacts::default();
    facts.begin(Timestamp(1));
    facts.end(reason, "why".to_owned(), None, Timestamp(2));
    facts
}

fn said(facts: &SourceFacts) -> Vec<String> {
    let one = |condition: &Condition| {
        let Condition { kind, status, reason, since, .. } = condition;
        format!("{}={} {} {:?}", kind.as_str(), status.as_str(), reason.as_str(), since.map(|since| since.0))
    };
    conditions(facts).iter().map(one).collect()
}

#[test]
fn each_end_has_its_conditions() {
    let mut table = vec![format!("never: {}", said(&SourceFacts::default()).join(", "))];
    let own = [SyncReason::Applied, SyncReason::Unchanged, SyncReason::InvalidManifests, SyncReason::Held, SyncReason::Internal];
    for reason in own.into_iter().chain(SourceReason::ALL.map(SyncReason::Source)) {
        table.push(format!("{}: {}", reason.as_str(), said(&facts(reason)).join(", ")));
    }
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn a_look_under_way_takes_nothing_away() {
    let mut facts = facts(SyncReason::Applied);
    facts.begin(Timestamp(5));
    assert_eq!(
        said(&facts),
        ["Ready=True Applied Some(2)", "Reconciling=True Progressing Some(5)", "Stalled=False Applied Some(2)"]
    );
}

#[test]
fn failures_are_counted_and_since_is_kept_until_the_reason_changes() {
    let gone = SyncReason::Source(SourceReason::Unreachable);
    let mut facts = facts(SyncReason::Applied);
    for at in 3..6 {
        facts.end(gone, "gone".to_owned(), None, Timestamp(at));
    }
    assert_eq!((facts.failures, facts.last_success, facts.last_look), (3, Some(Timestamp(2)), Some(Timestamp(5))));
    assert_eq!(facts.last.as_ref().map(|last| last.since), Some(Timestamp(3)));
    assert!(conditions(&facts)[1].message.contains("3 looks in a row failed"));
    facts.end(SyncReason::InvalidManifests, "bad".to_owned(), Some(Timestamp(1)), Timestamp(7));
    assert_eq!((facts.failures, facts.last.map(|last| last.since)), (0, Some(Timestamp(1))), "a record's word counts");
}

#[test]
fn every_word_reads_back() {
    let reasons = SyncReason::OWN.into_iter().chain(SourceReason::ALL.map(SyncReason::Source));
    for reason in reasons {
        assert_eq!(SyncReason::from_word(reason.as_str()), Some(reason));
    }
    assert_eq!(SyncReason::from_word("applied"), None);
}

#[test]
fn failures_wait_longer_each_time_and_never_longer_than_the_poll() {
    let poll = Duration::from_secs(60);
    let waits = |stalled| {
        let wait = |failures| until_next_look(failures, stalled, poll, u16::MAX).as_secs();
        (0..8).map(wait).collect::<Vec<_>>()
    };
    assert_eq!(waits(false), [60, 5, 10, 20, 40, 60, 60, 60]);
    assert_eq!(waits(true), [60, 5, 60, 60, 60, 60, 60, 60], "asking again helps nobody, and locks accounts");
    assert_eq!(
        until_next_look(0, false, poll, 0),
        Duration::from_secs(48),
        "never later than the poll, what is lost is found by then"
    );
    assert!(until_next_look(u32::MAX, false, poll, u16::MAX) <= poll);
}
