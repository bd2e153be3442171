//! A cgroup (v2) of the command's own, below the agent's, where the host lets us: it makes the final kill one atomic write.
//! Where it does not, the walk over descendants does the same work; so every failure here is silent. Each command has a new one, because the one
//! before may have bound or frozen its own.

use super::processes;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Names of these folders begin with this, the shim's process id follows, and which of its commands it is.
const NAME: &str = "pulse-shim-";

/// The command's cgroup. It goes with this, if nothing is left in it.
pub struct Cgroup {
    path: PathBuf,
    /// Says whether something is in it.
    events: File,
    /// The folder, for a child that is made in it.
    pub folder: File,
}

impl Cgroup {
    /// Makes one for this process's command of this number, if that is possible.
    pub fn create(number: u64) -> Option<Self> {
        let path = home()?.join(format!("{NAME}{}-{number}", std::process::id()));
        // What lies there already was left by a process that had the same number.
        std::fs::create_dir(&path).or_else(|_| std::fs::remove_dir(&path).and_then(|()| std::fs::create_dir(&path))).ok()?;
        let open = || {
            let events = File::open(path.join("cgroup.events")).ok()?;
            Some(Self { events, folder: File::open(&path).ok()?, path: path.clone() })
        };
        let opened = open();
        if opened.is_none() {
            remove(&path);
        }
        opened
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

impl Drop for Cgroup {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Removes a cgroup if nothing is left in it.
pub fn remove(path: &Path) {
    drop(std::fs::remove_dir(path));
}

/// Removes what shims left behind that were killed.
pub fn sweep() {
    for entry in home().and_then(|home| std::fs::read_dir(home).ok()).into_iter().flatten().flatten() {
        let shim = entry.file_name().to_str().and_then(|name| name.strip_prefix(NAME)?.split('-').next()?.parse().ok());
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
