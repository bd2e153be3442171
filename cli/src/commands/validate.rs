//! `pulse validate PATH…`: the controller's checks, offline.

use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifests::{self, ManifestFile};
use crate::output::style::Style;
use crate::output::{self, Format, snippet};
use crate::used::{self, UsedFiles};
use crd_schemas::{Document, Problem, Severity, parse_file};
use pulse_core::definitions;
use serde_json::json;
use std::collections::HashMap;
use std::path::PathBuf;

/// Checks manifests without a server. Exits 0 when a commit of them would be accepted, 1 when it has problems, 2 when it
/// cannot be read.
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// Folders and files, checked together as one source
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The source's root, where the paths of scripts and files start; a folder that is given is its own root unless this is said
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

impl Validate {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml])?;
        let (mut files, mut problems) = (Vec::new(), Vec::new());
        for path in &self.paths {
            let found = manifests::read(path, self.root.as_deref())?;
            files.extend(found.files);
            problems.extend(found.problems);
        }
        // Of a file that is given twice, by itself and within its folder, the one whose root is known stays.
        files.sort_by(|a, b| (&a.shown, a.root.is_none()).cmp(&(&b.shown, b.root.is_none())));
        files.dedup_by(|a, b| a.shown == b.shown);
        let checked = check(&files, problems);
        let refused = checked.problems.iter().any(|problem| problem.severity == Severity::Error);
        match format {
            Format::Json => output::print(&output::json(&checked.to_json(refused)))?,
            Format::Yaml => output::print(&output::yaml(&checked.to_json(refused))?)?,
            _ => checked.show(&files)?,
        }
        Ok(if refused { Exit::Negative } else { Exit::Success })
    }
}

/// What the checks found.
#[derive(Debug)]
struct Checked {
    manifests: usize,
    problems: Vec<Problem>,
}

/// Parses every file and checks all manifests, with the files that they use, as one set.
fn check(files: &[ManifestFile], mut problems: Vec<Problem>) -> Checked {
    let (mut documents, mut used) = (Vec::<Document>::new(), UsedFiles::default());
    for file in files {
        let parsed = parse_file(&file.shown, &file.bytes);
        problems.extend(parsed.documents.iter().flat_map(|document| match &file.root {
            Some(root) => used.of(document, root).1,
            None => used::unchecked(document).into_iter().collect(),
        }));
        documents.extend(parsed.documents);
        problems.extend(parsed.problems);
    }
    problems.extend(definitions::problems(&documents));
    problems.sort_by(|a, b| (&a.file, a.line, a.column, &a.code).cmp(&(&b.file, b.line, b.column, &b.code)));
    Checked { manifests: documents.len(), problems }
}

impl Checked {
    fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    fn to_json(&self, refused: bool) -> serde_json::Value {
        json!({ "valid": !refused, "manifests": self.manifests, "problems": self.problems })
    }

    /// The problems are the data of this command, so they go to stdout; so does the verdict.
    fn show(&self, files: &[ManifestFile]) -> Result<(), Failure> {
        let texts: HashMap<&str, &str> =
            files.iter().filter_map(|file| Some((file.shown.as_str(), std::str::from_utf8(&file.bytes).ok()?))).collect();
        let coloured = Style::of_stdout().is_coloured();
        for problem in &self.problems {
            let text = texts.get(problem.file.as_str()).copied();
            output::print(&format!("{}\n\n", snippet::render(problem, text, coloured)))?;
        }
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let found = match (errors, warnings) {
            (0, 0) => "valid".to_owned(),
            (0, _) => format!("valid, with {}", counted(warnings, "warning")),
            (_, 0) => counted(errors, "error"),
            _ => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
        };
        let manifests = if errors == 0 { format!("{} in ", counted(self.manifests, "manifest")) } else { String::new() };
        output::print(&format!("{manifests}{}: {found}", counted(files.len(), "file")))
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
