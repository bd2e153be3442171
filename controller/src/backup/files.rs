//! What the data folder holds beside the database, where it is wanted: the administrator's token and the authority for TLS. Whoever has such a
//! backup can come in as the administrator.

use super::line::Line;
use crate::admin;
use anyhow::{Context, bail};
use std::io::ErrorKind;
use std::path::Path;

/// The files: in which folder of the data folder, and their names.
const FILES: [(&str, &str); 3] = [("", admin::FILE), ("tls", "authority.pem"), ("tls", "authority.key")];

/// As a backup names it: its path within the data folder.
fn path_of((folder, name): (&str, &str)) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Those that are there, as lines.
pub(super) fn secrets(folder: &Path) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for file in FILES {
        let name = path_of(file);
        let path = folder.join(&name);
        match std::fs::read_to_string(&path) {
            Ok(text) => lines.push(Line::File { name, text }),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
    Ok(lines)
}

/// Writes a file of a backup into the data folder, for its owner only.
pub(super) fn put(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    // A name is one of those that are known, and no path.
    let Some((within, file)) = FILES.into_iter().find(|known| path_of(*known) == name) else {
        bail!("the backup holds a file `{name}`, which has no place")
    };
    let within = folder.join(within);
    let written = admin::make_folder(&within).and_then(|()| admin::write_private(&within, file, text));
    written.with_context(|| format!("cannot write {}", within.join(file).display()))
}
