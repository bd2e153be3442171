//! Issuers of OpenID Connect for the tests, each a process of its own on loopback, and a browser that goes there and back.

use crate::harness::Server;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use ureq::http::{HeaderMap, Request};

/// What the issuer knows the controller's address as; the browser of the tests goes to the controller instead.
pub const PUBLIC: &str = "http://pulse.test";
pub const SECRET: &str = "a-secret-of-the-tests";

/// A running issuer.
pub struct Issuer {
    child: Child,
    /// Open for as long as it runs: writing into a closed one would end it.
    _stdout: BufReader<ChildStdout>,
    pub url: String,
}

impl Issuer {
    /// A real OpenID provider.
    pub fn real() -> Self {
        Self::start("issuer.mjs")
    }

    /// One that signs what it is told to.
    pub fn liar() -> Self {
        Self::start("liar.mjs")
    }

    fn start(script: &str) -> Self {
        installed();
        let mut child = with_node(&["node", script, &format!("{PUBLIC}/auth/oidc/callback")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("scripts/with-node");
        let mut url = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut url).expect("the issuer says where it listens");
        assert!(url.starts_with("http://127.0.0.1:"), "{script} does not start: {url:?}");
        Self { child, _stdout: stdout, url: url.trim().to_owned() }
    }

    /// Tells it something.
    pub fn tell(&self, path: &str) {
        ureq::post(format!("{}{path}", self.url)).send_empty().unwrap();
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/oidc")
}

fn with_node(words: &[&str]) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/with-node"));
    command.args(words).current_dir(folder());
    command
}

/// Brings what the issuers are made of, once.
fn installed() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let newest = |path: &str| std::fs::metadata(folder().join(path)).and_then(|found| found.modified()).ok();
        let kept = newest("node_modules/.package-lock.json");
        if kept.is_none() || kept < newest("package-lock.json") {
            let done = with_node(&["npm", "ci", "--no-audit", "--no-fund"]).stdout(Stdio::null()).status().unwrap();
            assert!(done.success(), "npm ci in {} fails", folder().display());
        }
    });
}

/// Cookies by host, and there by path and name.
pub type Cookies = BTreeMap<String, BTreeMap<(String, String), String>>;

/// A browser: it keeps cookies by host, and follows where it is sent.
pub struct Browser<'a> {
    server: &'a Server,
    http: ureq::Agent,
    cookies: Cookies,
}

/// Where a browser ended.
pub struct Page {
    pub url: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl<'a> Browser<'a> {
    pub fn of(server: &'a Server) -> Self {
        let http = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().new_agent();
        Self { server, http, cookies: BTreeMap::new() }
    }

    /// One request, without following.
    pub fn ask(&mut self, url: &str) -> Page {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let real = url.replacen(PUBLIC, &self.server.url(""), 1);
        let kept = self.cookies.entry(host.to_owned()).or_default();
        let sent = kept.iter().filter(|((of, _), _)| path.starts_with(of.as_str()));
        let line: Vec<String> = sent.map(|((_, name), value)| format!("{name}={value}")).collect();
        let request = Request::builder().uri(real).header("cookie", line.join("; ")).body(()).unwrap();
        let mut answer = self.http.run(request).unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let line = cookie.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let of = line.split(';').find_map(|part| part.trim().strip_prefix("path=").or(part.trim().strip_prefix("Path=")));
            let key = (of.unwrap_or("/").to_owned(), name.to_owned());
            match value {
                "" => drop(kept.remove(&key)),
                value => drop(kept.insert(key, value.to_owned())),
            }
        }
        let body = answer.body_mut().read_to_string().unwrap();
        let url = if url.contains("://") { url.to_owned() } else { format!("{scheme}://{host}{url}") };
        Page { url, status: answer.status().as_u16(), headers: answer.headers().clone(), body }
    }

    /// Follows until somebody answers with a page, or until it would go to a URL with `before` in it, which is answered then.
    pub fn follow(&mut self, url: &str, before: Option<&str>) -> Page {
        let mut at = url.to_owned();
        for _ in 0..20 {
            let page = self.ask(&at);
            let Some(location) = page.headers.get("location") else { return page };
            let location = location.to_str().unwrap();
            let origin: String = at.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            at = if location.starts_with('/') { format!("{origin}{location}") } else { location.to_owned() };
            if before.is_some_and(|before| at.contains(before)) {
                return Page { url: at, ..page };
            }
        }
        panic!("sent round and round, at last to {at}");
    }

    /// A browser with another one's cookies, as after a restart of the controller.
    pub fn with(server: &'a Server, cookies: Cookies) -> Self {
        Self { cookies, ..Self::of(server) }
    }

    /// What it keeps.
    pub fn into_cookies(self) -> Cookies {
        self.cookies
    }

    /// Another browser: everything but the cookies.
    pub fn another(&self) -> Self {
        Self::of(self.server)
    }
}
