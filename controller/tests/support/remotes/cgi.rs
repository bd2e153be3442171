//! `git http-backend`, run once for each request as a web server would.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What was asked.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Status, content type and body.
pub fn answer(root: &Path, request: &Request) -> (u16, String, Vec<u8>) {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut command = Command::new("git");
    command.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
        .env("REMOTE_USER", "pulse")
        .env("REMOTE_ADDR", "127.0.0.1");
    if let Some(version) = request.header("git-protocol") {
        command.env("GIT_PROTOCOL", version);
    }
    let mut child = command.spawn().expect("git http-backend is installed");
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // A program that ends without reading all of it says why itself.
        scope.spawn(move || drop(stdin.write_all(&request.body)));
        child.wait_with_output().unwrap().stdout
    });
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").expect("a CGI answer has headers");
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
    let status = field("Status:").map_or(200, |status| status[..3].parse().unwrap());
    (status, field("Content-Type:").unwrap_or_default(), output[end + 4..].to_vec())
}
