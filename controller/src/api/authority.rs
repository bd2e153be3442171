//! Whom to trust: the certificate of the controller's own authority, for people and for programs that take it as a file.

use super::reply::PemFile;
use super::{App, Problem};
use crate::tls::Trust;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

/// Where it is. No secret: everybody who connects is sent it.
pub(super) const PATH: &str = "/ca.pem";

/// `GET /ca.pem`.
pub(super) async fn certificate(State(app): State<App>) -> Result<PemFile, Problem> {
    answer(app.trust.as_ref())
}

/// The certificate, where there is an authority of our own.
pub(super) fn answer(trust: Option<&Trust>) -> Result<PemFile, Problem> {
    let detail = "this controller has no certificate authority of its own";
    let trust = trust.ok_or_else(|| Problem::not_found("no_authority", detail).with_help("it has one with PULSE_TLS=auto"))?;
    Ok(PemFile(([(header::CONTENT_TYPE, "application/x-pem-file")], trust.pem.to_string()).into_response()))
}
