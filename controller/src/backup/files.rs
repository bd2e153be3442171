//! What the data folder holds beside the database, where it is wanted: the administrator's token and the authority for TLS. Whoever has such a
//! backup can come in as the administrator.

use super::line::Line;
use crate::admin;
use anyhow::{Context, bail};
use std::io::ErrorKind;
use std::path::Path;

/// The files, by their names in the data folder.
const FILES: [&str; 3] = [admin::FILE, "authority.pem", "authority.key"];

/// Those that are there, as lines.
pub(super) fn secrets(folder: &Path) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for name in FILES {
        let path = folder.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => lines.push(Line::File { name: name.to_owned(), text }),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
    Ok(lines)
}

/// Writes a file of a backup into the data folder, for its owner only.
pub(super) fn put(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    // A name is one of those that are known, and no path.
    let Some(name) = FILES.iter().find(|known| **known == name) else {
        bail!("the backup holds a file `{name}`, which has no place")
    };
    admin::write_private(folder, name, text).with_context(|| format!("cannot write {}", folder.join(name).display()))
}
