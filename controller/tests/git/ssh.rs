//! Over SSH: the key, and whom it is shown to.

use super::remotes::{Repository, SshRemote};
use super::{Source, contents, pairs, remote};
use pulse_controller::config::Secret;
use pulse_controller::source::git::{Credentials, Location, Remote};
use pulse_controller::source::tree::{SourceReason, Tree};

fn with(server: &SshRemote, key: String, known_hosts: String) -> Remote {
    let credentials = Credentials::SshKey(Secret::new(key));
    Remote { credentials, known_hosts: Some(known_hosts), ..remote(&server.url("ops.git")) }
}

#[test]
fn a_key_opens_it_and_what_changed_comes() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let server = SshRemote::open(repository.root());
    let source = Source::new(with(&server, server.key(), server.known_hosts(&["ed25519"])));
    assert_eq!(contents(&source.look()), pairs(&[("a.yaml", "1")]));
    repository.commit("main", &[("b.yaml", "2")]);
    assert_eq!(contents(&source.look()), pairs(&[("a.yaml", "1"), ("b.yaml", "2")]));
    assert_eq!(source.look().manifests().len(), 2, "nothing is new");
}

#[test]
fn the_host_is_known_by_any_of_its_keys() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let server = SshRemote::open(repository.root());
    let ecdsa = server.known_hosts(&["ecdsa"]);
    let hashed = server.hashed_known_hosts(&["ed25519"]);
    assert!(hashed.starts_with("|1|"), "{hashed}");
    let both = server.hashed_known_hosts(&["ecdsa", "ed25519"]);
    // Another host's key of another kind must not lead to the wrong choice of algorithm.
    let others = format!(
        "# others\n\nother.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINn5r5AIYVHZAbWpZGJrf5q4LgUXSl5wyX2cFFTHW8jB\n{ecdsa}"
    );
    for known in [ecdsa, hashed, both, others] {
        Source::new(with(&server, server.key(), known)).look();
    }
}

#[test]
fn a_host_that_is_not_known_or_has_changed_is_refused() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let mut server = SshRemote::open(repository.root());
    let elsewhere = server.known_hosts_at(1, &["ed25519"]);
    let said = Source::new(with(&server, server.key(), elsewhere)).fails(SourceReason::HostUntrusted);
    assert!(said.contains(&format!("ssh-keyscan -p {} 127.0.0.1", server.port())), "{said}");
    let none = Remote { known_hosts: None, ..with(&server, server.key(), String::new()) };
    assert!(Source::new(none).fails(SourceReason::HostUntrusted).contains("ssh-keyscan"));
    let known = server.known_hosts(&["ed25519", "ecdsa"]);
    let source = Source::new(with(&server, server.key(), known));
    source.look();
    server.change_host_keys();
    let said = source.fails(SourceReason::HostUntrusted);
    assert!(said.contains("shows another host key"), "{said}");
}

#[test]
fn wrong_keys_and_missing_repositories_are_told_apart() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let server = SshRemote::open(repository.root());
    let known = server.known_hosts(&["ed25519"]);
    let said = Source::new(with(&server, server.strangers_key(), known.clone())).fails(SourceReason::Unauthorized);
    assert!(said.contains("deploy key") && !said.contains("BEGIN"), "{said}");
    let said = Source::new(with(&server, "nonsense".to_owned(), known.clone())).fails(SourceReason::Unauthorized);
    assert!(said.contains("PULSE_SOURCE_SSH_KEY") && !said.contains("nonsense"), "{said}");
    let gone = Remote {
        location: Location::parse(&server.url("it's gone.git").replace(' ', "_")).unwrap(),
        ..with(&server, server.key(), known)
    };
    let said = Source::new(gone).fails(SourceReason::RepositoryMissing);
    assert!(said.contains("it's_gone.git") && said.contains("does not appear to be a git repository"), "{said}");
}
