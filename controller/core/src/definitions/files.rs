//! Files of a commit that a manifest uses beside itself: scripts, and what a command needs in its work folder. They are pinned
//! with the definition, count in its digest, and travel with every attempt.

use super::Finding;
use crd_schemas::Manifest;
use crd_schemas::manifest::{Action, Execute, Run};
use pulse_protocol::files::{MAX_FILE_BYTES, MAX_FILES_BYTES};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Files by their path, relative to the source's root, `/` between parts.
pub type Files = BTreeMap<String, PinnedFile>;

/// Most bytes of one file.
pub const MAX_PINNED_BYTES: usize = MAX_FILE_BYTES;
/// Most bytes of all files that one manifest uses.
pub const MAX_PINNED_TOTAL_BYTES: usize = MAX_FILES_BYTES;

/// A file as its commit holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PinnedFile {
    /// Its mode in the commit lets it be executed.
    pub executable: bool,
    /// What it holds, at most [`MAX_PINNED_BYTES`]; base64 in JSON. Shared, because a plan, a snapshot and every attempt use it.
    #[serde(with = "pulse_protocol::frame::shared_base64")]
    pub content: Arc<Vec<u8>>,
}

/// One place in a manifest that names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUse {
    /// The file, relative to the source's root.
    pub path: String,
    /// RFC 6901 pointer of the field that names it.
    pub pointer: String,
}

impl PinnedFile {
    /// Its first line names the program that runs it, so that it can be executed as it is.
    pub fn has_shebang(&self) -> bool {
        self.content.starts_with(b"#!")
    }

    /// SHA-256 of its content, in hex.
    pub fn digest(&self) -> String {
        Sha256::digest(self.content.as_slice()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Every file that a manifest names, in the order in which it names them. A file that two steps use is named twice.
pub fn files_of(manifest: &Manifest) -> Vec<FileUse> {
    match manifest {
        Manifest::Workflow(workflow) => {
            let steps = workflow.spec.steps.iter().enumerate();
            steps
                .flat_map(|(index, step)| match &step.action {
                    Action::Execute(execute) => files_of_execute(execute, &format!("/spec/steps/{index}")),
                    _ => Vec::new(),
                })
                .collect()
        }
        Manifest::Schedule(schedule) => {
            super::schedule::command(schedule).map(|(execute, at)| files_of_execute(execute, at)).unwrap_or_default()
        }
        Manifest::Agent(_) | Manifest::AgentGroup(_) | Manifest::AccessPolicy(_) => Vec::new(),
    }
}

/// The files of an `execute` step that stands at a pointer.
fn files_of_execute(execute: &Execute, pointer: &str) -> Vec<FileUse> {
    let script = match &execute.run {
        Run::Command(_) => None,
        Run::Script(script) => Some(FileUse { path: script.file.clone(), pointer: format!("{pointer}/script/file") }),
    };
    let files = execute.files.iter().enumerate().map(|(index, file)| {
        let from = if file.is_kept() { "" } else { "/from" };
        FileUse { path: file.from.clone(), pointer: format!("{pointer}/files/{index}{from}") }
    });
    script.into_iter().chain(files).collect()
}

/// What the files of a manifest, once they are read, are to be asked together: their size.
pub fn check_files(manifest: &Manifest, files: &Files) -> Vec<Finding> {
    let mut counted = BTreeSet::new();
    let mut bytes = 0;
    for used in files_of(manifest) {
        if counted.insert(used.path.clone()) {
            bytes += files.get(&used.path).map_or(0, |file| file.content.len());
        }
        if bytes > MAX_PINNED_TOTAL_BYTES {
            let message = format!(
                "with `{}`, the files that this manifest uses have {bytes} bytes or more together; at most 4 MiB are allowed",
                used.path
            );
            let help = "let the command fetch large files itself, or use fewer";
            return vec![Finding::error(used.pointer, "files-too-large", message).with_help(help)];
        }
    }
    Vec::new()
}
