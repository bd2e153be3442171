//! One reading of a folder: every manifest's file below it, bounded, and what could not be read.

use super::super::given::{content_id, hex, is_manifest};
use super::super::tree::{Entry, MAX_DEPTH, MAX_FILES, MAX_MANIFEST_BYTES};
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
    /// Reads a folder whose entries are at hand.
    pub(super) fn read(entries: fs::ReadDir) -> Self {
        let mut reading = Reading::default();
        reading.folder(entries, "", 1);
        reading.finish()
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
    fn folder(&mut self, entries: fs::ReadDir, prefix: &str, depth: usize) {
        let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let shown = format!("{prefix}{}", name.to_string_lossy());
            // What begins with a dot is Git's, an editor's or a tool's, never a manifest.
            if name.as_encoded_bytes().starts_with(b".") || self.full {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.subfolder(&entry.path(), &shown, depth),
                Ok(kind) if kind.is_symlink() => self.link(&entry.path(), shown),
                Ok(kind) if kind.is_file() && is_manifest(Path::new(&name)) => self.file(&entry.path(), name.to_str(), shown),
                Ok(_) => {}
                Err(error) => self.unreadable(shown, &error),
            }
        }
    }

    fn subfolder(&mut self, path: &Path, shown: &str, depth: usize) {
        if depth >= MAX_DEPTH {
            let message = format!("this folder lies more than {MAX_DEPTH} folders deep");
            return self.problem(shown.to_owned(), "too-deep", message, "move it nearer to the source's root");
        }
        match fs::read_dir(path) {
            Ok(entries) => self.folder(entries, &format!("{shown}/"), depth + 1),
            Err(error) => self.unreadable(shown.to_owned(), &error),
        }
    }

    /// A link could lead out of the source or round in a circle, and Git would hand over no file for it. One that can hold no
    /// manifest is nobody's business.
    fn link(&mut self, path: &Path, shown: String) {
        if is_manifest(path) || path.is_dir() {
            let help = "put the file or folder itself there";
            self.problem(shown, "symlink", "a symbolic link is not followed".to_owned(), help);
        }
    }

    fn file(&mut self, path: &Path, name: Option<&str>, shown: String) {
        if name.is_none() {
            return self.problem(shown, "bad-file-name", "the file's name is no UTF-8".to_owned(), "rename it");
        }
        if self.files.len() == MAX_FILES {
            self.full = true;
            let message = format!("the source has more than {MAX_FILES} files of manifests");
            return self.problem(shown, "too-many-files", message, "put several manifests into one file, `---` between them");
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
            self.problem(shown, "unreadable", format!("it cannot be read: {error}"), "check its permissions");
        }
    }

    fn problem(&mut self, file: String, code: &str, message: String, help: &str) {
        self.problems.push(Problem::of_file(file, code, message, help));
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
