//! A plain folder as a source: every `*.yaml` and `*.yml` below it, bounded, in a stable order. Its commit is the digest of
//! what was read.

use crd_schemas::{MAX_FILE_BYTES, Problem, Severity};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Manifests' files of one folder.
const MAX_FILES: usize = 10_000;
/// Folders inside each other.
const MAX_DEPTH: usize = 32;
/// Looks at a folder that changes while it is read.
const SETTLE_TRIES: usize = 50;
/// Between two looks.
const SETTLE: Duration = Duration::from_millis(100);

/// A folder of manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    root: PathBuf,
}

/// What a folder held at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// `folder-` and the first 12 hex digits of the SHA-256 of all paths and contents.
    pub id: String,
    /// The files, sorted by path.
    pub files: Vec<SourceFile>,
    /// What could not be read, and why.
    pub problems: Vec<Problem>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the source's root, `/` between parts.
    pub path: String,
    /// What it holds; of a file that is too large, a byte more than is allowed.
    pub bytes: Vec<u8>,
}

/// Why a source cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The folder is gone, or may not be read.
    #[error("the folder {} cannot be read: {reason}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It changes faster than it is read.
    #[error("the folder {} never stands still; what is live stays live until it does", .0.display())]
    Restless(PathBuf),
}

impl Folder {
    /// The folder at this path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads it until two looks in a row see the same, so that a file that an editor is just writing, empty or half, is not
    /// taken for a commit. `known` is the commit that was seen last; it needs no second look.
    #[expect(clippy::disallowed_methods, reason = "an editor says nothing when it has written; only a second look can tell")]
    pub fn settled(&self, known: Option<&str>) -> Result<Commit, SourceError> {
        let mut before = self.read()?;
        if known == Some(before.id.as_str()) {
            return Ok(before);
        }
        for _ in 0..SETTLE_TRIES {
            std::thread::sleep(SETTLE);
            let now = self.read()?;
            if now.id == before.id {
                return Ok(now);
            }
            before = now;
        }
        Err(SourceError::Restless(self.root.clone()))
    }

    /// What it holds now.
    pub fn read(&self) -> Result<Commit, SourceError> {
        let mut reading = Reading::default();
        let entries = fs::read_dir(&self.root).map_err(|error| self.unreadable(&error))?;
        reading.folder(entries, "", 1);
        Ok(reading.commit())
    }

    fn unreadable(&self, error: &std::io::Error) -> SourceError {
        SourceError::Unreadable { path: self.root.clone(), reason: error.to_string() }
    }
}

#[derive(Default)]
struct Reading {
    files: Vec<SourceFile>,
    problems: Vec<Problem>,
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
                Ok(kind) if kind.is_file() && is_manifest(&name) => self.file(&entry.path(), name.to_str(), shown),
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
        if is_manifest(path.as_os_str()) || path.is_dir() {
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
            Ok(bytes) => self.files.push(SourceFile { path: shown, bytes }),
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
        self.problems.push(Problem {
            file,
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 1,
            severity: Severity::Error,
            code: code.to_owned(),
            message,
            help: Some(help.to_owned()),
            pointer: String::new(),
        });
    }

    fn commit(mut self) -> Commit {
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut hash = Sha256::new();
        // Lengths go first, so that no two sets of paths and contents run together to the same bytes.
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        for file in &self.files {
            part(file.path.as_bytes());
            part(&file.bytes);
        }
        for problem in &self.problems {
            part(problem.to_string().as_bytes());
        }
        let digest: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Commit { id: format!("folder-{digest}"), files: self.files, problems: self.problems }
    }
}

fn is_manifest(name: &std::ffi::OsStr) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// At most a byte more than a manifest's file may have; the parser refuses it then.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Folder, SourceError};
    use std::fs;
    use std::path::Path;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            write(root.path(), path, content);
        }
        let folder = Folder::new(root.path());
        (root, folder)
    }

    fn write(root: &Path, path: &str, content: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn paths(folder: &Folder) -> Vec<String> {
        folder.read().unwrap().files.into_iter().map(|file| file.path).collect()
    }

    #[test]
    fn manifests_are_read_in_a_stable_order_and_nothing_else_is() {
        let (_root, folder) =
            folder(&[("b.yaml", ""), ("a/z.yml", ""), ("a.yaml", ""), (".git/x.yaml", ""), (".x.yaml", ""), ("README.md", "")]);
        assert_eq!(paths(&folder), ["a.yaml", "a/z.yml", "b.yaml"]);
    }

    #[test]
    fn the_commit_says_paths_and_contents_and_nothing_else() {
        let (_a, a) = folder(&[("x.yaml", "1"), ("y.yaml", "2")]);
        let (_b, b) = folder(&[("y.yaml", "2"), ("x.yaml", "1"), ("notes.txt", "n")]);
        let (_c, c) = folder(&[("x.yaml", "12"), ("y.yaml", "")]);
        let (_d, d) = folder(&[("x.yaml", "2"), ("y.yaml", "1")]);
        let id = |folder: &Folder| folder.read().unwrap().id;
        assert_eq!(id(&a), id(&b));
        assert!(id(&a) != id(&c) && id(&a) != id(&d));
        assert!(id(&a).starts_with("folder-") && id(&a).len() == 19, "{}", id(&a));
    }

    #[test]
    fn links_are_refused_by_name() {
        let (root, folder) = folder(&[("a.yaml", "")]);
        std::os::unix::fs::symlink(root.path().join("a.yaml"), root.path().join("b.yaml")).unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("round")).unwrap();
        let commit = folder.read().unwrap();
        let problems: Vec<_> = commit.problems.iter().map(|problem| (problem.file.as_str(), problem.code.as_str())).collect();
        assert_eq!(problems, [("b.yaml", "symlink"), ("round", "symlink")]);
        assert_eq!(commit.files.len(), 1);
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = format!("{}x.yaml", "d/".repeat(40));
        let large = "x".repeat(crd_schemas::MAX_FILE_BYTES + 100);
        let (_root, folder) = folder(&[(&deep, ""), ("large.yaml", &large)]);
        let commit = folder.read().unwrap();
        assert_eq!(commit.problems.iter().map(|problem| problem.code.as_str()).collect::<Vec<_>>(), ["too-deep"]);
        assert_eq!(commit.files[0].bytes.len(), crd_schemas::MAX_FILE_BYTES + 1, "so that the parser says that it is too large");
    }

    #[test]
    fn a_folder_that_is_gone_is_unreadable() {
        let (root, folder) = folder(&[]);
        root.close().unwrap();
        assert!(matches!(folder.settled(None), Err(SourceError::Unreadable { .. })));
    }
}
