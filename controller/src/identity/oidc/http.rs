//! Requests to the issuer: to it alone, without redirections, bounded in time and size.

use crate::source::git::certificates;
use openidconnect::http::Response;
use openidconnect::{HttpRequest, HttpResponse};
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

const PATIENCE: Duration = Duration::from_secs(10);
const MAX_BODY: u64 = 1 << 20;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failed(String);

/// A client that trusts one authority, or the machine's.
pub(super) fn client(ca: Option<&str>) -> Result<Agent, String> {
    let roots: Vec<Certificate<'static>> = match ca {
        Some(pem) => certificates(pem)?,
        None => rustls_native_certs::load_native_certs().certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect(),
    };
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(PATIENCE));
    Ok(config.tls_config(tls).build().new_agent())
}

/// Sends a request on a thread that may wait.
pub(super) async fn send(client: Agent, request: HttpRequest) -> Result<HttpResponse, Failed> {
    let work = move || {
        let failed = |error: ureq::Error| Failed(error.to_string());
        let mut answer = client.run(request).map_err(failed)?;
        let body = answer.body_mut().with_config().limit(MAX_BODY).read_to_vec().map_err(failed)?;
        let (parts, _) = answer.into_parts();
        Ok(Response::from_parts(parts, body))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Failed(error.to_string())))
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}
