//! What is kept from one look to the next. Everything in it follows from contents alone, so that nothing in it can be wrong: it only
//! spares work.

use crate::source::tree::Entry;
use crd_schemas::{Document, Problem, parse_file};
use pulse_core::definitions::{self, FileUse, Files, PinnedFile, digest, files_of};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Problems that are kept of one file.
const MAX_FILE_PROBLEMS: usize = 200;

/// What the last look left: the files of one commit and no more.
#[derive(Debug, Default)]
pub struct Cache {
    files: HashMap<String, (String, Arc<CheckedFile>)>,
    used: HashMap<String, Used>,
}

/// One file of manifests, checked by itself.
#[derive(Debug)]
pub(super) struct CheckedFile {
    pub(super) documents: Vec<Arc<CheckedDocument>>,
    /// What can be said of it without any other file.
    pub(super) problems: Vec<Problem>,
    /// Its size.
    pub(super) bytes: usize,
}

/// A document and what follows from it.
#[derive(Debug)]
pub(super) struct CheckedDocument {
    pub(super) document: Document,
    pub(super) uses: Vec<FileUse>,
    /// The last digest that was asked for, with the signature of the files that it was asked for with.
    digest: Mutex<Option<(String, String)>>,
}

/// A file that manifests use.
#[derive(Debug, Clone)]
pub(super) struct Used {
    /// The source's own word for what it holds, where it has one.
    pub(super) content: Option<String>,
    pub(super) file: PinnedFile,
    /// Says mode and content.
    pub(super) signature: String,
}

impl Cache {
    pub(super) fn new(files: Vec<(&Entry, Arc<CheckedFile>)>, used: HashMap<String, Used>) -> Self {
        let files = files.into_iter().map(|(entry, file)| (entry.path.clone(), (entry.content.clone(), file)));
        Self { files: files.collect(), used }
    }

    /// How many files of manifests are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// A file that is as it was.
    pub(super) fn file(&self, entry: &Entry) -> Option<&Arc<CheckedFile>> {
        self.files.get(&entry.path).filter(|(content, _)| *content == entry.content).map(|(_, file)| file)
    }

    /// A used file that still holds what the source calls `content`.
    pub(super) fn used(&self, path: &str, content: &str) -> Option<&Used> {
        self.used.get(path).filter(|used| used.content.as_deref() == Some(content))
    }
}

impl CheckedFile {
    /// Checks a file by itself.
    pub(super) fn new(path: &str, bytes: &[u8]) -> Self {
        let parsed = parse_file(path, bytes);
        let mut problems = parsed.problems;
        problems.extend(parsed.documents.iter().flat_map(definitions::own_problems));
        let documents = parsed.documents.into_iter().map(|document| {
            let uses = files_of(&document.manifest);
            Arc::new(CheckedDocument { document, uses, digest: Mutex::default() })
        });
        super::cut(&mut problems, MAX_FILE_PROBLEMS);
        Self { documents: documents.collect(), problems, bytes: bytes.len() }
    }

    /// A file that the checker itself failed over.
    pub(super) fn uncheckable(path: &str, bytes: usize) -> Self {
        let message = "PULSE failed while it checked this file, by a mistake of its own";
        let help = "please report it with this file; the controller's log has the details";
        let problem = Problem::of_file(path, "internal", message, help);
        Self { documents: Vec::new(), problems: vec![problem], bytes }
    }
}

impl CheckedDocument {
    /// The digest of the manifest with these files, of which `signature` says what they hold.
    pub(super) fn digest(&self, files: &Files, signature: String) -> String {
        // Nothing can panic between taking what is kept and leaving something as whole.
        let mut kept = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, digest)) if *of == signature => digest.clone(),
            _ => {
                let digest = digest(&self.document.manifest, files);
                *kept = Some((signature, digest.clone()));
                digest
            }
        }
    }
}
