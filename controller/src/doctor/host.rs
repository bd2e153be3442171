//! The machine: time zones that schedules name, and how many files may be open.

use super::check::Check;

/// Descriptors that a controller with a small fleet needs; each agent holds one.
const FILES: u64 = 4096;

/// Both.
pub(super) fn check() -> [Check; 2] {
    [zones(), files(rustix::process::getrlimit(rustix::process::Resource::Nofile).current)]
}

/// The zones are a part of this program, so that no machine can lack them.
fn zones() -> Check {
    match jiff::tz::TimeZone::get("Europe/Berlin") {
        Ok(_) => Check::ok("zones", "time zones are known by their names"),
        Err(error) => Check::fail("zones", error.to_string(), "this build lacks its time zones: use a release"),
    }
}

pub(super) fn files(limit: Option<u64>) -> Check {
    match limit {
        Some(limit) if limit < FILES => Check::warn(
            "files",
            format!("{limit} files may be open, and each agent holds one"),
            format!("LimitNOFILE={FILES} or more in the unit, or ulimit -n"),
        ),
        Some(limit) => Check::ok("files", format!("{limit} files may be open")),
        None => Check::ok("files", "any number of files may be open"),
    }
}
