//! Every failpoint there is, each with a process that ends there, stands still there, or fails there, while a tour through everything
//! that controller, agent and shim do goes on. Whoever dies is started again. In the end all is as if nothing had been, and the witness
//! agrees.
//!
//! [`drive`] says of each act where it is met. It names every one, so that a new act does not compile before somebody has said so.

mod tour;

use crate::harness::{Engine, full};
use pulse_protocol::failpoint::{Act, Kind, Point};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tour::{How, Tour};

/// Where an act is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drive {
    /// On the tour.
    Tour,
    /// On the tour of a controller whose database commits each step of a migration by itself.
    MariaDb,
    /// On the tour of an agent that was killed after its journal had the attempt and before its shim had it.
    LostStart,
    /// At the end of the tour, when a copy of the agent comes.
    Clone,
    /// At the end of the tour, when the agent is revoked.
    Revoked,
    /// At the end of the tour, when a schedule has more records than are kept.
    Pruned,
    /// At the end of the tour, when output is older than what is kept.
    Retained,
    /// On a tour that takes longer than half a minute.
    Slow,
    /// Not on the tour; why, and what tests it.
    Elsewhere(&'static str),
}

const fn drive(act: Act) -> Drive {
    match act {
        Act::MigrationStep => Drive::MariaDb,
        Act::KeepFolder => Drive::LostStart,
        Act::SendPing | Act::SendPong => Drive::Clone,
        Act::Admission | Act::SendRefused => Drive::Revoked,
        Act::SendPicture | Act::Touch => Drive::Slow,
        Act::PruneSlots => Drive::Pruned,
        Act::Retain => Drive::Retained,
        Act::Restore => Drive::Elsewhere("of another command; `backup`"),
        Act::ApplyUpserting | Act::ApplyRetiring => Drive::Elsewhere("between pieces of a statement; `sync_kills`"),
        Act::Commit
        | Act::Apply
        | Act::ApplyAdvanced
        | Act::ApplyUpserted
        | Act::ApplyRetired
        | Act::Record
        | Act::Advance
        | Act::ScheduleDecided
        | Act::Pause
        | Act::PauseEnd
        | Act::Absence
        | Act::Token
        | Act::Credential
        | Act::Audit
        | Act::AuditSeal
        | Act::ForgetKeys
        | Act::Enrol
        | Act::Session
        | Act::Webhooks
        | Act::Output
        | Act::Meta
        | Act::TakeLeases
        | Act::RenewLeases
        | Act::ReturnLeases
        | Act::SendChallenge
        | Act::SendWelcome
        | Act::SendAssign
        | Act::SendAcknowledge
        | Act::Answer
        | Act::Identity
        | Act::Welcomed
        | Act::JournalCompact
        | Act::JournalSync
        | Act::JournalStarting
        | Act::JournalEnded
        | Act::JournalAcknowledged
        | Act::JournalForgotten
        | Act::StartShim
        | Act::StopShim
        | Act::RemoveFiles
        | Act::SendHello
        | Act::SendIdentify
        | Act::SendReport
        | Act::SendEnded
        | Act::SendOutput
        | Act::SendHeartbeat
        | Act::ShimClaim
        | Act::ShimFiles
        | Act::ShimSpawn
        | Act::ShimStarted
        | Act::ShimOutput
        | Act::ShimExit => Drive::Tour,
    }
}

/// Tours at once: each mostly waits.
const SIDE_BY_SIDE: usize = 4;

#[test]
fn every_failpoint_is_survived() {
    let cases = cases();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((point, how, engine)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Before the lock is taken, which would hold the others up.
                    let failure = run(*point, *how, *engine);
                    failures.lock().unwrap_or_else(PoisonError::into_inner).extend(failure);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failures.is_empty(), "{} tours failed (their stories stand above):\n{}", failures.len(), failures.join("\n"));
}

/// Every point in every way where there is time for it; else every act once, at a point, in a way and on an engine that the dice choose.
fn cases() -> Vec<(Point, How, Engine)> {
    let wanted = std::env::var("PULSE_TEST_CASE").unwrap_or_default();
    let seed = dice();
    let mut cases = Vec::new();
    for (number, act) in Act::ALL.iter().enumerate() {
        let ways = act.points().into_iter().flat_map(|point| How::ways(point).map(move |how| (point, how)));
        let all = ways.flat_map(|(point, how)| engines(point).iter().map(move |engine| (point, how, *engine)));
        let all: Vec<_> = all.filter(|case| name(*case).contains(&wanted)).collect();
        match drive(*act) {
            Drive::Elsewhere(why) => drop(writeln!(std::io::stderr(), "e2e failpoints: {act:?} is left out: {why}")),
            Drive::Slow if !full() && wanted.is_empty() => {}
            _ if full() || !wanted.is_empty() => cases.extend(all),
            _ if all.is_empty() => {}
            _ => cases.push(all[(seed + number) % all.len()]),
        }
    }
    cases
}

/// Printed, so that the same tours can be made again.
fn dice() -> usize {
    let given = std::env::var("PULSE_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| (uuid::Uuid::new_v4().as_u64_pair().0 >> 16) as usize);
    drop(writeln!(std::io::stderr(), "e2e failpoints: PULSE_TEST_SEED={seed}"));
    seed
}

/// The engines on which a point is driven: an agent does not know which one its controller has.
fn engines(point: Point) -> &'static [Engine] {
    match drive(point.act) {
        Drive::MariaDb => &[Engine::MariaDb],
        _ if point.name.starts_with("controller.") => &[Engine::Sqlite, Engine::MariaDb],
        _ => &[Engine::Sqlite],
    }
}

fn name((point, how, engine): (Point, How, Engine)) -> String {
    format!("failpoint: {} {how:?} {engine:?}", point.name)
}

/// Makes one tour and answers its failure.
fn run(point: Point, how: How, engine: Engine) -> Option<String> {
    let name = name((point, how, engine));
    let begun = Instant::now();
    let tour = AssertUnwindSafe(|| Tour::new(engine, &name, point, how, drive(point.act)).make());
    let failure = catch_unwind(tour).err()?;
    let text = failure.downcast_ref::<String>().cloned().or_else(|| failure.downcast_ref::<&str>().map(ToString::to_string));
    let text = text.unwrap_or_else(|| "a panic without words".to_owned());
    Some(format!("{name}: after {:.1} s: {text}", begun.elapsed().as_secs_f64()))
}

#[test]
fn no_act_is_left_out_but_places_within_a_transaction() {
    // A restore is none of a running controller's acts: `backup` drives each of its points.
    let out = |act: &&Act| matches!(drive(**act), Drive::Elsewhere(_)) && **act != Act::Restore;
    assert!(Act::ALL.iter().filter(out).all(|act| act.kind() == Kind::Midway));
}
