//! Manifests that are not live yet: what is wrong with them, and what they would change.

use super::body::Json as Body;
use super::{App, Problem};
use crate::source::SourceFile;
use crate::sync::{Checked, check_aside};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde_json::{Value, json};

/// Files of one request.
const MAX_FILES: usize = 10_000;

/// A set of files.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Files {
    files: Vec<File>,
}

/// A set of files, or nothing: the source itself is meant then.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanFiles {
    files: Option<Vec<File>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    path: String,
    content: String,
}

/// `POST /api/v1/validate`.
pub(super) async fn validate(Body(Files { files }): Body<Files>) -> Result<Json<Value>, Problem> {
    let checked = check_aside(source_files(files)?, Vec::new()).await?;
    Ok(Json(json!({
        "valid": checked.errors() == 0,
        "manifests": checked.documents.len(),
        "problems": checked.problems,
    })))
}

/// `POST /api/v1/plan`.
pub(super) async fn plan(State(app): State<App>, Body(PlanFiles { files }): Body<PlanFiles>) -> Result<Json<Value>, Problem> {
    let (checked, planned) = match files {
        Some(files) => app.syncer.plan_files(source_files(files)?).await?,
        None => app.syncer.plan_source().await?,
    };
    refuse_errors(&checked)?;
    let plan = &planned.plan;
    Ok(Json(json!({
        "plan": plan,
        "text": plan.to_string(),
        "empty": plan.is_empty(),
        "planDigest": plan.digest(),
        "needsConfirmation": plan.needs_confirmation(),
        "liveCommit": planned.live_commit,
        "problems": checked.problems,
    })))
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
    let mut sorted: Vec<SourceFile> =
        files.into_iter().map(|file| SourceFile { path: file.path, bytes: file.content.into_bytes() }).collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Err(Problem::parameter("files", format!("`{}` is given twice", pair[0].path)));
    }
    Ok(sorted)
}
