//! What each check says of what is, and of what is wrong.

use super::{check, examine, folder, host};
use crate::admin;
use crate::config::{Cli, Config};
use clap::Parser;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn config(values: &[(&str, &str)]) -> Config {
    let cli = Cli::try_parse_from(["pulse-controller"]).unwrap();
    let environment = values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Config::load(&cli.serve, &environment).unwrap()
}

async fn told(values: &[(&str, &str)]) -> BTreeMap<&'static str, &'static str> {
    let checks = examine(&config(values)).await;
    checks.iter().map(check::Check::told).collect()
}

fn private(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_machine_that_is_ready_is_told_so() {
    let (data, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    private(data.path());
    let (data, source) = (data.path().to_str().unwrap(), source.path().to_str().unwrap());
    let url = format!("sqlite://{data}/pulse.db");
    pulse_store::migrate(&url).await.unwrap();
    let values = [("PULSE_DATA_DIR", data), ("PULSE_SOURCE_URL", source), ("PULSE_LISTEN", "127.0.0.1:1")];
    let told = told(&values).await;
    for name in ["settings", "data", "database", "source", "zones"] {
        assert_eq!(told[name], "ok", "{name}: {told:?}");
    }
    assert_eq!(told["controller"], "warn", "none runs");
    assert!(!told.contains_key("certificate") && !told.contains_key("token"));
}

#[tokio::test]
async fn what_is_wrong_is_a_failure_with_its_remedy() {
    let data = tempfile::tempdir().unwrap();
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(data.path().join(admin::FILE), "x\n").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let folder = data.path().to_str().unwrap();
    let gone = format!("{folder}/gone");
    std::fs::create_dir(&gone).unwrap();
    let values = [("PULSE_DATA_DIR", folder), ("PULSE_SOURCE_URL", gone.as_str()), ("PULSE_LISTEN", address.as_str())];
    let loaded = config(&values);
    std::fs::remove_dir(&gone).unwrap();
    let checks = examine(&loaded).await;
    let told: BTreeMap<_, _> = checks.iter().map(check::Check::told).collect();
    assert_eq!(
        (told["data"], told["token"], told["source"], told["controller"]),
        ("warn", "fail", "fail", "fail"),
        "{checks:#?}"
    );
    let view = check::view(&checks);
    assert_eq!(view["outcome"], "fail");
    for one in view["checks"].as_array().unwrap() {
        assert_eq!(one["remedy"].is_string(), one["outcome"] != "ok", "{one}");
    }
    assert!(check::text(&checks).contains("→ "));
}

#[test]
fn room_and_files_are_judged_by_their_numbers() {
    let judge = |free, inodes| folder::judge(free, inodes, 1_000_000).told().1;
    assert_eq!(
        (judge(50 << 20, 9999), judge(500 << 20, 9999), judge(5 << 30, 9999), judge(5 << 30, 9)),
        ("fail", "warn", "ok", "fail")
    );
    assert_eq!(folder::judge(5 << 30, 0, 0).told().1, "ok", "a file system without inodes");
    assert_eq!(
        (host::files(Some(1024)).told().1, host::files(Some(65_536)).told().1, host::files(None).told().1),
        ("warn", "ok", "ok")
    );
}
