//! The source: can it be read from here, with these credentials. A repository is fetched into a folder of its own, which goes afterwards.

use super::check::Check;
use crate::config::{Config, Origin};
use crate::source::git::GitSource;
use crate::source::{Folder, Source};
use std::path::{Path, PathBuf};

/// Looks at it once.
pub(super) async fn check(config: &Config) -> Check {
    let Some(source) = &config.source else {
        return Check::warn("source", "none is set, so that no workflow can be live", "set PULSE_SOURCE_URL (docs/sources.md)");
    };
    let origin = source.origin.clone();
    let looked = tokio::task::spawn_blocking(move || look(&origin)).await;
    match looked.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(said) => Check::ok("source", said),
        Err(why) => Check::fail(
            "source",
            why,
            "PULSE_SOURCE_URL, its token, key or known hosts, and the network between (docs/sources.md)",
        ),
    }
}

fn look(origin: &Origin) -> Result<String, String> {
    let scratch = Scratch::new()?;
    let source: Box<dyn Source> = match origin {
        Origin::Folder { folder, path } => Box::new(Folder::new(folder).below(path)),
        Origin::Git(remote) => Box::new(GitSource::new((**remote).clone(), scratch.0.join("mirror"))),
    };
    let tree = source.look().map_err(|error| error.to_string())?;
    let (files, commit) = (tree.manifests().len(), tree.commit().id);
    Ok(format!("{} can be read: {files} files of manifests at {commit}", source.address().url))
}

/// A folder that goes with this.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("pulse-doctor-{}", uuid::Uuid::now_v7().as_simple()));
        crate::admin::make_folder(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        eprintln!("cannot remove {}: {error}", folder.display());
    }
}
