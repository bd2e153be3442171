//! The files that manifests use, looked for where the controller would look: below the source's root. What is wrong with one is
//! said in the controller's words.

use crd_schemas::{Document, Problem, Severity};
use pulse_core::definitions::{FileFault, FileUse, Files, MAX_PINNED_BYTES, PinnedFile, file_problem, files_of, files_problems};
use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that were looked for, each once.
#[derive(Debug, Default)]
pub struct UsedFiles {
    found: HashMap<PathBuf, Result<PinnedFile, FileFault>>,
}

impl UsedFiles {
    /// The files that a document uses, and a problem for each that the controller could not use.
    pub fn of(&mut self, document: &Document, root: &Path) -> (Files, Vec<Problem>) {
        let (mut files, mut problems) = (Files::new(), Vec::new());
        for used in files_of(&document.manifest) {
            match self.find(root, &used.path) {
                Ok(file) => drop(files.insert(used.path, file.clone())),
                Err(fault) => problems.push(file_problem(document, &used, fault)),
            }
        }
        problems.extend(files_problems(document, &files));
        (files, problems)
    }

    fn find(&mut self, root: &Path, path: &str) -> Result<&PinnedFile, &FileFault> {
        self.found.entry(root.join(path)).or_insert_with(|| read(root, path)).as_ref()
    }
}

/// A warning about the files that a document uses, where nobody knows the root that they lie below.
pub fn unchecked(document: &Document) -> Option<Problem> {
    let uses = files_of(&document.manifest);
    let FileUse { path, pointer } = uses.first()?;
    let more = match uses.len() {
        1 => String::new(),
        2 => " and another file".to_owned(),
        all => format!(" and {} more files", all - 1),
    };
    let message = format!("`{path}`{more} were not looked for, because the source's root is not known");
    let message = if uses.len() == 1 { message.replace(" were not", " was not") } else { message };
    let help = "name the folder from which paths start: `--root DIR`, or check that folder as a whole";
    Some(document.problem(pointer, Severity::Warning, "unchecked-files", message, Some(help.to_owned())))
}

fn read(root: &Path, path: &str) -> Result<PinnedFile, FileFault> {
    let (full, meta) = find(root, path)?;
    let mut content = Vec::new();
    let read = fs::File::open(&full).and_then(|file| file.take(MAX_PINNED_BYTES as u64 + 1).read_to_end(&mut content));
    read.map_err(|error| fault(path, &error))?;
    if content.len() > MAX_PINNED_BYTES {
        return Err(FileFault::TooLarge { path: path.to_owned(), bytes: meta.len().max(content.len() as u64) });
    }
    Ok(PinnedFile { executable: meta.permissions().mode() & 0o111 != 0, content: Arc::new(content) })
}

/// The file at a path below the root, no part of which is a link. The manifest's check has seen that the path leads nowhere else.
fn find(root: &Path, path: &str) -> Result<(PathBuf, Metadata), FileFault> {
    let mut full = root.to_owned();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        full.push(part);
        let meta = fs::symlink_metadata(&full).map_err(|error| fault(path, &error))?;
        let not = |what| Err(FileFault::NotAFile { path: path.to_owned(), what });
        let last = parts.peek().is_none();
        match (meta.is_symlink(), meta.is_file(), meta.is_dir()) {
            (true, ..) => return not("a symbolic link"),
            (_, true, _) if last => return Ok((full, meta)),
            (.., true) if last => return not("a folder"),
            (.., true) => {}
            _ if last => return not("a special file"),
            _ => break,
        }
    }
    Err(FileFault::Missing(path.to_owned()))
}

fn fault(path: &str, error: &std::io::Error) -> FileFault {
    match error.kind() {
        ErrorKind::NotFound => FileFault::Missing(path.to_owned()),
        _ => FileFault::Unreadable { path: path.to_owned(), reason: error.to_string() },
    }
}
