//! Settings as they are given, and every way in which they are refused.

use super::{Cli, Config, Environment, LogFormat, Origin, PemSource, ServeFlags, Tls};
use clap::Parser;
use std::path::Path;

fn environment(values: &[(&str, &str)]) -> Environment {
    values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

pub(super) fn load(flags: &[&str], values: &[(&str, &str)]) -> Result<Config, String> {
    let cli = Cli::try_parse_from(std::iter::once("pulse-controller").chain(flags.iter().copied())).map_err(|e| e.to_string())?;
    Config::load(&cli.serve, &environment(values)).map_err(|error| error.to_string())
}

pub(super) fn refusal(flags: &[&str], values: &[(&str, &str)]) -> String {
    load(flags, values).expect_err("these settings must be refused")
}

#[test]
fn nothing_said_is_the_documented_default() {
    let config = load(&[], &[]).unwrap();
    assert_eq!(config.listen.address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.data.folder, Path::new("/var/lib/pulse"));
    assert_eq!(config.data.database_url.reveal(), "sqlite:///var/lib/pulse/pulse.db");
    assert_eq!((config.log.filter.as_str(), config.log.format), ("info", LogFormat::Text));
    assert!(config.source.is_none() && config.admin_token.is_none());
    assert!(config.warnings[0].contains("PULSE_SOURCE_URL"), "{:?}", config.warnings);
}

#[test]
fn flags_win_over_environment_and_environment_over_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pulse.yaml");
    std::fs::write(&file, "# settings\nlisten: 127.0.0.1:1001\nlog: debug\nlogFormat: json\n").unwrap();
    let file = file.to_str().unwrap();
    let port = |flags: &[&str], values: &[(&str, &str)]| load(flags, values).unwrap().listen.address.port();
    assert_eq!(port(&["--config", file], &[]), 1001);
    assert_eq!(port(&[], &[("PULSE_CONFIG", file)]), 1001);
    assert_eq!(port(&["--config", file], &[("PULSE_LISTEN", "127.0.0.1:1002")]), 1002);
    assert_eq!(port(&["--config", file, "--listen", "127.0.0.1:1003"], &[("PULSE_LISTEN", "127.0.0.1:1002")]), 1003);
    let config = load(&["--config", file], &[("PULSE_LOG", "")]).unwrap();
    assert_eq!((config.log.filter.as_str(), config.log.format), ("debug", LogFormat::Json), "an empty variable says nothing");
}

#[test]
fn the_file_takes_plain_words_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pulse.yaml");
    let text = format!("listen: 0.0.0.0:80\ninsecureHttp: true\nsourceUrl: {}\nsourcePoll: 90s\n", folder.path().display());
    std::fs::write(&file, text).unwrap();
    let config = load(&["--config", file.to_str().unwrap()], &[]).unwrap();
    assert_eq!((config.listen.address.port(), config.source.unwrap().poll.as_secs()), (80, 90));
    std::fs::write(&file, "# nothing is set\n").unwrap();
    assert!(load(&["--config", file.to_str().unwrap()], &[]).is_ok());
}

#[test]
fn the_files_errors_name_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pulse.yaml");
    let path = file.to_str().unwrap();
    let said = |text: &str| {
        std::fs::write(&file, text).unwrap();
        refusal(&["--config", path], &[])
    };
    let unknown = said("log: info\nlistn: 127.0.0.1:1\n");
    assert!(unknown.contains("pulse.yaml:2:1: listn: there is no such setting; did you mean `listen`?"), "{unknown}");
    let later = said("legacyEnabled: true\n");
    assert!(later.contains("pulse.yaml:1:1: legacyEnabled: unsupported in this release"), "{later}");
    let twice = said("log: info\nlog: debug\n");
    assert!(twice.contains("pulse.yaml:2:1") && twice.contains("log"), "{twice}");
    let list = said("- a\n");
    assert!(list.contains("pulse.yaml:1:1") && list.contains("a map of settings"), "{list}");
    let value = said("\nlisten: nowhere\n");
    assert!(value.contains("pulse.yaml:2:1: listen: `nowhere` is no address"), "{value}");
    assert!(refusal(&["--config", "/no/such/file"], &[]).contains("/no/such/file cannot be read"));
}

#[test]
fn every_setting_of_a_later_release_is_refused() {
    for setting in pulse_settings::CONTROLLER.all().filter(|setting| !setting.is_built()) {
        let said = refusal(&[], &[(setting.env, "x")]);
        assert_eq!(said, format!("{}: unsupported in this release; remove it", setting.env));
    }
    assert!(refusal(&[], &[("WORKER_API_KEY_FILE", "/x")]).contains("unsupported in this release"));
}

#[test]
fn webhooks_are_signed_by_secrets_that_are_checked_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().to_str().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "0123456789abcdef,fedcba9876543210\n").unwrap();
    let config = load(&["--source-url", url, "--webhook-secret-file", file.to_str().unwrap()], &[]).unwrap();
    assert_eq!(config.webhook_secrets.as_ref().unwrap().iter().count(), 2);
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
    assert!(load(&["--source-url", url], &[]).unwrap().webhook_secrets.is_none());
    let short = refusal(&["--source-url", url], &[("PULSE_WEBHOOK_SECRET", "hunter2")]);
    assert!(short.starts_with("PULSE_WEBHOOK_SECRET: the secret has 7 bytes") && !short.contains("hunter2"), "{short}");
    assert!(short.contains("openssl rand -hex 32"), "{short}");
    let no_source = refusal(&[], &[("PULSE_WEBHOOK_SECRET", "0123456789abcdef")]);
    assert_eq!(no_source, "PULSE_WEBHOOK_SECRET: there is no source that it could be about; set PULSE_SOURCE_URL, too");
}

#[test]
fn every_error_is_told_at_once() {
    let said = refusal(&["--log-format", "xml"], &[("PULSE_LISTEN", "here"), ("PULSE_PUBLIC_URL", "pulse.example.org")]);
    assert!(said.starts_with("3 settings are wrong:"), "{said}");
    for place in ["--log-format: `xml`", "PULSE_LISTEN: `here`", "PULSE_PUBLIC_URL: `pulse.example.org` is no URL"] {
        assert!(said.contains(place), "{said}");
    }
}

#[test]
fn other_machines_are_let_in_only_on_an_explicit_word() {
    let said = refusal(&["--listen", "0.0.0.0:80"], &[]);
    assert!(said.contains("PULSE_INSECURE_HTTP=true") && said.contains("TLS"), "{said}");
    assert!(load(&["--listen", "0.0.0.0:80", "--insecure-http"], &[]).is_ok());
    assert!(load(&["--listen", "0.0.0.0:80"], &[("PULSE_INSECURE_HTTP", "true")]).is_ok());
    assert!(load(&["--listen", "[::1]:80"], &[]).is_ok());
    assert!(refusal(&[], &[("PULSE_INSECURE_HTTP", "yes")]).contains("neither `true` nor `false`"));
}

#[test]
fn with_tls_other_machines_are_let_in() {
    let key = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----";
    let given = load(&["--listen", "0.0.0.0:443", "--tls-cert", "/c.pem"], &[("PULSE_TLS_KEY", key)]).unwrap();
    let Tls::Given { certificate, key } = &given.tls else { panic!("{:?}", given.tls) };
    assert_eq!((&certificate.source, &*certificate.place), (&PemSource::File("/c.pem".into()), "--tls-cert"));
    assert!(matches!(key.source, PemSource::Text(_)) && !format!("{given:?}").contains("hunter2"));
    // A path stays a path: the file is read again when it changes.
    let watched = load(&[], &[("PULSE_TLS_CERT", "/c.pem"), ("PULSE_TLS_KEY_FILE", "/k.pem")]).unwrap();
    assert!(matches!(watched.tls, Tls::Given { key, .. } if key.source == PemSource::File("/k.pem".into())));
    assert_eq!(load(&["--listen", "0.0.0.0:443", "--tls", "auto"], &[]).unwrap().tls, Tls::Auto);
    assert_eq!(load(&[], &[("PULSE_TLS", "off")]).unwrap().tls, Tls::Off);
    let plain = load(&[], &[("PULSE_TLS", "auto"), ("PULSE_PUBLIC_URL", "http://x")]).unwrap().warnings;
    assert!(plain.iter().any(|warning| warning.starts_with("PULSE_PUBLIC_URL begins with http://")), "{plain:?}");
}

#[test]
fn settings_of_tls_that_make_no_sense_are_refused_with_the_mend() {
    for (values, words) in [
        (&[("PULSE_TLS", "on")][..], "PULSE_TLS: `on` is neither `off` nor `auto`"),
        (&[("PULSE_TLS_CERT", "/c")], "PULSE_TLS_CERT: one goes with the other; set PULSE_TLS_KEY_FILE"),
        (&[("PULSE_TLS_KEY_FILE", "/k")], "PULSE_TLS_KEY_FILE: one goes with the other; set PULSE_TLS_CERT"),
        (&[("PULSE_TLS", "auto"), ("PULSE_TLS_CERT", "/c")], "PULSE_TLS: `auto` and PULSE_TLS_CERT contradict each other"),
        (&[("PULSE_TLS", "off"), ("PULSE_TLS_KEY", "/k")], "PULSE_TLS: `off` and PULSE_TLS_KEY contradict each other"),
        (&[("PULSE_LISTEN", "0.0.0.0:80"), ("PULSE_TLS", "off")], "set PULSE_TLS=auto or PULSE_TLS_CERT"),
    ] {
        let said = refusal(&[], values);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn secrets_come_from_files_too_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    let path = file.to_str().unwrap();
    let config = load(&[], &[("PULSE_ADMIN_TOKEN_FILE", path)]).unwrap();
    assert_eq!(config.admin_token.as_ref().unwrap().0.reveal(), "0123456789abcdef");
    let shown = format!("{config:?}");
    assert!(!shown.contains("0123456789abcdef") && shown.contains("[redacted]"), "{shown}");
    let both = refusal(&[], &[("PULSE_ADMIN_TOKEN_FILE", path), ("PULSE_ADMIN_TOKEN", "fedcba9876543210")]);
    assert!(both.contains("says the same thing") && !both.contains("fedcba"), "{both}");
    let short = refusal(&[], &[("PULSE_ADMIN_TOKEN", "hunter2")]);
    assert!(short.contains("7 characters") && !short.contains("hunter2"), "{short}");
    std::fs::write(&file, "\n").unwrap();
    assert!(refusal(&["--admin-token-file", path], &[]).contains("is empty"));
    assert!(refusal(&["--admin-token-file", "/no/such"], &[]).contains("cannot read /no/such"));
}

#[test]
fn databases_that_are_not_served_are_refused() {
    for url in ["mariadb://pulse:hunter2@db/pulse", "mysql://pulse:hunter2@db/pulse"] {
        let config = load(&[], &[("PULSE_DATABASE_URL", url)]).unwrap();
        assert!(config.data.database_url.reveal() == url && !format!("{config:?}").contains("hunter2"));
    }
    let said = refusal(&[], &[("PULSE_DATABASE_URL", "postgres://root:hunter2@db/pulse")]);
    assert!(said.contains("`postgres` databases are unsupported") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_source_is_a_folder_a_path_in_it_and_a_poll() {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().to_str().unwrap();
    let config = load(&["--source-url", url, "--source-path", "./ops//prod/", "--source-poll", "90s"], &[]).unwrap();
    let source = config.source.unwrap();
    assert_eq!(
        (source.origin, source.poll.as_secs()),
        (Origin::Folder { folder: folder.path().into(), path: "ops/prod".into() }, 90)
    );
    assert!(refusal(&["--source-url", url, "--source-path", "../x"], &[]).contains("leads out of the source"));
    assert!(refusal(&["--source-url", url, "--source-poll", "90"], &[]).contains("has no unit"));
    assert!(refusal(&["--source-url", url, "--source-poll", "10ms"], &[]).contains("at least 1s"));
    assert!(refusal(&["--source-poll", "90s"], &[]).contains("set PULSE_SOURCE_URL, too"));
    assert!(refusal(&["--source-url", "/no/such/folder"], &[]).contains("there is no folder `/no/such/folder`"));
}

#[test]
fn a_misspelt_variable_is_said() {
    let values = [("PULSE_LISTN", "x"), ("PULSE_AGENT_NAME", "a"), ("PULSE_PORT_80_TCP", "tcp://1"), ("HOME", "/")];
    let warnings = load(&[], &values).unwrap().warnings;
    let said = "PULSE_LISTN is no setting of pulse-controller; it has no effect; did you mean PULSE_LISTEN?";
    assert_eq!(warnings[0], said, "{warnings:?}");
    assert_eq!(warnings.iter().filter(|warning| warning.contains("is no setting")).count(), 1, "{warnings:?}");
}

#[test]
fn rates_are_off_for_principals_and_strict_for_strangers_unless_said() {
    let source = ("PULSE_SOURCE_URL", "/");
    let limits = |flags: &[&str], values: &[(&str, &str)]| {
        let limits = load(flags, &[&[source][..], values].concat()).unwrap().limits;
        [limits.principals, limits.strangers].map(|rate| rate.map(|rate| rate.to_string()))
    };
    let some = |rate: &str| Some(rate.to_owned());
    assert_eq!(limits(&[], &[]), [None, some("300/m")]);
    let said = [("PULSE_RATE_LIMIT", "600/m"), ("PULSE_RATE_LIMIT_STRANGERS", "off")];
    assert_eq!(limits(&[], &said), [some("600/m"), None]);
    assert_eq!(limits(&["--rate-limit", "5/s"], &said), [some("5/s"), None]);
    let refused = refusal(&[], &[source, ("PULSE_RATE_LIMIT", "600"), ("PULSE_RATE_LIMIT_STRANGERS", "0/m")]);
    assert!(refused.contains("PULSE_RATE_LIMIT: it is no rate: write, for example, `600/m`"), "{refused}");
    assert!(refused.contains("PULSE_RATE_LIMIT_STRANGERS"), "{refused}");
}

#[test]
fn the_documented_defaults_are_those_that_count() {
    use pulse_settings::{CONTROLLER, Unless};
    let folder = tempfile::tempdir().unwrap();
    let given = [
        ("PULSE_SOURCE_URL", folder.path().to_str().unwrap()),
        ("PULSE_OIDC_ISSUER", "https://x"),
        ("PULSE_OIDC_CLIENT_ID", "x"),
    ];
    // A plain folder has no branch.
    let stated = CONTROLLER.built().filter(|setting| setting.env != "PULSE_SOURCE_BRANCH");
    let stated: Vec<_> = stated
        .filter_map(|setting| if let Unless::Is(value) = setting.unless { Some((setting.env, value)) } else { None })
        .collect();
    assert!(stated.len() > 10, "{stated:?}");
    let silent = load(&[], &given).unwrap();
    let said = load(&[], &[&given[..], &stated].concat()).unwrap();
    assert_eq!(format!("{silent:?}"), format!("{said:?}"));
}

#[test]
fn every_setting_is_read_and_its_origin_kept() {
    let cli = Cli::try_parse_from(["pulse-controller", "settings", "--log", "debug"]).unwrap();
    let Some(super::Command::Settings(flags)) = cli.command else { panic!("another command") };
    let environment = environment(&[("PULSE_RATE_LIMIT", "5/s"), ("PULSE_ADMIN_TOKEN", "0123456789abcdef")]);
    let (layers, config) = super::look(&flags.serve, &environment);
    config.unwrap();
    let all = layers.effective();
    let of = |key: &str| all.iter().find(|one| one.setting.key == key).map(|one| (one.value.clone(), one.origin())).unwrap();
    assert_eq!(of("log"), (Some("debug".into()), "flag --log".into()));
    assert_eq!(of("rateLimit"), (Some("5/s".into()), "environment PULSE_RATE_LIMIT".into()));
    assert_eq!(of("adminToken"), (Some("[redacted]".into()), "environment PULSE_ADMIN_TOKEN".into()));
    assert_eq!(of("listen"), (Some("127.0.0.1:8080".into()), "default".into()));
}

#[test]
fn sessions_last_as_said() {
    let sessions = |values: &[(&str, &str)]| load(&[], values).map(|config| config.people.sessions);
    let said = sessions(&[("PULSE_SESSION_LIFE", "1h")]).unwrap();
    assert_eq!((said.life, said.idle), (3_600_000_000, 3_600_000_000), "idle is never longer");
    let wrong = sessions(&[("PULSE_SESSION_LIFE", "1s"), ("PULSE_SESSION_IDLE", "8")]).unwrap_err();
    assert!(wrong.contains("PULSE_SESSION_LIFE: `1s` is out of bounds") && wrong.contains("has no unit"), "{wrong}");
}

#[test]
fn flags_of_serving_do_not_go_before_a_subcommand() {
    assert!(Cli::try_parse_from(["pulse-controller", "--listen", "127.0.0.1:1", "dev", "x"]).is_err());
    assert!(Cli::try_parse_from(["pulse-controller", "migrate", "--status"]).is_ok());
    assert!(ServeFlags::default().given().is_empty());
}
