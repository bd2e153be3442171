//! Named points where a test stops a process. Builds without debug assertions (releases) have none of them.
//!
//! `PULSE_FAILPOINT=name=/marker` makes the process that reaches `name` write its id to `/marker` and stand still for ever, so
//! that a test can kill whatever it likes at exactly this point. Only the first visit stops: a marker that exists is passed.

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
    loop {
        std::thread::park();
    }
}

/// Nothing: a release has no failpoints.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn hit(_name: &str) {}
