//! The processes below this one, from /proc. The shim is their subreaper, so a descendant that loses its parent becomes the
//! shim's child and cannot get out of sight, whatever session or group it made for itself.

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, pidfd_send_signal, wait, waitpid};
use std::collections::{HashMap, HashSet};

/// How often new processes are looked for while all are made to stand still.
const LOOKS: usize = 16;

/// What /proc/PID/stat says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent's.
    pub parent: i32,
    /// Its start time in clock ticks since boot.
    pub start_time: u64,
}

/// One process; `None` when it does not exist.
pub fn look(pid: i32) -> Option<Process> {
    parse(pid, &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Everything below this process but `except`, after reaping those that are dead.
pub fn descendants(except: Option<Pid>) -> Vec<Process> {
    let me = std::process::id() as i32;
    let except = except.map(|pid| pid.as_raw_nonzero().get());
    let mut found = below(me, &all());
    found.retain(|process| Some(process.pid) != except && !(process.parent == me && reap(process.pid)));
    found
}

/// Whether the kernel says that this process, whose only thread asks, has no other child, and so no other descendant. One read in
/// place of one for each process of the host; false also where the kernel keeps no such list (CONFIG_PROC_CHILDREN).
pub fn is_only_child(child: Pid) -> bool {
    let me = std::process::id();
    let children = std::fs::read_to_string(format!("/proc/{me}/task/{me}/children"));
    children.is_ok_and(|children| children.trim() == child.as_raw_nonzero().to_string())
}

/// Whether this process, whose only thread asks, has no child any more, and so no descendant. Entries of the dead are taken away.
pub fn none_is_left() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Err(Errno::CHILD) => return true,
            Ok(None) | Err(_) => return false,
        }
    }
}

/// Sends a signal to each; one that is gone meanwhile is no error. A descriptor holds the process while its start time tells
/// whether it is still the one that was seen: its id may be a stranger's by now.
pub fn signal(processes: &[Process], signal: Signal) {
    for process in processes {
        let Some(pid) = Pid::from_raw(process.pid) else { continue };
        let held = pidfd_open(pid, PidfdFlags::empty());
        if look(process.pid).is_none_or(|now| now.start_time != process.start_time) {
            continue;
        }
        let _ = match held {
            Ok(held) => pidfd_send_signal(held, signal),
            // Before Linux 5.3: a moment between look and signal is left.
            Err(Errno::NOSYS) => kill_process(pid, signal),
            Err(_) => continue,
        };
    }
}

/// Kills everything below this process but `except`. All are made to stand still first, look after look until there is nothing
/// new: whoever is only killed one by one makes room for those that the others fork meanwhile.
pub fn kill_all(except: Option<Pid>) {
    let mut known = HashSet::new();
    for _ in 0..LOOKS {
        let mut new = descendants(except);
        new.retain(|process| known.insert((process.pid, process.start_time)));
        if new.is_empty() {
            break;
        }
        signal(&new, Signal::STOP);
    }
    signal(&descendants(except), Signal::KILL);
}

/// Takes a dead child's entry away. `true`: it is gone.
fn reap(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| !matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(None)))
}

fn all() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| look(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}

fn below(root: i32, all: &[Process]) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(*process);
    }
    let (mut found, mut queue, mut seen) = (Vec::new(), vec![root], HashSet::from([root]));
    while let Some(parent) = queue.pop() {
        for child in children.get(&parent).into_iter().flatten() {
            if seen.insert(child.pid) {
                found.push(*child);
                queue.push(child.pid);
            }
        }
    }
    found
}

/// The command's name in the second field may hold anything, blanks and brackets too; the fields after its last `)` are sure.
fn parse(pid: i32, stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some(Process { pid, parent: fields.get(1)?.parse().ok()?, start_time: fields.get(19)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_misleads_nobody() {
        let stat = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 991 1 2";
        assert_eq!(parse(42, stat), Some(Process { pid: 42, parent: 7, start_time: 991 }));
        assert_eq!(parse(42, "42 (cut"), None);
    }

    #[test]
    fn a_stranger_with_the_same_id_gets_no_signal() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let seen = look(child.id() as i32).unwrap();
        signal(&[Process { start_time: seen.start_time - 1, ..seen }], Signal::KILL);
        // Signals to a process come in order of their numbers, KILL before all: what ends it shows that there was none.
        signal(&[seen], Signal::TERM);
        let ended = std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap());
        assert_eq!(ended, Some(Signal::TERM.as_raw()));
    }

    #[test]
    fn descendants_are_found_at_any_depth_and_loops_end() {
        let p = |pid, parent| Process { pid, parent, start_time: 0 };
        let all = [p(2, 1), p(3, 2), p(4, 3), p(9, 8), p(1, 4)];
        let mut pids: Vec<i32> = below(2, &all).iter().map(|process| process.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [1, 3, 4]);
    }
}
