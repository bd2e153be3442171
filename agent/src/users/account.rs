//! Accounts of this host, asked of the C library, so that those of a directory (LDAP, SSSD) are found as well.

use serde::{Deserialize, Serialize};
use std::ffi::{CStr, CString, OsStr, c_char};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Room for one entry, and how much at most.
const ROOM: usize = 4 * 1024;
const MOST_ROOM: usize = 1024 * 1024;
/// Most groups of one user; the kernel takes 65,536.
const MOST_GROUPS: usize = 65_536;

/// What a process needs to become a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its first group.
    pub gid: u32,
    /// All its groups.
    pub groups: Vec<u32>,
    /// Its home.
    pub home: PathBuf,
}

/// The account of this name; `None`: there is none.
pub fn find(name: &str) -> io::Result<Option<Account>> {
    let c_name = CString::new(name).map_err(io::Error::other)?;
    let mut room = vec![0 as c_char; ROOM];
    loop {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut found = std::ptr::null_mut();
        // SAFETY: everything outlives the call, and the length is that of the room.
        let code =
            unsafe { libc::getpwnam_r(c_name.as_ptr(), entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &raw mut found) };
        match code {
            libc::ERANGE if room.len() < MOST_ROOM => room.resize(room.len() * 4, 0),
            // What POSIX and the C libraries say of a name that nobody has.
            0 | libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM if found.is_null() => return Ok(None),
            0 => {
                // SAFETY: the call has filled the entry, whose texts lie in the room.
                let (entry, home) = unsafe { (entry.assume_init_ref(), CStr::from_ptr(entry.assume_init_ref().pw_dir)) };
                let home = PathBuf::from(OsStr::from_bytes(home.to_bytes()));
                let groups = groups(&c_name, entry.pw_gid)?;
                return Ok(Some(Account { name: name.to_owned(), uid: entry.pw_uid, gid: entry.pw_gid, groups, home }));
            }
            code => return Err(io::Error::from_raw_os_error(code)),
        }
    }
}

fn groups(name: &CStr, first: u32) -> io::Result<Vec<u32>> {
    let mut groups = vec![0; 64];
    loop {
        let mut count = i32::try_from(groups.len()).map_err(io::Error::other)?;
        // SAFETY: the list has room for as many as `count` says.
        let code = unsafe { libc::getgrouplist(name.as_ptr(), first, groups.as_mut_ptr(), &raw mut count) };
        let found = usize::try_from(count).map_err(io::Error::other)?;
        if code >= 0 {
            groups.truncate(found);
            return Ok(groups);
        }
        if groups.len() >= MOST_GROUPS {
            return Err(io::Error::other("the user is in too many groups"));
        }
        groups.resize(found.max(groups.len() * 2).min(MOST_GROUPS), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_hosts_accounts_are_found() {
        let root = find("root").unwrap().unwrap();
        assert_eq!((root.uid, root.gid, root.home.to_str()), (0, 0, Some("/root")));
        assert!(root.groups.contains(&0));
        assert_eq!(find("nobody-has-this-name").unwrap(), None);
        assert!(find("a\0b").is_err());
    }
}
