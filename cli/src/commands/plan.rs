//! `pulse plan PATH`: what the controller would do with these manifests.

use crate::args::Common;
use crate::client::view;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifests::{self, ManifestFile};
use crate::output::{self, Format};
use crd_schemas::{Problem, Severity};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Compare a folder of manifests with what is live. Exits 0 when nothing would change, 1 when something would, 2 on an error
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// The folder
    path: PathBuf,
}

impl Plan {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml])?;
        let found = manifests::read(&self.path)?;
        if let Some(problem) = found.problems.first() {
            return Err(Failure::new(problem.to_string()).with_help("`pulse validate` shows every problem"));
        }
        let answer = common.client()?.post("/plan", &body(&found.files)?, &[])?;
        let problems: Vec<Problem> = view(answer.get("problems").cloned().unwrap_or_else(|| json!([])))?;
        problems.iter().for_each(|problem| output::message(&problem.to_string()));
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(Failure::new("the controller would refuse this folder").with_help("`pulse validate` shows where"));
        }
        let plan: pulse_core::plan::Plan = view(answer.get("plan").cloned().unwrap_or_else(|| answer.clone()))?;
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            _ => output::print(&plan.to_string())?,
        }
        Ok(if plan.is_empty() { Exit::Success } else { Exit::Negative })
    }
}

/// The files as the API takes them.
fn body(files: &[ManifestFile]) -> Result<Value, Failure> {
    let mut sent = Vec::new();
    for file in files {
        let text = std::str::from_utf8(&file.bytes).map_err(|_| {
            Failure::new(format!("{} is no UTF-8", file.shown))
                .with_help("save it as UTF-8; `pulse validate` says where it is not")
        })?;
        sent.push(json!({ "path": file.relative, "content": text }));
    }
    Ok(json!({ "files": sent }))
}
