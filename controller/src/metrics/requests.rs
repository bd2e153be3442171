//! Requests: how many, how they ended, how long they took.

use super::{Counters, Histograms, Register};
use prometheus_client::metrics::histogram::Histogram;
use std::borrow::Cow;
use std::time::Duration;

/// What is counted of requests.
pub struct Requests {
    total: Counters<3>,
    seconds: Histograms<2>,
}

fn seconds() -> Histogram {
    Histogram::new([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0])
}

impl Requests {
    pub(super) fn new(registry: &mut Register) -> Self {
        Self {
            total: registry.counters("pulse_http_requests_total"),
            seconds: registry.histograms("pulse_http_request_duration_seconds", seconds),
        }
    }

    /// One was answered. Both words come from tables, so that no stranger makes a new series.
    pub fn answered(&self, method: &'static str, route: &'static str, status: u16, took: Duration) {
        let (method, route) = (("method", Cow::Borrowed(method)), ("route", Cow::Borrowed(route)));
        let status = ("status", Cow::Owned(status.to_string()));
        self.total.get_or_create(&[method.clone(), route.clone(), status]).inc();
        self.seconds.get_or_create(&[method, route]).observe(took.as_secs_f64());
    }
}

/// The method as a label; whatever is no method of a route is one.
pub fn method(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        _ => "other",
    }
}
