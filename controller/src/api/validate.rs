//! Manifests that are not live yet: what is wrong with them, and what they would change.

use super::answers::{PlanView, Validation};
use super::body::Json as Body;
use super::{App, Problem};
use crate::source::SourceFile;
use crate::sync::{Checked, Planned, SyncError};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pulse_core::source_status::SourceReason;
use pulse_protocol::files::is_inside;
use serde_json::json;

/// Files of one request: as many manifests as a source may have, and as many files again that they use.
const MAX_FILES: usize = 20_000;
/// Bytes of one request: 16 MiB of manifests and 12 MiB of files in base64, four bytes for three.
const MAX_BYTES: usize = 32 << 20;

/// A set of files, as a commit would hold them: manifests, and the files that these use.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Validate")]
pub(super) struct Files {
    /// The files.
    #[schemars(length(max = 20000))]
    files: Vec<File>,
}

/// What to plan: a set of files; a branch, tag or commit of the source; or nothing, which means the source's head.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MakePlan")]
pub(super) struct Wanted {
    /// The files.
    #[schemars(length(max = 20000))]
    files: Option<Vec<File>>,
    /// A branch, tag or commit of the source.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// Which source is meant; needed only where there are several.
    source: Option<String>,
}

/// A file of a request.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SourceFile")]
struct File {
    /// Relative to the source's root.
    path: String,
    /// What it holds, as `encoding` says.
    content: String,
    /// How `content` is written.
    #[serde(default)]
    encoding: Encoding,
    /// The file can be executed.
    #[serde(default)]
    executable: bool,
}

/// How `content` is written.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize, schemars::JsonSchema)]
enum Encoding {
    /// As it is.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// For bytes that are no text.
    #[serde(rename = "base64")]
    Base64,
}

/// `POST /api/v1/validate`.
pub(super) async fn validate(
    State(app): State<App>,
    Body(Files { files }): Body<Files, MAX_BYTES>,
) -> Result<Json<Validation>, Problem> {
    let checked = app.sources.checks.check(source_files(files)?, String::new()).await?;
    let (valid, manifests) = (checked.errors() == 0, checked.declared.len());
    Ok(Json(Validation { valid, manifests, problems: checked.problems }))
}

/// `POST /api/v1/plan`.
pub(super) async fn plan(State(app): State<App>, Body(wanted): Body<Wanted, MAX_BYTES>) -> Result<Json<PlanView>, Problem> {
    let syncer = || app.sources.pick(wanted.source.as_deref());
    let checked = match (wanted.files, wanted.reference) {
        (Some(_), Some(_)) => {
            return Err(Problem::parameter("ref", "it cannot be planned together with `files`; give one of the two"));
        }
        (Some(files), None) => app.sources.checks.check(source_files(files)?, syncer()?.path()).await?,
        (None, None) => syncer()?.check_source(None).await?,
        (None, reference) => syncer()?.check_source(reference).await.map_err(wrong_reference)?,
    };
    refuse_errors(&checked)?;
    let syncer = syncer()?;
    let Planned { plan, live_commit, problems, .. } = syncer.plan(&checked).await?;
    Ok(Json(PlanView {
        source: syncer.name().to_owned(),
        commit: Some(checked.commit.id).filter(|id| !id.is_empty()),
        text: plan.to_string(),
        empty: plan.is_empty(),
        plan_digest: plan.digest(),
        needs_confirmation: plan.needs_confirmation(),
        plan,
        live_commit,
        problems,
    }))
}

/// A branch that is missing is the source's fault where nobody asked for another one, and the caller's where they did.
fn wrong_reference(error: SyncError) -> Problem {
    match &error {
        SyncError::Source(missing) if missing.reason == SourceReason::BranchMissing => {
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no_such_ref", error.to_string());
            problem.with("reason", missing.reason.as_str())
        }
        _ => error.into(),
    }
}

fn refuse_errors(checked: &Checked) -> Result<(), Problem> {
    if checked.errors() == 0 {
        return Ok(());
    }
    let errors = checked.problems.iter().map(|problem| json!(problem)).collect();
    let detail = "the manifests have errors, so there is nothing to plan";
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_manifests", detail).with_errors(errors))
}

fn source_files(files: Vec<File>) -> Result<Vec<SourceFile>, Problem> {
    if files.len() > MAX_FILES {
        return Err(Problem::parameter("files", format!("at most {MAX_FILES}")));
    }
    let mut sorted = files.into_iter().map(source_file).collect::<Result<Vec<_>, _>>()?;
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Err(Problem::parameter("files", format!("`{}` is given twice", pair[0].path)));
    }
    Ok(sorted)
}

fn source_file(file: File) -> Result<SourceFile, Problem> {
    let File { path, content, encoding, executable } = file;
    let shown = || path.chars().take(80).collect::<String>();
    if !is_inside(&path) {
        return Err(Problem::parameter(
            "files",
            format!("`{}` is no path below the source's root; write `folder/file`", shown()),
        ));
    }
    let bytes = match encoding {
        Encoding::Utf8 => content.into_bytes(),
        Encoding::Base64 => STANDARD
            .decode(content)
            .map_err(|error| Problem::parameter("files", format!("the content of `{}` is no base64: {error}", shown())))?,
    };
    Ok(SourceFile { path, bytes, executable })
}

#[cfg(test)]
mod tests;
