//! How many requests are taken of whom: few of strangers, by the address at the other end of their socket, and of principals as
//! many as the settings say. Who may come in is never judged by an address: a stranger who has used up what there is learns that
//! only where they would have been refused anyway, so that they lock out nobody behind the same proxy.

use super::caller::Caller;
use super::request::drain;
use super::{Problem, Rules};
use crate::clock;
use crate::config::Limits;
use crate::serve::Peer;
use crate::webhook;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use pulse_core::rate::{Allowance, Buckets, Rate};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Callers that are kept at a time, of either kind.
const MAX_CALLERS: usize = 16_384;
/// What is not counted: probes must be answered, and agents and webhooks have bounds of their own.
const FREE: [&str; 7] = [
    "/health",
    "/health/live",
    "/health/ready",
    "/health/detailed",
    super::metrics::PATH,
    "/api/v1/agents/session",
    webhook::PATH,
];

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The buckets of all callers.
pub struct Limiter {
    strangers: Counter<IpAddr>,
    principals: Counter<String>,
}

impl Limiter {
    /// As the settings say.
    pub fn new(limits: Limits) -> Self {
        let Limits { strangers, principals } = limits;
        Self { strangers: Counter::new("stranger", strangers), principals: Counter::new("principal", principals) }
    }

    /// From now on as these settings say. Where a rate is another one, everybody begins anew.
    pub fn set(&self, limits: Limits) {
        self.strangers.set(limits.strangers);
        self.principals.set(limits.principals);
    }
}

/// The buckets of one kind of callers.
struct Counter<K> {
    name: &'static str,
    /// None where as many are taken as come.
    buckets: Mutex<Option<Buckets<K>>>,
}

impl<K: Eq + Hash + Clone> Counter<K> {
    fn new(name: &'static str, rate: Option<Rate>) -> Self {
        Self { name, buckets: Mutex::new(rate.map(|rate| Buckets::new(rate, MAX_CALLERS))) }
    }

    fn set(&self, rate: Option<Rate>) {
        let mut buckets = self.buckets();
        if buckets.as_ref().map(Buckets::rate) != rate {
            *buckets = rate.map(|rate| Buckets::new(rate, MAX_CALLERS));
        }
    }

    fn take(&self, caller: &K) -> Option<Counted> {
        let mut buckets = self.buckets();
        let buckets = buckets.as_mut()?;
        Some(Counted { name: self.name, rate: buckets.rate(), allowance: buckets.take(caller, clock::now()) })
    }

    fn buckets(&self) -> MutexGuard<'_, Option<Buckets<K>>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of counting a request.
struct Counted {
    name: &'static str,
    rate: Rate,
    allowance: Allowance,
}

impl Counted {
    fn refusal(&self) -> Option<Response> {
        let Counted { rate, allowance, .. } = self;
        let detail = format!("more than {rate} requests came; the next one is taken in {} s", allowance.retry_in);
        let problem = || Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        let mut response = (!allowance.allowed).then(problem)?.into_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(allowance.retry_in));
        Some(self.told(response))
    }

    /// With what is left, as the IETF's draft on RateLimit fields writes it.
    fn told(&self, mut response: Response) -> Response {
        let Counted { name, rate, allowance } = self;
        let policy = format!("\"{name}\";q={};w={}", rate.requests, rate.seconds);
        let left = format!("\"{name}\";r={};t={}", allowance.remaining, allowance.full_in);
        for (header, said) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
            if let Ok(value) = HeaderValue::from_str(&said) {
                response.headers_mut().insert(header, value);
            }
        }
        response
    }
}

/// The outer layer: counts what is open to strangers before it is answered, and what was refused to them after.
pub(super) async fn strangers(
    State((limiter, rules)): State<(Arc<Limiter>, Arc<Rules>)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let peer = request.extensions().get::<Peer>().map(|peer| network(peer.0.ip()));
    let (Some(peer), false) = (peer, FREE.contains(&path)) else { return next.run(request).await };
    // What is at no path is open, too.
    let is_open = path.is_empty() || rules.of(request.method(), path).is_some_and(|rule| rule.is_open());
    if is_open {
        let Some(counted) = limiter.strangers.take(&peer) else { return next.run(request).await };
        return match counted.refusal() {
            Some(refusal) => {
                drain(request.into_body()).await;
                refusal
            }
            None => counted.told(next.run(request).await),
        };
    }
    let response = next.run(request).await;
    if response.status() != StatusCode::UNAUTHORIZED {
        return response;
    }
    let Some(counted) = limiter.strangers.take(&peer) else { return response };
    counted.refusal().unwrap_or_else(|| counted.told(response))
}

/// The inner layer: whoever calls is known.
pub(super) async fn principals(State(limiter): State<Arc<Limiter>>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>().map(Caller::by);
    let counted = caller.and_then(|caller| limiter.principals.take(&caller));
    let Some(counted) = counted else { return next.run(request).await };
    match counted.refusal() {
        Some(refusal) => {
            drain(request.into_body()).await;
            refusal
        }
        None => counted.told(next.run(request).await),
    }
}

/// Whom an address stands for: of IPv6 whoever has one has 2⁶⁴ of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        for (address, expected) in
            [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("::ffff:192.0.2.1", "192.0.2.1")]
        {
            assert_eq!(network(address.parse().unwrap()).to_string(), expected);
        }
    }
}
