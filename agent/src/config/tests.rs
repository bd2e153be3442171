//! Settings: order of sources, refusals that name place and mend.

use super::{Environment, Flags, Settings, parse_server};
use clap::Parser;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    flags: Flags,
}

fn gather(line: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Settings> {
    let usual = ["pulse-agent", "--data-dir", "/tmp/x"];
    let line = Line::try_parse_from(usual.iter().chain(line)).unwrap_or_else(|error| panic!("{error}"));
    let environment: Environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Settings::gather(&line.flags, &environment)
}

fn refused(line: &[&str], environment: &[(&str, &str)]) -> String {
    format!("{:#}", gather(line, environment).unwrap_err())
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
    let http = ["--server", "http://127.0.0.1:1", "--name", "a1"];
    let https = ["--server", "https://x", "--name", "a1"];
    let by = |more: &[&str], environment: &[(&str, &str)]| refused(&[&http[..], more].concat(), environment);
    assert!(refused(&[], &[]).starts_with("PULSE_SERVER is not set"));
    assert!(by(&["--ca", "/ca"], &[]).contains("PULSE_CA goes with an https address"));
    assert!(refused(&[&https[..], &["--ca", "/no/ca"]].concat(), &[]).contains("PULSE_CA /no/ca cannot be read"));
    assert!(refused(&[&https[..], &["--ca", "/dev/null"]].concat(), &[]).contains("holds no certificate"));
    assert!(refused(&https, &[("PULSE_AGENT_TOKEN", "pulse_enrol_a_b_ca_0")]).contains("cut short"));
    assert!(refused(&http[..2], &[("PULSE_AGENT_NAME", "All!")]).starts_with("PULSE_AGENT_NAME: `All!`"));
    assert_eq!(by(&["--slots", "0"], &[]), "--slots: give a number from 1 to 256, not 0");
    assert!(by(&[], &[("MAX_CONCURRENT_TASKS", "many")]).starts_with("MAX_CONCURRENT_TASKS: `many` is no whole number"));
    assert!(by(&[], &[("HEARTBEAT_INTERVAL", "1s")]).starts_with("HEARTBEAT_INTERVAL"));
    assert!(by(&["--labels", "role"], &[]).contains("key=value"));
    assert!(by(&["--labels", "a=1,a=2"], &[]).contains("twice"));
    assert!(by(&[], &[("PULSE_INSECURE_HTTP", "yes")]).contains("neither `true` nor `false`"));
    assert!(by(&["--token-fd", "1"], &[]).contains("--token-fd 1"));
    assert!(by(&["--token-fd", "987"], &[]).contains("not open"));
}

#[test]
fn flags_come_before_old_names_before_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.yaml");
    std::fs::write(&path, "server: http://127.0.0.1:9\nslots: 7\nname: from-file\nlabels: {role: db}\n").unwrap();
    let file = ["--config", path.to_str().unwrap()];
    let plain = gather(&file, &[]).unwrap();
    assert_eq!((plain.slots, plain.name.as_str(), plain.server.port), (7, "from-file", 9));
    assert_eq!(plain.labels["role"], "db");
    let old = [("WORKER_NAME", "old"), ("MAX_CONCURRENT_TASKS", "3"), ("PULSE_AGENT_TOKEN", " t \n")];
    let said = gather(&file, &old).unwrap();
    assert_eq!((said.slots, said.name.as_str(), said.token.as_ref().unwrap().reveal()), (3, "old", "t"));
    assert!(!format!("{said:?}").contains("\"t\""));
    assert_eq!(gather(&[&file[..], &["--slots", "9"]].concat(), &old).unwrap().slots, 9);
}

#[test]
fn an_unknown_key_of_the_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.yaml");
    std::fs::write(&path, "servre: http://127.0.0.1:9\n").unwrap();
    let error = refused(&["--config", path.to_str().unwrap()], &[]);
    assert!(error.ends_with("agent.yaml:1:1: servre: there is no such setting; did you mean `server`?"), "{error}");
}

#[test]
fn a_token_that_was_used_and_removed_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "").unwrap();
    let said = gather(&["--server", "http://127.0.0.1:1", "--token-file", file.to_str().unwrap()], &[]).unwrap();
    assert!(said.token.is_none());
    std::fs::remove_file(&file).unwrap();
    let gone = refused(&["--server", "http://127.0.0.1:1", "--token-file", file.to_str().unwrap()], &[]);
    assert!(gone.contains("cannot read"), "{gone}");
}
