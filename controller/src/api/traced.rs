//! `traceparent`: the trace that a caller wants its execution to belong to. What is not of the standard's form is as if it were not there, as the
//! standard says: it is another program's mistake, and no reason not to start.

use super::openapi::{Input, Sketch};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pulse_core::trace::TraceContext;
use std::convert::Infallible;

/// The header.
const TRACEPARENT: &str = "traceparent";

/// The caller's trace.
#[derive(Debug, Clone)]
pub(super) struct Traced(pub(super) Option<TraceContext>);

impl<S: Send + Sync> FromRequestParts<S> for Traced {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut given = parts.headers.get_all(TRACEPARENT).iter();
        let header = given.next().filter(|_| given.next().is_none()).and_then(|value| value.to_str().ok());
        Ok(Self(header.and_then(TraceContext::parse)))
    }
}

impl Input for Traced {
    fn sketch(sketch: &mut Sketch<'_>) {
        let said = "The caller's span, as W3C's Trace Context writes it: the execution's spans belong to its trace.";
        sketch.takes_header(TRACEPARENT, said);
    }
}
