//! Hosts that are short of something: an agent whose user may have so many processes, whose cgroup may take so much memory, whose
//! data folder lies on a disk of so many bytes.

use super::{Agent, Controller, wait};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether this test may make users and mounts of its own.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Starts an agent whose user may have no more processes than these and those of everybody else. As root it is a user that nobody
/// else is; the data folder's parent must be open to it.
pub fn start_with_processes(controller: &Controller, root: &Path, most: usize) -> Agent {
    let copy = root.join("agent");
    std::fs::copy(env!("CARGO_BIN_EXE_pulse-agent"), &copy).unwrap();
    let data = root.join("data");
    std::fs::create_dir(&data).unwrap();
    for path in [root, &copy, &data] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    let line = if is_root() {
        let user = 1_000_000_000 + uuid::Uuid::new_v4().as_u128() as u32 % 1_000_000_000;
        format!("exec prlimit --nproc={most} setpriv --reuid={user} --regid={user} --clear-groups ../agent")
    } else {
        format!("exec prlimit --nproc=$(($(ls -d /proc/[0-9]*/task/[0-9]* 2>/dev/null | wc -l) + {most})) ../agent")
    };
    Agent::start_by(controller, &data, &format!("cd '{}'; {line}", data.display()))
}

/// A cgroup below this test's own with a bound on memory, in either version. It goes with this.
pub struct MemoryCgroup(PathBuf);

impl MemoryCgroup {
    /// Makes one, if that is possible here.
    pub fn make(bytes: u64) -> Option<Self> {
        let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
        let of = |prefix: fn(&str) -> Option<&str>, wanted: fn(&str) -> bool, bound: &str| {
            let below = own.lines().find_map(prefix)?.trim_start_matches('/');
            let mount = mounts.lines().find(|line| wanted(line))?.split(' ').nth(1)?;
            let path = Path::new(mount).join(below).join(format!("pulse-test-{}", uuid::Uuid::new_v4()));
            std::fs::create_dir(&path).ok()?;
            let made = Self(path);
            // Where there is swap, it is not lent.
            let _ = std::fs::write(made.0.join("memory.swap.max"), "0");
            std::fs::write(made.0.join(bound), bytes.to_string()).ok()?;
            let _ = std::fs::write(made.0.join("memory.memsw.limit_in_bytes"), bytes.to_string());
            Some(made)
        };
        let unified = of(|line| line.strip_prefix("0::"), |line| line.contains(" cgroup2 "), "memory.max");
        unified.or_else(|| {
            let old = |line: &str| line.contains(" cgroup ") && line.contains("memory");
            of(|line| line.split_once(":memory:").map(|(_, path)| path), old, "memory.limit_in_bytes")
        })
    }

    /// Starts an agent in it.
    pub fn start(&self, controller: &Controller, data: &Path) -> Agent {
        Agent::start_by(controller, data, &format!("echo $$ > '{}/cgroup.procs' && exec \"$0\"", self.0.display()))
    }
}

impl Drop for MemoryCgroup {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            wait("the cgroup's end", || std::fs::remove_dir(&self.0).ok());
        }
    }
}

/// A disk of its own, which only the test's thread sees, and whatever that starts.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it in a new folder, if this test may do that.
    pub fn mount(folder: &Path, bytes: u64) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        // SAFETY: only mounts are given up, and with them the working folder that is shared with other threads; no descriptors.
        let alone = unsafe { unshare_unsafe(UnshareFlags::NEWNS) };
        let hidden = || mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE);
        let size = std::ffi::CString::new(format!("size={bytes},mode=0700")).unwrap();
        let made =
            alone.and_then(|()| hidden()).and_then(|()| mount("pulse", folder, "tmpfs", MountFlags::empty(), size.as_c_str()));
        if let Err(error) = &made {
            println!("left out: a disk of its own needs root ({error})");
        }
        made.ok().map(|()| Self(folder.to_owned()))
    }

    /// Bytes that are free on it.
    pub fn free(&self) -> u64 {
        let found = rustix::fs::statvfs(&self.0).unwrap();
        found.f_bavail * found.f_frsize
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

/// A limit on the size of a running process's files stands for a full disk; `None` takes it away.
pub fn limit_files(pid: i32, bytes: Option<u64>) {
    let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
    assert!(
        Command::new("prlimit").arg(format!("--fsize={limit}:")).args(["--pid", &pid.to_string()]).status().unwrap().success()
    );
}
