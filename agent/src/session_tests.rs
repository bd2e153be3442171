//! The session: what follows from what, and that nothing is started twice.

use super::*;
use proptest::prelude::*;
use uuid::Uuid;

const JOURNAL: Incarnation = Incarnation(Uuid::from_u128(7));
const BOOT: BootId = BootId(Uuid::from_u128(8));

fn session() -> Session {
    Session::new(JOURNAL, BOOT)
}

fn id(number: u128) -> AttemptId {
    AttemptId(Uuid::from_u128(number))
}

fn assignment(number: u128, desired: Desired) -> Assignment {
    let command = pulse_protocol::CommandSpec {
        argv: vec!["/bin/true".into()],
        script: String::new(),
        script_file: None,
        files: vec![],
        env: [].into(),
        cwd: None,
        user: None,
        timeout_ms: 1000,
        kill_grace_ms: 10,
        capture_stdout: false,
    };
    let execution = ExecutionId(Uuid::from_u128(9));
    Assignment { attempt: id(number), execution, incarnation: JOURNAL, desired, command: Some(command) }
}

/// No files of attempts.
fn none() -> BTreeSet<AttemptId> {
    BTreeSet::new()
}

/// Carries a decision out as the worker does; returns the attempts it starts.
fn carry_out(session: &mut Session, decision: Decision) -> Vec<AttemptId> {
    decision.append.into_iter().for_each(|record| session.apply(record));
    decision.answers.into_iter().for_each(|(attempt, ended)| session.remember(attempt, ended));
    let starts = decision.actions.into_iter().filter_map(|action| match action {
        Action::Start(assignment) => Some(assignment.attempt),
        _ => None,
    });
    starts.collect()
}

fn how(session: &Session, number: u128) -> EndKind {
    match session.observed(id(number)) {
        Some(Observed::Ended(ended)) => ended.how,
        other => panic!("not ended: {other:?}"),
    }
}

fn exited() -> Ended {
    Ended::bare(EndKind::Exited { code: 0 })
}

#[test]
fn the_journal_comes_before_the_start_and_the_report() {
    let decision = session().on_assign(vec![assignment(1, Desired::Run)], &none());
    assert!(matches!(decision.append.as_slice(), [Record::Starting { attempt, boot: BOOT, .. }] if *attempt == id(1)));
    assert!(matches!(decision.actions.as_slice(), [Action::Report(o), Action::Start(_)] if o.observed == Observed::Accepted));
}

#[test]
fn another_journals_assignment_never_runs() {
    let mut session = session();
    let foreign = Assignment { incarnation: Incarnation(Uuid::from_u128(70)), ..assignment(1, Desired::Run) };
    let decision = session.on_assign(vec![foreign], &none());
    assert_eq!(decision.append, []);
    assert_eq!(carry_out(&mut session, decision), []);
    assert_eq!(how(&session, 1), EndKind::Unknown { reason: UnknownReason::JournalLost });
    session.drop_answers(&[id(1)]);
    assert_eq!(session.observed(id(1)), None);
}

#[test]
fn a_proof_that_only_this_process_remembers_outlives_acknowledgement_and_forgetting() {
    let mut session = session();
    session.remember(id(1), Ended::bare(EndKind::NotStarted { reason: "no journal".into() }));
    session.drop_answers(&[id(1)]);
    assert!(matches!(session.attempts()[&id(1)].phase, Phase::Ended { acknowledged: true, .. }));
    let decision = session.on_assign(vec![assignment(1, Desired::Run)], &none());
    assert_eq!(carry_out(&mut session, decision), []);
    session.retire_answers(&[id(1)], 5);
    session.drop_answers(&[id(1)]);
    assert!(session.attempts().is_empty(), "tombstones do not pile up");
    let decision = session.on_assign(vec![assignment(1, Desired::Run)], &none());
    assert_eq!(carry_out(&mut session, decision), []);
    assert!(matches!(how(&session, 1), EndKind::NotStarted { .. }));
}

#[test]
fn a_stop_that_comes_first_means_never() {
    let mut session = session();
    let decision = session.on_assign(vec![assignment(1, Desired::Stop)], &none());
    assert_eq!(carry_out(&mut session, decision), []);
    assert!(matches!(how(&session, 1), EndKind::NotStarted { .. }));
    let decision = session.on_assign(vec![assignment(1, Desired::Run)], &none());
    assert_eq!(carry_out(&mut session, decision), []);
}

#[test]
fn what_was_withdrawn_is_said_so_and_never_starts() {
    let mut session = session();
    let decision = session.on_assign(vec![assignment(1, Desired::Withdraw)], &none());
    assert_eq!(carry_out(&mut session, decision), []);
    assert_eq!(session.observed(id(1)), Some(Observed::Ended(Ended::withdrawn())));
    let decision = session.on_assign(vec![assignment(1, Desired::Run)], &none());
    assert_eq!(carry_out(&mut session, decision), []);
}

#[test]
fn going_on_without_a_command_is_never_not_started_and_stays_so() {
    let mut session = session();
    let decision = session.on_assign(vec![Assignment { command: None, ..assignment(1, Desired::Run) }], &none());
    assert!(matches!(decision.append.as_slice(), [Record::Ended { .. }]), "the answer must outlive this process");
    assert_eq!(carry_out(&mut session, decision), []);
    assert_eq!(how(&session, 1), EndKind::Unknown { reason: UnknownReason::JournalLost });
    let decision = session.on_assign(vec![assignment(1, Desired::Run)], &none());
    assert_eq!(carry_out(&mut session, decision), []);
}

#[test]
fn what_has_files_is_settled_by_them_and_neither_started_nor_answered() {
    let traces = BTreeSet::from([id(1)]);
    for wanted in [
        assignment(1, Desired::Run),
        assignment(1, Desired::Stop),
        Assignment { command: None, ..assignment(1, Desired::Run) },
        Assignment { command: None, ..assignment(1, Desired::Stop) },
    ] {
        let desired = wanted.desired;
        let decision = session().on_assign(vec![wanted], &traces);
        assert!(matches!(decision.append.as_slice(), [Record::Starting { attempt, .. }] if *attempt == id(1)));
        let expected = match desired {
            Desired::Stop => vec![Action::Settle(id(1)), Action::Stop(id(1))],
            _ => vec![Action::Settle(id(1))],
        };
        assert_eq!(decision.actions, expected);
    }
}

#[test]
fn a_stop_reaches_only_what_is_open() {
    let mut session = session();
    let decision = session.on_assign(vec![assignment(1, Desired::Run), assignment(1, Desired::Stop)], &none());
    assert_eq!(decision.actions.last(), Some(&Action::Stop(id(1))));
    assert_eq!(carry_out(&mut session, decision), [id(1)]);
    let decision = session.on_ended(id(1), exited());
    carry_out(&mut session, decision);
    let decision = session.on_assign(vec![assignment(1, Desired::Stop)], &none());
    assert!(matches!(decision.actions.as_slice(), [Action::Report(_)]));
}

#[test]
fn the_first_evidence_of_an_end_stands() {
    let mut session = session();
    let decision = session.on_assign(vec![assignment(1, Desired::Run)], &none());
    carry_out(&mut session, decision);
    let decision = session.on_ended(id(1), exited());
    carry_out(&mut session, decision);
    assert_eq!(session.on_ended(id(1), Ended::bare(EndKind::TimedOut)), Decision::default());
    assert_eq!(session.on_started(id(1), 5), Decision::default());
    assert_eq!(how(&session, 1), EndKind::Exited { code: 0 });
}

#[test]
fn open_attempts_are_not_forgotten_and_forgotten_ones_answer_with_evidence() {
    let mut session = session();
    let decision = session.on_assign(vec![assignment(1, Desired::Run)], &none());
    carry_out(&mut session, decision);
    assert_eq!(session.on_acknowledge(&[id(1)], &[id(1)], 5), Decision::default());
    let decision = session.on_ended(id(1), exited());
    carry_out(&mut session, decision);
    let decision = session.on_acknowledge(&[id(1)], &[], 5);
    assert_eq!(decision.append, [Record::Acknowledged { attempt: id(1) }]);
    carry_out(&mut session, decision);
    assert_eq!(session.on_acknowledge(&[id(1)], &[], 5), Decision::default());
    let decision = session.on_acknowledge(&[], &[id(1)], 5);
    assert_eq!(decision.actions, [Action::Remove(id(1))]);
    carry_out(&mut session, decision);
    assert!(session.attempts().is_empty());
    let replay = session.on_assign(vec![assignment(1, Desired::Run)], &none());
    assert_eq!(replay.append, []);
    assert_eq!(carry_out(&mut session, replay), []);
    assert_eq!(how(&session, 1), EndKind::Exited { code: 0 });
}

#[test]
fn outcomes_of_forgotten_attempts_are_kept_30_days() {
    let mut session = session();
    session.apply(Record::Forgotten { attempt: id(1), how: EndKind::TimedOut, at: 1000 });
    assert_eq!(session.snapshot(1000 + RETIRED_SECONDS).len(), 1);
    assert_eq!(session.snapshot(1001 + RETIRED_SECONDS).len(), 0);
}

#[test]
fn a_restored_database_is_told_what_was_forgotten_since_the_newest_first() {
    let mut session = session();
    for (number, at) in [(1, 999), (2, 1000), (3, 5000)] {
        session.apply(Record::Forgotten { attempt: id(number), how: EndKind::Exited { code: 0 }, at });
    }
    let told: Vec<_> = session.forgotten_since(1000).into_iter().map(|(attempt, _)| attempt).collect();
    assert_eq!(told, [id(3), id(2)]);
    assert_eq!(session.forgotten_since(5001), []);
    (4..10_000).for_each(|number| {
        session.apply(Record::Forgotten { attempt: id(number), how: EndKind::TimedOut, at: 6000 });
    });
    assert_eq!(session.forgotten_since(0).len(), MAX_WITNESSED);
}

#[test]
fn too_many_attempts_are_refused_with_proof() {
    let mut session = session();
    let many = (1..=MAX_OPEN as u128 + 1).map(|number| assignment(number, Desired::Run)).collect();
    let decision = session.on_assign(many, &none());
    assert_eq!(carry_out(&mut session, decision).len(), MAX_OPEN);
    assert!(matches!(how(&session, MAX_OPEN as u128 + 1), EndKind::NotStarted { .. }));
}

#[derive(Debug, Clone)]
enum Step {
    Assign(u128, Desired),
    Started(u128),
    Ended(u128),
    Acknowledge(u128),
    Forget(u128),
    /// The agent restarts with what its journal held.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let number = 1_u128..5;
    prop_oneof![
        4 => number.clone().prop_map(|n| Step::Assign(n, Desired::Run)),
        1 => number.clone().prop_map(|n| Step::Assign(n, Desired::Stop)),
        2 => number.clone().prop_map(Step::Started),
        2 => number.clone().prop_map(Step::Ended),
        2 => number.clone().prop_map(Step::Acknowledge),
        1 => number.prop_map(Step::Forget),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    /// Whatever comes in whatever order, with restarts between and from a snapshot or the whole journal, an attempt starts at
    /// most once, and an end, once known, never changes.
    #[test]
    fn nothing_starts_twice_and_ends_are_final(steps in prop::collection::vec(step(), 1..60), compact: bool) {
        let (mut session, mut journal, mut starts, mut ends) = (session(), Vec::new(), Vec::new(), BTreeMap::new());
        for step in steps {
            let decision = match step {
                Step::Assign(n, desired) => session.on_assign(vec![assignment(n, desired)], &none()),
                Step::Started(n) => session.on_started(id(n), 1),
                Step::Ended(n) => session.on_ended(id(n), exited()),
                Step::Acknowledge(n) => session.on_acknowledge(&[id(n)], &[], 0),
                Step::Forget(n) => session.on_acknowledge(&[], &[id(n)], 0),
                Step::Restart => {
                    if compact {
                        journal = session.snapshot(0);
                    }
                    session = Session::new(JOURNAL, BOOT);
                    journal.iter().cloned().for_each(|record| session.apply(record));
                    Decision::default()
                }
            };
            journal.extend(decision.append.clone());
            starts.extend(carry_out(&mut session, decision));
            for n in 1..5 {
                let ended = match session.observed(id(n)) {
                    Some(Observed::Ended(ended)) => Some(ended.how),
                    _ => None,
                };
                if let Some(known) = ends.get(&n) {
                    prop_assert_eq!(Some(known), ended.as_ref());
                } else if let Some(ended) = ended {
                    ends.insert(n, ended);
                }
            }
        }
        let count = starts.len();
        starts.sort_unstable();
        starts.dedup();
        prop_assert_eq!(count, starts.len());
    }
}
