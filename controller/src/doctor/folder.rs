//! The data folder: is it there, is it private, can it be written, has it room.

use super::check::Check;
use crate::admin;
use crate::config::Config;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Less free space than this is worth a word, less than this stops the work. Bytes.
const LITTLE: u64 = 1 << 30;
const TOO_LITTLE: u64 = 100 << 20;

/// Folder, token, room.
pub(super) fn check(config: &Config) -> Vec<Check> {
    let folder = &config.data.folder;
    let shown = folder.display();
    let metadata = match std::fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => return vec![Check::fail("data", format!("{shown} is no folder"), "name a folder by PULSE_DATA_DIR")],
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return vec![Check::warn("data", format!("{shown} does not exist yet"), "the first start makes it, where it may")];
        }
        Err(error) => return vec![Check::fail("data", format!("{shown}: {error}"), "run this as the controller's user")],
    };
    let mode = metadata.permissions().mode() & 0o777;
    let data = if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        Check::fail("data", format!("{shown} cannot be written by this user"), "run this as the controller's user, or chown it")
    } else if mode & 0o077 != 0 {
        Check::warn("data", format!("{shown} can be read by others (mode {mode:03o})"), format!("chmod 700 {shown}"))
    } else {
        Check::ok("data", format!("{shown} is private and can be written"))
    };
    std::iter::once(data).chain(token(config)).chain(room(folder)).collect()
}

/// The administrator's own token, where it is kept here.
fn token(config: &Config) -> Option<Check> {
    let folder = config.admin_token.is_none().then_some(&config.data.folder)?;
    if !folder.join(admin::FILE).exists() {
        return None;
    }
    Some(match admin::made_token(folder) {
        Ok(_) => Check::ok("token", "the administrator's token is there and private"),
        Err(error) => Check::fail("token", format!("{error:#}"), "mend the file; a controller does not start with it"),
    })
}

fn room(folder: &Path) -> Option<Check> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(judge(disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_favail, disk.f_files))
}

/// Of so many bytes that are free, and inodes of how many.
pub(super) fn judge(free: u64, inodes: u64, of: u64) -> Check {
    const REMEDY: &str = "make room: a full disk stops every write (docs/metrics.md, `pulse_database_errors_total`)";
    let (mebibytes, few) = (free >> 20, of > 0 && inodes < 1000);
    let room = format!("{mebibytes} MiB are free");
    if free < TOO_LITTLE {
        Check::fail("disk", room, REMEDY)
    } else if few {
        Check::fail("disk", format!("{inodes} inodes are free"), REMEDY)
    } else if free < LITTLE {
        Check::warn("disk", room, REMEDY)
    } else {
        Check::ok("disk", room)
    }
}
