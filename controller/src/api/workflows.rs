//! Live workflows: their manifest and where it came from.

use super::answers::{Origin, Page, ReadyCondition, WorkflowStatus, WorkflowView};
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{PageQuery, SourceQuery, by_name, key};
use super::reply::Object;
use super::{App, Problem, sight};
use axum::extract::State;
use crd_schemas::manifest::Workflow;
use crd_schemas::{Kind, Manifest};
use pulse_core::definitions::Program;
use pulse_store::{Definition, RowError};
use std::collections::BTreeMap;

/// The commit that is live of each source.
pub(super) type Commits = BTreeMap<String, String>;

/// `GET /api/v1/workflows`.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Page<WorkflowView>, Problem> {
    let commits = observed_commits(&app).await?;
    let rows = app.engine.store().definitions(Kind::Workflow).await?;
    let seen = readable(rows).filter(|definition| caller.sees(&sight::object_of(definition)));
    let all = seen.filter_map(|definition| Some((key(&definition), (workflow(&definition)?, definition))));
    by_name(all.collect(), &query, |(workflow, definition)| view(workflow, &definition, &commits))
}

/// `GET /api/v1/workflows/{name}`.
pub(super) async fn one(
    State(app): State<App>,
    Segment(name): Segment,
    caller: Caller,
    Parameters(query): Parameters<SourceQuery>,
) -> Result<Object<WorkflowView>, Problem> {
    let rows = app.engine.store().named(Kind::Workflow, &name).await?;
    let definition = query.only(readable(rows).filter(|definition| caller.sees(&sight::object_of(definition))))?;
    let found = definition.and_then(|definition| Some((workflow(&definition)?, definition)));
    let no_such = || Problem::not_found("no_such_workflow", format!("no workflow `{name}` is live"));
    let (workflow, definition) = found.ok_or_else(no_such)?;
    Ok(Object(view(workflow, &definition, &observed_commits(&app).await?)))
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

/// Where a definition came from.
pub(super) fn origin(definition: &Definition, commits: &Commits) -> Origin {
    Origin {
        source: definition.source.clone(),
        path: definition.path.clone(),
        observed_commit: commits.get(&definition.source).cloned(),
        changed_commit: definition.commit.clone(),
        digest: definition.digest.clone(),
        generation: definition.generation,
        updated_at: definition.updated_at.into(),
    }
}

fn workflow(definition: &Definition) -> Option<Workflow> {
    if let Manifest::Workflow(workflow) = &definition.manifest { Some(workflow.clone()) } else { None }
}

fn view(workflow: Workflow, definition: &Definition, commits: &Commits) -> WorkflowView {
    // A workflow that an older release accepted may not compile any more.
    let fault = Program::compile(&workflow).err().and_then(|findings| findings.into_iter().next());
    let conditions = [ReadyCondition::of(fault.map(|fault| fault.message))];
    WorkflowView::new(workflow.metadata, workflow.spec, WorkflowStatus { origin: origin(definition, commits), conditions })
}
