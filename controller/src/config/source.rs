//! Where the manifests come from: a folder, or a Git repository.

use super::source_git;
use crate::source::git::{Location, Remote, is_bare_repository, is_headless_repository};
use pulse_settings::{Given, Layers};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// A source of manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub origin: Origin,
    /// How often it is looked at, whatever was heard.
    pub poll: Duration,
}

/// What a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A folder of manifests.
    Folder {
        /// What stands for a repository.
        folder: PathBuf,
        /// The path below it that is the source's root; empty for all of it.
        path: String,
    },
    /// A Git repository.
    Git(Box<Remote>),
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
            let others = ["PULSE_SOURCE_PATH", "PULSE_SOURCE_POLL"].iter().chain(source_git::SETTINGS);
            for given in others.filter_map(|name| layers.get(name)) {
                errors.push(format!("{}: there is no source that it could be about; set PULSE_SOURCE_URL, too", given.place));
            }
            return None;
        };
        let origin = match location_of(given, errors)? {
            Location::File(folder) if !is_bare_repository(&folder) => {
                source_git::refuse_all(layers, errors);
                Origin::Folder { folder, path: below.map_or_else(String::new, |below| below.to_string_lossy().into_owned()) }
            }
            location => Origin::Git(Box::new(source_git::read(given, location, below.as_deref(), layers, errors)?)),
        };
        Some(Self { origin, poll })
    }
}

/// A URL, or the path of a folder or of a bare repository, which must exist.
fn location_of(given: &Given, errors: &mut Vec<String>) -> Option<Location> {
    let text = given.text.as_str();
    let folder = Path::new(text);
    // `git@host:path` is no path, unless there is such a folder.
    let looks_like_url =
        text.contains("://") || text.contains("::") || text.split_once(':').is_some_and(|(host, _)| !host.contains('/'));
    let location = if !folder.is_dir() && looks_like_url { Location::parse(text) } else { Ok(Location::File(folder.to_owned())) };
    let location = match location {
        Ok(location) => location,
        Err(why) => {
            errors.push(format!("{}: {why}", given.place));
            return None;
        }
    };
    if let Location::File(folder) = &location {
        let url = text.starts_with("file://");
        if !folder.is_dir() {
            errors.push(format!(
                "{}: there is no folder `{}`; give the path of a folder that holds manifests, or a repository's URL",
                given.place,
                folder.display()
            ));
            return None;
        }
        if is_headless_repository(folder) {
            errors.push(format!(
                "{}: `{}` is a Git repository whose file HEAD is gone, not a plain folder; write `ref: refs/heads/main` into HEAD, or \
                 restore the repository",
                given.place,
                folder.display()
            ));
            return None;
        }
        if url && !is_bare_repository(folder) {
            let folder = folder.display();
            errors.push(format!(
                "{}: `{folder}` is no bare Git repository; for a plain folder give its path without file://",
                given.place
            ));
            return None;
        }
    }
    Some(location)
}

fn path_of(given: &Given, errors: &mut Vec<String>) -> Option<PathBuf> {
    let path = Path::new(&given.text);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside || given.text.chars().any(char::is_control) {
        errors.push(format!("{}: `{}` leads out of the source; give a path below it", given.place, given.text.escape_debug()));
        return None;
    }
    Some(path.components().filter(|part| matches!(part, Component::Normal(_))).collect())
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
