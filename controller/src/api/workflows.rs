//! Live workflows: their manifest and where it came from.

use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{PageQuery, SourceQuery, by_name, key};
use super::time::rfc3339;
use super::{App, Problem, sight};
use axum::extract::State;
use axum::response::Json;
use crd_schemas::manifest::API_VERSION;
use crd_schemas::{Kind, Manifest};
use pulse_core::definitions::Program;
use pulse_store::{Definition, RowError};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The commit that is live of each source.
pub(super) type Commits = BTreeMap<String, String>;

/// `GET /api/v1/workflows`.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Json<Value>, Problem> {
    let commits = observed_commits(&app).await?;
    let rows = app.engine.store().definitions(Kind::Workflow).await?;
    let seen = readable(rows).filter(|definition| caller.sees(&sight::object_of(definition)));
    let all = seen.map(|definition| (key(&definition), definition));
    Ok(Json(by_name(all.collect(), &query, |definition| view(&definition, &commits))?))
}

/// `GET /api/v1/workflows/{name}`.
pub(super) async fn one(
    State(app): State<App>,
    Segment(name): Segment,
    caller: Caller,
    Parameters(query): Parameters<SourceQuery>,
) -> Result<Json<Value>, Problem> {
    let rows = app.engine.store().named(Kind::Workflow, &name).await?;
    let definition = query.only(readable(rows).filter(|definition| caller.sees(&sight::object_of(definition))))?;
    let definition = definition.ok_or_else(|| Problem::not_found("no_such_workflow", format!("no workflow `{name}` is live")))?;
    Ok(Json(view(&definition, &observed_commits(&app).await?)))
}

/// The commits that are live.
pub(super) async fn observed_commits(app: &App) -> Result<Commits, Problem> {
    let states = app.engine.store().sources().await?;
    let readable = states
        .into_iter()
        .filter_map(|row| row.inspect_err(|error| tracing::error!(%error, "where a source stands cannot be read")).ok());
    Ok(readable.map(|state| (state.source, state.commit)).collect())
}

/// The rows that can be read; the others are logged, and hide none of these.
pub(super) fn readable(rows: Vec<Result<Definition, RowError>>) -> impl Iterator<Item = Definition> {
    rows.into_iter().filter_map(|row| row.inspect_err(|error| tracing::error!(%error, "a definition cannot be read")).ok())
}

/// A manifest with what is known of it.
pub(super) fn manifest(manifest: &Manifest, status: Value) -> Value {
    let said = json!(manifest);
    json!({
        "apiVersion": API_VERSION,
        "kind": manifest.kind(),
        "metadata": said["metadata"],
        "spec": said["spec"],
        "status": status,
    })
}

/// Where a definition came from.
pub(super) fn origin(definition: &Definition, commits: &Commits) -> Value {
    json!({
        "source": definition.source,
        "path": definition.path,
        "observedCommit": commits.get(&definition.source),
        "changedCommit": definition.commit,
        "digest": definition.digest,
        "generation": definition.generation,
        "updatedAt": rfc3339(definition.updated_at),
    })
}

fn view(definition: &Definition, commits: &Commits) -> Value {
    let mut status = origin(definition, commits);
    status["conditions"] = json!([ready(definition)]);
    manifest(&definition.manifest, status)
}

/// A workflow that an older release accepted may not compile any more.
fn ready(definition: &Definition) -> Value {
    let fault = match &definition.manifest {
        Manifest::Workflow(workflow) => Program::compile(workflow).err().and_then(|findings| findings.into_iter().next()),
        _ => None,
    };
    match fault {
        None => json!({ "type": "Ready", "status": "True", "reason": "Compiled" }),
        Some(fault) => json!({ "type": "Ready", "status": "False", "reason": "Uncompilable", "message": fault.message }),
    }
}
