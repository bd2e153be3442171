//! The disk of the data folder is full, or has lost what was written: nothing starts, nothing is lost, nothing starts twice.

mod harness;

use harness::limits::{SmallDisk, limit_files};
use harness::{Agent, Controller, assert_exited, lines, wait};
use pulse_protocol::message::Stream;
use pulse_protocol::observation::EndKind;
use pulse_protocol::{Assignment, AttemptId};
use sha2::{Digest, Sha256};
use std::path::Path;

/// A script that writes a line into `witness`, then waits for the file `go`, both beside the data folder, and exits with 7.
fn waiting(controller: &Controller, root: &Path) -> Assignment {
    let root = root.display();
    controller.attempt(&format!(
        "echo x >> {root}/witness; echo before; until [ -e {root}/go ]; do sleep 0.05; done; echo after; exit 7"
    ))
}

fn started(controller: &Controller, assignment: &Assignment) -> AttemptId {
    controller.assign(vec![assignment.clone()]);
    controller.started(assignment.attempt);
    assignment.attempt
}

#[test]
fn on_a_full_disk_nothing_starts_and_what_runs_is_told_once_there_is_room() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let Some(disk) = SmallDisk::mount(&data, 40 << 20) else { return };
    let controller = Controller::start();
    let mut agent = Agent::start(&controller, &data);
    let running = waiting(&controller, root.path());
    started(&controller, &running);
    // Whatever becomes free is taken at once.
    let filler = controller.attempt("while :; do cat /dev/zero >> \"$PULSE_WORKDIR/fill\" || sleep 0.01; done 2>/dev/null");
    started(&controller, &filler);
    wait("the disk to be full", || (disk.free() == 0).then_some(()));

    let witness = root.path().join("second");
    let more: Vec<_> = (0..40).map(|_| controller.attempt(&format!("echo x >> {}", witness.display()))).collect();
    more.iter().for_each(|one| controller.assign(vec![one.clone()]));
    // The first ones may still fit into the journal's last page; their shims find no room for output, and wait for room to say so.
    let told = controller.end(more[39].attempt);
    let EndKind::NotStarted { reason } = told.how else { panic!("{told:?}") };
    assert!(reason.contains("journal cannot be written") && reason.contains("No space left"), "{reason}");

    // A command ends, and the agent dies and comes back, all without room.
    std::fs::write(root.path().join("go"), "").unwrap();
    agent.kill();
    let sessions = controller.heard.lock().unwrap().sessions;
    agent.restart();
    controller.another_session(sessions);
    wait("the disk to be full again", || (disk.free() == 0).then_some(()));
    controller.stop(&filler);
    assert_eq!(controller.end(filler.attempt).how, EndKind::Cancelled);
    let again = |assignment: &Assignment| {
        controller.assign(vec![assignment.clone()]);
        controller.end(assignment.attempt)
    };
    assert_exited(&again(&running), 7);
    assert_eq!(controller.output(running.attempt, Stream::Stdout), b"before\nafter\n");
    let mut reasons = std::collections::BTreeMap::new();
    for one in &more {
        let EndKind::NotStarted { reason } = controller.end(one.attempt).how else { panic!("{:?}", controller.end(one.attempt)) };
        assert!(reason.contains("No space left"), "{reason}");
        *reasons.entry(reason).or_insert(0) += 1;
    }
    println!("{reasons:#?}");
    assert_exited(&controller.run("true").1, 0);
    assert_eq!((lines(&root.path().join("witness")), lines(&witness)), (1, 0));
}

#[test]
fn a_command_that_filled_the_disk_with_its_own_files_is_told() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let Some(disk) = SmallDisk::mount(&data, 20 << 20) else { return };
    let controller = Controller::start();
    let _agent = Agent::start(&controller, &data);
    // Its output takes all the room that was reserved for it, so that none of that is given back.
    let noise = "head -c 8000000 /dev/zero";
    let (_, ended) = controller.run(&format!("{noise}; {noise} >&2; exec cat /dev/zero > fill"));
    assert_exited(&ended, 1);
    assert_eq!(ended.stdout.bytes, 8_000_000);
    assert!(disk.free() > 0);
    assert_exited(&controller.run("true").1, 0);
}

#[test]
fn output_that_cannot_be_stored_blocks_nobody_and_its_totals_are_exact() {
    const SIZE: usize = 3_000_000;
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, &root.path().join("data"));
    let go = root.path().join("go");
    let script = format!("until [ -e '{}' ]; do sleep 0.02; done; yes 123 | head -c {SIZE}; exit 3", go.display());
    let attempt = started(&controller, &controller.attempt(&script));
    // The spool's room is reserved; a disk that fails in the middle looks like this to its writer.
    const STORED: u64 = 512 * 1024;
    let shim = agent.shims()[0];
    limit_files(shim, Some(STORED));
    std::fs::write(go, "").unwrap();
    let ended = controller.end(attempt);
    assert_exited(&ended, 3);
    let expected: Vec<u8> = b"123\n".iter().copied().cycle().take(SIZE).collect();
    let digest: String = Sha256::digest(&expected).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((ended.stdout.bytes, ended.stdout.sha256), (SIZE as u64, digest));
    let stored = controller.output(attempt, Stream::Stdout);
    assert!(!stored.is_empty() && stored.len() as u64 <= STORED, "{} bytes", stored.len());
    assert_eq!(stored, expected[..stored.len()]);
    assert_exited(&controller.run("true").1, 0);
}

/// What happens to the journal's file, which is written so far, between two lives of the agent, and whether it loses something.
type Damage = (&'static str, fn(&mut Vec<u8>, usize), bool);

const DAMAGES: [Damage; 5] = [
    ("the last frame is cut in its middle", |bytes, used| bytes.truncate(used - 20), true),
    ("a bit of the last frame is another", |bytes, used| bytes[used - 20] ^= 4, true),
    ("its last bytes are zero, as after a power cut", |bytes, used| bytes[used - 30..].fill(0), true),
    ("strange bytes follow", |bytes, used| bytes[used..].fill(0x17), false),
    ("strange bytes follow its page", |bytes, _| bytes.extend([0x17; 100]), false),
];

/// How far it is written; what follows are zeros.
fn used(journal: &[u8]) -> usize {
    journal.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

#[test]
fn a_journal_damaged_at_its_tail_is_cut_and_nothing_starts_twice() {
    for (what, damage, loses) in DAMAGES {
        let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
        let mut agent = Agent::start(&controller, &root.path().join("data"));
        let (earlier, _) = controller.run("exit 5");
        let running = waiting(&controller, root.path());
        let attempt = started(&controller, &running);
        let sequence = || controller.heard.lock().unwrap().identify.as_ref().unwrap().sequence;
        let restart = |agent: &mut Agent| {
            let sessions = controller.heard.lock().unwrap().sessions;
            agent.restart();
            controller.another_session(sessions);
            sequence()
        };
        agent.kill();
        let before = restart(&mut agent);
        agent.kill();
        let journal = root.path().join("data/journal");
        let mut bytes = std::fs::read(&journal).unwrap();
        let used = used(&bytes);
        damage(&mut bytes, used);
        std::fs::write(&journal, bytes).unwrap();
        controller.heard.lock().unwrap().observations.clear();
        let after = restart(&mut agent);
        assert_eq!(after, before - u64::from(loses), "{what}: the sequence tells the controller");
        controller.assign(vec![running.clone(), Assignment { attempt: earlier, ..running.clone() }]);
        assert_exited(&controller.end(earlier), 5);
        controller.started(attempt);
        std::fs::write(root.path().join("go"), "").unwrap();
        assert_exited(&controller.end(attempt), 7);
        assert_eq!(controller.output(attempt, Stream::Stdout), b"before\nafter\n", "{what}");
        assert_eq!(lines(&root.path().join("witness")), 1, "{what}");
    }
}

#[test]
fn a_journal_damaged_under_a_running_agent_is_cut_by_the_next_one() {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let mut agent = Agent::start(&controller, &root.path().join("data"));
    let running = waiting(&controller, root.path());
    let attempt = started(&controller, &running);
    let journal = root.path().join("data/journal");
    let length = used(&std::fs::read(&journal).unwrap()) as u64;
    // The agent knows what it wrote, and goes on behind it.
    let file = std::fs::File::options().write(true).open(&journal).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"damaged", length - 20).unwrap();
    assert_exited(&controller.run("exit 4").1, 4);
    agent.kill();
    let sessions = controller.heard.lock().unwrap().sessions;
    agent.restart();
    controller.another_session(sessions);
    assert_eq!(controller.heard.lock().unwrap().identify.as_ref().unwrap().sequence, 0);
    controller.assign(vec![running]);
    std::fs::write(root.path().join("go"), "").unwrap();
    assert_exited(&controller.end(attempt), 7);
    assert_eq!(lines(&root.path().join("witness")), 1);
}
