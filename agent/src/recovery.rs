//! What an attempt's files prove. Nothing is ever started from here.
//!
//! ```text
//! exit record ────────────────────────────▶ it counts, whatever boot wrote it
//! none, other boot ───────────────────────▶ unknown: host rebooted
//! none, same boot: claim wins ────────────▶ not started, and never will be: the shim's own claim must now fail
//!                  claim loses, locked ───▶ a living shim: adopt it
//!                  lock free, exit record ▶ it ended between two looks
//!                  lock free, none ───────▶ unknown: supervisor lost
//! ```
//!
//! Of a command that is known to have started nobody tries the claim: that its folder is missing only says that somebody deleted it.

use crate::folder::AttemptDir;
use crate::record::{Exit, Started, Writer};
use crate::spool;
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::{AttemptId, BootId, Ended, OutputTotals};
use std::io::{self, ErrorKind};
use std::path::Path;

/// What became of an attempt whose start is in the journal.
#[derive(Debug)]
pub enum Settled {
    /// It is over.
    Over(Ended),
    /// A shim has it in hand.
    Alive {
        /// Its command's process id, once there is one.
        pid: Option<i32>,
    },
}

/// Finds out. `reason` is said where it turns out that the command was never started; there is none where it is known to have
/// started. An error proves nothing: ask again.
pub fn settle(dir: &AttemptDir, begun_in: BootId, boot: BootId, reason: Option<&str>) -> io::Result<Settled> {
    if let Some(ended) = exit(dir)? {
        return Ok(Settled::Over(ended));
    }
    if begun_in != boot {
        return Ok(Settled::Over(unknown(dir, UnknownReason::HostRebooted)));
    }
    if let Some(reason) = reason
        && !dir.path().try_exists()?
    {
        let ended = Ended::bare(EndKind::NotStarted { reason: reason.to_owned() });
        // Lets a second recovery see the same proof, should this agent die before its journal has it.
        if dir.claim_with(|folder| leave(dir.attempt(), folder, Exit { ended: ended.clone() }))? {
            return Ok(Settled::Over(ended));
        }
    }
    if dir.is_supervised()? {
        return Ok(Settled::Alive { pid: pid(dir) });
    }
    Ok(Settled::Over(exit(dir)?.unwrap_or_else(|| unknown(dir, UnknownReason::SupervisorLost))))
}

fn leave(attempt: AttemptId, folder: &Path, exit: Exit) -> io::Result<()> {
    let mut record = Writer::new(attempt, folder);
    record.exit(exit)?;
    record.sync()
}

/// Whether there are files of the attempt, so that a shim has it in hand or had it. An error proves nothing.
pub fn has_trace(dir: &AttemptDir) -> io::Result<bool> {
    dir.path().try_exists()
}

/// The command's process id, where a record of its start can be read.
pub fn pid(dir: &AttemptDir) -> Option<i32> {
    Started::read(dir).ok().flatten().map(|started| started.pid)
}

fn exit(dir: &AttemptDir) -> io::Result<Option<Ended>> {
    match Exit::read(dir) {
        Ok(exit) => Ok(exit.map(|exit| exit.ended)),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            tracing::error!(attempt = %dir.attempt(), %error, "ALARM: the exit record does not count");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn unknown(dir: &AttemptDir, reason: UnknownReason) -> Ended {
    let bytes = |stream| spool::available(dir, stream).unwrap_or(0);
    let [stdout, stderr] = spool::STREAMS.map(|stream| OutputTotals { bytes: bytes(stream), sha256: String::new() });
    Ended { stdout, stderr, ..Ended::bare(EndKind::Unknown { reason }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::DataDir;
    use uuid::Uuid;

    struct Scene {
        _root: tempfile::TempDir,
        dir: AttemptDir,
        attempt: AttemptId,
    }

    const THIS: BootId = BootId(Uuid::from_u128(1));
    const OTHER: BootId = BootId(Uuid::from_u128(2));

    fn scene() -> Scene {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::new(root.path());
        data.create().unwrap();
        let attempt = AttemptId(Uuid::now_v7());
        Scene { dir: data.attempt(attempt), attempt, _root: root }
    }

    impl Scene {
        fn end(&self, begun_in: BootId) -> EndKind {
            match settle(&self.dir, begun_in, THIS, Some("lost")).unwrap() {
                Settled::Over(ended) => ended.how,
                Settled::Alive { pid } => panic!("alive as {pid:?}"),
            }
        }
        fn exit_zero(&self) {
            let ended = Ended::bare(EndKind::Exited { code: 0 });
            leave(self.attempt, self.dir.path(), Exit { ended }).unwrap();
        }
    }

    #[test]
    fn never_claimed_is_proof_and_stays_so() {
        let scene = scene();
        assert_eq!(scene.end(THIS), EndKind::NotStarted { reason: "lost".into() });
        assert!(scene.dir.claim().unwrap().is_none(), "a late shim must lose");
        assert_eq!(scene.end(THIS), EndKind::NotStarted { reason: "lost".into() });
    }

    #[test]
    fn claimed_without_shim_or_record_is_unknown() {
        let scene = scene();
        scene.dir.claim().unwrap();
        assert_eq!(scene.end(THIS), EndKind::Unknown { reason: UnknownReason::SupervisorLost });
        assert_eq!(scene.end(OTHER), EndKind::Unknown { reason: UnknownReason::HostRebooted });
        scene.exit_zero();
        assert_eq!(scene.end(THIS), EndKind::Exited { code: 0 });
        assert_eq!(scene.end(OTHER), EndKind::Exited { code: 0 });
    }

    #[test]
    fn after_a_reboot_the_unclaimed_is_unknown_too() {
        assert_eq!(scene().end(OTHER), EndKind::Unknown { reason: UnknownReason::HostRebooted });
    }

    #[test]
    fn a_folder_that_was_deleted_does_not_undo_a_start() {
        let scene = scene();
        for _ in 0..2 {
            let settled = settle(&scene.dir, THIS, THIS, None).unwrap();
            let Settled::Over(ended) = settled else { panic!("{settled:?}") };
            assert_eq!(ended.how, EndKind::Unknown { reason: UnknownReason::SupervisorLost });
        }
        assert!(!scene.dir.path().exists());
    }

    #[test]
    fn a_living_shim_is_adopted() {
        let scene = scene();
        let _lock = scene.dir.claim().unwrap().unwrap();
        assert!(matches!(settle(&scene.dir, THIS, THIS, Some("")), Ok(Settled::Alive { pid: None })));
    }

    #[test]
    fn a_foreign_or_damaged_record_does_not_count() {
        let scene = scene();
        scene.dir.claim().unwrap();
        let ended = Ended::bare(EndKind::Exited { code: 0 });
        leave(AttemptId(Uuid::now_v7()), scene.dir.path(), Exit { ended }).unwrap();
        assert_eq!(scene.end(THIS), EndKind::Unknown { reason: UnknownReason::SupervisorLost });
        std::fs::write(scene.dir.file("record"), "{}\n").unwrap();
        assert_eq!(scene.end(THIS), EndKind::Unknown { reason: UnknownReason::SupervisorLost });
    }
}
