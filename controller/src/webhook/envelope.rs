//! What a delivery says of its body: JSON in UTF-8 as it stands, nothing else. Whoever claims another form is refused before a
//! byte of the body is read, so that no two readers can take the same bytes for different things.

use super::Refusal;
use axum::http::{HeaderMap, header};

/// Content type and encoding.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Refusal::Encoded);
    }
    let mut types = headers.get_all(header::CONTENT_TYPE).into_iter();
    match (types.next().map(|value| value.to_str()), types.next()) {
        (Some(Ok(kind)), None) if is_json(kind) => Ok(()),
        _ => Err(Refusal::NotJson),
    }
}

/// `application/json`, also with `charset=utf-8`.
fn is_json(kind: &str) -> bool {
    let mut parts = kind.split(';').map(|part| part.trim_matches([' ', '\t']));
    let essence = parts.next().unwrap_or_default();
    let is_utf8 = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or_default();
        name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    };
    let mut rest = parts.peekable();
    let charset = rest.next().is_none_or(is_utf8);
    essence.eq_ignore_ascii_case("application/json") && charset && rest.peek().is_none()
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn json_in_utf8_and_nothing_else() {
        for kind in
            ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\""]
        {
            assert!(is_json(kind), "{kind}");
        }
        for kind in [
            "",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
            "application/json; charset=utf-7",
            "application/json; charset=utf-16le",
            "application/json; charset=utf-8; charset=utf-7",
            "application/json;",
            "application/json, text/plain",
            "application/problem+json",
            "application/jsonx",
        ] {
            assert!(!is_json(kind), "{kind}");
        }
    }
}
