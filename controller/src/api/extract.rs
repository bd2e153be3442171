//! What comes with a request, taken apart: path, query. A mistake answers as a problem that names the parameter.

use super::Problem;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::json;

/// The one variable part of a path.
#[derive(Debug, Clone)]
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(rejection) => Err(Problem::bad_request("bad_path", rejection.body_text())),
        }
    }
}

/// The query, of which every parameter must be known.
#[derive(Debug, Clone)]
pub(super) struct Parameters<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                let said = text.split_once(": ").map_or(text.as_str(), |(_, said)| said).to_owned();
                let problem = Problem::bad_request("bad_parameter", format!("the query is wrong: {said}"));
                Err(problem.with_errors(vec![match said.split_once(": ") {
                    Some((name, message)) => json!({ "name": name, "message": message }),
                    None => json!({ "message": said }),
                }]))
            }
        }
    }
}
