//! Whom an agent lets pass for its controller, by real handshakes.

use super::{Found, Trust};
use crate::config::Server;
use crate::wire::{NoWire, connect};
use pulse_protocol::token::Fingerprint;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

struct Authority {
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What a server shows.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Self {
        let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::default());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { der, issuer: Issuer::new(params, key) }
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(&self.der).into())
    }

    /// A server's chain that ends with the authority.
    fn shows(&self, name: &str, years: [i32; 2]) -> Shown {
        let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::new([name.to_owned()]).unwrap());
        (params.not_before, params.not_after) = (date_time_ymd(years[0], 1, 1), date_time_ymd(years[1], 1, 1));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Shown { chain: vec![certificate.der().clone(), self.der.clone()], key }
    }
}

/// Connects an agent that trusts so to a server that shows this.
async fn meet(shown: Shown, trust: Trust) -> (Result<(), String>, Found) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(shown.key.serialize_der()).unwrap();
    let server = server.with_no_client_auth().with_single_cert(shown.chain, key).unwrap();
    let accepting = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        TlsAcceptor::from(Arc::new(server)).accept(stream).await.map(drop)
    });
    let (client, found) = trust.client().unwrap();
    let met = connect(&address(port), Some(client)).await;
    drop(accepting.await);
    (met.map(drop).map_err(|error| error.to_string()), found)
}

fn address(port: u16) -> Server {
    crate::config::parse_server(&format!("https://localhost:{port}"), false).unwrap()
}

const NOW: [i32; 2] = [2020, 2200];

#[tokio::test]
async fn a_fingerprint_finds_its_authority_in_the_chain() {
    let ours = Authority::new("ours");
    let (met, found) = meet(ours.shows("localhost", NOW), Trust::Pinned(ours.fingerprint())).await;
    met.unwrap();
    assert_eq!(found.lock().unwrap().clone(), Some(ours.der.clone()));
    meet(ours.shows("localhost", NOW), Trust::Only(vec![ours.der.clone()])).await.0.unwrap();
}

#[tokio::test]
async fn whoever_is_not_the_controller_is_refused_with_the_mend() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    // The authority is no secret: anybody can show it behind a certificate that it never signed.
    let mut borrowed = theirs.shows("localhost", NOW);
    borrowed.chain[1] = ours.der.clone();
    let same_name = Authority::new("ours");
    let pinned = || Trust::Pinned(ours.fingerprint());
    let only = || Trust::Only(vec![ours.der.clone()]);
    for (shown, trust, words) in [
        (theirs.shows("localhost", NOW), pinned(), "did not show the authority whose fingerprint the enrolment token carries"),
        (same_name.shows("localhost", NOW), pinned(), "did not show the authority"),
        (borrowed, pinned(), "an authority that this agent does not trust: set PULSE_CA"),
        (theirs.shows("localhost", NOW), only(), "an authority that this agent does not trust: set PULSE_CA"),
        (ours.shows("other.example.org", NOW), pinned(), "is not for `localhost`: give PULSE_SERVER a name that it is for"),
        (ours.shows("localhost", [2020, 2021]), pinned(), "has ended: renew it"),
        (ours.shows("localhost", [2020, 2021]), only(), "has ended: renew it"),
        (ours.shows("localhost", [2199, 2200]), only(), "is not valid yet: set this host's clock"),
    ] {
        let (met, found) = meet(shown, trust).await;
        let said = met.unwrap_err();
        assert!(said.contains(words), "{said}");
        assert!(found.lock().unwrap().is_none(), "nothing is learnt from a stranger: {words}");
    }
}

#[tokio::test]
async fn plain_http_behind_https_is_said_and_never_spoken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
        heard
    });
    let (client, _) = Trust::Pinned(Fingerprint([0; 32])).client().unwrap();
    let Err(NoWire::Untrusted(said)) = connect(&address(port), Some(client)).await else { panic!("it was trusted") };
    assert!(said.contains("does not speak TLS"), "{said}");
    assert_eq!(answering.await.unwrap()[0], 0x16, "all that it heard was TLS");
}

#[test]
fn the_first_that_there_is_counts() {
    let (known, other) = (CertificateDer::from(vec![1]), Fingerprint([2; 32]));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let only = |bytes: Vec<u8>| Trust::Only(vec![CertificateDer::from(bytes)]);
    assert_eq!(Trust::choose(Some(&file), Some(known.clone()), Some(other)).unwrap(), only(vec![0, 0, 0]));
    assert_eq!(Trust::choose(None, Some(known), Some(other)).unwrap(), only(vec![1]));
    assert_eq!(Trust::choose(None, None, Some(other)).unwrap(), Trust::Pinned(other));
    assert_eq!(Trust::choose(None, None, None).unwrap(), Trust::Machine);
    assert!(
        Trust::choose(Some(&folder.path().join("none")), None, Some(other)).is_err(),
        "a wrong file is no leave to trust others"
    );
}
