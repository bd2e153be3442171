//! The JSON Schemas of the manifests, for editors.

use super::Problem;
use super::extract::Segment;
use super::reply::SchemaFile;
use axum::http::header;
use axum::response::IntoResponse;

/// `GET /schemas/{name}`.
pub(super) async fn one(Segment(name): Segment) -> Result<SchemaFile, Problem> {
    let schemas = crd_schemas::schemas();
    match schemas.iter().find(|(file, _)| *file == name) {
        Some((_, schema)) => {
            let answer = ([(header::CONTENT_TYPE, "application/schema+json")], schema.to_string());
            Ok(SchemaFile(answer.into_response()))
        }
        None => {
            let known: Vec<&str> = schemas.iter().map(|(file, _)| *file).collect();
            Err(Problem::not_found("no_such_schema", format!("there is no schema `{name}`; there are {}", known.join(", "))))
        }
    }
}
