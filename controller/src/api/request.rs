//! What every request goes through: an id, a line in the log, and an answer also where a handler panics.

use super::Problem;
use super::audited::RequestId;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use pulse_protocol::failpoint::{self, Act};
use std::any::Any;
use std::time::Duration;
use tracing::Instrument;

/// Bytes of a refused request's body that are taken in, and for how long.
const DRAINED: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(1);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, the caller's own where it has a sane one, and answers with it.
pub(super) async fn identify(request: Request, next: Next) -> Response {
    with_id(request, |request| next.run(request)).await
}

/// The same around whatever answers.
pub(super) async fn with_id(mut request: Request, answer: impl AsyncFnOnce(Request) -> Response) -> Response {
    let id = own_id(&request).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let path = request.uri().path();
    let execution = tracing::field::Empty;
    let span = tracing::info_span!("request", request_id = id, method = %request.method(), path, execution);
    if let Some(execution) = execution_of(path) {
        span.record("execution", execution);
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    let changes = !request.method().is_safe();
    let mut response = answer(request).instrument(span.clone()).await;
    if changes {
        failpoint::midway(Act::Answer);
    }
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// What every answer tells a browser unless it says otherwise itself: nobody may frame it, take it for something else, hear where its
/// readers came from, or keep it for others.
const SAFE: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "private, no-cache"),
];

/// Adds what every answer tells a browser.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in SAFE {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The execution that a request is about, where its path names one by its id.
fn execution_of(path: &str) -> Option<&str> {
    let id = path.strip_prefix("/api/v1/executions/")?.split('/').next()?;
    uuid::Uuid::try_parse(id).is_ok().then_some(id)
}

fn own_id(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let sane = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    sane.then(|| id.to_owned())
}

/// Takes in, and drops, what is left of a small body that nobody wants. A connection with unread bytes is cut when the answer has gone out,
/// and the caller may then see the cut instead of the answer. A large or slow body is not worth it.
pub(super) async fn drain(body: Body) {
    let (mut chunks, mut left) = (body.into_data_stream(), DRAINED);
    let read = async {
        while let Some(Ok(chunk)) = chunks.next().await {
            left = left.checked_sub(chunk.len())?;
        }
        Some(())
    };
    if !matches!(tokio::time::timeout(PATIENCE, read).await, Ok(Some(()))) {
        tracing::debug!("a refused request's body was too large or too slow to be taken in");
    }
}

/// No route has this path.
pub(super) async fn unknown_path(uri: Uri, body: Body) -> Problem {
    drain(body).await;
    Problem::not_found("no_such_path", format!("there is nothing at {}", uri.path()))
}

/// The path has no such method.
pub(super) async fn wrong_method(method: Method, uri: Uri, body: Body) -> Problem {
    drain(body).await;
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", format!("{} does not take {method}", uri.path()))
}

/// A handler panicked: the caller learns that, and nothing of why.
#[expect(clippy::needless_pass_by_value, reason = "the shape that the layer calls")]
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("without a text"), "a request panicked");
    let detail = "an error inside the controller; its log has more under this answer's X-Request-Id";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use serde_json::Value;

    async fn panics() -> &'static str {
        panic!("the secret of the house")
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_that_says_nothing_of_itself() {
        let router = Router::new()
            .route("/", get(panics))
            .layer(tower_http::catch_panic::CatchPanicLayer::custom(super::panicked))
            .layer(axum::middleware::from_fn(super::identify));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let ask = move || {
            let http = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
            let mut answer = http.get(&url).call().unwrap();
            (answer.status().as_u16(), answer.headers().clone(), answer.body_mut().read_to_string().unwrap())
        };
        let (status, headers, body) = tokio::task::spawn_blocking(ask).await.unwrap();
        assert_eq!((status, headers["x-request-id"].len()), (500, 36));
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["code"], "internal");
        assert!(!body.contains("secret"), "{body}");
    }
}
