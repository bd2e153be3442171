//! Until when a certificate is valid.

use pulse_core::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

/// A day, in microseconds.
const DAY: i64 = 86_400 * 1_000_000;

/// The end of its validity.
pub(super) fn end(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    Some(Timestamp(parsed.validity().not_after.timestamp().saturating_mul(1_000_000)))
}

/// What to tell people of a certificate that ends within so many days.
pub(super) fn warning(what: &str, certificate: &CertificateDer<'_>, days: i64, now: Timestamp) -> Option<String> {
    let end = end(certificate)?;
    match end.0.saturating_sub(now.0) {
        left if left < 0 => Some(format!("{what} ended {} days ago: nobody who checks it connects; renew it", -left / DAY)),
        left if left < days * DAY => Some(format!("{what} ends in {} days; renew it", left / DAY)),
        _ => None,
    }
}
