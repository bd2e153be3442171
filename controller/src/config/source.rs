//! Where the manifests come from.

use super::layers::{Given, Layers};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// A folder of manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The folder that is read, `path` included.
    pub folder: PathBuf,
    /// How often it is looked at, whatever was heard.
    pub poll: Duration,
}

impl Source {
    /// `poll` unless said.
    pub const DEFAULT_POLL: Duration = Duration::from_secs(180);
    const SHORTEST_POLL: Duration = Duration::from_secs(1);

    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Option<Self> {
        let poll = layers.get("PULSE_SOURCE_POLL").and_then(|given| poll_of(given, errors)).unwrap_or(Self::DEFAULT_POLL);
        let path = layers.get("PULSE_SOURCE_PATH");
        let below = path.and_then(|given| path_of(given, errors));
        let Some(given) = layers.get("PULSE_SOURCE_URL") else {
            for given in [path, layers.get("PULSE_SOURCE_POLL")].into_iter().flatten() {
                errors.push(format!("{}: there is no source that it could be about; set PULSE_SOURCE_URL, too", given.place));
            }
            return None;
        };
        let folder = folder_of(given, errors)?;
        Some(Self { folder: below.map_or(folder.clone(), |below| folder.join(below)), poll })
    }
}

fn folder_of(given: &Given, errors: &mut Vec<String>) -> Option<PathBuf> {
    let text = given.text.as_str();
    // `git@host:path` is the other way to write an ssh URL.
    let scp = text.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
    if text.contains("://") || scp {
        errors.push(format!("{}: Git URLs are unsupported in this release; give the path of a folder", given.place));
        return None;
    }
    let folder = PathBuf::from(text);
    if !folder.is_dir() {
        errors.push(format!("{}: there is no folder `{text}`; give the path of a folder that holds manifests", given.place));
        return None;
    }
    if ["HEAD", "objects", "refs"].iter().all(|part| folder.join(part).exists()) {
        errors.push(format!(
            "{}: `{text}` is a bare Git repository, and Git is unsupported in this release; give the path of a folder with the files",
            given.place
        ));
        return None;
    }
    Some(folder)
}

fn path_of(given: &Given, errors: &mut Vec<String>) -> Option<PathBuf> {
    let path = Path::new(&given.text);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        errors.push(format!("{}: `{}` leads out of the source; give a path below it", given.place, given.text));
        return None;
    }
    Some(path.to_owned())
}

fn poll_of(given: &Given, errors: &mut Vec<String>) -> Option<Duration> {
    match given.text.parse::<crd_schemas::Duration>() {
        Ok(poll) if Duration::from_millis(poll.as_millis()) < Source::SHORTEST_POLL => {
            errors.push(format!("{}: `{}` is too often; at least 1s", given.place, given.text));
            None
        }
        Ok(poll) => Some(Duration::from_millis(poll.as_millis())),
        Err(error) => {
            errors.push(format!("{}: {error}", given.place));
            None
        }
    }
}
