//! Output: order, window, pace, and where it goes on after a lost connection.

use super::*;
use crate::folder::DataDir;
use crate::spool::Writer;
use uuid::Uuid;

struct Scene {
    _root: tempfile::TempDir,
    outputs: Outputs,
    attempt: AttemptId,
    stdout: Writer,
    now: Instant,
}

fn scene() -> Scene {
    let root = tempfile::tempdir().unwrap();
    let data = DataDir::new(root.path());
    data.create().unwrap();
    let attempt = AttemptId(Uuid::from_u128(1));
    let dir = data.attempt(attempt);
    dir.claim().unwrap();
    let stdout = Writer::create(&dir.file("stdout")).unwrap();
    let now = Instant::now();
    let mut outputs = Outputs::default();
    outputs.add(attempt, &dir, now);
    Scene { _root: root, outputs, attempt, stdout, now }
}

impl Scene {
    fn connect(&mut self, stored: u64) {
        self.outputs.connected(self.now);
        self.store(stored);
    }
    fn store(&mut self, stdout: u64) {
        self.outputs.stored(&[(self.attempt, OutputOffsets { stdout, stderr: 0 })]);
        self.outputs.flow(self.now);
    }
    /// Takes all chunks that may go now; returns where they began and ended.
    fn take(&mut self) -> Option<(u64, u64)> {
        let first = self.outputs.next_chunk(self.now)?;
        let mut end = first.offset + first.data.len() as u64;
        while let Some(chunk) = self.outputs.next_chunk(self.now) {
            assert_eq!(chunk.offset, end);
            end += chunk.data.len() as u64;
        }
        Some((first.offset, end))
    }
    /// Takes and stores until nothing more may go.
    fn flow(&mut self) -> Option<u64> {
        let mut reached = None;
        while let Some((_, end)) = self.take() {
            self.store(end);
            reached = Some(end);
        }
        reached
    }
}

#[test]
fn nothing_flows_before_it_is_known_where_to_go_on() {
    let mut scene = scene();
    scene.stdout.append(b"0123456789");
    assert_eq!(scene.take(), None);
    scene.outputs.connected(scene.now);
    assert_eq!(scene.take(), None);
    scene.store(4);
    assert_eq!(scene.take(), Some((4, 10)));
    // Lost on its way: the next session begins where the controller is.
    scene.connect(6);
    assert_eq!(scene.take(), None, "so little can wait a moment");
    scene.now += MOMENT;
    assert_eq!(scene.take(), Some((6, 10)));
    scene.outputs.end(scene.attempt);
    scene.connect(0);
    assert_eq!(scene.take(), Some((0, 10)));
}

#[test]
fn a_silent_controller_is_not_waited_for_for_ever() {
    let mut scene = scene();
    scene.stdout.append(b"0123456789");
    scene.outputs.connected(scene.now);
    scene.now += PATIENCE;
    assert_eq!(scene.take(), Some((0, 10)));
}

#[test]
fn the_window_bounds_what_is_under_way() {
    let mut scene = scene();
    scene.stdout.append(&vec![b'x'; 4 * WINDOW]);
    scene.connect(0);
    assert_eq!(scene.take(), Some((0, WINDOW as u64)));
    assert_eq!(scene.take(), None);
    scene.store(100_000);
    let (from, to) = scene.take().unwrap();
    assert_eq!(from, WINDOW as u64);
    assert!(to <= 100_000 + WINDOW as u64);
}

#[test]
fn beyond_the_head_a_running_command_is_paced_and_its_end_is_not() {
    let mut scene = scene();
    scene.stdout.append(&vec![b'x'; 3 * HEAD as usize]);
    scene.connect(0);
    assert_eq!(scene.flow(), Some(HEAD));
    scene.now += Duration::from_millis(500);
    assert_eq!(scene.flow(), Some(HEAD + PACE as u64 / 2));
    assert!(!scene.outputs.is_sent(scene.attempt));
    scene.outputs.end(scene.attempt);
    assert_eq!(scene.flow(), Some(3 * HEAD));
    assert!(scene.outputs.is_sent(scene.attempt) && scene.outputs.is_stored(scene.attempt));
}

#[test]
fn the_end_counts_only_when_all_was_sent() {
    let mut scene = scene();
    scene.stdout.append(b"0123456789");
    scene.connect(0);
    scene.take();
    assert!(!scene.outputs.is_sent(scene.attempt), "more may come");
    scene.outputs.end(scene.attempt);
    assert!(scene.outputs.is_sent(scene.attempt));
    assert!(!scene.outputs.is_stored(scene.attempt));
    scene.store(10);
    assert!(scene.outputs.is_stored(scene.attempt));
    scene.outputs.remove(scene.attempt);
    assert!(scene.outputs.is_stored(scene.attempt), "what is not there holds nothing back");
}
