//! Named points where a test stops a process. Builds without debug assertions (releases) have none of them.
//!
//! `PULSE_FAILPOINT=name=/folder/marker` makes the thread that reaches `name` write its process's id to the marker and stand still
//! until the marker is removed, so that a test can kill whatever it likes at exactly this point, and let the living go on. The
//! folder arms the point: without it every visit passes. One visit stops at a time: a marker that exists is passed.
//!
//! A simulation, which has no processes, is told of each point in its own thread, and ends the visitor by a panic.

#[cfg(debug_assertions)]
type Hook = std::rc::Rc<dyn Fn(&str)>;

#[cfg(debug_assertions)]
thread_local! {
    static HOOK: std::cell::RefCell<Option<Hook>> = const { std::cell::RefCell::new(None) };
}

/// From now on this thread's visits are told to `hook`.
#[cfg(debug_assertions)]
pub fn hook(hook: Option<Hook>) {
    HOOK.set(hook);
}

/// Stands still here if the environment names this point.
#[cfg(debug_assertions)]
pub fn hit(name: &str) {
    use std::io::Write;
    let hook = HOOK.with_borrow(Clone::clone);
    if let Some(hook) = hook {
        return hook(name);
    }
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
