//! What this controller counts of itself, and says at `/metrics`. Counting is an atomic or a short lock on the way of what is counted; what
//! can be read (queues, agents, the database's open rows) is read when somebody asks, so that nobody pays for it otherwise.
//!
//! ```text
//! engine, sync, schedules, web ─▶ counters ─┐
//! store ─▶ vitals ──────────────────────────┼─▶ registry ─▶ text
//! queues, fleet, open rows ─▶ picture ──────┘   (names, help and labels: table.rs)
//! ```

mod picture;
mod process;
mod requests;
pub mod table;
mod work;

pub use requests::{Requests, method};
pub use work::{Loop, Work};

use crate::config::{Observe, Secret};
use crate::engine::Engine;
use picture::Pictures;
use process::Process;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use pulse_store::Vitals;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Names and values of `N` labels.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];
/// A gauge that may be a fraction.
type Real = Gauge<f64, AtomicU64>;
/// Counters by their labels.
type Counters<const N: usize> = Family<Labels<N>, Counter>;
/// Gauges by their labels.
type Gauges<const N: usize> = Family<Labels<N>, Real>;
/// Histograms by their labels.
type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// The media type of what [`Metrics::text`] answers.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every phase a controller can be in.
const PHASES: [&str; 6] = ["connecting", "standby", "taking_over", "active", "cut_off", "over"];

/// What is counted; clones share it.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    /// Without it nobody reads this, where there is one.
    token: Option<Secret>,
    registry: Registry,
    leader: Real,
    phase: Gauges<1>,
    pictures: Pictures,
    requests: Requests,
    work: Work,
    vitals: Vitals,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(&Observe::default())
    }
}

impl Metrics {
    /// Nothing counted yet. Workflows are named only where strangers cannot read it.
    pub fn new(observe: &Observe) -> Self {
        let token = observe.metrics_token.clone();
        let mut registry = Register(Registry::default());
        let build = registry.gauges("pulse_build_info");
        build.get_or_create(&[("version", Cow::Borrowed(env!("CARGO_PKG_VERSION")))]).set(1.0);
        let leader = registry.add("pulse_leader", Real::default());
        let phase = registry.gauges("pulse_phase");
        let requests = Requests::new(&mut registry);
        let work = Work::new(&mut registry, token.is_some());
        let vitals = Vitals::default();
        registry.vitals(&vitals);
        let pictures = Pictures::new(&mut registry);
        registry.0.register_collector(Box::new(Process));
        Self { inner: Arc::new(Inner { token, registry: registry.0, leader, phase, pictures, requests, work, vitals }) }
    }

    /// What somebody must say to read this, where it is guarded.
    pub fn token(&self) -> Option<&Secret> {
        self.inner.token.as_ref()
    }

    /// Requests.
    pub fn requests(&self) -> &Requests {
        &self.inner.requests
    }

    /// What the engine, the syncs and the schedules do.
    pub fn work(&self) -> &Work {
        &self.inner.work
    }

    /// What the store counts.
    pub fn vitals(&self) -> &Vitals {
        &self.inner.vitals
    }

    /// Everything, as Prometheus reads it, of a controller in this phase. `engine` is that of the active one.
    pub async fn text(&self, phase: &'static str, engine: Option<&Engine>) -> String {
        let inner = &*self.inner;
        inner.leader.set(f64::from(u8::from(phase == "active")));
        for name in PHASES {
            inner.phase.get_or_create(&[("phase", Cow::Borrowed(name))]).set(f64::from(u8::from(phase == name)));
        }
        inner.pictures.take(engine).await;
        let mut text = String::new();
        if prometheus_client::encoding::text::encode(&mut text, &inner.registry).is_err() {
            tracing::error!("the metrics could not be written down");
        }
        text
    }
}

/// A registry that takes names, help and kinds from the table.
struct Register(Registry);

impl Register {
    fn add<M: Metric + Clone>(&mut self, name: &'static str, metric: M) -> M {
        let help = table::row(name).map_or("", |row| row.help);
        debug_assert!(!help.is_empty(), "{name} is not in the table");
        // The exposition adds both: the counter's ending to its name, the stop to the sentence.
        self.0.register(name.strip_suffix("_total").unwrap_or(name), help, metric.clone());
        metric
    }

    fn counters<const N: usize>(&mut self, name: &'static str) -> Counters<N> {
        self.add(name, Counters::default())
    }

    fn gauges<const N: usize>(&mut self, name: &'static str) -> Gauges<N> {
        self.add(name, Gauges::default())
    }

    fn histograms<const N: usize>(&mut self, name: &'static str, new: fn() -> Histogram) -> Histograms<N>
    where
        fn() -> Histogram: MetricConstructor<Histogram>,
    {
        self.add(name, Histograms::new_with_constructor(new))
    }

    fn vitals(&mut self, vitals: &Vitals) {
        self.add("pulse_database_batch_size", vitals.batch_size.clone());
        self.add("pulse_database_commit_duration_seconds", vitals.batch_seconds.clone());
        self.add("pulse_database_retries_total", vitals.retries.clone());
        let errors = DatabaseErrors(vitals.clone());
        self.0.register_collector(Box::new(errors));
    }
}

/// The store counts each kind of error by itself; here they are one metric.
#[derive(Debug)]
struct DatabaseErrors(Vitals);

impl prometheus_client::collector::Collector for DatabaseErrors {
    fn encode(&self, mut encoder: prometheus_client::encoding::DescriptorEncoder<'_>) -> std::fmt::Result {
        use prometheus_client::encoding::EncodeMetric;
        let name = "pulse_database_errors_total";
        let help = table::row(name).map_or("", |row| row.help);
        let family = Counters::<1>::default();
        let Vitals { transient, lasting, fenced, unclear, .. } = &self.0;
        for (kind, counter) in [("transient", transient), ("lasting", lasting), ("fenced", fenced), ("unclear", unclear)] {
            family.get_or_create(&[("kind", Cow::Borrowed(kind))]).inc_by(counter.get());
        }
        let kind = prometheus_client::metrics::MetricType::Counter;
        let metric = encoder.encode_descriptor(name.trim_end_matches("_total"), help, None, kind)?;
        family.encode(metric)
    }
}
