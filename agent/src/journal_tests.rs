//! The journal: what was appended comes back, whatever happens to its end.

use super::*;
use pulse_protocol::observation::EndKind;
use pulse_protocol::{AttemptId, BootId, Ended, ExecutionId};
use uuid::Uuid;

fn record(number: u128) -> Record {
    let attempt = AttemptId(Uuid::from_u128(number));
    match number % 3 {
        0 => Record::Starting { attempt, execution: ExecutionId(attempt.0), boot: BootId(attempt.0) },
        1 => Record::Ended { attempt, ended: Ended::bare(EndKind::Exited { code: -1 }) },
        _ => Record::Forgotten { attempt, how: EndKind::NotStarted { reason: "ä\0".into() }, at: u64::MAX },
    }
}

fn records(numbers: std::ops::Range<u128>) -> Vec<Record> {
    numbers.map(record).collect()
}

struct Scene {
    root: tempfile::TempDir,
    data: DataDir,
}

fn scene() -> Scene {
    let root = tempfile::tempdir().unwrap();
    Scene { data: DataDir::new(root.path()), root }
}

impl Scene {
    fn open(&self) -> (Journal, Vec<Record>) {
        Journal::open(&self.data, Incarnation(Uuid::new_v4())).unwrap()
    }
    fn file(&self) -> std::path::PathBuf {
        self.root.path().join("journal")
    }
}

#[test]
fn what_was_appended_comes_back() {
    let scene = scene();
    let (mut journal, found) = scene.open();
    assert_eq!((found.len(), journal.sequence()), (0, 0));
    journal.append(&records(0..3)).unwrap();
    journal.append(&records(3..4)).unwrap();
    let (again, found) = scene.open();
    assert_eq!((again.incarnation(), again.sequence()), (journal.incarnation(), 4));
    assert_eq!(found, records(0..4));
}

/// Cut at every byte, and damaged at every byte: what was durable before the damage stays, and appending goes on.
#[test]
fn a_torn_or_damaged_end_is_removed_at_every_byte() {
    let scene = scene();
    let (mut journal, _) = scene.open();
    let mut ends = vec![journal.end];
    for number in 0..4 {
        journal.append(&[record(number)]).unwrap();
        ends.push(journal.end);
    }
    let padded = std::fs::read(scene.file()).unwrap();
    let (whole, rest) = padded.split_at(journal.end as usize);
    assert!(rest.iter().all(|byte| *byte == 0) && (padded.len() as u64).is_multiple_of(PAGE));
    for at in ends[0] as usize..whole.len() {
        let survivors = ends.iter().filter(|end| **end <= at as u64).count() - 1;
        let (mut flipped, mut zeroed) = (padded.clone(), padded.clone());
        flipped[at] ^= 0x40;
        zeroed[at..].fill(0);
        for bytes in [&whole[..at], &flipped, &zeroed] {
            std::fs::write(scene.file(), bytes).unwrap();
            let (mut journal, found) = scene.open();
            assert_eq!(found, records(0..survivors as u128), "byte {at}");
            assert_eq!(journal.sequence(), survivors as u64);
            journal.append(&[record(9)]).unwrap();
            assert_eq!(scene.open().1.last(), Some(&record(9)), "byte {at}");
        }
    }
}

#[test]
fn a_damaged_head_begins_another_incarnation_and_keeps_the_old_file() {
    let scene = scene();
    let (mut journal, _) = scene.open();
    journal.append(&records(0..2)).unwrap();
    let whole = std::fs::read(scene.file()).unwrap();
    std::fs::write(scene.file(), &whole[1..]).unwrap();
    let (other, found) = scene.open();
    assert_ne!(other.incarnation(), journal.incarnation());
    assert_eq!(found, []);
    let names = std::fs::read_dir(scene.root.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.starts_with("journal.damaged-")).count(), 1);
}

#[test]
fn another_releases_record_is_not_cut_off() {
    let scene = scene();
    let (mut journal, _) = scene.open();
    journal.append(&records(0..1)).unwrap();
    let mut bytes = std::fs::read(scene.file()).unwrap();
    bytes.truncate(journal.end as usize);
    frame(&mut bytes, &serde_json::json!({"sequence": 2, "record": "teleported"})).unwrap();
    std::fs::write(scene.file(), &bytes).unwrap();
    let error = Journal::open(&scene.data, Incarnation(Uuid::new_v4())).unwrap_err();
    assert!(error.to_string().contains("another release"), "{error:#}");
    assert_eq!(std::fs::read(scene.file()).unwrap(), bytes);
}

#[test]
fn compaction_keeps_incarnation_and_sequence() {
    let scene = scene();
    let (mut journal, _) = scene.open();
    while !journal.wants_compaction() {
        journal.append(&records(0..500)).unwrap();
    }
    let sequence = journal.sequence();
    journal.compact(vec![]).unwrap();
    assert!(!journal.wants_compaction());
    assert_eq!(scene.open().0.sequence(), sequence);
    journal.compact(records(0..2)).unwrap();
    journal.append(&records(2..3)).unwrap();
    let (again, found) = scene.open();
    assert_eq!((again.incarnation(), again.sequence(), found), (journal.incarnation(), sequence + 1, records(0..3)));
}

/// A write that fails leaves nothing behind that a later append could follow.
#[test]
fn after_a_failed_append_the_next_one_still_counts() {
    let scene = scene();
    let (mut journal, _) = scene.open();
    journal.append(&records(0..1)).unwrap();
    let good = std::mem::replace(&mut journal.file, File::open(scene.file()).unwrap());
    assert!(journal.append(&records(1..2)).is_err(), "the file is open for reading only");
    journal.file = good;
    journal.file.write_all_at(b"half a frame", journal.end).unwrap();
    journal.append(&records(2..3)).unwrap();
    assert_eq!(scene.open().1, [record(0), record(2)]);
}

/// An agent that dies between a write and its sync leaves a record that a power cut would take away after others have heard of it.
#[test]
fn what_is_read_back_is_synced_before_anything_follows_from_it() {
    use std::cell::RefCell;
    use std::rc::Rc;
    let scene = scene();
    let (mut journal, _) = scene.open();
    journal.append(&records(0..1)).unwrap();
    let points = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&points);
    pulse_protocol::failpoint::hook(Some(Rc::new(move |point: &str| heard.borrow_mut().push(point.to_owned()))));
    assert_eq!(scene.open().1, records(0..1));
    pulse_protocol::failpoint::hook(None);
    assert_eq!(*points.borrow(), ["agent.journal-sync.before", "agent.journal-sync.after"]);
}

/// What a power cut may take away is told to nobody.
#[test]
fn a_sequence_is_told_once_it_is_durable() {
    let scene = scene();
    let (mut journal, _) = scene.open();
    let acknowledged = |number| Record::Acknowledged { attempt: AttemptId(Uuid::from_u128(number)) };
    journal.append(&[record(0)]).unwrap();
    journal.append(&[acknowledged(0)]).unwrap();
    assert_eq!(journal.sequence(), 1);
    journal.append(&[acknowledged(1), record(1)]).unwrap();
    assert_eq!(journal.sequence(), 4);
    journal.append(&[record(2)]).unwrap();
    assert_eq!((journal.sequence(), scene.open().0.sequence()), (4, 5), "reading makes it durable");
}
