//! Answers are compressed for those who ask for it, but for what is small, what is compressed, what is a socket, and what holds a
//! secret beside something that a caller chose (BREACH).

use super::reply::Secret;
use axum::http::StatusCode;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};

/// Smaller answers fit into one packet anyway.
const LEAST: u16 = 1024;

/// The layer.
pub(super) fn layer() -> CompressionLayer<And<SizeAbove, HoldsNoSecret>> {
    CompressionLayer::new().compress_when(SizeAbove::new(LEAST).and(HoldsNoSecret))
}

/// Nothing secret is in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct HoldsNoSecret;

impl Predicate for HoldsNoSecret {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        response.extensions().get::<Secret>().is_none() && response.status() != StatusCode::SWITCHING_PROTOCOLS
    }
}
