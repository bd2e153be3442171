//! Looks for processes of a scene. What counts is the scene's folder, whose name is random, in a process's own arguments or
//! environment: nothing else on this machine is ever touched.

use super::process::{is_alive, signal};
use std::collections::BTreeSet;
use std::path::Path;

/// The shims of agents in this folder: of all, or those that have a command in hand.
pub fn shims(folder: &Path, all: bool) -> Vec<i32> {
    let folder = folder.display().to_string();
    let is_shim = |pid: &i32| {
        let line = read(*pid, "cmdline");
        let arguments: Vec<&str> = line.split('\0').collect();
        arguments.get(1) == Some(&"shim")
            && arguments.iter().any(|argument| argument.starts_with(&folder))
            && (all || arguments.contains(&"--attempt"))
    };
    running().into_iter().filter(is_shim).collect()
}

/// Every living process of an attempt, whatever session or parent it has by now.
pub fn processes_of_attempt(attempt: &str) -> Vec<i32> {
    let wanted = format!("PULSE_ATTEMPT={attempt}");
    running().into_iter().filter(|pid| read(*pid, "environ").split('\0').any(|variable| variable == wanted)).collect()
}

/// The attempts of which any process lives, a shim or one of a command, of those that know this folder.
pub fn attempts_alive(folder: &Path) -> BTreeSet<String> {
    let attempt = |pid: i32| {
        let (environment, line) = (read(pid, "environ"), read(pid, "cmdline"));
        let of_command = environment.split('\0').find_map(|variable| variable.strip_prefix("PULSE_ATTEMPT="));
        let of_shim = line.split('\0').skip_while(|argument| *argument != "--attempt").nth(1);
        of_command.or(of_shim).map(str::to_owned)
    };
    processes_of(folder).into_iter().filter_map(attempt).collect()
}

/// Kills what is left of a scene: agents and shims by their arguments, commands by their `PULSE_WORKDIR`.
pub fn sweep(folder: &Path) {
    for _ in 0..20 {
        let left = processes_of(folder);
        if left.is_empty() {
            return;
        }
        left.into_iter().for_each(|pid| signal(pid, "KILL"));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Every living process that knows this folder.
pub fn processes_of(folder: &Path) -> Vec<i32> {
    let folder = folder.display().to_string();
    running().into_iter().filter(|pid| belongs(*pid, &folder)).collect()
}

fn belongs(pid: i32, folder: &str) -> bool {
    let ours = i32::try_from(std::process::id()).is_ok_and(|own| own == pid);
    !ours && (read(pid, "cmdline").contains(folder) || read(pid, "environ").contains(&format!("={folder}")))
}

fn running() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| is_alive(*pid)).collect()
}

fn read(pid: i32, file: &str) -> String {
    // Gone or foreign: nothing of ours.
    String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default()).into_owned()
}
