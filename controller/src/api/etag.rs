//! `ETag` of single objects, and `If-None-Match`: whoever has an object as it is need not have it again.

use super::reply::IsObject;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// No object is larger: it was in memory already.
const MAX_OBJECT: usize = 256 << 20;
/// What a compressed answer's tag ends with; it names the same state.
const COMPRESSED: &str = "-gzip";

/// Names the state that an object is in, and leaves out what the caller has already.
pub(super) async fn add(request: Request, next: Next) -> Response {
    let known = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK || response.extensions().get::<IsObject>().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_OBJECT).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = tag(&bytes);
    if known.iter().any(|known| names(known, &tag)) {
        let keep = |name: &HeaderName| parts.headers.get(name).cloned().map(|value| (name.clone(), value));
        let kept: HeaderMap = [header::CACHE_CONTROL, header::VARY].iter().filter_map(keep).collect();
        return (StatusCode::NOT_MODIFIED, kept, [(header::ETAG, tag)]).into_response();
    }
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, value);
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn tag(bytes: &[u8]) -> String {
    let hash: String = Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hash}\"")
}

/// Whether a list of tags (or `*`) names this one.
pub(super) fn names(list: &HeaderValue, tag: &str) -> bool {
    let list = list.to_str().unwrap_or_default();
    list.split(',').map(str::trim).any(|one| one == "*" || plain(one.strip_prefix("W/").unwrap_or(one)) == plain(tag))
}

/// Without what compression made of it.
fn plain(tag: &str) -> &str {
    let inside = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
    inside.strip_suffix(COMPRESSED).unwrap_or(inside)
}

/// Gives an answer that is compressed a tag of its own: its bytes are others.
pub(super) async fn mark_compressed(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_ENCODING)
        && let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok())
        && let Ok(marked) = HeaderValue::from_str(&format!("\"{}{COMPRESSED}\"", plain(tag)))
    {
        headers.insert(header::ETAG, marked);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::names;
    use axum::http::HeaderValue;

    #[test]
    fn a_list_names_a_tag() {
        for (list, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("\"a-gzip\"", true),
            ("*", true),
            ("\"b\"", false),
            ("", false),
            ("\"\"", false),
        ] {
            assert_eq!(names(&HeaderValue::from_str(list).unwrap(), "\"a\""), expected, "{list}");
        }
    }
}
