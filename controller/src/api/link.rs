//! `Link: <…>; rel="next"` beside `nextCursor` (RFC 8288).

use super::reply::NextCursor;
use axum::extract::Request;
use axum::http::{HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

/// Says where the next page is.
pub(super) async fn add(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let mut response = next.run(request).await;
    if let Some(NextCursor(cursor)) = response.extensions_mut().remove::<NextCursor>()
        && let Ok(value) = HeaderValue::from_str(&format!("<{}>; rel=\"next\"", after(&uri, &cursor)))
    {
        response.headers_mut().insert(header::LINK, value);
    }
    response
}

/// The same request for what follows.
fn after(uri: &Uri, cursor: &str) -> String {
    let own = |pair: &&str| !["cursor", "after"].contains(&pair.split('=').next().unwrap_or_default());
    let kept = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).filter(own);
    let query: Vec<String> = kept.map(str::to_owned).chain([format!("cursor={}", encoded(cursor))]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::after;

    #[test]
    fn the_next_page_is_asked_for_in_the_same_words() {
        for (uri, cursor, expected) in [
            ("/a", "x", "/a?cursor=x"),
            ("/a?limit=2&cursor=old&label=k%3Dv", "n,ä/1", "/a?limit=2&label=k%3Dv&cursor=n%2C%C3%A4%2F1"),
            ("/a?after=3&limit=1", "4", "/a?limit=1&cursor=4"),
        ] {
            assert_eq!(after(&uri.parse().unwrap(), cursor), expected);
        }
    }
}
