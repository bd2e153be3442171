//! Paths are written in one way only. A proxy in front that judges requests by their path, and this controller, must read the same
//! path alike; so what could be read in two ways is refused before anything looks at it.

use super::Problem;
use super::request::{drain, with_id};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses a path that is not written in its one form.
pub(super) async fn canonical(request: Request, next: Next) -> Response {
    match check(request.uri().path()) {
        Ok(()) => next.run(request).await,
        Err(why) => {
            let refuse = async |request: Request| {
                drain(request.into_body()).await;
                let help = "write each part of the path once, without `.`, `..`, `;`, backslash or a slash at the end";
                Problem::bad_request("bad_path", why).with_help(help).into_response()
            };
            with_id(request, refuse).await
        }
    }
}

/// What is wrong with a path.
pub(super) fn check(path: &str) -> Result<(), &'static str> {
    let rest = path.strip_prefix('/').ok_or("a path begins with a slash")?;
    if rest.is_empty() {
        return Ok(());
    }
    rest.split('/').try_for_each(part)
}

fn part(part: &str) -> Result<(), &'static str> {
    if part.is_empty() {
        return Err("the path has an empty part: two slashes in a row, or one at its end");
    }
    if !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@%".contains(&byte)) {
        return Err("the path holds a character that must be written as `%` and two digits, or none that is taken");
    }
    let decoded = decoded(part).ok_or("the path has a `%` without two hexadecimal digits")?;
    if decoded == b"." || decoded == b".." {
        return Err("the path has a part that leads to itself or upwards");
    }
    if decoded.iter().any(|byte| byte.is_ascii_control() || b"/\\;".contains(byte)) {
        return Err("the path hides a slash, a backslash, a semicolon or a control character");
    }
    std::str::from_utf8(&decoded).map(drop).map_err(|_| "the path is no UTF-8")
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut decoded) = (part.bytes(), Vec::new());
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
        let byte = match byte {
            b'%' => u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?,
            byte => byte,
        };
        decoded.push(byte);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn there_is_one_way_to_write_a_path() {
        for path in
            ["/", "/api/v1/workflows", "/api/v1/executions/a%23812", "/api/v1/workflows/a.b", "/x/%C3%A9", "/x/a=b,c:d@e~"]
        {
            assert_eq!(check(path), Ok(()), "{path}");
        }
        for path in [
            "",
            "*",
            "//",
            "//api",
            "/api//v1",
            "/api/",
            "/api/v1/workflows/",
            "/./api",
            "/api/..",
            "/api/../health",
            "/%2e/api",
            "/%2E%2e",
            "/.%2e",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a%0a",
            "/a%7f",
            "/a;b",
            "/a%3bb",
            "/a%3B",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%+1",
            "/a b",
            "/a\"b",
            "/a<b",
            "/a|b",
            "/a^b",
            "/a`b",
            "/a{b}",
            "/%ff",
            "/a%80",
        ] {
            assert!(check(path).is_err(), "{path}");
        }
    }
}
