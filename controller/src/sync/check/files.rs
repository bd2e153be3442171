//! The files that manifests use, read from the same commit, each once.

use super::cache::{Cache, CheckedDocument, Used};
use super::too_large;
use crate::source::tree::{NoFile, SourceError, Tree};
use crd_schemas::Problem;
use pulse_core::definitions::{Files, file_problem, files_problems};
use std::collections::HashMap;
use std::fmt::Write;

/// Bytes of all files together that the manifests of a commit use.
pub(super) const MAX_USED_BYTES: usize = 64 << 20;

/// Files of one tree, as they are asked for.
pub(super) struct UsedFiles<'a> {
    tree: &'a dyn Tree,
    kept: &'a Cache,
    read: HashMap<String, Result<Used, NoFile>>,
    bytes: usize,
}

impl<'a> UsedFiles<'a> {
    pub(super) fn new(tree: &'a dyn Tree, kept: &'a Cache) -> Self {
        Self { tree, kept, read: HashMap::new(), bytes: 0 }
    }

    /// The files of a document, what they hold in one text, and a problem for each that cannot be used.
    ///
    /// # Errors
    ///
    /// The source itself fails, or the files that are used are too much together.
    pub(super) fn of(&mut self, document: &CheckedDocument) -> Result<(Files, String, Vec<Problem>), SourceError> {
        let (mut files, mut signature, mut problems) = (Files::new(), String::new(), Vec::new());
        for used in &document.uses {
            match self.file(&used.path) {
                Ok(found) => {
                    if files.insert(used.path.clone(), found.file.clone()).is_none() {
                        // Writing into a text cannot fail.
                        let _ = writeln!(signature, "{:?} {}", used.path, found.signature);
                    }
                }
                Err(NoFile::Source(error)) => return Err(error.clone()),
                Err(NoFile::Fault(fault)) => problems.push(file_problem(&document.document, used, fault)),
            }
        }
        problems.extend(files_problems(&document.document, &files));
        Ok((files, signature, problems))
    }

    /// The files that could be read, to be kept.
    pub(super) fn finish(self) -> HashMap<String, Used> {
        self.read.into_iter().filter_map(|(path, used)| Some((path, used.ok()?))).collect()
    }

    fn file(&mut self, path: &str) -> Result<&Used, &NoFile> {
        if !self.read.contains_key(path) {
            let mut found = look(self.tree, self.kept, path);
            if let Ok(used) = &found {
                self.bytes += used.file.content.len();
                if self.bytes > MAX_USED_BYTES {
                    found = Err(too_large("files that manifests use", MAX_USED_BYTES).into());
                }
            }
            self.read.insert(path.to_owned(), found);
        }
        match &self.read[path] {
            Ok(used) => Ok(used),
            Err(fault) => Err(fault),
        }
    }
}

fn look(tree: &dyn Tree, kept: &Cache, path: &str) -> Result<Used, NoFile> {
    let content = tree.file_content(path);
    if let Some(used) = content.as_deref().and_then(|content| kept.used(path, content)) {
        return Ok(used.clone());
    }
    let file = tree.file(path)?;
    let signature = format!("{} {}", file.executable, file.digest());
    Ok(Used { content, file, signature })
}
