//! Git repositories in the settings.

use super::tests::{load, refusal};
use super::{Origin, Secret};
use crate::source::git::{Credentials, Location, Remote};
use std::path::Path;

const URL: &str = "https://git.example.org/team/ops.git";
const HOST_KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAINn5r5AIYVHZAbWpZGJrf5q4LgUXSl5wyX2cFFTHW8jB";
/// Made for this test with ssh-keygen; it opens nothing.
const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\n\
    b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gt\n-----END OPENSSH PRIVATE KEY-----";

fn remote(values: &[(&str, &str)]) -> Remote {
    match load(&[], values).unwrap().source.unwrap().origin {
        Origin::Git(remote) => *remote,
        Origin::Folder { folder, .. } => panic!("a folder: {}", folder.display()),
    }
}

fn known() -> String {
    format!("git.example.org ssh-ed25519 {HOST_KEY}")
}

#[test]
fn https_has_branch_path_user_and_token() {
    let plain = remote(&[("PULSE_SOURCE_URL", URL)]);
    assert_eq!((plain.branch.as_str(), plain.path.as_str(), &plain.credentials), ("main", "", &Credentials::None));
    let full = remote(&[
        ("PULSE_SOURCE_URL", URL),
        ("PULSE_SOURCE_BRANCH", "release/1"),
        ("PULSE_SOURCE_PATH", "./ops//prod/"),
        ("PULSE_SOURCE_USERNAME", "pulse"),
        ("PULSE_SOURCE_TOKEN", "hunter2"),
    ]);
    assert_eq!((full.branch.as_str(), full.path.as_str()), ("release/1", "ops/prod"));
    assert_eq!(full.credentials, Credentials::UserToken { user: "pulse".to_owned(), token: Secret::new("hunter2") });
    assert!(!format!("{full:?}").contains("hunter2"));
    let lone = remote(&[("PULSE_SOURCE_URL", URL), ("PULSE_SOURCE_TOKEN", "hunter2")]);
    assert_eq!(lone.credentials, Credentials::UserToken { user: "git".to_owned(), token: Secret::new("hunter2") });
}

#[test]
fn ssh_has_a_key_and_known_hosts() {
    let hosts = known();
    let values = [
        ("PULSE_SOURCE_URL", "git@git.example.org:team/ops.git"),
        ("PULSE_SOURCE_SSH_KEY", KEY),
        ("PULSE_SOURCE_KNOWN_HOSTS", &hosts),
    ];
    let remote = remote(&values);
    assert!(matches!(&remote.location, Location::Ssh { user: Some(user), port: 22, .. } if user == "git"), "{remote:?}");
    assert_eq!(remote.known_hosts.as_deref(), Some(hosts.as_str()), "the lines themselves");
    assert!(matches!(&remote.credentials, Credentials::SshKey(key) if key.reveal() == format!("{KEY}\n")));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &hosts).unwrap();
    let path = file.path().to_str().unwrap();
    let values =
        [("PULSE_SOURCE_URL", "ssh://git.example.org/x"), ("PULSE_SOURCE_SSH_KEY", KEY), ("PULSE_SOURCE_KNOWN_HOSTS", path)];
    assert_eq!(self::remote(&values).known_hosts, Some(hosts), "a file with them");
}

#[test]
fn a_bare_repository_is_git_and_any_other_folder_is_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let url = format!("file://{path}");
    assert!(matches!(load(&[], &[("PULSE_SOURCE_URL", &path)]).unwrap().source.unwrap().origin, Origin::Folder { .. }));
    assert!(refusal(&[], &[("PULSE_SOURCE_URL", &url)]).contains("no bare Git repository"));
    assert!(
        refusal(&[], &[("PULSE_SOURCE_URL", &path), ("PULSE_SOURCE_BRANCH", "x")]).contains("a plain folder has no use for it")
    );
    git2::Repository::init_bare(folder.path()).unwrap();
    for url in [&path, &url] {
        assert_eq!(remote(&[("PULSE_SOURCE_URL", url)]).location, Location::File(Path::new(&path).to_owned()));
    }
    assert!(
        refusal(&[], &[("PULSE_SOURCE_URL", &path), ("PULSE_SOURCE_TOKEN", "x")])
            .contains("PULSE_SOURCE_TOKEN: a repository on this")
    );
}

#[test]
fn what_cannot_be_meant_together_is_refused_by_name() {
    let hosts = known();
    let ssh =
        [("PULSE_SOURCE_URL", "git@git.example.org:x"), ("PULSE_SOURCE_SSH_KEY", KEY), ("PULSE_SOURCE_KNOWN_HOSTS", &hosts)];
    let https = [("PULSE_SOURCE_URL", URL)];
    for (base, setting, value, part) in [
        (&https[..], "PULSE_SOURCE_USERNAME", "pulse", "set PULSE_SOURCE_TOKEN"),
        (&https, "PULSE_SOURCE_SSH_KEY", KEY, "an http source has no use for it"),
        (&https, "PULSE_SOURCE_KNOWN_HOSTS", &hosts, "an http source has no use for it"),
        (&https, "PULSE_SOURCE_BRANCH", "-x", "no name of a branch"),
        (&https, "PULSE_SOURCE_BRANCH", "a..b", "no name of a branch"),
        (&https, "PULSE_SOURCE_BRANCH", "refs/heads/main", "without refs/heads/"),
        (&https, "PULSE_SOURCE_BRANCH", "x\n--output=y", "no name of a branch"),
        (&https, "PULSE_SOURCE_CA", "/no/such.pem", "cannot read /no/such.pem"),
        (&https, "PULSE_SOURCE_CA", "-----BEGIN NOTHING-----", "PULSE_SOURCE_CA: "),
        (&https, "PULSE_SOURCE_TOKEN", "a\nb", "one line"),
        (&ssh, "PULSE_SOURCE_TOKEN", "hunter2", "an ssh source has no use for it"),
        (&ssh, "PULSE_SOURCE_CA", "/x", "an ssh source has no use for it"),
        (&ssh, "PULSE_SOURCE_USERNAME", "ann", "the URL names the user `git`"),
        (&ssh[..2], "PULSE_LOG", "info", "ssh-keyscan git.example.org"),
        (&ssh[..1], "PULSE_SOURCE_KNOWN_HOSTS", &hosts, "set PULSE_SOURCE_SSH_KEY_FILE"),
        (&ssh[..2], "PULSE_SOURCE_KNOWN_HOSTS", "*.example.org x y", "line 1"),
    ] {
        let mut values = base.to_vec();
        values.push((setting, value));
        let said = refusal(&[], &values);
        assert!(said.contains(part) && !said.contains("hunter2") && !said.contains("b3Blb"), "{setting}={value}: {said}");
    }
    let encrypted = KEY.replace("AAAAABG5vbmU", "AAAAABG9vbmU");
    for key in ["ssh-ed25519 AAAA", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA", &encrypted] {
        let values = [ssh[0], ssh[2], ("PULSE_SOURCE_SSH_KEY", key)];
        assert!(refusal(&[], &values).contains("PULSE_SOURCE_SSH_KEY: it "), "{key}");
    }
}

#[test]
fn urls_that_mean_something_else_are_refused_with_their_place() {
    for (url, part) in [
        ("ext::sh -c id", "PULSE_SOURCE_URL: "),
        ("--upload-pack=x:y", "PULSE_SOURCE_URL: "),
        ("git://git.example.org/x", "use https, ssh or file"),
        ("https://ann:hunter2@git.example.org/x", "set PULSE_SOURCE_USERNAME and PULSE_SOURCE_TOKEN"),
        ("http://git.example.org/x", "PULSE_INSECURE_HTTP=true"),
    ] {
        let said = refusal(&[], &[("PULSE_SOURCE_URL", url)]);
        assert!(said.contains(part) && !said.contains("hunter2"), "{url}: {said}");
    }
    assert!(load(&[], &[("PULSE_SOURCE_URL", "http://127.0.0.1:3000/x")]).is_ok());
    assert!(load(&[], &[("PULSE_SOURCE_URL", "http://git.example.org/x"), ("PULSE_INSECURE_HTTP", "true")]).is_ok());
    assert!(refusal(&[], &[("PULSE_SOURCE_TOKEN", "hunter2")]).contains("set PULSE_SOURCE_URL, too"));
}

#[test]
fn a_repository_that_lost_its_head_is_no_plain_folder() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("ops.git");
    git2::Repository::init_bare(&path).unwrap();
    let values = [("PULSE_SOURCE_URL", path.to_str().unwrap())];
    assert!(matches!(load(&[], &values).unwrap().source.unwrap().origin, Origin::Git(_)));
    std::fs::remove_file(path.join("HEAD")).unwrap();
    let said = refusal(&[], &values);
    assert!(said.contains("HEAD is gone"), "{said}");
}
