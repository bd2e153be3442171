//! JSON bodies: bounded, of a known form, with line and column where they are not.

use super::{MAX_BODY, Problem};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::json;

/// A JSON body of at most `MAX` bytes. An empty one counts as `{}`, so that what has no required field needs no body.
#[derive(Debug, Clone)]
pub(super) struct Json<T, const MAX: usize = MAX_BODY>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned, const MAX: usize> FromRequest<S> for Json<T, MAX> {
    type Rejection = Problem;
    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        DefaultBodyLimit::max(MAX).apply(&mut request);
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| unreadable(rejection, MAX))?;
        if bytes.is_empty() {
            return parse(b"{}").map(Self);
        }
        if !is_json {
            let detail = "the body must be JSON: send the header `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
        }
        parse(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn unreadable(rejection: BytesRejection, max: usize) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let detail = format!("the body is larger than {max} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
        }
        _ => Problem::bad_request("unreadable_body", "the body could not be read to its end"),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be taken for the fields' values, in the order in which the type happens to declare them.
    let is_list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let parsed = if is_list {
        Err(serde::de::Error::custom("expected an object, `{…}`, not a list"))
    } else {
        serde_json::from_slice(bytes)
    };
    parsed.map_err(|error: serde_json::Error| {
        let (line, column) = (error.line().max(1), error.column().max(1));
        let said = error.to_string();
        let message = said.split(" at line ").next().unwrap_or(&said).to_owned();
        let problem = Problem::bad_request("bad_body", format!("the body, line {line}, column {column}: {message}"));
        problem.with_errors(vec![json!({ "line": line, "column": column, "message": message })])
    })
}
