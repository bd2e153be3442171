//! The API's client: one connection pool, one way to say no. Nothing here knows what the answers mean.

mod address;
mod certificate;
mod refusal;
mod tls;
mod token;
mod unvouched;
mod url;

pub use token::{Origins, Token};
pub use unvouched::agent_of;
pub use url::{encode, query};

use crate::failure::Failure;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::Duration;
use ureq::http::Response;
use ureq::tls::TlsConfig;
use ureq::{Agent, Body};

/// The largest answer that is read.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a long answer may take.
const LONG: Duration = Duration::from_secs(24 * 3600);
/// Lists are read page by page, at most so many.
const MAX_PAGES: usize = 1000;
/// A request that may be sent twice is sent again when its answer is lost, so often.
const TRIES: u32 = 5;
/// Between two of these.
const PAUSE: Duration = Duration::from_secs(1);

/// Speaks to one server.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    /// Of an https address.
    tls: Option<TlsConfig>,
    base: String,
    token: Option<Token>,
}

impl Client {
    /// For a server's address. Over https only the authorities of `ca` are trusted, or the machine's.
    pub fn new(server: &str, insecure_http: bool, ca: Option<&Path>, token: Option<Token>) -> Result<Self, Failure> {
        let base = address::parse(server, insecure_http)?;
        let tls = base.starts_with("https://").then(|| tls::config(ca)).transpose()?;
        Ok(Self { agent: agent(PATIENCE, tls.as_ref()), tls, base, token })
    }

    /// The same, but waiting for an answer that takes its time.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { agent: agent(patience, self.tls.as_ref()), ..self }
    }

    /// The server's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Reads a path under `/api/v1`.
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        let url = self.url(path);
        let mut request = self.agent.get(&url).header("Accept", "application/json");
        if let Some(token) = &self.token {
            request = request.header("Authorization", token.header());
        }
        self.answer(request.call(), &url)
    }

    /// Reads a path under `/api/v1` whose answer is lines, however many; each is told as it comes.
    pub fn lines(&self, path: &str, mut tell: impl FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
        let url = self.url(path);
        let mut request = agent(LONG, self.tls.as_ref()).get(&url);
        if let Some(token) = &self.token {
            request = request.header("Authorization", token.header());
        }
        let answer = request.call().map_err(|error| self.unreachable(error))?;
        if !answer.status().is_success() {
            return self.answer(Ok(answer), &url).map(drop);
        }
        for line in BufReader::new(answer.into_body().into_reader()).lines() {
            let broken = |error: io::Error| Failure::passing(format!("the answer of {url} broke off: {error}"));
            tell(&line.map_err(broken)?)?;
        }
        Ok(())
    }

    /// How the server is, which it says to everyone, whether it can serve or not.
    pub fn probe(&self) -> Result<Probe, Failure> {
        let url = format!("{}/health", self.base);
        let asked = self.agent.get(&url).header("Accept", "application/json").call();
        let mut answer = asked.map_err(|error| self.unreachable(error))?;
        let date = answer.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned);
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).lossy_utf8(true).read_to_string();
        let body = body.map_err(|error| self.unreachable(error))?;
        let health: Option<Value> = serde_json::from_str(&body).ok();
        let health = health.filter(|health| health.get("release").is_some()).ok_or_else(|| {
            Failure::new(format!("{url} answers {}, and not as a controller does", answer.status()))
                .with_help("is this the controller's address? Set --server or PULSE_SERVER")
        })?;
        Ok(Probe { health, date })
    }

    /// Until when the server's certificate is valid; none where it speaks plain http.
    pub fn certificate_end(&self) -> Option<Result<Timestamp, Failure>> {
        let tls = self.tls.as_ref()?;
        Some(certificate::end(&self.base, tls))
    }

    /// The server's release, which it says to everyone.
    pub fn server_release(&self) -> Result<String, Failure> {
        let url = format!("{}/health", self.base);
        let health = self.answer(self.agent.get(&url).header("Accept", "application/json").call(), &url)?;
        let release = health.get("release").and_then(Value::as_str);
        release.map(str::to_owned).ok_or_else(|| {
            Failure::new(format!("{url} does not say its release"))
                .with_help("is this the controller's address? Set --server or PULSE_SERVER")
        })
    }

    /// Posts JSON to a path under `/api/v1`.
    pub fn post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Result<Value, Failure> {
        let url = self.url(path);
        let mut request = self.agent.post(&url).header("Accept", "application/json");
        if let Some(token) = &self.token {
            request = request.header("Authorization", token.header());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.send_json(body), &url)
    }

    /// The same for a request that means one thing however often it is sent: it is sent again when its answer is lost. `unclear`
    /// says what to do when nobody can say whether it arrived.
    pub fn post_again(&self, path: &str, body: &Value, headers: &[(&str, &str)], unclear: &str) -> Result<Value, Failure> {
        let mut tries = 1;
        loop {
            match self.post(path, body, headers) {
                Err(failure) if failure.is_passing() && (tries > 1 || !failure.is_unsent()) && tries < TRIES => {
                    crate::output::message(&format!("{}; trying again", failure.message()));
                    std::thread::sleep(PAUSE);
                    tries += 1;
                }
                Err(failure) if failure.is_passing() && tries > 1 => {
                    return Err(Failure::new(failure.message()).with_help(unclear));
                }
                answer => return answer,
            }
        }
    }

    /// Deletes what stands at a path under `/api/v1`.
    pub fn delete(&self, path: &str) -> Result<Value, Failure> {
        let url = self.url(path);
        let mut request = self.agent.delete(&url).header("Accept", "application/json");
        if let Some(token) = &self.token {
            request = request.header("Authorization", token.header());
        }
        self.answer(request.call(), &url)
    }

    /// Every item of a list, page by page, until there are `most`; and whether there are more.
    pub fn list(&self, path: &str, most: Option<usize>) -> Result<(Vec<Value>, bool), Failure> {
        let Listed { items, more, .. } = self.listed(path, most)?;
        Ok((items, more))
    }

    /// The same with what the list says beside its items.
    pub fn listed(&self, path: &str, most: Option<usize>) -> Result<Listed, Failure> {
        let mut listed = Listed { items: Vec::new(), more: true, beside: Map::new() };
        let mut cursor = None::<String>;
        for _ in 0..MAX_PAGES {
            let separator = if path.contains('?') { '&' } else { '?' };
            let page = match &cursor {
                Some(cursor) => self.get(&format!("{path}{separator}cursor={}", encode(cursor)))?,
                None => self.get(path)?,
            };
            let Page { items, next_cursor, beside } = view(page)?;
            listed.items.extend(items);
            listed.beside = beside;
            let ended = next_cursor.is_none() || next_cursor == cursor;
            if let Some(most) = most.filter(|most| listed.items.len() >= *most) {
                listed.more = !ended || listed.items.len() > most;
                listed.items.truncate(most);
                return Ok(listed);
            }
            if ended {
                listed.more = false;
                return Ok(listed);
            }
            cursor = next_cursor;
        }
        Ok(listed)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base)
    }

    fn answer(&self, answer: Result<Response<Body>, ureq::Error>, url: &str) -> Result<Value, Failure> {
        let mut answer = answer.map_err(|error| self.unreachable(error))?;
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(MAX_ANSWER).lossy_utf8(true).read_to_string();
        let body = read.map_err(|error| self.unreachable(error))?;
        if !(200..300).contains(&status) {
            return Err(refusal::failure(status, &body, url, self.token.as_ref()));
        }
        if body.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).map_err(|error| {
            Failure::new(format!("{url} answered {status}, but not with JSON: {error}"))
                .with_help("is this the controller's address? Set --server or PULSE_SERVER")
        })
    }

    fn unreachable(&self, error: ureq::Error) -> Failure {
        if let Some(wrong) = tls::wrong(&error) {
            return tls::failure(&self.base, wrong);
        }
        let (why, sent) = match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ("nothing listens there".to_owned(), false)
            }
            ureq::Error::HostNotFound => ("no such host".to_owned(), false),
            other => (other.to_string(), true),
        };
        let message = format!("cannot reach the server at {}: {why}", self.base);
        let failure = if sent { Failure::passing(message) } else { Failure::unsent(message) };
        failure.with_help("is pulse-controller running there? Set --server or PULSE_SERVER to its address")
    }
}

/// How a server is.
#[derive(Debug)]
pub struct Probe {
    /// As it says it.
    pub health: Value,
    /// What its answer says of its time.
    pub date: Option<String>,
}

/// What speaks HTTP.
fn agent(patience: Duration, tls: Option<&TlsConfig>) -> Agent {
    let builder = Agent::config_builder()
        .http_status_as_error(false)
        // A redirect could carry the token to another host, and a proxy of the environment is none of our servers.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_connect(Some(Duration::from_secs(5)))
        .timeout_global(Some(patience))
        .user_agent(concat!("pulse/", env!("CARGO_PKG_VERSION")));
    let builder = match tls {
        Some(tls) => builder.https_only(true).tls_config(tls.clone()),
        None => builder,
    };
    builder.build().new_agent()
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Value>,
    #[serde(default)]
    next_cursor: Option<String>,
    #[serde(flatten)]
    beside: Map<String, Value>,
}

/// A list as far as it was read.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its items.
    pub items: Vec<Value>,
    /// There are more.
    pub more: bool,
    /// What it says beside them.
    pub beside: Map<String, Value>,
}

/// An answer as what it should be.
pub fn view<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| {
        Failure::new(format!("the server's answer is not of the form that this pulse knows: {error}"))
            .with_help("use the pulse of the controller's release; `pulse version` shows both")
    })
}
