//! The OpenAPI document, made of the table of routes: what a handler takes and answers is read off its types ([`handler`]), how its
//! operation is called stands in [`operations`]. Nothing here can say what no handler does.

mod answers;
mod document;
mod handler;
mod inputs;
mod operations;
mod page;
mod schemas;

pub(super) use document::document;
pub(super) use handler::{Endpoint, Input, Output, Sketch, delete, get, post};
pub(super) use page::{page, style};

use super::App;
use super::reply::Document;
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::LazyLock;

/// Made once: it says the same as long as the process lives.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| document(&super::routes()).to_string());

/// `GET /openapi.json`.
pub(super) async fn json() -> Document {
    Document(([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response())
}

/// What handlers work with; here so that the submodules name it once.
type State = axum::extract::State<App>;
