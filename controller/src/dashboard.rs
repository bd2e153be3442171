//! The dashboard: its files are in the binary (`build.rs`), open to anybody, and hold nothing but a program. What it shows comes from the
//! API, which asks who wants it. Nothing here decides anything.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// A file of the bundle.
struct File {
    path: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    digest: &'static str,
}

const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// What a browser may load, and who may frame it. No script and no style but those of the bundle's own files.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
/// The name of a file below `assets` has its content's hash in it.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Addresses that the program in the browser tells apart: they all get the same page, so that a link into it works.
const PAGES: &[&str] = &[
    "/",
    "/prompts",
    "/prompts/{id}",
    "/executions",
    "/executions/{id}",
    "/compare",
    "/workflows",
    "/workflows/{name}",
    "/schedules",
    "/schedules/{name}",
    "/agents",
    "/agents/{name}",
    "/syncs",
    "/syncs/{id}",
    "/pauses",
    "/editor",
    "/tokens",
    "/audit",
    "/status",
];

/// Everything of the dashboard. It has no route below `/api`, `/webhooks`, `/health`, `/schemas` and `/metrics`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let pages = PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(page)));
    pages.route("/assets/{name}", get(asset)).route("/favicon.svg", get(icon))
}

async fn page(headers: HeaderMap) -> Response {
    answer("index.html", &headers)
}

async fn icon(headers: HeaderMap) -> Response {
    answer("favicon.svg", &headers)
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    answer(&format!("assets/{name}"), &headers)
}

fn answer(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = FILES.iter().find(|file| file.path == path) else {
        // Not the page: a script that is gone with an older release must not be taken for one.
        return secured((StatusCode::NOT_FOUND, "there is no such file; load the page again\n").into_response(), "no-store");
    };
    let packed = takes_gzip(headers);
    let tag = format!("\"{}{}\"", file.digest, if packed { "-gz" } else { "" });
    let mut response = if has(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(if packed { file.gzip } else { file.plain }).into_response()
    };
    let fields = response.headers_mut();
    if packed {
        fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        fields.insert(header::ETAG, tag);
    }
    secured(response, if path.starts_with("assets/") { FOR_EVER } else { "no-cache" })
}

fn secured(mut response: Response, cache: &'static str) -> Response {
    let fields: [(HeaderName, &'static str); 6] = [
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fields {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// `gzip`, unless its weight is zero.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let nothing = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.trim().parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case("gzip") && !nothing
    })
}

fn has(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|one| one.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::{FILES, media_type, takes_gzip};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn every_file_of_the_bundle_has_a_type_and_the_page_names_only_files_that_are_there() {
        assert!(FILES.iter().all(|file| media_type(file.path) != "application/octet-stream"));
        let page = FILES.iter().find(|file| file.path == "index.html").unwrap();
        let html = std::str::from_utf8(page.plain).unwrap();
        let named: Vec<_> = html.split(['"', '\'']).filter_map(|part| part.strip_prefix('/')).collect();
        assert!(named.iter().any(|name| name.ends_with(".js")), "{html}");
        assert!(named.iter().all(|name| FILES.iter().any(|file| file.path == *name)), "{named:?}");
        assert!(!html.contains("<style") && !html.contains("style="), "no style in the page itself");
        assert!(
            !html.replace("<script type=\"module\" crossorigin src=", "").contains("<script"),
            "no script in the page itself"
        );
    }

    #[test]
    fn compressed_is_what_somebody_takes() {
        for (said, taken) in
            [("gzip, br", true), ("br;q=1, GZIP;q=0.5", true), ("gzip;q=0", false), ("gzip; q=0.0", false), ("identity", false)]
        {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(said))]);
            assert_eq!(takes_gzip(&headers), taken, "{said}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
