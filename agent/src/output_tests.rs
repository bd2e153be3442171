//! Output: order, window, pace, and where it goes on after a lost connection.

use super::*;
use crate::folder::DataDir;
use crate::spool::Writer;
use uuid::Uuid;

struct Scene {
    root: tempfile::TempDir,
    outputs: Outputs,
    attempt: AttemptId,
    spool: Writer,
    now: Instant,
}

fn scene() -> Scene {
    let root = tempfile::tempdir().unwrap();
    let data = DataDir::new(root.path());
    data.create().unwrap();
    let attempt = AttemptId(Uuid::from_u128(1));
    let dir = data.attempt(attempt);
    dir.claim().unwrap();
    let spool = Writer::create(&dir).unwrap();
    let now = Instant::now();
    let mut outputs = Outputs::default();
    outputs.add(attempt, &dir, now);
    let now = now + FIRST;
    Scene { root, outputs, attempt, spool, now }
}

impl Scene {
    fn path(&self) -> std::path::PathBuf {
        DataDir::new(self.root.path()).attempt(self.attempt).file(crate::folder::OUTPUT)
    }
    fn connect(&mut self, stored: u64) {
        self.outputs.connected(self.now);
        self.store(stored);
    }
    fn store(&mut self, stdout: u64) {
        self.outputs.stored(&[(self.attempt, OutputOffsets { stdout, stderr: 0 })], self.now);
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
    scene.spool.append(Stream::Stdout, b"0123456789");
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
    scene.outputs.end(scene.attempt, None);
    scene.connect(0);
    assert_eq!(scene.take(), Some((0, 10)));
}

#[test]
fn a_silent_controller_is_not_waited_for_for_ever() {
    let mut scene = scene();
    scene.spool.append(Stream::Stdout, b"0123456789");
    scene.outputs.connected(scene.now);
    scene.now += PATIENCE;
    assert_eq!(scene.take(), Some((0, 10)));
}

#[test]
fn the_window_bounds_what_is_under_way() {
    let mut scene = scene();
    scene.spool.append(Stream::Stdout, &vec![b'x'; 4 * WINDOW]);
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
    scene.spool.append(Stream::Stdout, &vec![b'x'; 3 * HEAD as usize]);
    scene.connect(0);
    assert_eq!(scene.flow(), Some(HEAD));
    scene.now += Duration::from_millis(500);
    assert_eq!(scene.flow(), Some(HEAD + PACE as u64 / 2));
    assert!(!scene.outputs.is_sent(scene.attempt));
    scene.outputs.end(scene.attempt, None);
    assert_eq!(scene.flow(), Some(3 * HEAD));
    assert!(scene.outputs.is_sent(scene.attempt) && scene.outputs.is_stored(scene.attempt));
}

#[test]
fn the_end_counts_only_when_all_was_sent() {
    let mut scene = scene();
    scene.spool.append(Stream::Stdout, b"0123456789");
    scene.connect(0);
    scene.take();
    assert!(!scene.outputs.is_sent(scene.attempt), "more may come");
    scene.outputs.end(scene.attempt, None);
    assert!(scene.outputs.is_sent(scene.attempt));
    assert!(!scene.outputs.is_stored(scene.attempt));
    scene.store(10);
    assert!(scene.outputs.is_stored(scene.attempt));
    scene.outputs.remove(scene.attempt);
    assert!(scene.outputs.is_stored(scene.attempt), "what is not there holds nothing back");
}

/// Puts something else in the spool's place, looks, and puts the spool back.
fn with_spool_replaced(scene: &mut Scene, replace: impl Fn(&std::path::Path), look: impl Fn(&mut Outputs, AttemptId)) {
    let path = scene.path();
    let aside = path.with_extension("aside");
    std::fs::rename(&path, &aside).unwrap();
    replace(&path);
    look(&mut scene.outputs, scene.attempt);
    if path.is_dir() {
        std::fs::remove_dir(&path).unwrap()
    } else {
        drop(std::fs::remove_file(&path))
    }
    std::fs::rename(&aside, &path).unwrap();
}

#[test]
fn what_cannot_be_read_is_neither_sent_nor_stored() {
    let mut scene = scene();
    scene.spool.append(Stream::Stdout, b"0123456789");
    scene.connect(0);
    scene.outputs.end(scene.attempt, None);
    let is_held = |outputs: &mut Outputs, attempt| assert!(!outputs.is_stored(attempt) && !outputs.is_sent(attempt));
    // Neither of them opens and reads: the one fails at the first, the other at the second.
    with_spool_replaced(&mut scene, |path| std::os::unix::fs::symlink(path, path).unwrap(), is_held);
    with_spool_replaced(&mut scene, |path| std::fs::create_dir(path).unwrap(), is_held);
    assert_eq!(scene.take(), Some((0, 10)));
    scene.store(10);
    assert!(scene.outputs.is_stored(scene.attempt));
}

#[test]
fn a_spool_that_is_not_there_or_has_no_head_holds_nothing_back() {
    for replace in [|_: &std::path::Path| {}, |path: &std::path::Path| std::fs::write(path, "").unwrap()] {
        let mut scene = scene();
        scene.outputs.end(scene.attempt, None);
        with_spool_replaced(&mut scene, replace, |outputs, attempt| assert!(outputs.is_stored(attempt)));
    }
}

#[test]
fn what_is_not_stored_for_long_is_sent_again() {
    let mut scene = scene();
    scene.spool.append(Stream::Stdout, b"0123456789");
    scene.connect(0);
    assert_eq!(scene.take(), Some((0, 10)));
    scene.now += AGAIN / 2;
    scene.store(4);
    scene.now += AGAIN - MOMENT;
    assert_eq!(scene.take(), None, "half of it came not long ago");
    scene.now += MOMENT;
    assert_eq!(scene.take(), Some((4, 10)));
    // A database that was restored is behind what it has said before.
    scene.store(2);
    scene.now += AGAIN;
    assert_eq!(scene.take(), None, "the second time it takes longer");
    scene.now += AGAIN;
    assert_eq!(scene.take(), Some((2, 10)));
    scene.store(10);
    scene.now += 4 * AGAIN;
    assert_eq!(scene.take(), None);
}

#[test]
fn a_piece_says_what_is_no_longer_kept_before_it() {
    let mut scene = scene();
    scene.connect(0);
    scene.spool.append(Stream::Stdout, &vec![b'x'; HEAD as usize]);
    scene.flow();
    scene.spool.append(Stream::Stdout, &vec![b'y'; 8 * HEAD as usize]);
    scene.outputs.end(scene.attempt, None);
    let chunk = scene.outputs.next_chunk(scene.now).unwrap();
    assert_eq!((chunk.cut, chunk.offset), (chunk.offset - HEAD, 9 * HEAD - spool::TAIL));
    assert_eq!(scene.outputs.next_chunk(scene.now).unwrap().cut, 0);
}

#[test]
fn waiting_attempts_hold_no_descriptors() {
    let mut scene = scene();
    scene.spool.append(Stream::Stdout, &vec![b'x'; 3 * WINDOW]);
    scene.connect(0);
    scene.take();
    scene.outputs.end(scene.attempt, None);
    assert!(!scene.outputs.is_sent(scene.attempt));
    let path = scene.path();
    let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
    assert_eq!(open.filter(|target| *target == path).count(), 1, "the test's own writer, and no reader");
}
