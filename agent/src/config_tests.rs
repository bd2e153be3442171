//! Settings: order of sources, refusals that name place and mend.

use super::*;

fn flags(server: &str) -> Flags {
    Flags { server: Some(server.into()), name: Some("a1".into()), data_dir: Some("/tmp/x".into()), ..Flags::default() }
}

fn refused(flags: Flags, environment: &[(&str, &str)]) -> String {
    let error = Settings::gather(flags, &|name| find(environment, name)).unwrap_err();
    format!("{error:#}")
}

fn find(environment: &[(&str, &str)], name: &str) -> Option<String> {
    environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
}

#[test]
fn addresses_are_taken_or_refused_with_the_mend() {
    let server = parse_server("http://[::1]:81/pulse/", false).unwrap();
    assert_eq!(server.session_url(), "ws://[::1]:81/pulse/api/v1/agents/session");
    assert_eq!(parse_server("http://localhost", false).unwrap().port, 80);
    assert!(parse_server("http://10.0.0.1:8080", true).is_ok());
    let secure = parse_server("https://pulse.example/x/", false).unwrap();
    assert_eq!((secure.port, secure.tls, secure.address().as_str()), (443, true, "https://pulse.example:443/x"));
    assert_eq!(secure.session_url(), "wss://pulse.example:443/x/api/v1/agents/session");
    for (text, mend) in [
        ("http://10.0.0.1:8080", "PULSE_INSECURE_HTTP=true"),
        ("http://localhost.evil.example", "PULSE_INSECURE_HTTP=true"),
        ("ftp://x", "such as http"),
        ("https://pulse.example?x=y", "such as http"),
        ("127.0.0.1:8080", "such as http"),
        ("http://user@127.0.0.1", "such as http"),
        ("", "such as http"),
    ] {
        let error = format!("{:#}", parse_server(text, false).unwrap_err());
        assert!(error.contains(mend), "{text}: {error}");
    }
}

#[test]
fn wrong_settings_name_the_setting() {
    let http = "http://127.0.0.1:1";
    assert!(refused(Flags { server: None, ..flags(http) }, &[]).contains("PULSE_SERVER"));
    assert!(refused(Flags { ca: Some("/ca".into()), ..flags(http) }, &[]).contains("PULSE_CA goes with an https address"));
    assert!(refused(Flags { ca: Some("/no/ca".into()), ..flags("https://x") }, &[]).contains("PULSE_CA /no/ca cannot be read"));
    assert!(refused(Flags { ca: Some("/dev/null".into()), ..flags("https://x") }, &[]).contains("holds no certificate"));
    assert!(refused(flags("https://x"), &[("PULSE_AGENT_TOKEN", "pulse_enrol_a_b_ca_0")]).contains("cut short"));
    assert!(refused(Flags { name: Some("All!".into()), ..flags(http) }, &[]).contains("PULSE_AGENT_NAME"));
    assert!(refused(Flags { slots: Some(0), ..flags(http) }, &[]).contains("PULSE_AGENT_SLOTS"));
    assert!(refused(flags(http), &[("MAX_CONCURRENT_TASKS", "many")]).contains("MAX_CONCURRENT_TASKS"));
    assert!(refused(flags(http), &[("HEARTBEAT_INTERVAL", "1s")]).contains("HEARTBEAT_INTERVAL"));
    assert!(refused(Flags { labels: Some("role".into()), ..flags(http) }, &[]).contains("key=value"));
    assert!(refused(Flags { labels: Some("a=1,a=2".into()), ..flags(http) }, &[]).contains("twice"));
    assert!(refused(Flags { token_fd: Some(1), ..flags(http) }, &[]).contains("--token-fd 1"));
    assert!(refused(Flags { token_fd: Some(987), ..flags(http) }, &[]).contains("not open"));
}

#[test]
fn flags_come_before_old_names_before_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.yaml");
    std::fs::write(&path, "server: http://127.0.0.1:9\nslots: 7\nname: from-file\nlabels: {role: db}\n").unwrap();
    let with = |flags: Flags, environment: &[(&str, &str)]| Settings::gather(flags, &|name| find(environment, name)).unwrap();
    let file = || Flags { config: Some(path.clone()), data_dir: Some("/tmp/x".into()), ..Flags::default() };
    let plain = with(file(), &[]);
    assert_eq!((plain.slots, plain.name.as_str(), plain.server.port), (7, "from-file", 9));
    assert_eq!(plain.labels["role"], "db");
    let old = with(file(), &[("WORKER_NAME", "old"), ("MAX_CONCURRENT_TASKS", "3"), ("PULSE_AGENT_TOKEN", " t \n")]);
    assert_eq!((old.slots, old.name.as_str(), old.token.as_ref().unwrap().reveal()), (3, "old", "t"));
    assert!(!format!("{old:?}").contains("\"t\""));
    let flag = with(Flags { slots: Some(9), ..file() }, &[("MAX_CONCURRENT_TASKS", "3")]);
    assert_eq!(flag.slots, 9);
}

#[test]
fn an_unknown_key_of_the_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.yaml");
    std::fs::write(&path, "servre: http://127.0.0.1:9\n").unwrap();
    let error = refused(Flags { config: Some(path), ..flags("http://127.0.0.1:1") }, &[]);
    assert!(error.contains("servre") && error.contains("agent.yaml"), "{error}");
}
