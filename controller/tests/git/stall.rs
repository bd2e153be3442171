//! Servers that fall silent, trickle, cut or send garbage, at each stage: a look ends by its deadline, says which, and the next one
//! is well again.

use super::remotes::{Authority, Fault, HttpRemote, Relay, Repository, SshRemote};
use super::{SHORT, Source, contents, noise, pairs, remote, token};
use pulse_controller::config::Secret;
use pulse_controller::source::git::{Credentials, Limits, Remote};
use pulse_controller::source::tree::{SourceReason, Tree};
use std::time::Duration;
use tokio::time::Instant;

/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(5);

/// A look that ends in time, and how.
fn ends(source: &Source, reason: SourceReason, at: &str) {
    let begun = Instant::now();
    let error = source.source.look().expect_err(at);
    assert_eq!(error.reason, reason, "{at}: {error}");
    assert!(begun.elapsed() < SHORT.total + SLACK, "{at}: {:?}", begun.elapsed());
}

#[test]
fn http_ends_in_time_at_every_stage() {
    let repository = Repository::with(&[("a.yaml", &"x".repeat(5000)), ("b.yaml", "2")]);
    let server = HttpRemote::open(repository.root());
    let source = Source::new(Remote { limits: SHORT, ..remote(&server.url()) });
    for (fault, reason) in [
        (Fault::Mute, SourceReason::TimedOut),
        (Fault::StallAdvert, SourceReason::TimedOut),
        (Fault::StallPack(0), SourceReason::TimedOut),
        (Fault::StallPack(3), SourceReason::TimedOut),
        (Fault::StallPack(120), SourceReason::TimedOut),
        (Fault::Trickle(Duration::from_millis(100)), SourceReason::TimedOut),
        (Fault::CutPack(0), SourceReason::Unreachable),
        (Fault::CutPack(70), SourceReason::Unreachable),
        (Fault::CutPack(120), SourceReason::Unreachable),
        (Fault::GarbagePack(0), SourceReason::Corrupt),
        (Fault::GarbagePack(90), SourceReason::Corrupt),
    ] {
        server.fault(Some(fault));
        ends(&source, reason, &format!("{fault:?}"));
    }
    server.fault(None);
    assert_eq!(source.look().manifests().len(), 2);
}

#[test]
fn a_failed_fetch_leaves_what_was_there() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let server = HttpRemote::guarded(repository.root(), "pulse", "x");
    let source = Source::new(Remote { limits: SHORT, credentials: token("pulse", "x"), ..remote(&server.url()) });
    let first = source.look();
    repository.commit("main", &[("a.yaml", "2")]);
    for fault in [Fault::CutPack(60), Fault::StallPack(60), Fault::GarbagePack(60)] {
        server.fault(Some(fault));
        source.source.look().expect_err("spoilt");
    }
    let first = first.read(&first.manifests()[0]).unwrap();
    assert_eq!(first, b"1");
    server.fault(None);
    server.take_sent();
    let tree = source.restart().look();
    assert_eq!(tree.read(&tree.manifests()[0]).unwrap(), b"2");
    assert!(server.take_sent() < 2000, "the mirror survived");
}

#[test]
fn a_flipped_byte_never_becomes_content() {
    let repository = Repository::with(&[("a.yaml", "1"), ("sub/b.yaml", "2")]);
    let server = HttpRemote::open(repository.root());
    let fresh = || Source::new(Remote { limits: SHORT, ..remote(&server.url()) });
    fresh().look();
    let length = usize::try_from(server.take_sent()).unwrap();
    let mut refused = 0;
    for at in (0..length).step_by(5) {
        server.fault(Some(Fault::FlipPack(at)));
        match fresh().source.look() {
            // It stood in what nobody needs, such as a report of progress, or behind the end.
            Ok(tree) => assert_eq!(contents(&tree), pairs(&[("a.yaml", "1"), ("sub/b.yaml", "2")]), "byte {at}"),
            Err(error) => {
                assert!(
                    matches!(error.reason, SourceReason::Corrupt | SourceReason::Unreachable | SourceReason::TimedOut),
                    "byte {at}: {error}"
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 30, "{refused} of {}", length / 5);
}

#[test]
fn nobody_answers_at_the_address() {
    // A listener whose queue is full answers no further connection.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let limits = Limits { total: Duration::from_secs(2), ..SHORT };
    let source = Source::new(Remote { limits, ..remote(&format!("http://127.0.0.1:{port}/ops.git")) });
    ends(&source, SourceReason::TimedOut, "a listener that never accepts");
    drop(listener);
    ends(&source, SourceReason::Unreachable, "nobody listens");
    let source = Source::new(Remote { limits, ..remote("http://no-such-host.invalid/ops.git") });
    let error = source.source.look().expect_err("no such host");
    assert!(matches!(error.reason, SourceReason::Unreachable | SourceReason::TimedOut), "{error}");
}

#[test]
fn https_ends_in_time_wherever_the_server_falls_silent() {
    let repository = Repository::with(&[("a.yaml", &noise(20_000))]);
    let authority = Authority::new();
    let server = HttpRemote::secure(repository.root(), "pulse", "x", &authority, "localhost");
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], server.port()));
    let through = |relay: &Relay, limits| {
        let ca = Some(authority.pem.clone());
        let url = format!("https://localhost:{}/ops.git", relay.port());
        Source::new(Remote { limits, ca, credentials: token("pulse", "x"), ..remote(&url) })
    };
    // The handshake, the references, the pack.
    for bytes in [0, 5, 100, 500, 900, 1200, 1500, 8000] {
        ends(&through(&Relay::silent_after(at, bytes), SHORT), SourceReason::TimedOut, &format!("after {bytes} bytes"));
    }
    let relay = Relay::silent_after(at, 100_000);
    assert_eq!(through(&relay, Limits::default()).look().manifests().len(), 1, "the relay itself is not to blame");
}

#[test]
fn ssh_ends_in_time_wherever_the_server_falls_silent() {
    let repository = Repository::with(&[("a.yaml", &noise(20_000))]);
    let server = SshRemote::open(repository.root());
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], server.port()));
    // The banner, the key exchange, the login, the command, the references, the pack.
    for bytes in [0, 10, 60, 1100, 1500, 2000, 2300, 2600, 2900, 3200, 8000] {
        let relay = Relay::silent_after(at, bytes);
        let source = Source::new(Remote {
            limits: SHORT,
            credentials: Credentials::SshKey(Secret::new(server.key())),
            known_hosts: Some(server.known_hosts_at(relay.port(), &["ed25519"])),
            ..remote(&server.url_at(relay.port(), "ops.git"))
        });
        ends(&source, SourceReason::TimedOut, &format!("after {bytes} bytes"));
    }
    let relay = Relay::silent_after(at, 100_000);
    let source = Source::new(Remote {
        credentials: Credentials::SshKey(Secret::new(server.key())),
        known_hosts: Some(server.known_hosts_at(relay.port(), &["ed25519"])),
        ..remote(&server.url_at(relay.port(), "ops.git"))
    });
    assert_eq!(source.look().manifests().len(), 1, "the relay itself is not to blame");
}

#[test]
fn more_than_the_bound_is_not_taken() {
    let repository = Repository::with(&[("a.yaml", "1"), ("large.txt", &noise(400_000))]);
    let server = HttpRemote::open(repository.root());
    let limits = Limits { received_bytes: 100_000, ..SHORT };
    let said = Source::new(Remote { limits, ..remote(&server.url()) }).fails(SourceReason::TooLarge);
    assert!(said.contains("keep large files out"), "{said}");
}
