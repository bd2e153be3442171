//! Store methods whose COMMIT loses its answer, in both ways, and whose locks come too late.

use crate::open::CommitFault::{self, AnswerLost, Late, RequestLost};
use crate::planted_runs::is_caught;
use crate::test_room::{Room, on_both_engines};
use crate::{
    Advance, AdvanceError, Apply, AuditWrite, Enrolled, Enrolment, Heartbeat, NewDefinition, NewToken, OutputPiece, PauseEnd,
    PauseRow, Pauses, SessionStart, SyncOutcome, SyncRecord, Token,
};
use crd_schemas::manifest::{AgentGroup, AgentGroupSpec, Kind, Manifest, Metadata};
use pulse_core::audit::{self, Record};
use pulse_core::elapsed::Span;
use pulse_core::pause::PauseScope;
use pulse_core::schedule::{Outcome, ScheduleState, Settled, Skipped};
use pulse_core::time::Timestamp;
use pulse_protocol::message::Stream;
use pulse_protocol::planted::Bug;
use pulse_protocol::{AgentName, AttemptId, BootId, Epoch, Incarnation};
use std::collections::BTreeMap;
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

/// What may happen to a COMMIT, and to the one that follows it.
const FAULTS: [&[CommitFault]; 3] = [&[AnswerLost], &[RequestLost], &[RequestLost, AnswerLost]];

fn sync(outcome: SyncOutcome) -> SyncRecord {
    SyncRecord {
        id: Uuid::now_v7(),
        source: "main".to_owned(),
        commit: Some("c1".to_owned()),
        author: None,
        title: None,
        outcome,
        reason: None,
        generation: None,
        problems: serde_json::json!([]),
        counts: serde_json::json!({}),
        message: None,
        started_at: NOW,
        duration_us: 1,
    }
}

fn apply(parent_generation: i64) -> Apply {
    let metadata = Metadata { name: "web".to_owned(), ..Metadata::default() };
    let group = AgentGroup { metadata, spec: AgentGroupSpec { agents: vec!["web1".to_owned()], ..AgentGroupSpec::default() } };
    let digest = format!("d{parent_generation}");
    Apply {
        source: "main".to_owned(),
        parent_generation,
        commit: "c1".to_owned(),
        digest: digest.clone(),
        upserted: vec![NewDefinition {
            generation: parent_generation + 1,
            manifest: Manifest::AgentGroup(group),
            path: "web.yaml".to_owned(),
            digest,
            files: BTreeMap::new(),
        }],
        retired: Vec::new(),
        sync: sync(SyncOutcome::Applied),
        now: NOW,
        audit: None,
    }
}

async fn a_plan_is_applied_once(Room { store, .. }: Room) {
    for (generation, faults) in (0..).zip(FAULTS) {
        store.database.fault.plan(faults.iter().copied());
        assert_eq!(store.apply(&apply(generation)).await.unwrap(), generation + 1, "{faults:?}");
        assert!(store.database.fault.is_spent());
        assert_eq!(store.source("main").await.unwrap().unwrap().generation, generation + 1);
        assert!(store.definition("main", Kind::AgentGroup, "web").await.unwrap().is_some());
    }
    assert_eq!(store.syncs(None, 10, None).await.unwrap().len(), 3);
}

async fn a_sync_is_recorded_once(Room { store, .. }: Room) {
    for (count, faults) in (1..).zip(FAULTS) {
        store.database.fault.plan(faults.iter().copied());
        store.record_sync(&sync(SyncOutcome::Refused)).await.unwrap();
        assert!(store.database.fault.is_spent());
        assert_eq!(store.syncs(None, 10, None).await.unwrap().len(), count);
    }
}

async fn a_schedule_goes_on_once(Room { store, .. }: Room) {
    let mut continues: Option<Settled> = None;
    for (revision, faults) in (0..).zip(FAULTS) {
        store.database.fault.plan(faults.iter().copied());
        let slot = Timestamp(revision + 1);
        let outcome = Outcome::Skipped(Skipped::StillRunning);
        let next = Settled { slot, last: slot, slots: 1, outcome, message: "it runs".to_owned() };
        let advance = Advance {
            source: "main".to_owned(),
            name: "nightly".to_owned(),
            revision: Some(revision).filter(|revision| *revision > 0),
            state: ScheduleState { watermark: slot, timing: "t".to_owned(), suspended: false },
            settled: vec![next.clone()],
            continues: continues.clone(),
            at: NOW,
        };
        store.advance(&advance).await.unwrap();
        assert!(store.database.fault.is_spent(), "{faults:?}");
        let row = store.schedule("main", "nightly").await.unwrap().unwrap();
        assert_eq!((row.revision, row.state), (revision + 1, advance.state.clone()));
        assert!(matches!(store.advance(&advance).await, Err(AdvanceError::Moved { .. })), "a second time is another step");
        continues = Some(continues.map_or(next.clone(), |record| record.joined(&next)));
    }
    let rows = store.slots("main", "nightly", 10, None).await.unwrap();
    let rows: Vec<_> = rows.into_iter().map(|row| row.unwrap().settled).collect();
    assert_eq!(rows, continues.into_iter().collect::<Vec<_>>(), "one record, in which each of the three counts once");
}

async fn enrolment_and_session_happen_once(Room { store, .. }: Room) {
    for (number, faults) in FAULTS.into_iter().chain([&[Late][..]]).enumerate() {
        let plan = || store.database.fault.plan(faults.iter().copied());
        let name: AgentName = format!("web{number}").parse().unwrap();
        let secret_hash = format!("hash{number}");
        let token = NewToken {
            id: Uuid::now_v7(),
            secret_hash: secret_hash.clone(),
            uses: 2,
            expires_at: Timestamp(NOW.0 + 1),
            labels: BTreeMap::new(),
            names: Vec::new(),
            replaces: None,
            created_by: "anna".to_owned(),
            created_at: NOW,
        };
        plan();
        store.create_token(&token).await.unwrap();
        plan();
        let enrolment = Enrolment { name: name.clone(), public_key: "key".to_owned(), secret_hash, now: NOW };
        assert_eq!(store.enrol(&enrolment).await.unwrap(), Enrolled::New, "{faults:?}");
        let left = |token: &Token| token.uses_left;
        let tokens = store.tokens().await.unwrap();
        assert_eq!(tokens.iter().flatten().find(|found| found.id == token.id).map(left), Some(1), "one use is spent");
        let start = SessionStart {
            alive: true,
            name: name.clone(),
            public_key: "key".to_owned(),
            seen_epoch: Epoch(0),
            boot: BootId(Uuid::new_v4()),
            incarnation: Incarnation(Uuid::new_v4()),
            sequence: 1,
            slots: 1,
            labels: BTreeMap::new(),
            facts: BTreeMap::new(),
            now: NOW,
        };
        plan();
        assert_eq!(store.start_session(&start).await.unwrap(), Epoch(1), "{faults:?}");
        plan();
        let later = Timestamp(NOW.0 + 9);
        store.touch(&[Heartbeat { name: name.clone(), epoch: Epoch(1), sequence: 5 }], later).await.unwrap();
        plan();
        assert!(store.quarantine_agent(&name, "a person wants it").await.unwrap(), "{faults:?}");
        assert!(!store.quarantine_agent(&name, "again").await.unwrap());
        let agent = store.agent(&name).await.unwrap().unwrap();
        assert_eq!((agent.epoch, agent.sequence, agent.last_seen), (Epoch(1), 5, Some(later)));
        assert!(store.database.fault.is_spent());
    }
}

async fn output_is_stored_once(Room { store, .. }: Room) {
    let attempt = AttemptId(Uuid::now_v7());
    for (offset, faults) in [0, 3, 6].into_iter().zip(FAULTS) {
        store.database.fault.plan(faults.iter().copied());
        let piece = OutputPiece { attempt, stream: Stream::Stdout, offset, cut: 0, bytes: b"abc".to_vec() };
        assert_eq!(store.output_writer().submit(piece).await.unwrap(), offset + 3, "{faults:?}");
        assert!(store.database.fault.is_spent());
    }
    let pieces = store.read_output(attempt, Stream::Stdout, 0, 100).await.unwrap();
    let bytes: Vec<u8> = pieces.pieces.into_iter().flat_map(|piece| piece.bytes).collect();
    assert_eq!((bytes.as_slice(), pieces.cut), (&b"abcabcabc"[..], 0));
}

/// The commit is still under way when its answer is lost: what looks whether it happened waits for it.
async fn a_plan_that_commits_late_is_applied_once(Room { store, .. }: Room) {
    for generation in 0..2 {
        store.database.fault.plan([Late]);
        assert_eq!(store.apply(&apply(generation)).await.unwrap(), generation + 1);
    }
    store.database.fault.plan([Late]);
    store.record_sync(&sync(SyncOutcome::Refused)).await.unwrap();
    assert!(store.database.fault.is_spent());
    assert_eq!(store.syncs(None, 10, None).await.unwrap().len(), 3);
}

async fn one_that_never_arrives_is_told_as_an_error(Room { store, .. }: Room) {
    store.database.fault.plan([RequestLost; 5]);
    let error = store.record_sync(&sync(SyncOutcome::Refused)).await.unwrap_err();
    assert!(error.is_transient() && error.code() == "store_database", "{error}");
    assert!(store.database.fault.is_spent() && store.syncs(None, 10, None).await.unwrap().is_empty());
}

async fn a_pause_is_set_and_ended_once(room: Room) {
    let store = &room.store;
    for (number, faults) in (1..).zip(FAULTS.into_iter().chain([&[Late][..]])) {
        let row = PauseRow {
            id: Uuid::now_v7(),
            scope: PauseScope::All,
            reason: "a freeze".to_owned(),
            created_by: "anna".to_owned(),
            created_at: NOW,
            expires_at: None,
            ended: None,
        };
        store.database.fault.plan(faults.iter().copied());
        store.pause(&row).await.unwrap();
        assert!(store.database.fault.is_spent());
        assert_eq!(store.pauses(Pauses::Active(NOW), 10, None).await.unwrap().items, [Ok(row.clone())], "{faults:?}");
        store.database.fault.plan(faults.iter().copied());
        let over = PauseRow { ended: Some((NOW, "bert".to_owned())), ..row.clone() };
        assert_eq!(store.end_pause(row.id, "bert", NOW).await.unwrap(), PauseEnd::Ended(over), "{faults:?}");
        assert!(store.database.fault.is_spent());
        assert_eq!(store.pauses(Pauses::All, 10, None).await.unwrap().items.len(), number);
    }
}

async fn an_absence_is_noted_once(room: Room) {
    let store = &room.store;
    for (number, faults) in (1..).zip(FAULTS) {
        let span = Span { from: Timestamp(NOW.0 * number), to: Timestamp(NOW.0 * number + 2_000_000) };
        store.database.fault.plan(faults.iter().copied());
        store.note_absence(span).await.unwrap();
        assert!(store.database.fault.is_spent());
        let kept = store.absences(Timestamp(NOW.0 * number)).await.unwrap();
        assert_eq!(kept, [Ok(span)], "{faults:?}");
    }
}

async fn what_is_audited_is_written_ended_and_sealed_once(room: Room) {
    let store = &room.store;
    for (number, faults) in (1..).zip(FAULTS.into_iter().chain([&[Late][..]])) {
        let plan = || store.database.fault.plan(faults.iter().copied());
        let record = Record { id: Uuid::now_v7(), ..begun() };
        plan();
        store.audit(&[AuditWrite::Row(record.clone())]).await.unwrap();
        plan();
        let record = Record { outcome: audit::Outcome::Done, ..record };
        store.audit(&[AuditWrite::End { record: record.clone(), late: Uuid::now_v7() }]).await.unwrap();
        plan();
        store.seal_audit(Timestamp(0)).await.unwrap();
        assert!(store.database.fault.is_spent(), "{faults:?}");
        let rows = store.audit_chain(0, 10).await.unwrap();
        assert_eq!(rows.len(), number, "{faults:?}");
        assert_eq!(rows.last().unwrap().as_ref().unwrap().record, record);
    }
}

fn begun() -> Record {
    Record {
        id: Uuid::nil(),
        at: NOW,
        principal: None,
        peer: None,
        request_id: None,
        action: "pause.set".to_owned(),
        object: None,
        outcome: audit::Outcome::Begun,
        status: None,
        code: None,
        before: None,
        after: None,
        details: serde_json::Map::new(),
    }
}

on_both_engines! {
    what_is_audited_is_written_ended_and_sealed_once
    a_pause_is_set_and_ended_once
    an_absence_is_noted_once
    a_schedule_goes_on_once
    a_plan_is_applied_once
    a_plan_that_commits_late_is_applied_once
    a_sync_is_recorded_once
    enrolment_and_session_happen_once
    output_is_stored_once
    one_that_never_arrives_is_told_as_an_error
}

/// The checks bite.
#[test]
fn a_commit_that_is_blindly_repeated_is_caught() {
    for engine in ["sqlite", "mariadb"] {
        for test in ["a_plan_is_applied_once", "a_schedule_goes_on_once"] {
            is_caught(Bug::BlindRetry, &format!("transact::tests::{engine}::{test}"), "Moved", &[]);
        }
    }
}
