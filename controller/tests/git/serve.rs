//! A controller whose source is a repository: from the commit to what is live.

use super::remotes::{Fault, HttpRemote, Repository};
use super::{remote, token};
use pulse_controller::config::{
    AdminToken, Config, Data, Limits, Listen, Log, LogFormat, Observe, Origin, People, STOP_TIMEOUT, Source, Tls,
};
use pulse_controller::keep::Keep;
use pulse_controller::serve;
use pulse_controller::source::git::Remote;
use pulse_settings::{CONTROLLER, Environment, Layers};
use serde_json::{Value, json};
use std::time::Duration;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn workflow(name: &str, command: &str) -> String {
    format!(
        "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata:\n  name: {name}\nspec:\n  steps:\n    - id: go\n      type: execute\n      \
         targets: [all]\n      command: {command}\n"
    )
}

#[test]
fn a_commit_becomes_live_and_what_is_live_survives_its_remote() {
    let repository = Repository::with(&[("ops/hello.yaml", &workflow("hello", "echo 1"))]);
    let server = HttpRemote::guarded(repository.root(), "pulse", "hunter2-token");
    let root = tempfile::tempdir().unwrap();
    let at = Remote { path: "ops".to_owned(), credentials: token("pulse", "hunter2-token"), ..remote(&server.url()) };
    let config = Config {
        listen: Listen { address: "127.0.0.1:0".parse().unwrap(), public_url: None },
        tls: Tls::Off,
        data: Data::in_folder(&root.path().join("data")),
        source: Some(Source { origin: Origin::Git(Box::new(at)), poll: Duration::from_secs(3600) }),
        admin_token: Some(AdminToken::parse(TOKEN).unwrap()),
        people: People::default(),
        webhook_secrets: None,
        limits: Limits::default(),
        keep: Keep::default(),
        observe: Observe::default(),
        log: Log { filter: "info".into(), format: LogFormat::Text },
        warnings: Vec::new(),
        stop_timeout: STOP_TIMEOUT,
        layers: Layers::without_file(&CONTROLLER, &[], &Environment::new(), &mut Vec::new()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut serving = runtime.block_on(serve::start(&config, serve::Mode::WHOLE)).unwrap();
    runtime.block_on(serving.active()).unwrap();
    let http = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
    let http = http.build().new_agent();
    let bearer = format!("Bearer {TOKEN}");
    let get = |path: &str| -> Value {
        let mut answer = http.get(format!("{}{path}", serving.url)).header("authorization", &bearer).call().unwrap();
        answer.body_mut().read_json().unwrap()
    };
    let sync = || -> String {
        let url = format!("{}/api/v1/syncs", serving.url);
        http.post(url).header("authorization", &bearer).send_json(json!({})).unwrap().body_mut().read_to_string().unwrap()
    };
    let last = || get("/api/v1/syncs")["items"][0].clone();

    let first = repository.head("main").unwrap();
    assert_eq!((last()["outcome"].as_str(), last()["commit"].as_str()), (Some("applied"), Some(first.as_str())), "{}", last());
    let second = repository.commit("main", &[("ops/more.yaml", &workflow("more", "echo 2"))]);
    sync();
    assert_eq!((last()["outcome"].as_str(), last()["commit"].as_str()), (Some("applied"), Some(second.as_str())), "{}", last());
    repository.commit("main", &[("ops/bad.yaml", "kind: Nonsense\n")]);
    sync();
    assert_eq!(last()["outcome"], "refused", "{}", last());
    assert_eq!(last()["problems"][0]["file"], "ops/bad.yaml", "{}", last());
    let paths: Vec<_> =
        get("/api/v1/workflows")["items"].as_array().unwrap().iter().map(|one| one["status"]["path"].clone()).collect();
    assert_eq!(paths, ["ops/hello.yaml", "ops/more.yaml"], "as in the repository");
    server.fault(Some(Fault::Status(503)));
    let said = sync();
    assert_eq!(last()["outcome"], "unreachable", "{}", last());
    assert!(!said.contains("hunter2") && !last().to_string().contains("hunter2"), "{said}");
    assert_eq!(get("/api/v1/workflows")["items"].as_array().unwrap().len(), 2, "what is live stays");
    runtime.block_on(serving.stop()).unwrap();
}
