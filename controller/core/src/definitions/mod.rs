//! The validated set: manifests that were read become programs that can run, or findings that say why not.

mod access;
mod command;
mod compile;
mod digest;
mod fault;
mod files;
mod finding;
mod flow;
mod own;
mod param_check;
mod param_value;
mod params;
mod place;
mod program;
mod schedule;
mod set;

pub use command::{COMMAND, check_command, command_workflow};
pub use digest::digest;
pub use fault::FileFault;
pub use files::{FileUse, Files, MAX_PINNED_BYTES, MAX_PINNED_TOTAL_BYTES, PinnedFile, check_files, files_of};
pub use finding::Finding;
pub use own::check_own;
pub use params::{ParamError, Params};
pub use place::{file_problem, files_problems, own_problems, problems, set_problems};
pub use program::{CompiledAction, CompiledExecute, CompiledRun, CompiledStep, Program};
pub use schedule::schedule_workflow;
pub use set::{FileRef, check_set};

use crd_schemas::manifest::{AgentGroupSpec, Workflow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an execution is pinned to: a sync never changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snapshot {
    /// The source.
    pub source: String,
    /// The commit.
    pub commit: String,
    /// The file, within its repository.
    pub path: String,
    /// The workflow's digest.
    pub digest: String,
    /// The workflow.
    pub workflow: Workflow,
    /// The groups of that commit.
    pub groups: BTreeMap<String, AgentGroupSpec>,
    /// The files that the workflow uses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: Files,
}

#[cfg(test)]
mod command_tests;
#[cfg(test)]
mod language_tests;
#[cfg(test)]
mod param_tests;
#[cfg(test)]
mod tests;
