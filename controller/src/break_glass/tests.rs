//! A controller that speaks https only, and one that is no controller. The e2e tests have the real one.

use super::{Way, ask};
use crate::config::{BreakGlass, BreakGlassFlags, Cli, Command, Environment};
use clap::Parser;
use rustls::pki_types::PrivateKeyDer;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

const TOKEN: &str = "the-administrators-own-token";

/// Everything that came in clear and everything that came by TLS.
#[derive(Default)]
struct Heard {
    plain: String,
    encrypted: String,
}

struct Authority {
    pem: String,
    server: Arc<rustls::ServerConfig>,
}

fn authority() -> Authority {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    Authority { pem, server: Arc::new(server) }
}

/// Reads a request to its end and answers it.
fn answer(stream: &mut (impl Read + Write), said: &str) -> String {
    let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
    let is_whole = |heard: &[u8]| {
        let text = String::from_utf8_lossy(heard).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok()).unwrap_or(0);
        body.len() >= length
    };
    while !is_whole(&heard) {
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => heard.extend(&piece[..count]),
            _ => break,
        }
    }
    drop(stream.write_all(said.as_bytes()).and_then(|()| stream.flush()));
    String::from_utf8_lossy(&heard).into_owned()
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn serve(mut stream: TcpStream, tls: &Arc<rustls::ServerConfig>, heard: &Mutex<Heard>) {
    let mut first = [0];
    if stream.peek(&mut first).is_ok_and(|count| count == 1) && first[0].is_ascii_uppercase() {
        let said = answer(&mut stream, &http("400 Bad Request", "This address speaks https only: write https:// to it"));
        heard.lock().unwrap().plain += &said;
        return;
    }
    let mut stream = rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::clone(tls)).unwrap(), stream);
    let made = r#"{"name": "anna-01", "token": "pulse_api_x", "expiresAt": "2026-11-30T16:00:00Z"}"#;
    let said = answer(&mut stream, &http("201 Created", made));
    heard.lock().unwrap().encrypted += &said;
}

/// Answers two connections: the question in clear and the one by TLS.
fn controller(tls: Arc<rustls::ServerConfig>) -> (SocketAddr, Arc<Mutex<Heard>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Arc::<Mutex<Heard>>::default());
    let hears = Arc::clone(&heard);
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(|stream| serve(stream, &tls, &hears)));
    (address, heard)
}

fn settings(address: SocketAddr, folder: &Path, ca: Option<&Path>) -> (BreakGlassFlags, BreakGlass) {
    let (address, folder) = (address.to_string(), folder.display().to_string());
    let line = ["pulse-controller", "break-glass", "--name", "anna", "--reason", "the provider is down", "--listen", &address];
    let cli = Cli::try_parse_from(line.into_iter().chain(["--data-dir", &folder])).unwrap();
    let Some(Command::BreakGlass(mut flags)) = cli.command else { panic!("another command") };
    flags.ca = ca.map(Path::to_owned);
    let environment: Environment = [("PULSE_ADMIN_TOKEN".into(), TOKEN.into())].into();
    let settings = BreakGlass::load(&flags, &environment).unwrap();
    (flags, settings)
}

#[test]
fn by_tls_the_data_folder_s_own_authority_is_trusted_and_no_token_goes_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let Authority { pem, server } = authority();
    let (address, heard) = controller(server);
    std::fs::create_dir(folder.path().join("tls")).unwrap();
    std::fs::write(folder.path().join("tls/authority.pem"), &pem).unwrap();
    let (flags, settings) = settings(address, folder.path(), None);
    let made = ask(&flags, &settings).unwrap();
    assert_eq!(made["token"], "pulse_api_x");
    let heard = heard.lock().unwrap();
    assert!(heard.plain.starts_with("GET /health/live") && !heard.plain.contains(TOKEN), "{}", heard.plain);
    assert!(
        heard.encrypted.starts_with("POST /api/v1/tokens/break-glass") && heard.encrypted.contains(TOKEN),
        "{}",
        heard.encrypted
    );
}

#[test]
fn another_authority_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (address, heard) = controller(authority().server);
    let foreign = folder.path().join("foreign.pem");
    std::fs::write(&foreign, authority().pem).unwrap();
    let (flags, settings) = settings(address, folder.path(), Some(&foreign));
    let said = ask(&flags, &settings).unwrap_err().to_string();
    assert!(said.starts_with("cannot reach the controller at https://127.0.0.1"), "{said}");
    assert!(!heard.lock().unwrap().encrypted.contains(TOKEN));
}

#[test]
fn where_no_token_is_set_or_made_none_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let (flags, settings) = settings("127.0.0.1:1".parse().unwrap(), folder.path(), None);
    let said = ask(&flags, &settings).unwrap_err().to_string();
    assert!(said.contains("nothing listens at http://127.0.0.1:1"), "{said}");
    assert!(Way::find(&settings).is_err());
    let unset = BreakGlass { admin_token: None, ..settings };
    let said = ask(&flags, &unset).unwrap_err().to_string();
    assert!(said.contains("admin-token does not exist") && said.contains("--data-dir"), "{said}");
    assert!(!folder.path().join("admin-token").exists());
}
