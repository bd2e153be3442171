//! The controller's API, as a script would use it.

use super::wait;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Longest answer that is read, bytes.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// One controller's address and token.
#[derive(Clone)]
pub struct Api {
    address: String,
    token: String,
    agent: ureq::Agent,
    /// The only authority that it trusts over https, in PEM.
    authority: Option<String>,
}

/// What the API says of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Its id.
    pub id: String,
    /// Its step.
    pub step: String,
    /// Its agent.
    pub agent: String,
    /// Its state.
    pub state: String,
    /// How the command exited.
    pub exit_code: Option<i64>,
    /// The whole of it.
    pub all: Value,
}

/// A stored stream.
pub struct Raw {
    /// The bytes that are there.
    pub bytes: Vec<u8>,
    /// How many are cut out of it.
    pub cut: u64,
}

impl Attempt {
    /// The exit code, where the command exited.
    pub fn exited(&self) -> Option<i64> {
        self.exit_code.filter(|_| self.state == "exited")
    }
}

/// The attempts of an execution, in the order of steps, targets and tries.
pub fn attempts(execution: &Value) -> Vec<Attempt> {
    let mut found = Vec::new();
    for step in items(&execution["steps"]) {
        for target in items(&step["targets"]) {
            for attempt in items(&target["attempts"]) {
                found.push(Attempt {
                    id: text(&attempt["id"]),
                    step: text(&step["id"]),
                    agent: text(&target["agent"]),
                    state: text(&attempt["state"]),
                    exit_code: attempt["exitCode"].as_i64(),
                    all: attempt.clone(),
                });
            }
        }
    }
    found
}

/// File, line and code of every error of a sync; warnings are left out.
pub fn errors(sync: &Value) -> Vec<(String, u64, String)> {
    let errors = items(&sync["problems"]).iter().filter(|problem| problem["severity"] == "error");
    let place = |problem: &Value| (text(&problem["file"]), problem["line"].as_u64().expect("a line"), text(&problem["code"]));
    errors.map(place).collect()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text was expected: {value}")).to_owned()
}

fn http(patience: Duration, authority: Option<&str>) -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    let config = match authority {
        Some(pem) => config.tls_config(only(pem)),
        None => config,
    };
    config.timeout_global(Some(patience)).build().new_agent()
}

/// Trusts this authority and no other.
fn only(pem: &str) -> TlsConfig {
    let roots = RootCerts::from(vec![Certificate::from_pem(pem.as_bytes()).expect("a certificate")]);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build()
}

impl Api {
    /// For a controller.
    pub fn new(address: String, token: String) -> Self {
        Self { address, token, agent: http(Duration::from_secs(10), None), authority: None }
    }

    /// The same over https, of a controller that this authority vouches for.
    pub fn secure(self, authority: &str) -> Self {
        let (address, agent) = (self.address.replace("http://", "https://"), http(Duration::from_secs(10), Some(authority)));
        Self { address, agent, authority: Some(authority.to_owned()), ..self }
    }

    /// The same that waits so long for an answer.
    pub fn patient(&self, patience: Duration) -> Self {
        Self { agent: http(patience, self.authority.as_deref()), ..self.clone() }
    }

    /// The controller's address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The administrator's token.
    pub fn admin_token(&self) -> &str {
        &self.token
    }

    /// A request; `None` when nobody answers.
    pub fn try_get(&self, path: &str) -> Option<(u16, Value)> {
        let request = self.agent.get(format!("{}{path}", self.address)).header("Authorization", self.authorization());
        read(request.call())
    }

    /// A request; `None` when nobody answers.
    pub fn try_post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Option<(u16, Value)> {
        let mut request = self.agent.post(format!("{}{path}", self.address)).header("Authorization", self.authorization());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send_json(body))
    }

    /// A request; `None` when nobody answers.
    pub fn try_delete(&self, path: &str) -> Option<(u16, Value)> {
        let request = self.agent.delete(format!("{}{path}", self.address)).header("Authorization", self.authorization());
        read(request.call())
    }

    /// What somebody without a token is answered.
    #[track_caller]
    pub fn get_as_stranger(&self, path: &str) -> (u16, Value) {
        read(self.agent.get(format!("{}{path}", self.address)).call()).expect("an answer")
    }

    /// What somebody without a token posts; the answer's status.
    #[track_caller]
    pub fn deliver(&self, path: &str, headers: &[(&str, String)], body: &str) -> u16 {
        let post = self.agent.post(format!("{}{path}", self.address));
        let request = headers.iter().fold(post, |request, (name, value)| request.header(*name, value));
        request.send(body).expect("an answer").status().as_u16()
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// What must be there.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.try_get(path).unwrap_or_else(|| panic!("GET {path}: nobody answers"));
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// What must be accepted.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_post(path, body, &[]).unwrap_or_else(|| panic!("POST {path}: nobody answers"));
        assert!((200..300).contains(&status), "POST {path} {body}: {status} {answer}");
        answer
    }

    /// Whether the controller serves.
    pub fn is_ready(&self) -> bool {
        self.try_get("/health/ready").is_some_and(|(status, _)| status == 200)
    }

    /// Waits until the source has been looked at once.
    pub fn wait_synced(&self) {
        wait("the first sync", || (!items(&self.get("/api/v1/syncs")["items"]).is_empty()).then_some(()));
    }

    /// An enrolment token for one agent.
    pub fn token(&self) -> String {
        text(&self.post("/api/v1/agents/tokens", &json!({ "uses": 1, "expires": "1h" }))["token"])
    }

    /// What is said of an agent, once there is one.
    pub fn agent(&self, name: &str) -> Option<Value> {
        self.try_get(&format!("/api/v1/agents/{name}")).filter(|(status, _)| *status == 200).map(|(_, agent)| agent)
    }

    /// The agent's state in a word; empty while there is none.
    pub fn agent_state(&self, name: &str) -> String {
        let agent = self.agent(name).unwrap_or_default();
        agent["status"]["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an agent can work.
    pub fn wait_online(&self, name: &str) {
        wait(&format!("agent {name} to be online"), || (self.agent_state(name) == "online").then_some(()));
    }

    /// Starts an execution; its id.
    #[track_caller]
    pub fn start(&self, body: &Value) -> String {
        text(&self.post("/api/v1/executions", body)["id"])
    }

    /// One execution.
    #[track_caller]
    pub fn execution(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/executions/{id}"))
    }

    /// Every execution, whole, the newest first.
    pub fn executions(&self) -> Vec<Value> {
        let (mut found, mut page) = (Vec::new(), "/api/v1/executions?limit=100".to_owned());
        for _ in 0..1000 {
            let list = self.get(&page);
            found.extend(items(&list["items"]).iter().map(|item| self.execution(&text(&item["id"]))));
            match list["nextCursor"].as_str() {
                Some(cursor) => page = format!("/api/v1/executions?limit=100&cursor={cursor}"),
                None => return found,
            }
        }
        panic!("the list of executions has no end");
    }

    /// Waits until an execution has this status. A controller that is away meanwhile only takes longer.
    #[track_caller]
    pub fn wait_status(&self, id: &str, wanted: &str) -> Value {
        self.wait_execution(id, &format!("to be {wanted}"), |execution| execution["status"] == wanted)
    }

    /// Waits until an execution is over.
    #[track_caller]
    pub fn wait_ended(&self, id: &str) -> Value {
        let over = ["succeeded", "failed", "cancelled"];
        self.wait_execution(id, "to end", |execution| over.iter().any(|word| execution["status"] == *word))
    }

    /// Waits until something is true of an execution; fails at once when it has ended without it.
    #[track_caller]
    pub fn wait_execution(&self, id: &str, what: &str, mut is_so: impl FnMut(&Value) -> bool) -> Value {
        let path = format!("/api/v1/executions/{id}");
        let mut last = Value::Null;
        wait(&format!("execution {id} {what}"), || {
            let (_, execution) = self.try_get(&path).filter(|(status, _)| *status == 200)?;
            if is_so(&execution) {
                return Some(execution);
            }
            let over = ["succeeded", "failed", "cancelled"].iter().any(|word| execution["status"] == *word);
            assert!(!over, "the execution ended; it was expected {what}: {execution:#}");
            last = execution;
            None
        })
    }

    /// What is stored of one stream of one attempt.
    #[track_caller]
    pub fn raw(&self, id: &str, attempt: &Attempt, stream: &str) -> Raw {
        let query = format!("attempt={}&stream={stream}&raw=true", attempt.id);
        let url = format!("{}/api/v1/executions/{id}/output?{query}", self.address);
        let mut answer = self.agent.get(&url).header("Authorization", self.authorization()).call().expect("an answer");
        assert_eq!(answer.status().as_u16(), 200, "{url}");
        let cut = answer.headers()["x-pulse-cut-bytes"].to_str().unwrap().parse().expect("a number");
        Raw { bytes: answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().unwrap(), cut }
    }

    /// The same of text of which nothing may be missing.
    #[track_caller]
    pub fn output(&self, id: &str, attempt: &Attempt, stream: &str) -> String {
        let raw = self.raw(id, attempt, stream);
        assert_eq!(raw.cut, 0, "bytes of {attempt:?} were not kept");
        String::from_utf8(raw.bytes).expect("UTF-8")
    }

    /// The stored bytes, once all that the command wrote are there.
    #[track_caller]
    pub fn whole_output(&self, id: &str, attempt: &Attempt, stream: &str) -> String {
        let wanted = attempt.all[stream]["bytes"].as_u64().unwrap_or_else(|| panic!("no totals in {:#}", attempt.all));
        wait("the output to arrive", || Some(self.output(id, attempt, stream)).filter(|text| text.len() as u64 >= wanted))
    }

    /// Settles an unknown attempt.
    pub fn resolve(&self, id: &str, attempt: &str, outcome: &str) {
        let body = json!({ "attempt": attempt, "outcome": outcome, "reason": "the test has looked" });
        self.post(&format!("/api/v1/executions/{id}/resolve"), &body);
    }

    /// Cancels.
    pub fn cancel(&self, id: &str, mode: &str) {
        self.post(&format!("/api/v1/executions/{id}/cancel"), &json!({ "reason": "the test wants it", "mode": mode }));
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Option<(u16, Value)> {
    let mut answer = answer.ok()?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string().ok()?;
    Some((status, serde_json::from_str(&body).unwrap_or(Value::String(body))))
}
