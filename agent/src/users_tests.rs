use super::*;
use std::os::unix::fs::{PermissionsExt, chown};

fn users(own: u32, allow: Option<&[&str]>, by_default: Option<&str>) -> Users {
    let allow_users = allow.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    Users {
        own,
        file: DEFAULT_FILE.into(),
        local: Local { allow_users, default_user: by_default.map(str::to_owned), ..Local::default() },
    }
}

fn account(name: &str) -> std::io::Result<Option<Account>> {
    let uid = match name {
        "root" | "toor" => 0,
        "agent" => 900,
        "deploy" => 901,
        _ => return Ok(None),
    };
    Ok(Some(Account { name: name.into(), uid, gid: uid, groups: vec![uid], home: "/".into() }))
}

/// The uid that a command gets, `own` for the agent's, or the reason.
fn said(users: &Users, wanted: Option<&str>) -> String {
    match users.judge(wanted, account) {
        Ok(None) => "own".into(),
        Ok(Some(account)) => account.uid.to_string(),
        Err(reason) => reason,
    }
}

#[test]
fn an_agent_without_rights_runs_everything_as_itself() {
    for allow in [None, Some(&[][..]), Some(&["root", "deploy"][..])] {
        let users = users(900, allow, None);
        assert_eq!((said(&users, None), said(&users, Some("agent"))), ("own".into(), "own".into()), "{allow:?}");
        for other in ["root", "toor", "deploy"] {
            let reason = said(&users, Some(other));
            let allowed = allow.is_some_and(|names| names.contains(&other));
            assert!(reason.contains(if allowed { "not root" } else { "allowUsers" }), "{allow:?} {other}: {reason}");
        }
        assert!(said(&users, Some("who")).contains("not known"));
    }
}

#[test]
fn an_agent_of_root_becomes_whom_the_file_allows() {
    let none = users(0, None, None);
    assert_eq!((said(&none, None), said(&none, Some("root"))), ("own".into(), "own".into()));
    assert!(said(&none, Some("deploy")).contains("allowUsers"));
    assert!(said(&none, Some("toor")).contains("allowUsers"), "another name of root is not root's name");
    let some = users(0, Some(&["deploy"]), None);
    assert_eq!(said(&some, Some("deploy")), "901");
    for wanted in [None, Some("root"), Some("toor"), Some("agent")] {
        assert!(said(&some, wanted).contains("/etc/pulse/agent.yaml"), "{wanted:?}: {}", said(&some, wanted));
    }
    let root = users(0, Some(&["root"]), None);
    assert_eq!((said(&root, None), said(&root, Some("root"))), ("own".into(), "own".into()));
}

#[test]
fn who_names_nobody_is_the_default_user() {
    let users = users(0, Some(&["root"]), Some("agent"));
    assert_eq!([None, Some("agent"), Some("root")].map(|wanted| said(&users, wanted)), ["900", "900", "own"]);
    assert!(said(&users, Some("deploy")).contains("allowUsers"));
}

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("agent.yaml");
    std::fs::write(&path, text).unwrap();
    (root, path)
}

#[test]
fn the_file_is_read_strictly() {
    let (_root, path) = written("# nothing\n\n");
    assert_eq!(Users::read(Some(&path)).unwrap().local, Local::default());
    let (_root, path) = written("allowUsers: [root, deploy]\ndefaultUser: agent\n");
    let local = Users::read(Some(&path)).unwrap().local;
    assert_eq!((local.allow_users.unwrap().len(), local.default_user.as_deref()), (2, Some("agent")));
    for (text, place) in [
        ("allowUsers: []\nallowUser: [root]\n", "line 2 column 1"),
        ("allowUsers: root\n", "line 1 column 13"),
        ("allowUsers: [root\n", "line"),
        ("defaultUser: [a]\n", "line 1 column 14"),
    ] {
        let (_root, path) = written(text);
        let error = format!("{:#}", Users::read(Some(&path)).unwrap_err());
        assert!(error.contains(place) && error.contains("agent.yaml"), "{text:?}: {error}");
    }
    assert!(Users::read(Some(Path::new("/no/such/file"))).is_err(), "a file that is named must be there");
}

#[test]
fn a_file_that_others_may_write_is_refused_by_an_agent_of_root() {
    if !rustix::process::geteuid().is_root() {
        return println!("left out: it needs root");
    }
    let refused = |path: &Path| format!("{:#}", Users::read(Some(path)).unwrap_err());
    for mode in [0o664, 0o646, 0o666] {
        let (_root, path) = written("allowUsers: [root]\n");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(refused(&path).contains("writable by nobody else"), "{mode:o}");
    }
    let (_root, path) = written("allowUsers: [root]\n");
    chown(&path, Some(65534), None).unwrap();
    assert!(refused(&path).contains("uid 65534"));
    let (root, path) = written("allowUsers: [root]\n");
    std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(refused(&path).contains("its folder"));
}

#[test]
fn the_agents_settings_may_stand_in_the_same_file() {
    for setting in pulse_settings::AGENT.built().filter(|setting| !["allowUsers", "defaultUser"].contains(&setting.key)) {
        let (_root, path) = written(&format!("allowUsers: [root]\n{}: x\n", setting.key));
        let read = Users::read(Some(&path));
        assert!(read.is_ok(), "{}: {:#}", setting.key, read.unwrap_err());
    }
}
