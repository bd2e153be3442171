//! A named point in a process at which it stands still (`PULSE_FAILPOINT`). The marker's folder arms it: without the folder every
//! visit passes, and taking the folder away lets whoever stands there go on.

use super::wait;
use std::path::{Path, PathBuf};

/// One point of one process.
pub struct Gate {
    point: String,
    folder: PathBuf,
}

impl Gate {
    /// Names the point; nothing stops yet.
    pub fn new(point: &str, root: &Path) -> Self {
        Self { point: point.to_owned(), folder: root.join("gate") }
    }

    /// What the process needs in its environment.
    pub fn environment(&self) -> (String, String) {
        ("PULSE_FAILPOINT".into(), format!("{}={}", self.point, self.marker().display()))
    }

    /// The next visit stops.
    pub fn arm(&self) {
        std::fs::create_dir(&self.folder).unwrap();
    }

    /// Waits until somebody stands there.
    pub fn wait_reached(&self) {
        let hint = "(only builds with debug assertions have such points)";
        wait(&format!("somebody at {} {hint}", self.point), || self.marker().exists().then_some(()));
    }

    /// Lets go on whoever stands there; nobody stops any more.
    pub fn open(&self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
    }

    fn marker(&self) -> PathBuf {
        self.folder.join("marker")
    }
}
