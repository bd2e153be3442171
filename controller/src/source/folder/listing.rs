//! One reading of a folder: every manifest's file below it, bounded, and what could not be read.

use super::super::given::{content_id, hex};
use super::super::tree::{Entry, MAX_FILES, MAX_MANIFEST_BYTES, place, too_many_files};
use crd_schemas::listing::{EntryKind, Listed, Names};
use crd_schemas::{MAX_FILE_BYTES, Problem};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// What a folder's manifests held.
#[derive(Debug)]
pub(super) struct Listing {
    /// Sorted by path.
    pub(super) entries: Vec<Entry>,
    /// What each of them holds, in the same order.
    pub(super) contents: Vec<Vec<u8>>,
    pub(super) problems: Vec<Problem>,
    /// Digest of all of it.
    pub(super) digest: String,
}

impl Listing {
    /// Reads a folder whose entries are at hand, and which lies at this path of what stands for a repository.
    pub(super) fn read(entries: fs::ReadDir, path: &str) -> Self {
        let mut reading = Reading::default();
        reading.folder(entries, "");
        let mut listing = reading.finish();
        // The digest says what the source holds, wherever that lies.
        place(path, &mut listing.entries, &mut listing.problems);
        listing
    }
}

#[derive(Default)]
struct Reading {
    files: Vec<(Entry, Vec<u8>)>,
    problems: Vec<Problem>,
    bytes: usize,
    full: bool,
}

impl Reading {
    fn folder(&mut self, entries: fs::ReadDir, folder: &str) {
        let mut entries = match entries.collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            // Half a list would retire the other half.
            Err(error) => return self.unreadable(if folder.is_empty() { "." } else { folder }.to_owned(), &error),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut names = Names::of(folder);
        for entry in entries {
            if self.full {
                return;
            }
            let kind = match entry.file_type() {
                Ok(kind) => EntryKind::from(kind),
                Err(error) => {
                    self.unreadable(
                        format!("{folder}/{}", entry.file_name().to_string_lossy()).trim_start_matches('/').into(),
                        &error,
                    );
                    continue;
                }
            };
            match names.judge(entry.file_name().as_encoded_bytes(), kind, || entry.path().is_dir()) {
                Listed::PassedOver => {}
                Listed::Manifest(path) => self.file(&entry.path(), path),
                Listed::Folder(path) => self.subfolder(&entry.path(), path),
                Listed::Refused(problem) => self.problems.push(*problem),
            }
        }
    }

    fn subfolder(&mut self, path: &Path, shown: String) {
        match fs::read_dir(path) {
            Ok(entries) => self.folder(entries, &shown),
            Err(error) => self.unreadable(shown, &error),
        }
    }

    fn file(&mut self, path: &Path, shown: String) {
        if self.files.len() == MAX_FILES {
            self.full = true;
            return self.problems.push(too_many_files(shown));
        }
        match read_bounded(path) {
            Ok(bytes) => {
                // Whoever checks the set says that it is too much; nobody needs to read more than that takes.
                self.bytes += bytes.len();
                self.full |= self.bytes > MAX_MANIFEST_BYTES;
                self.files.push((Entry { path: shown, content: content_id(&bytes) }, bytes));
            }
            Err(error) => self.unreadable(shown, &error),
        }
    }

    fn unreadable(&mut self, shown: String, error: &std::io::Error) {
        // It was removed between being listed and being read: that is as good as not there.
        if error.kind() != ErrorKind::NotFound {
            let message = format!("it cannot be read: {error}");
            self.problems.push(Problem::of_file(shown, "unreadable", message, "check its permissions"));
        }
    }

    fn finish(mut self) -> Listing {
        self.files.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        let mut hash = Sha256::new();
        // Paths are quoted and contents are digests, so that no two sets run together to the same bytes.
        for (entry, _) in &self.files {
            hash.update(format!("{:?} {}\n", entry.path, entry.content));
        }
        for problem in &self.problems {
            hash.update(format!("{:?}\n", problem.to_string()));
        }
        let (entries, contents) = self.files.into_iter().unzip();
        Listing { entries, contents, problems: self.problems, digest: hex(&hash.finalize()) }
    }
}

/// At most a byte more than a manifest's file may have; the parser refuses it then.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
