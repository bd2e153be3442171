//! What a caller is told when something is refused: problem+json (RFC 9457). `code` is stable and for scripts, `detail` is for
//! people, `errors` has each single mistake with its place.

use super::codes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A refusal. Boxed, because every handler's result carries room for one.
#[derive(Debug, Clone)]
pub struct Problem(Box<Content>);

/// The code of the problem that was answered, as an extension of the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code(pub(super) &'static str);

#[derive(Debug, Clone)]
struct Content {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<Value>,
    fields: Map<String, Value>,
    help: Option<String>,
}

impl Problem {
    /// A refusal with its stable code and a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(
            codes::find(code).is_some_and(|known| known.statuses.contains(&status.as_u16())),
            "{code} with {status} is not in the table of codes"
        );
        let detail = detail.into();
        Self(Box::new(Content { status, code, detail, errors: Vec::new(), fields: Map::new(), help: None }))
    }

    /// There is no such thing.
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// The request itself is wrong.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// A parameter of the query or a field is wrong.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let error = json!({ "name": name, "message": &detail });
        Self::bad_request("bad_parameter", format!("`{name}`: {detail}")).with_errors(vec![error])
    }

    /// With each single mistake.
    pub fn with_errors(mut self, errors: Vec<Value>) -> Self {
        self.0.errors = errors;
        self
    }

    /// With a field of its own.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.0.fields.insert(name.to_owned(), json!(value));
        self
    }

    /// With what to do.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Content { status, code, detail, errors, fields, help } = *self.0;
        let mut body = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Refused"),
            "status": status.as_u16(),
            "code": code,
            "detail": detail,
        });
        if let Some(help) = help {
            body["help"] = json!(help);
        }
        if !errors.is_empty() {
            body["errors"] = Value::Array(errors);
        }
        for (name, value) in fields {
            body[&name] = value;
        }
        let mut response = (status, body.to_string()).into_response();
        response.extensions_mut().insert(Code(code));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
