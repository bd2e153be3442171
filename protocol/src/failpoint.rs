//! Named points where a test stops a process. Builds without debug assertions (releases) have none of them.
//!
//! `PULSE_FAILPOINT=name=/folder/marker` makes the thread that reaches `name` write its process's id to the marker and stand still
//! until the marker is removed, so that a test can kill whatever it likes at exactly this point, and let the living go on. The
//! folder arms the point: without it every visit passes. One visit stops at a time: a marker that exists is passed.

/// Stands still here if the environment names this point.
#[cfg(debug_assertions)]
pub fn hit(name: &str) {
    use std::io::Write;
    let Ok(setting) = std::env::var("PULSE_FAILPOINT") else { return };
    let Some((wanted, marker)) = setting.split_once('=') else { return };
    if wanted != name {
        return;
    }
    let Ok(mut file) = std::fs::OpenOptions::new().write(true).create_new(true).open(marker) else { return };
    // A marker that cannot be written fails the test by its time limit; nothing better can be done here.
    drop(file.write_all(format!("{}\n", std::process::id()).as_bytes()));
    drop(file);
    while std::path::Path::new(marker).exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Nothing: a release has no failpoints.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn hit(_name: &str) {}
