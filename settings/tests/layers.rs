//! What is said where: which layer wins, what is refused with its place, and what is shown of it.

use clap::{Args, FromArgMatches};
use pulse_settings::{AGENT, CONTROLLER, Environment, Flags, Layers, Part, Program, changes, json, table};
use std::path::{Path, PathBuf};

#[derive(Clone, Default)]
struct Agents;

impl Part for Agents {
    const PROGRAM: &'static Program = &AGENT;
}

#[derive(Clone, Default)]
struct Controllers;

impl Part for Controllers {
    const PROGRAM: &'static Program = &CONTROLLER;
}

fn flags<P: Part>(line: &[&str]) -> Flags<P> {
    let command = Flags::<P>::augment_args(clap::Command::new("x"));
    let matches = command.try_get_matches_from(std::iter::once(&"x").chain(line)).unwrap_or_else(|error| panic!("{error}"));
    Flags::from_arg_matches(&matches).unwrap()
}

fn environment(values: &[(&str, &str)]) -> Environment {
    values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn gather<P: Part>(line: &[&str], values: &[(&str, &str)]) -> (Layers, Vec<String>) {
    let (flags, mut errors) = (flags::<P>(line), Vec::new());
    let layers = Layers::gather(P::PROGRAM, flags.given(), flags.config(), &environment(values), &mut errors);
    (layers, errors)
}

fn written(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("settings.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "log: debug\nslots: 7\nlabels: {role: db, env: prod}\ninsecureHttp: true\n");
    let file = path.to_str().unwrap();
    let origin = |line: &[&str], values: &[(&str, &str)], key: &str| {
        let (layers, errors) = gather::<Agents>(line, values);
        assert_eq!(errors, Vec::<String>::new());
        let one = layers.effective().into_iter().find(|one| one.setting.key == key).unwrap();
        (one.value.clone().unwrap_or_default(), one.origin())
    };
    let is = |value: &str, origin: String| (value.to_owned(), origin);
    assert_eq!(origin(&[], &[], "slots"), is("5", "default".into()));
    assert_eq!(origin(&["--config", file], &[], "slots"), is("7", format!("file {file}:2")));
    assert_eq!(origin(&[], &[("PULSE_CONFIG", file)], "labels"), is("role=db,env=prod", format!("file {file}:3")));
    assert_eq!(origin(&[], &[("PULSE_AGENT_CONFIG", file)], "insecureHttp"), is("true", format!("file {file}:4")));
    let both = [("PULSE_CONFIG", file), ("PULSE_AGENT_SLOTS", "3"), ("MAX_CONCURRENT_TASKS", "9")];
    assert_eq!(origin(&[], &both, "slots"), is("3", "environment PULSE_AGENT_SLOTS".into()));
    assert_eq!(origin(&[], &both[2..], "slots"), is("9", "environment MAX_CONCURRENT_TASKS".into()));
    assert_eq!(origin(&["--slots", "2"], &both, "slots"), is("2", "flag --slots".into()));
    assert_eq!(origin(&[], &[("PULSE_AGENT_SLOTS", ""), ("PULSE_CONFIG", file)], "slots"), is("7", format!("file {file}:2")));
    assert_eq!(origin(&["--insecure-http"], &[], "insecureHttp"), is("true", "flag --insecure-http".into()));
}

#[test]
fn what_is_unknown_in_the_file_is_refused_with_its_place_and_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "log: info\n  \nservre: http://127.0.0.1:1\nnonsense: {a: [1]}\n");
    let (_, errors) = gather::<Agents>(&["--config", path.to_str().unwrap()], &[]);
    let name = path.display();
    assert_eq!(errors[0], format!("{name}:3:1: servre: there is no such setting; did you mean `server`?"));
    assert!(
        errors[1].starts_with(&format!("{name}:4:1: nonsense: there is no such setting; there are server, token, tokenFile"))
    );
    assert_eq!(errors.len(), 2, "{errors:?}");
    let (_, gone) = gather::<Agents>(&["--config", "/no/such"], &[]);
    assert!(gone[0].starts_with("the settings' file /no/such cannot be read"), "{gone:?}");
}

#[test]
fn a_misspelt_variable_is_told_and_one_of_others_is_not() {
    let values = [
        ("PULSE_LISTN", "x"),
        ("PULSE_AGENT_NAME", "a"),
        ("PULSE_SERVICE_HOST", "1"),
        ("PULSE_PORT_80_TCP", "1"),
        ("LISTEN", "1"),
    ];
    let (layers, errors) = gather::<Controllers>(&[], &values);
    assert_eq!(errors, Vec::<String>::new());
    let said = "PULSE_LISTN is no setting of pulse-controller; it has no effect; did you mean PULSE_LISTEN?";
    assert_eq!(layers.warnings, [said]);
    let (layers, _) = gather::<Agents>(&[], &[("PULSE_AGENT_SLOT", "1")]);
    assert_eq!(
        layers.warnings,
        ["PULSE_AGENT_SLOT is no setting of pulse-agent; it has no effect; did you mean PULSE_AGENT_SLOTS?"]
    );
}

#[test]
fn every_secret_can_be_in_a_file_and_none_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let held = folder.path().join("held");
    std::fs::write(&held, "hunter2-hunter2-hunter2\n").unwrap();
    let held = held.to_str().unwrap();
    for setting in CONTROLLER.built().filter(|setting| setting.secret) {
        let by_name = gather::<Controllers>(&[], &[(&setting.env_of_file(), held)]).0;
        let by_flag = gather::<Controllers>(&[&setting.dashed(), held], &[]).0;
        let path = written(folder.path(), &format!("{}: {held}\n", setting.key_of_file()));
        let by_key = gather::<Controllers>(&["--config", path.to_str().unwrap()], &[]).0;
        for layers in [by_name, by_flag, by_key] {
            let expected = if setting.watched { held } else { "hunter2-hunter2-hunter2" };
            assert_eq!(layers.get(setting.env).map(|given| given.text.as_str()), Some(expected), "{}", setting.env);
            let all = layers.effective();
            let shown = format!("{}{}{layers:?}", table(&all), json(&all, &[]));
            assert!(!shown.contains("hunter2") && shown.contains("[redacted]") && shown.contains(held), "{shown}");
        }
    }
    let (_, both) = gather::<Controllers>(&[], &[("PULSE_ADMIN_TOKEN", "x"), ("PULSE_ADMIN_TOKEN_FILE", held)]);
    assert_eq!(both, ["PULSE_ADMIN_TOKEN_FILE: PULSE_ADMIN_TOKEN says the same thing; keep one of the two"]);
}

#[test]
fn passwords_in_urls_and_long_texts_are_not_shown() {
    let values =
        [("PULSE_SOURCE_URL", "https://anna:hunter2@git.example/x"), ("PULSE_OIDC_CA", "-----BEGIN CERTIFICATE-----\nabc\n")];
    let (layers, _) = gather::<Controllers>(&[], &values);
    let shown = table(&layers.effective());
    assert!(shown.contains("https://anna:[redacted]@git.example/x") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("its text, 32 bytes"), "{shown}");
}

#[test]
fn only_what_differs_is_a_change() {
    let before = gather::<Controllers>(&[], &[("PULSE_LOG", "info"), ("PULSE_RATE_LIMIT", "5/s")]).0;
    let now = gather::<Controllers>(&["--rate-limit", "5/s"], &[("PULSE_PUBLIC_URL", "https://x")]).0;
    let keys: Vec<_> = changes(&before, &now).iter().map(|change| change.setting.key).collect();
    assert_eq!(keys, ["publicUrl"], "the default said aloud, and the same by a flag, are no changes");
    let mixed = before.with(&now, |setting| setting.key == "publicUrl");
    assert_eq!(changes(&mixed, &now).len(), 0);
    assert_eq!(changes(&now, &now.with(&before, |_| true)).len(), 1);
}
