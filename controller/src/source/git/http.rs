//! Git's smart protocol over HTTP: one GET for the references, one POST for the pack. No redirect is followed, no proxy and no
//! stored credential of this machine is used, so the token goes to nobody but the host of the URL.

use super::advert::{Advert, AdvertError};
use super::fail::fail;
use super::limits::{Deadline, Metered};
use super::{Credentials, Location, Remote};
use crate::source::tree::{SourceError, SourceReason};
use base64::Engine;
use std::io::Read;
use std::sync::Arc;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

/// Most bytes of the list of references.
pub(super) const MAX_ADVERT_BYTES: u64 = 64 << 20;
const ADVERT: &str = "application/x-git-upload-pack-advertisement";
const REQUEST: &str = "application/x-git-upload-pack-request";
const RESULT: &str = "application/x-git-upload-pack-result";

/// A client of one remote; it keeps its connection for the next look.
pub(super) fn client(remote: &Remote) -> Result<Agent, SourceError> {
    let limits = &remote.limits;
    let builder = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("pulse/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_send_request(Some(limits.idle))
        .timeout_send_body(Some(limits.idle))
        .timeout_recv_response(Some(limits.idle))
        .timeout_per_read(Some(limits.idle))
        .timeout_per_write(Some(limits.idle));
    let builder = match &remote.location {
        Location::Http { tls: true, .. } => builder.https_only(true).tls_config(tls(remote)?),
        _ => builder,
    };
    Ok(builder.build().new_agent())
}

fn tls(remote: &Remote) -> Result<TlsConfig, SourceError> {
    let roots = match &remote.ca {
        // Only this one, so that no public authority can vouch for a private host.
        Some(pem) => certificates(pem).map_err(|why| fail(SourceReason::HostUntrusted, format!("PULSE_SOURCE_CA: {why}")))?,
        None => rustls_native_certs::load_native_certs().certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect(),
    };
    if roots.is_empty() {
        let message = "this machine knows no certificate authorities; install ca-certificates, or set PULSE_SOURCE_CA";
        return Err(fail(SourceReason::HostUntrusted, message));
    }
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

/// The certificates of a PEM text; at least one.
pub(crate) fn certificates(pem: &str) -> Result<Vec<Certificate<'static>>, String> {
    let mut found = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| "it is no PEM text".to_owned())? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err("it holds no certificate (-----BEGIN CERTIFICATE-----)".to_owned()) } else { Ok(found) }
}

/// Asks for the references: one round trip.
pub(super) fn advert(client: &Agent, remote: &Remote, deadline: Deadline) -> Result<Advert, SourceError> {
    let url = format!("{}/info/refs?service=git-upload-pack", remote.location);
    let request = authorised(client.get(url), remote);
    let answer = request.config().timeout_global(Some(deadline.left())).build().call();
    let body = body(answer.map_err(|error| failed(remote, &error))?, ADVERT, remote)?;
    let mut body = Metered::new(body, MAX_ADVERT_BYTES.min(remote.limits.received_bytes), deadline);
    Advert::read(&mut body, true).map_err(|error| match error {
        AdvertError::Io(error) => remote.broken_off(&error),
        AdvertError::Refused(said) => remote.repository_missing(&said),
        AdvertError::Unsupported(why) => remote.unsupported(&why),
    })
}

/// Sends what is wanted; answers the stream with the pack.
pub(super) fn fetch(
    client: &Agent,
    remote: &Remote,
    wanted: &[u8],
    deadline: Deadline,
) -> Result<impl Read + use<>, SourceError> {
    let url = format!("{}/git-upload-pack", remote.location);
    let request = authorised(client.post(url), remote).header(header::CONTENT_TYPE, REQUEST).header(header::ACCEPT, RESULT);
    let answer = request.config().timeout_global(Some(deadline.left())).build().send(wanted);
    body(answer.map_err(|error| failed(remote, &error))?, RESULT, remote)
}

fn authorised<B>(request: ureq::RequestBuilder<B>, remote: &Remote) -> ureq::RequestBuilder<B> {
    match &remote.credentials {
        Credentials::UserToken { user, token } => {
            request.header(header::AUTHORIZATION, format!("Basic {}", basic(user, token.reveal())))
        }
        _ => request,
    }
}

/// User and token as the header holds them; a secret, too.
pub(super) fn basic(user: &str, token: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{user}:{token}"))
}

/// The body of an answer that is Git's.
fn body(answer: Response<Body>, kind: &str, remote: &Remote) -> Result<impl Read + use<>, SourceError> {
    let status = answer.status();
    let value = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    if status.is_redirection() {
        let to = value(header::LOCATION).unwrap_or("nowhere");
        let to = remote.said(to.split_once("/info/refs").map_or(to, |(url, _)| url));
        let message = format!(
            "{} sends us on to {to}, and redirects are not followed; set PULSE_SOURCE_URL to where it is now",
            remote.location
        );
        return Err(fail(SourceReason::RepositoryMissing, message));
    }
    match status {
        StatusCode::OK if value(header::CONTENT_TYPE) == Some(kind) => Ok(answer.into_body().into_reader()),
        StatusCode::OK => Err(remote.no_git()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(unauthorized(remote, status)),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(remote.repository_missing("")),
        _ => Err(remote.unreachable(&format!("it answers with HTTP status {}", status.as_u16()))),
    }
}

fn unauthorized(remote: &Remote, status: StatusCode) -> SourceError {
    let remedy = match &remote.credentials {
        Credentials::UserToken { .. } => {
            "check PULSE_SOURCE_USERNAME and PULSE_SOURCE_TOKEN: the token may be wrong, expired, or without the right to read repositories"
        }
        _ => "it wants a user and a token, or there is no such repository; set PULSE_SOURCE_USERNAME and PULSE_SOURCE_TOKEN",
    };
    let status = status.as_u16();
    fail(SourceReason::Unauthorized, format!("{} refuses us with HTTP status {status}; {remedy}", remote.location))
}

/// A request that failed.
pub(super) fn failed(remote: &Remote, error: &ureq::Error) -> SourceError {
    match error {
        ureq::Error::Timeout(_) => remote.timed_out(),
        ureq::Error::Rustls(error) => untrusted(remote, error),
        ureq::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => untrusted(remote, error),
            None => remote.broken_off(error),
        },
        ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::LargeResponseHeader(..) => remote.no_git(),
        ureq::Error::HostNotFound => remote.unreachable("there is no host of this name"),
        other => remote.unreachable(&other.to_string()),
    }
}

fn untrusted(remote: &Remote, error: &rustls::Error) -> SourceError {
    let rustls::Error::InvalidCertificate(why) = error else {
        return fail(
            SourceReason::Corrupt,
            format!("{} does not speak TLS as it should: {}", remote.location, remote.said(&error.to_string())),
        );
    };
    let remedy = match (&remote.ca, why) {
        (_, rustls::CertificateError::Expired | rustls::CertificateError::ExpiredContext { .. }) => {
            "renew it, and check this machine's clock"
        }
        (_, rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. }) => {
            "give PULSE_SOURCE_URL the name that the certificate has"
        }
        (Some(_), _) => "PULSE_SOURCE_CA holds another authority than the one that signed it",
        (None, _) => "set PULSE_SOURCE_CA to the certificate of the authority that signed it",
    };
    let why = remote.said(&why.to_string());
    fail(SourceReason::HostUntrusted, format!("the certificate of {} is not trusted ({why}); {remedy}", remote.location))
}
