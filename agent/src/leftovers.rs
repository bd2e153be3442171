//! When an attempt's files may go. The folder is the claim that keeps every late shim from running the command, so it is given
//! up only once no shim can come any more.
//!
//! ```text
//! a shim holds the lock ───────────────▶ later
//! the shim's end was seen, or ─────────▶ remove: there is one shim for an attempt, and it was past its claim
//!   it left something of its own
//! marked as kept in another boot ──────▶ remove: no process outlives a boot
//! else ────────────────────────────────▶ keep it for this boot: a shim may still stand before its claim
//! ```
//!
//! A few of those that may go are used again (see `spare`).

use crate::folder::{AttemptDir, DataDir, OUTPUT, write_durably};
use crate::record::Supervised;
use crate::shim::{cgroup, processes};
use crate::spare;
use pulse_protocol::failpoint::{self, Act};
use pulse_protocol::{AttemptId, BootId};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use uuid::Uuid;

/// Most folders that wait to be used again.
const SPARES: usize = 16;

/// Names the file that says in which boot a folder was last needed.
const KEPT: &str = "kept";

/// Attempts whose files are to be removed.
#[derive(Default)]
pub struct Leftovers {
    waiting: BTreeSet<AttemptId>,
    /// Attempts whose only shim is seen to be gone, or was never made.
    without_shim: BTreeSet<AttemptId>,
    /// Names of folders that may be used again.
    spares: Vec<Uuid>,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Remove,
    Later,
    Keep,
}

impl Leftovers {
    /// Nobody needs the attempt's files any more.
    pub fn insert(&mut self, attempt: AttemptId) {
        self.waiting.insert(attempt);
    }

    /// The attempt's shim is gone for sure, or there never was one.
    pub fn no_shim(&mut self, attempt: AttemptId) {
        self.without_shim.insert(attempt);
    }

    /// A folder that may be used again, by whoever asks.
    pub fn spare(&mut self) -> Option<Uuid> {
        self.spares.pop()
    }

    /// Removes what may go, or lets it be used again; what cannot go yet is tried again, what must be kept for this boot is found again by the next start.
    pub fn remove(&mut self, data: &DataDir, boot: BootId) {
        let Self { waiting, without_shim, spares } = self;
        waiting.retain(|attempt| {
            let dir = data.attempt(*attempt);
            match verdict(&dir, boot, without_shim.contains(attempt)) {
                Ok(Verdict::Remove) if remove(data, &dir, spares).is_ok() => {
                    without_shim.remove(attempt);
                    false
                }
                Ok(Verdict::Keep) => false,
                Ok(Verdict::Remove | Verdict::Later) | Err(_) => true,
            }
        });
    }
}

/// Whether the folder was kept only to stand in a late shim's way.
pub fn is_kept(dir: &AttemptDir) -> bool {
    dir.file(KEPT).exists()
}

fn verdict(dir: &AttemptDir, boot: BootId, without_shim: bool) -> io::Result<Verdict> {
    if dir.is_supervised()? {
        return Ok(Verdict::Later);
    }
    if without_shim || !dir.path().try_exists()? || dir.file(OUTPUT).try_exists()? {
        return Ok(Verdict::Remove);
    }
    match std::fs::read_to_string(dir.file(KEPT)) {
        Ok(text) if text.trim().parse::<BootId>().is_ok_and(|kept_in| kept_in != boot) => return Ok(Verdict::Remove),
        Ok(text) if text.trim() == boot.to_string() => return Ok(Verdict::Keep),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        // Never marked, or the mark is damaged: whatever boot this folder is from, this one is not too early.
        Ok(_) | Err(_) => {}
    }
    write_durably(Act::KeepFolder, dir.path(), KEPT, boot.to_string().as_bytes())?;
    Ok(Verdict::Keep)
}

fn remove(data: &DataDir, dir: &AttemptDir, spares: &mut Vec<Uuid>) -> io::Result<()> {
    let is_spare = || failpoint::around(Act::RemoveFiles, || spare::retire(data, dir));
    if spares.len() < SPARES && is_spare().unwrap_or(false) {
        spares.push(dir.attempt().0);
        return Ok(());
    }
    let supervised = Supervised::read(dir);
    dir.remove()?;
    // A living shim removes its own, or has another command in it.
    if let Ok(Some(Supervised { shim, cgroup: Some(path) })) = supervised
        && processes::look(shim).is_none()
    {
        cgroup::remove(&path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const THIS: BootId = BootId(Uuid::from_u128(1));
    const NEXT: BootId = BootId(Uuid::from_u128(2));

    struct Scene {
        _root: tempfile::TempDir,
        data: DataDir,
        attempt: AttemptId,
        leftovers: Leftovers,
    }

    fn scene() -> Scene {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::new(root.path());
        data.create().unwrap();
        let attempt = AttemptId(Uuid::now_v7());
        assert!(data.attempt(attempt).claim_with(|_| Ok(())).unwrap());
        Scene { data, attempt, leftovers: Leftovers::default(), _root: root }
    }

    impl Scene {
        fn dir(&self) -> AttemptDir {
            self.data.attempt(self.attempt)
        }
        /// Whether the folder is still there after a round.
        fn stays(&mut self, boot: BootId) -> bool {
            self.leftovers.insert(self.attempt);
            self.leftovers.remove(&self.data, boot);
            self.dir().path().exists()
        }
    }

    #[test]
    fn a_folder_without_a_shims_trace_stays_for_this_boot() {
        let mut scene = scene();
        assert!(scene.stays(THIS) && scene.stays(THIS));
        assert!(is_kept(&scene.dir()));
        assert!(!scene.stays(NEXT));
    }

    #[test]
    fn a_damaged_mark_counts_as_of_this_boot() {
        let mut scene = scene();
        std::fs::write(scene.dir().file(KEPT), "no boot").unwrap();
        assert!(scene.stays(THIS) && scene.stays(THIS));
        assert!(!scene.stays(NEXT));
    }

    #[test]
    fn a_shim_that_left_its_trace_or_whose_end_was_seen_needs_no_claim() {
        let mut scene = scene();
        scene.leftovers.no_shim(scene.attempt);
        assert!(!scene.stays(THIS));
        drop(scene.dir().claim().unwrap());
        assert!(!scene.stays(THIS));
    }

    #[test]
    fn a_few_that_ended_as_they_should_are_used_again() {
        let mut scene = scene();
        for number in 0..SPARES + 2 {
            scene.attempt = AttemptId(Uuid::now_v7());
            drop(scene.dir().claim().unwrap());
            std::fs::remove_dir(scene.dir().file(crate::folder::WORK)).unwrap();
            assert!(!scene.stays(THIS));
            assert_eq!(scene.data.spare(scene.attempt.0).exists(), number < SPARES, "{number}");
        }
        assert_eq!(std::iter::from_fn(|| scene.leftovers.spare()).count(), SPARES);
    }

    #[test]
    fn a_living_shim_keeps_its_folder_in_any_case() {
        let mut scene = scene();
        scene.dir().remove().unwrap();
        let lock = scene.dir().claim().unwrap();
        scene.leftovers.no_shim(scene.attempt);
        assert!(scene.stays(NEXT));
        drop(lock);
        assert!(!scene.stays(NEXT));
    }
}
