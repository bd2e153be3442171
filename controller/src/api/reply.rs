//! The forms that answers have: which status, which headers. The document reads them off the handlers' types.

use super::answers::{Page, SyncPage};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;

/// Says that the answer is that of an earlier, equal request.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// One object, with an `ETag`.
pub(super) struct Object<T>(pub(super) T);

/// What holds a secret of its caller: nobody keeps the answer.
pub(super) struct Private<T>(pub(super) T);

/// Something new with a secret that is told this once, so that nobody keeps the answer.
pub(super) struct Created<T>(pub(super) T);

/// Something new, or what was there already.
pub(super) struct Maybe<T> {
    /// It is new.
    pub(super) is_new: bool,
    /// It.
    pub(super) answer: T,
}

/// Something new that a key makes the same for every repetition of its request.
pub(super) struct Replayable<T> {
    /// Where it is found.
    pub(super) location: String,
    /// The answer is that of an earlier request.
    pub(super) replayed: bool,
    /// It.
    pub(super) answer: T,
}

/// Done; there is nothing to say.
pub(super) struct NoContent;

/// How a probe went.
pub(super) struct Probed<T> {
    well: bool,
    answer: T,
}

impl<T> Probed<T> {
    /// All is well.
    pub(super) const fn well(answer: T) -> Self {
        Self { well: true, answer }
    }
    /// It cannot serve.
    pub(super) const fn ill(answer: T) -> Self {
        Self { well: false, answer }
    }
}

/// Where the page after this one begins; a layer makes the `Link` of it, because only that knows what was asked.
#[derive(Debug, Clone)]
pub(super) struct NextCursor(pub(super) String);

/// The answer holds a secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Secret;

/// The answer shows one object, whose state its `ETag` names.
#[derive(Debug, Clone, Copy)]
pub(super) struct IsObject;

impl<T: Serialize> IntoResponse for Object<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        response.extensions_mut().insert(IsObject);
        response
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Private(self.0)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Private<T> {
    fn into_response(self) -> Response {
        let mut response = ([(header::CACHE_CONTROL, "no-store")], Json(self.0)).into_response();
        response.extensions_mut().insert(Secret);
        response
    }
}

impl<T: Serialize> IntoResponse for Maybe<T> {
    fn into_response(self) -> Response {
        let status = if self.is_new { StatusCode::CREATED } else { StatusCode::OK };
        (status, Json(self.answer)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Replayable<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, [(header::LOCATION, self.location)], Json(self.answer)).into_response();
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl<T: Serialize> IntoResponse for Probed<T> {
    fn into_response(self) -> Response {
        let status = if self.well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(self.answer)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let next = self.next_cursor.clone();
        with_next(Json(self).into_response(), next)
    }
}

impl IntoResponse for SyncPage {
    fn into_response(self) -> Response {
        let next = self.next_cursor.clone();
        with_next(Json(self).into_response(), next)
    }
}

fn with_next(mut response: Response, next: Option<String>) -> Response {
    if let Some(next) = next {
        response.extensions_mut().insert(NextCursor(next));
    }
    response
}

/// Answers that are made by hand; each type says to the document what they are.
macro_rules! made_by_hand {
    ($($(#[$doc:meta])* $name:ident),+) => {
        $(
            $(#[$doc])*
            pub(super) struct $name(pub(super) Response);

            impl IntoResponse for $name {
                fn into_response(self) -> Response {
                    self.0
                }
            }
        )+
    };
}
made_by_hand!(
    /// The JSON Schema of a manifest.
    SchemaFile,
    /// A certificate.
    PemFile,
    /// A script for a server.
    ShellScript,
    /// A checksum.
    Sum,
    /// A program, or its checksum.
    Program,
    /// The way to another page.
    Redirected,
    /// The OpenAPI document.
    Document,
    /// The metrics.
    Exposition,
    /// A page for a browser.
    HtmlPage,
    /// How it looks.
    StyleSheet,
    /// What a webhook is told.
    Delivered,
    /// What a webhook of the wrong method is told.
    NotPost,
    /// A session of a browser begins or ends.
    CookieSet,
    /// The session of an agent.
    AgentSession,
    /// Rows of the audit log, a line each.
    AuditLines,
    /// The socket that tells changes.
    Live
);
