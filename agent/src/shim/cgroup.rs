//! A cgroup (v2) for the commands of a shim, below the agent's, where the host lets us: it makes the final kill one atomic write.
//! Where it does not, the walk over descendants does the same work; so every failure here is silent. Commands have it one after the other, and
//! the next one only when nothing of the one before is left in it: making one and removing it costs as much as a process.

use super::processes;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Names of these folders begin with this, and end with the shim's process id.
const NAME: &str = "pulse-shim-";

/// The command's cgroup.
pub struct Cgroup {
    path: PathBuf,
    /// Says whether something is in it.
    events: File,
    /// The folder, for a child that is made in it.
    pub folder: File,
}

impl Cgroup {
    /// Makes one for this process, if that is possible.
    pub fn create() -> Option<Self> {
        let path = home()?.join(format!("{NAME}{}", std::process::id()));
        std::fs::create_dir(&path).ok()?;
        let open = || {
            Some(Self {
                events: File::open(path.join("cgroup.events")).ok()?,
                folder: File::open(&path).ok()?,
                path: path.clone(),
            })
        };
        open().or_else(|| {
            remove(&path);
            None
        })
    }

    /// Open for a child that cannot be made in it, and writes itself in between fork and exec.
    pub fn procs(&self) -> Option<File> {
        OpenOptions::new().write(true).open(self.path.join("cgroup.procs")).ok()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Kills everything in it at once (Linux 5.14 and later).
    pub fn kill(&self) {
        drop(std::fs::write(self.path.join("cgroup.kill"), "1"));
    }

    /// Whether nothing runs in it. A cgroup that cannot be read is not known to be empty.
    pub fn is_empty(&self) -> bool {
        let mut text = [0; 256];
        let length = self.events.read_at(&mut text, 0).unwrap_or_default();
        text[..length].split(|byte| *byte == b'\n').any(|line| line == b"populated 0")
    }
}

/// Removes a cgroup if nothing is left in it.
pub fn remove(path: &Path) {
    drop(std::fs::remove_dir(path));
}

/// Removes what shims left behind that were killed.
pub fn sweep() {
    for entry in home().and_then(|home| std::fs::read_dir(home).ok()).into_iter().flatten().flatten() {
        let shim = entry.file_name().to_str().and_then(|name| name.strip_prefix(NAME)?.parse().ok());
        if shim.is_some_and(|shim| processes::look(shim).is_none()) {
            remove(&entry.path());
        }
    }
}

/// This process's own folder in the first cgroup2 mount, looked up once.
pub fn home() -> Option<&'static Path> {
    static HOME: OnceLock<Option<PathBuf>> = OnceLock::new();
    let look = || {
        let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
        home_of(&mounts, &std::fs::read_to_string("/proc/self/cgroup").ok()?)
    };
    HOME.get_or_init(look).as_deref()
}

fn home_of(mounts: &str, own: &str) -> Option<PathBuf> {
    let mount = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|f| f.get(2) == Some(&"cgroup2"))?;
    let below = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(mount.get(1)?).join(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_folder_is_found_beside_version_one() {
        let mounts = "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let own = "3:cpu:/\n0::/system.slice/pulse-agent.service\n";
        let found = home_of(mounts, own).unwrap();
        assert_eq!(found, Path::new("/sys/fs/cgroup/unified/system.slice/pulse-agent.service"));
        assert_eq!(home_of("tmpfs / tmpfs rw 0 0", own), None);
        assert_eq!(home_of(mounts, "3:cpu:/\n"), None);
    }
}
