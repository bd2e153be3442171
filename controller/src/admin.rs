//! The data folder and the administrator's own token in it: made at the first start, readable by nobody else, never logged.

use crate::config::AdminToken;
use anyhow::{Context, bail};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The file's name in the data folder.
pub const FILE: &str = "admin-token";

/// Makes the data folder, for its owner only, where it is missing.
pub fn make_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The token of this data folder.
pub fn own_token(folder: &Path) -> anyhow::Result<AdminToken> {
    let path = folder.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => read(&path, &text),
        Err(error) if error.kind() == ErrorKind::NotFound => make(folder, &path),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The token that a controller has made in this data folder; none is made here.
pub fn made_token(folder: &Path) -> anyhow::Result<AdminToken> {
    let path = folder.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => read(&path, &text),
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "{} does not exist: name the data folder (--data-dir, PULSE_DATA_DIR), or the token itself (--admin-token-file, \
             PULSE_ADMIN_TOKEN), as the controller was started with",
            path.display()
        ),
        Err(error) => Err(error).with_context(|| format!("cannot read {}; run this as the controller's user", path.display())),
    }
}

fn read(path: &Path, text: &str) -> anyhow::Result<AdminToken> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("{} can be read by others (mode {:03o}); make it private: chmod 600 {0}", path.display(), mode & 0o777);
    }
    let token = AdminToken::parse(text.trim_end());
    token.map_err(|why| anyhow::anyhow!("{}: {why}; mend it, or remove the file and a new one is made", path.display()))
}

fn make(folder: &Path, path: &Path) -> anyhow::Result<AdminToken> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("the system has no random bytes to give: {error}"))?;
    let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("pulse_admin_{secret}");
    write_private(folder, FILE, &format!("{text}\n")).with_context(|| format!("cannot write {}", path.display()))?;
    tracing::info!(file = %path.display(), "made the administrator's token");
    AdminToken::parse(&text).map_err(anyhow::Error::msg)
}

/// Writes a file that nobody else can read: beside and moved into place, so that a crash leaves a whole file or none.
pub(crate) fn write_private(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let beside = folder.join(format!("{name}.new"));
    // A leftover of a crash may have another mode, so it goes first.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(name))?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{FILE, own_token};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_token_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let first = own_token(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(own_token(folder.path()).unwrap(), first);
        assert!(first.0.reveal().len() > 64);
        fs::set_permissions(folder.path().join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(own_token(folder.path()).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_token_that_was_cut_short_is_refused_with_the_mend() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "short\n").unwrap();
        fs::set_permissions(folder.path().join(FILE), fs::Permissions::from_mode(0o600)).unwrap();
        let error = own_token(folder.path()).unwrap_err().to_string();
        assert!(error.contains("5 characters") && error.contains("a new one is made"), "{error}");
    }
}
