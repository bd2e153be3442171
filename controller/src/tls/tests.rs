//! Certificates: made, read, renewed, exchanged, and refused with the mend.

use super::authority::Authority;
use super::keeper::Keeper;
use super::{names, validity};
use crate::clock;
use crate::config::{Pem, PemSource};
use pulse_core::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{Error, RootCertStore};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const DAY: i64 = 86_400_000_000;

/// What a client says that trusts only this authority.
fn verdict(pem: &str, certified: &CertifiedKey, name: &str, at: Timestamp) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_micros(at.0.unsigned_abs()));
    let name = ServerName::try_from(name).unwrap();
    verifier.verify_server_cert(&certified.cert[0], &certified.cert[1..], &name, &[], at).map(drop)
}

fn file(place: &str, path: &Path) -> Pem {
    Pem { place: place.to_owned(), source: PemSource::File(path.to_owned()) }
}

/// A self-signed certificate and its key.
fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn the_authority_is_made_once_and_its_key_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("tls");
    let first = Authority::open(&folder).unwrap().trust();
    let mode = |name: &str| fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("authority.key"), mode("authority.pem")), (0o600, 0o600));
    let again = Authority::open(&folder).unwrap().trust();
    assert_eq!((first.fingerprint, &first.pem), (again.fingerprint, &again.pem));
    let other = tempfile::tempdir().unwrap();
    assert_ne!(Authority::open(other.path()).unwrap().trust().fingerprint, first.fingerprint, "no two installs share a key");
    fs::set_permissions(folder.join("authority.key"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(format!("{:#}", Authority::open(&folder).err().unwrap()).contains("chmod 600"));
    fs::remove_file(folder.join("authority.key")).unwrap();
    let lost = format!("{:#}", Authority::open(&folder).err().unwrap());
    assert!(lost.contains("authority.key is missing") && lost.contains("restore it from a backup"), "{lost}");
}

#[test]
fn its_certificates_are_for_its_names_and_for_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(folder.path()).unwrap();
    let (trust, now) = (authority.trust(), clock::now());
    let names = names::of(Some("https://pulse.example.org"), "127.0.0.1:443".parse().unwrap());
    let certified = authority.certify(&names, now).unwrap();
    for name in ["pulse.example.org", "localhost", "127.0.0.1", "::1"] {
        verdict(&trust.pem, &certified, name, now).unwrap();
    }
    let at = |days: i64| Timestamp(now.0 + days * DAY);
    assert!(format!("{:?}", verdict(&trust.pem, &certified, "other.example.org", now)).contains("NotValidForName"));
    assert!(format!("{:?}", verdict(&trust.pem, &certified, "localhost", at(91))).contains("Expired"));
    let stranger = tempfile::tempdir().unwrap();
    let stranger = Authority::open(stranger.path()).unwrap().trust();
    assert!(format!("{:?}", verdict(&stranger.pem, &certified, "localhost", now)).contains("UnknownIssuer"));
    assert!(validity::warning("x", &certified.cert[0], 7, now).is_none());
    assert_eq!(validity::warning("x", &certified.cert[0], 7, at(85)).unwrap(), "x ends in 4 days; renew it");
    assert!(validity::warning("x", &certified.cert[0], 7, at(100)).unwrap().starts_with("x ended 10 days ago"));
}

#[test]
fn a_certificate_of_ours_is_renewed_long_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(folder.path()).unwrap();
    let trust = authority.trust();
    let (mut keeper, first) = Keeper::issuing(authority, vec!["localhost".to_owned()]).unwrap();
    let at = |days: i64| Timestamp(clock::now().0 + days * DAY);
    assert!(keeper.look(at(29)).is_none());
    let renewed = keeper.look(at(31)).unwrap();
    assert_ne!(renewed.cert[0], first.cert[0]);
    verdict(&trust.pem, &renewed, "localhost", at(120)).unwrap();
    assert!(keeper.look(at(31)).is_none(), "once");
    assert!(keeper.look(at(0)).is_some(), "the clock went back by a month");
}

#[test]
fn files_are_read_again_when_they_change_and_what_does_not_fit_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let (first, next) = (pair(), pair());
    let write = |path: &Path, text: &str| fs::write(path, text).unwrap();
    write(&certificate, &first.0);
    write(&key, &first.1);
    let (mut keeper, _) = Keeper::reading(&file("PULSE_TLS_CERT", &certificate), &file("PULSE_TLS_KEY", &key)).unwrap();
    let now = clock::now();
    assert!(keeper.look(now).is_none(), "nothing has changed");
    write(&certificate, &next.0);
    assert!(keeper.look(now).is_none(), "the key is not there yet");
    fs::remove_file(&key).unwrap();
    assert!(keeper.look(now).is_none(), "gone for a moment");
    write(&key, &next.1);
    let used = keeper.look(now).unwrap();
    assert_eq!(used.cert[0], CertificateDer::from_pem_slice(next.0.as_bytes()).unwrap());
    assert!(keeper.look(now).is_none());
}

#[test]
fn wrong_files_are_refused_with_the_setting_and_the_mend() {
    let folder = tempfile::tempdir().unwrap();
    let (first, other) = (pair(), pair());
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let path = |name: &str| folder.path().join(name);
    for (name, text) in [("c", &first.0), ("k", &first.1), ("other", &other.1), ("enc", &encrypted.to_owned())] {
        fs::write(path(name), text).unwrap();
    }
    fs::write(path("text"), "no PEM").unwrap();
    fs::write(path("bad"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for (certificate, key, words) in [
        ("none", "k", ["PULSE_TLS_CERT: cannot read", "give the path of a PEM file"]),
        ("c", "none", ["PULSE_TLS_KEY: cannot read", "give the path of a PEM file"]),
        ("text", "k", ["PULSE_TLS_CERT: ", "holds no certificate"]),
        ("c", "text", ["PULSE_TLS_KEY: ", "holds no private key"]),
        ("c", "enc", ["PULSE_TLS_KEY: ", "openssl pkey"]),
        ("c", "other", ["PULSE_TLS_KEY: ", "is not the key of the first certificate in PULSE_TLS_CERT"]),
        ("bad", "k", ["PULSE_TLS_CERT: ", "cannot be used"]),
    ] {
        let said = Keeper::reading(&file("PULSE_TLS_CERT", &path(certificate)), &file("PULSE_TLS_KEY", &path(key)));
        let said = said.err().unwrap();
        assert!(words.iter().all(|word| said.contains(word)), "{certificate} {key}: {said}");
    }
    // The text itself, as a secret of the environment may be.
    let text = |text: &str| Pem { place: "x".into(), source: PemSource::Text(crate::config::Secret::new(text)) };
    assert!(Keeper::reading(&text(&first.0), &text(&first.1)).is_ok());
}
