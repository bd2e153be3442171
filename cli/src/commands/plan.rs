//! `pulse plan PATH|REF`: what the controller would do with these manifests.

use crate::args::Common;
use crate::client::view;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifests::{self, ManifestFile};
use crate::output::{self, Format};
use crate::used::{self, UsedFiles};
use clap::ValueEnum;
use crd_schemas::listing::manifests_among;
use crd_schemas::{Document, Problem, Severity, parse_file};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A look at a ref of a large repository takes its time; the controller bounds it by itself.
const PATIENCE: Duration = Duration::from_secs(300);

/// Compare manifests with what is live. Exits 0 when nothing would change, 1 when something would, 2 on an error
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// A folder or file of manifests; where there is none of this name, a branch, tag or commit of the controller's source
    #[arg(value_name = "PATH|REF")]
    what: String,
    /// The source whose live objects are compared; needed only where there are several
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The source's root, where the paths of scripts and files start; a folder that is given is its own root unless this is said
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

impl Plan {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(Format::value_variants())?;
        let mut body = self.body()?;
        if let (Some(source), Some(fields)) = (&self.source, body.as_object_mut()) {
            fields.insert("source".to_owned(), json!(source));
        }
        let answer = common.client()?.with_patience(PATIENCE).post("/plan", &body, &[])?;
        let problems: Vec<Problem> = view(answer.get("problems").cloned().unwrap_or_else(|| json!([])))?;
        problems.iter().for_each(|problem| output::message(&problem.to_string()));
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(Failure::new("the controller would refuse this").with_help("`pulse validate` shows where"));
        }
        let plan: pulse_core::plan::Plan = view(answer.get("plan").cloned().unwrap_or_else(|| answer.clone()))?;
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            Format::Name => names(&plan).iter().try_for_each(|name| output::print(name))?,
            Format::Table => output::print(&plan.to_string())?,
            Format::Wide => output::print(&format!("{}{plan}", unchanged(&plan)))?,
        }
        Ok(if plan.is_empty() { Exit::Success } else { Exit::Negative })
    }

    /// What is asked: files that are here, or a ref that the controller has.
    fn body(&self) -> Result<Value, Failure> {
        let path = Path::new(&self.what);
        if !path.exists() {
            let ref_like = self.root.is_none()
                && !self.what.is_empty()
                && !self.what.starts_with(['.', '/', '-'])
                && !self.what.ends_with('/');
            return match ref_like {
                true => Ok(json!({ "ref": self.what })),
                false => Err(Failure::new(format!("there is no file or folder {}, and no ref is called so", self.what))
                    .with_help("name a folder of manifests, or a branch, tag or commit without --root")),
            };
        }
        let found = manifests::read(path, self.root.as_deref())?;
        refuse(&found.problems)?;
        body(&found.files)
    }
}

/// Everything that would change, one name per line.
fn names(plan: &pulse_core::plan::Plan) -> Vec<String> {
    let changes = [&plan.create, &plan.update, &plan.retire].into_iter().flatten();
    changes.map(|change| format!("{}/{}", change.kind.to_string().to_lowercase(), change.name)).collect()
}

/// What would stay as it is, one line each.
fn unchanged(plan: &pulse_core::plan::Plan) -> String {
    plan.unchanged.iter().map(|change| format!("  {change}\n")).collect()
}

/// The manifests, and the files that they use, as the API takes them.
fn body(files: &[ManifestFile]) -> Result<Value, Failure> {
    let (mut sent, mut used) = (BTreeMap::new(), UsedFiles::default());
    for file in files {
        let text = std::str::from_utf8(&file.bytes).map_err(|_| {
            Failure::new(format!("{} is no UTF-8", file.shown))
                .with_help("save it as UTF-8; `pulse validate` says where it is not")
        })?;
        let (manifest, problems) = manifests_among([file.relative.as_str()]);
        refuse(&problems)?;
        if manifest.is_empty() {
            let message = format!("the controller would pass over {}", file.shown);
            let help = "a manifest's file ends in .yaml or .yml, and no part of its path begins with a dot";
            return Err(Failure::new(message).with_help(help));
        }
        for document in parse_file(&file.shown, &file.bytes).documents {
            sent.extend(used_files(&document, file, &mut used)?);
        }
        // A file that is a manifest, too, is sent with its mode.
        let manifest = || json!({ "path": file.relative, "content": text });
        sent.entry(file.relative.clone()).or_insert_with(manifest);
    }
    Ok(json!({ "files": sent.into_values().collect::<Vec<_>>() }))
}

/// The files that a document uses, by their path.
fn used_files(document: &Document, file: &ManifestFile, used: &mut UsedFiles) -> Result<Vec<(String, Value)>, Failure> {
    let Some(root) = &file.root else {
        return match used::unchecked(document) {
            None => Ok(Vec::new()),
            Some(problem) => Err(Failure::new(problem.message).with_help("name the folder from which paths start: `--root DIR`")),
        };
    };
    let (files, problems) = used.of(document, root);
    refuse(&problems)?;
    let one = |(path, file)| {
        let mut sent = json!(file);
        sent["path"] = json!(path);
        sent["encoding"] = json!("base64");
        (path, sent)
    };
    Ok(files.into_iter().map(one).collect())
}

fn refuse(problems: &[Problem]) -> Result<(), Failure> {
    match problems.first() {
        None => Ok(()),
        Some(problem) => Err(Failure::new(problem.to_string()).with_help("`pulse validate` shows every problem")),
    }
}
