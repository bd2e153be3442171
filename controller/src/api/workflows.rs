//! Live workflows: their manifest and where it came from.

use super::extract::{Parameters, Segment};
use super::list::{PageQuery, by_name};
use super::time::rfc3339;
use super::{App, Problem};
use crate::sync::DEFAULT_SOURCE as SOURCE;
use axum::extract::State;
use axum::response::Json;
use crd_schemas::manifest::API_VERSION;
use crd_schemas::{Kind, Manifest};
use pulse_core::definitions::Program;
use pulse_store::{Definition, RowError};
use serde_json::{Value, json};

/// `GET /api/v1/workflows`.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<PageQuery>) -> Result<Json<Value>, Problem> {
    let commit = observed_commit(&app).await?;
    let rows = app.engine.store().definitions(Kind::Workflow).await?;
    let all = readable(rows).map(|definition| (definition.manifest.metadata().name.clone(), definition));
    Ok(Json(by_name(all.collect(), &query, |definition| view(&definition, &commit))?))
}

/// `GET /api/v1/workflows/{name}`.
pub(super) async fn one(State(app): State<App>, Segment(name): Segment) -> Result<Json<Value>, Problem> {
    let found = app.engine.store().definition(SOURCE, Kind::Workflow, &name).await?;
    let live = found.filter(|definition| definition.retired_at.is_none());
    let definition = live.ok_or_else(|| Problem::not_found("no_such_workflow", format!("no workflow `{name}` is live")))?;
    Ok(Json(view(&definition, &observed_commit(&app).await?)))
}

/// The commit that is live.
pub(super) async fn observed_commit(app: &App) -> Result<Option<String>, Problem> {
    Ok(app.engine.store().source(SOURCE).await?.map(|state| state.commit))
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
pub(super) fn origin(definition: &Definition, observed: &Option<String>) -> Value {
    json!({
        "source": definition.source,
        "path": definition.path,
        "observedCommit": observed,
        "changedCommit": definition.commit,
        "digest": definition.digest,
        "generation": definition.generation,
        "updatedAt": rfc3339(definition.updated_at),
    })
}

fn view(definition: &Definition, observed: &Option<String>) -> Value {
    let mut status = origin(definition, observed);
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
