//! A controller on a free port.

use super::{Agent, Answer};
use crate::contract::{self, Call};
use pulse_controller::config::{
    AdminToken, Config, Data, Limits, Listen, Log, LogFormat, Observe, Origin, People, STOP_TIMEOUT, Source, Tls, TrustedProxies,
    WebhookSecrets,
};
use pulse_controller::engine::Engine;
use pulse_controller::keep::Keep;
use pulse_controller::serve::{self, End, Mode, Serving};
use pulse_controller::source::Folder;
use pulse_controller::sync::Syncer;
use pulse_settings::{CONTROLLER, Environment, Layers};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const TOKEN: &str = "a-token-for-tests";

/// A controller; it stops when this is dropped.
pub struct Server {
    runtime: Runtime,
    config: Config,
    mode: Mode,
    serving: Option<Serving>,
    engine: Option<Engine>,
    root: tempfile::TempDir,
    http: ureq::Agent,
}

impl Server {
    /// With an empty source.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With these files in its source, synced.
    pub fn with(files: &[(&str, &str)]) -> Self {
        Self::made(files, Mode::WHOLE, None)
    }

    /// As `dev` has it: no further agent enrols.
    pub fn closed() -> Self {
        Self::resting(&[])
    }

    /// The same with files; schedules do not fire either.
    pub fn resting(files: &[(&str, &str)]) -> Self {
        Self::made(files, Mode { enrolment: false, schedules: false }, None)
    }

    /// With these files in its source, and webhooks signed by these secrets.
    pub fn hooked(files: &[(&str, &str)], secrets: &str) -> Self {
        Self::made(files, Mode::WHOLE, Some(secrets))
    }

    /// That takes so many requests of each principal, and of each stranger's address.
    pub fn limited(principals: Option<&str>, strangers: Option<&str>) -> Self {
        let rate = |text: &str| text.parse().unwrap();
        let limits = Limits { principals: principals.map(rate), strangers: strangers.map(rate) };
        Self::configured(&[], Mode::WHOLE, |config| config.limits = limits)
    }

    /// With these files in its source, believing proxies at these addresses.
    pub fn behind(proxies: &str, files: &[(&str, &str)]) -> Self {
        let trusted_proxies = Some(TrustedProxies::parse(proxies).unwrap());
        Self::configured(files, Mode::WHOLE, |config| config.people = People { trusted_proxies, ..People::default() })
    }

    /// With an empty source and settings of its own.
    pub fn told(configure: impl FnOnce(&mut Config)) -> Self {
        Self::configured(&[], Mode::WHOLE, configure)
    }

    fn made(files: &[(&str, &str)], mode: Mode, secrets: Option<&str>) -> Self {
        Self::configured(files, mode, |config| {
            config.webhook_secrets = secrets.map(|secrets| WebhookSecrets::parse(secrets).unwrap());
        })
    }

    fn configured(files: &[(&str, &str)], mode: Mode, configure: impl FnOnce(&mut Config)) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("source")).unwrap();
        for (file, text) in files {
            std::fs::write(root.path().join("source").join(file), text).unwrap();
        }
        let mut config = Config {
            listen: Listen { address: "127.0.0.1:0".parse().unwrap(), public_url: None },
            tls: Tls::Off,
            data: Data::in_folder(&root.path().join("data")),
            source: Some(Source {
                origin: Origin::Folder { folder: root.path().join("source"), path: String::new() },
                poll: Duration::from_secs(3600),
            }),
            admin_token: Some(AdminToken::parse(TOKEN).unwrap()),
            people: People::default(),
            webhook_secrets: None,
            // Tests ask as fast as they can, and many of them as strangers.
            limits: Limits { principals: None, strangers: None },
            keep: Keep::default(),
            observe: Observe::default(),
            log: Log { filter: "info".into(), format: LogFormat::Text },
            warnings: Vec::new(),
            stop_timeout: STOP_TIMEOUT,
            layers: Layers::without_file(&CONTROLLER, &[], &Environment::new(), &mut Vec::new()),
        };
        configure(&mut config);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut serving = runtime.block_on(serve::start(&config, mode)).unwrap();
        let engine = Some(runtime.block_on(serving.active()).unwrap().engine);
        let http = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
        let http = http.build().new_agent();
        let server = Self { runtime, config, mode, serving: Some(serving), engine, root, http };
        server.post("/api/v1/syncs", &json!({})).ok();
        server
    }

    /// The controller ends, and another one begins on the same data, on another port.
    #[expect(clippy::disallowed_methods, reason = "a test's patience is real time")]
    pub fn restart(&mut self) {
        let ended = self.serving.take().unwrap();
        assert_eq!(self.runtime.block_on(ended.stop()).unwrap(), End::Stopped);
        self.engine = None;
        // A connection that is being closed may hold the data folder for a moment yet.
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            let mut serving = self.runtime.block_on(serve::start(&self.config, self.mode)).unwrap();
            match self.runtime.block_on(serving.active()) {
                Ok(active) => (self.engine, self.serving) = (Some(active.engine), Some(serving)),
                Err(error) => {
                    assert!(Instant::now() < patience, "{error:#}");
                    continue;
                }
            }
            return;
        }
    }

    /// A second source, `two`, with these files, synced. Settings name one source only; what is live may be of several.
    pub fn second_source(&self, files: &[(&str, &str)]) {
        let folder = self.root.path().join("two");
        std::fs::create_dir(&folder).unwrap();
        for (file, text) in files {
            std::fs::write(folder.join(file), text).unwrap();
        }
        let syncer = Syncer::new("two", Arc::new(Folder::new(folder)), Duration::from_secs(3600), self.engine().clone());
        assert_eq!(self.block_on(syncer.sync()).unwrap().outcome.as_str(), "applied");
    }

    /// The running controller.
    pub fn serving(&self) -> &Serving {
        self.serving.as_ref().unwrap()
    }

    /// Its executions and agents.
    pub fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    /// Runs something on the controller's own runtime.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.serving().address)
    }

    pub fn bearer(&self) -> String {
        format!("Bearer {TOKEN}")
    }

    /// A statement in the controller's database, behind its back.
    pub fn meddle(&self, sql: &str) {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}", self.root.path().join("data/pulse.db").display());
        self.block_on(async {
            let mut connection = AnyConnection::connect(&url).await.expect("the side door opens");
            sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql);
            connection.close().await.expect("the side door closes");
        });
    }

    /// Does something while the controller's database takes no writes; then `sql` is the next that is written.
    pub fn meanwhile(&self, sql: &str, something: impl Future<Output = ()>) {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}", self.root.path().join("data/pulse.db").display());
        self.block_on(async {
            let mut connection = AnyConnection::connect(&url).await.expect("the side door opens");
            sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.expect("nobody writes");
            something.await;
            sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql);
            sqlx::query("COMMIT").execute(&mut connection).await.expect("it is written");
            connection.close().await.expect("the side door closes");
        });
    }

    /// A file of the source.
    pub fn source(&self, file: &str) -> PathBuf {
        self.root.path().join("source").join(file)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Some(&self.bearer()), &[], b"")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, Some(&self.bearer()), &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, body, &[])
    }

    pub fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.send("POST", path, Some(&self.bearer()), &headers, body.to_string().as_bytes())
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, bearer: Option<&str>, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let headers: Vec<_> = headers.iter().copied().chain(bearer.map(|bearer| ("authorization", bearer))).collect();
        let answer = self.send_to(&self.url(""), method, path, &headers, body);
        let shown = if answer.header("content-encoding").is_empty() { answer.body.as_slice() } else { b"" };
        contract::check(&Call { method, path, body }, answer.status, answer.header("content-type"), shown);
        answer
    }

    /// Any request to some address, whose answer may be somebody else's.
    pub fn send_to(&self, at: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{at}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body.is_empty() {
            true => self.http.run(request.body(()).unwrap()),
            false => self.http.run(request.body(body.to_vec()).unwrap()),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let read = answer.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
        Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body: read }
    }

    /// A token of the API with these roles, as the value of an `Authorization` header.
    pub fn token(&self, name: &str, roles: &[&str], scope: &Value) -> String {
        let made = self.post("/api/v1/tokens", &json!({ "name": name, "roles": roles, "scope": scope })).ok();
        format!("Bearer {}", made["token"].as_str().unwrap())
    }

    /// A request line that no client would write, with this header; its status and what came after the head.
    pub fn raw(&self, line: &str, header: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.serving().address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status =
            answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{line}: {answer:?}"));
        (status, answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned()))
    }

    /// Enrols an agent and lets it in.
    pub fn agent(&self, name: &str) -> Agent {
        let made = self.post("/api/v1/agents/tokens", &json!({ "names": [name] })).ok();
        let agent = Agent::connect(self, name, made["token"].as_str().unwrap());
        self.until(&format!("/api/v1/agents/{name}"), |agent| agent["status"]["state"] == "online");
        agent
    }

    /// Starts a workflow and answers the execution's id.
    pub fn run(&self, workflow: &str) -> String {
        self.post("/api/v1/executions", &json!({ "workflow": workflow })).ok()["id"].as_str().unwrap().to_owned()
    }

    /// Starts a workflow that asks at once, and answers the prompt.
    pub fn asks(&self, workflow: &str) -> Value {
        let id = self.run(workflow);
        let open = |page: &Value| page["items"].as_array().unwrap().iter().find(|one| one["execution"] == id.as_str()).cloned();
        open(&self.until("/api/v1/prompts", |page| open(page).is_some())).unwrap()
    }

    /// Waits for a reason with this code.
    pub fn reason(&self, execution: &str, code: &str) -> Value {
        let found = |page: &Value| page["items"].as_array().unwrap().iter().find(|one| one["code"] == code).cloned();
        found(&self.until(&format!("/api/v1/executions/{execution}/why"), |page| found(page).is_some())).unwrap()
    }

    /// Looks until it is so; what never comes to be so fails the test.
    #[expect(clippy::disallowed_methods, reason = "a test's patience is real time")]
    pub fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            let seen = self.get(path).ok();
            if is_so(&seen) {
                return seen;
            }
            assert!(Instant::now() < patience, "{path} never became what was waited for: {seen}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            assert_eq!(self.runtime.block_on(serving.stop()).unwrap(), End::Stopped);
        }
    }
}
