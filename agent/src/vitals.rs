//! How the host is doing, and what it is, from /proc.

use pulse_protocol::message::Vitals;
use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Keeps the CPU counters of the last look, because busy is a difference.
#[derive(Debug, Default)]
pub struct Meter {
    /// Where the agent keeps what it must not lose.
    folder: PathBuf,
    busy: u64,
    all: u64,
}

impl Meter {
    /// Of this host, and of the disk that this folder is on.
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..Self::default() }
    }

    /// This moment's vitals; what /proc does not tell is zero.
    pub fn read(&mut self, running: u32) -> Vitals {
        let file = |name| read_to_string(format!("/proc/{name}")).unwrap_or_default();
        let (total, available) = memory(&file("meminfo"));
        Vitals {
            load1: first(&file("loadavg")),
            cpu_percent: self.cpu(&file("stat")),
            memory_used_bytes: total.saturating_sub(available),
            memory_total_bytes: total,
            uptime_seconds: first::<f64>(&file("uptime")) as u64,
            running,
            clock_us: clock(),
            disk_free_bytes: disk_free(&self.folder),
        }
    }

    fn cpu(&mut self, stat: &str) -> f64 {
        let line = stat.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal; guest time is in user already.
        let ticks: Vec<u64> = line.split_ascii_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
        let all: u64 = ticks.iter().sum();
        let busy = all - ticks.iter().skip(3).take(2).sum::<u64>();
        let (since, of) = (busy.saturating_sub(self.busy), all.saturating_sub(self.all));
        (self.busy, self.all) = (busy, all);
        if of == 0 { 0.0 } else { (since as f64 * 100.0 / of as f64).min(100.0) }
    }
}

fn clock() -> Option<i64> {
    i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_micros()).ok()
}

/// For whom has no rights of its own on it.
fn disk_free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What this host is, for people.
pub fn facts() -> BTreeMap<String, String> {
    let uname = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let (memory, _) = memory(&read_to_string("/proc/meminfo").unwrap_or_default());
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let mut facts = BTreeMap::from([
        ("hostname".into(), text(uname.nodename())),
        ("kernel".into(), format!("{} {}", text(uname.sysname()), text(uname.release()))),
        ("arch".into(), text(uname.machine())),
        ("cpus".into(), cpus.to_string()),
        ("memory_bytes".into(), memory.to_string()),
    ]);
    facts.extend(system(&read_to_string("/etc/os-release").unwrap_or_default()).map(|name| ("os".into(), name)));
    facts
}

/// Total and available bytes.
fn memory(meminfo: &str) -> (u64, u64) {
    let kilobytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        first::<u64>(line).saturating_mul(1024)
    };
    (kilobytes("MemTotal:"), kilobytes("MemAvailable:"))
}

fn system(os_release: &str) -> Option<String> {
    let value = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches('"').to_owned())
}

fn first<T: std::str::FromStr + Default>(text: &str) -> T {
    text.split_ascii_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_the_difference_between_two_looks() {
        let mut meter = Meter::default();
        meter.cpu("cpu  100 0 100 700 100 0 0 0 5 5\ncpu0 1");
        assert_eq!(meter.cpu("cpu  150 0 125 775 100 0 0 0 9 9\n"), 50.0);
        assert_eq!(meter.cpu("cpu  150 0 125 775 100 0 0 0 9 9\n"), 0.0);
        assert_eq!(meter.cpu(""), 0.0);
    }

    #[test]
    fn memory_and_names_are_read() {
        assert_eq!(memory("MemTotal:  10 kB\nMemFree: 1 kB\nMemAvailable:   4 kB\n"), (10_240, 4096));
        assert_eq!(memory("strange"), (0, 0));
        assert_eq!(system("ID=x\nPRETTY_NAME=\"Debian 12\"\n").as_deref(), Some("Debian 12"));
    }

    #[test]
    fn this_host_has_vitals_and_facts() {
        let vitals = Meter::of(Path::new("/")).read(3);
        assert!(vitals.clock_us.is_some_and(|clock| clock > 1_700_000_000_000_000) && vitals.disk_free_bytes.is_some());
        assert_eq!(Meter::of(Path::new("/no/such/folder")).read(0).disk_free_bytes, None);
        assert!(vitals.memory_total_bytes > vitals.memory_used_bytes && vitals.uptime_seconds > 0 && vitals.running == 3);
        assert!(facts()["kernel"].starts_with("Linux "));
    }
}
