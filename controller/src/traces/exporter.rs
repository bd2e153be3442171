//! The task that exports: ends in, requests out. A collector that is away costs its own traces and nothing else.

use super::{Ends, Over, otlp, sync};
use crate::clock;
use crate::config::Traces;
use crate::metrics::Metrics;
use pulse_core::Timestamp;
use pulse_core::trace::{Span, spans};
use pulse_protocol::ExecutionId;
use pulse_store::{Error, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Ends that are taken at once.
const BATCH: usize = 64;
/// Spans of one request.
const SPANS: usize = 512;
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Requests until the spans are given up, and the pause before the second, doubled for each further one.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is noted until when everything is exported.
const NOTES: Duration = Duration::from_secs(30);
/// What ended shortly before the note may not have been told yet.
const OVERLAP: Timestamp = Timestamp(10_000_000);
/// How many of the newest executions are looked through after a start.
const NEWEST: u32 = 2_000;
/// How long a stop waits for what is queued.
const LAST: Duration = Duration::from_millis(2500);
/// Where the note is.
const NOTE: &str = "traces_exported_until";

/// Exports what is over.
pub struct Exporter {
    store: Store,
    metrics: Metrics,
    to: Traces,
    client: Agent,
    /// Where people find this controller.
    url: Arc<str>,
    /// Which controller it is.
    owner: String,
    /// The last request failed; that is said once.
    troubled: bool,
    noted: Option<Instant>,
}

impl Exporter {
    /// An exporter to a collector.
    pub fn new(store: Store, metrics: Metrics, to: Traces, url: &str, owner: &str) -> Self {
        let roots = rustls_native_certs::load_native_certs().certs;
        let roots = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let client = Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(PATIENCE));
        let client = client.tls_config(tls).build().new_agent();
        let owner = owner.split('/').next().unwrap_or_default().to_owned();
        Self { store, metrics, to, client, url: url.into(), owner, troubled: false, noted: None }
    }

    /// Exports until the stop, and then what is queued.
    pub async fn run(mut self, ends: Ends, mut stopping: watch::Receiver<bool>) {
        let Ends(mut ends) = ends;
        self.catch_up().await;
        loop {
            let (mut over, begun) = (Vec::with_capacity(BATCH), clock::now());
            tokio::select! {
                biased;
                count = ends.recv_many(&mut over, BATCH) => if count == 0 { return },
                _ = stopping.wait_for(|stopping| *stopping) => break,
            }
            self.export(over).await;
            if ends.is_empty() && self.noted.is_none_or(|at| at.elapsed() > NOTES) {
                self.note(begun).await;
            }
        }
        let rest = async {
            let begun = clock::now();
            let mut over = Vec::new();
            while let Ok(one) = ends.try_recv() {
                over.push(one);
            }
            self.export(over).await;
            self.note(begun).await;
        };
        if tokio::time::timeout(LAST, rest).await.is_err() {
            tracing::warn!("traces were still being exported when their time was over; the next start exports them again");
        }
    }

    /// What ended since the last note may not be exported: a controller died, or a collector was away. The first start notes where it begins.
    async fn catch_up(&mut self) {
        let begun = clock::now();
        match self.unexported().await {
            Ok(Some(missed)) => self.export(missed.into_iter().map(Over::Execution).collect()).await,
            Ok(None) => {}
            Err(error) => return tracing::warn!(%error, "what was not exported before the start cannot be read"),
        }
        self.note(begun).await;
    }

    async fn unexported(&self) -> Result<Option<Vec<ExecutionId>>, Error> {
        let Some(until) = self.store.meta(NOTE).await?.and_then(|text| text.parse::<i64>().ok()) else { return Ok(None) };
        let since = Timestamp(until.saturating_sub(OVERLAP.0));
        Ok(Some(self.store.ended_since(since, NEWEST).await?))
    }

    async fn note(&mut self, until: Timestamp) {
        self.noted = Some(Instant::now());
        if let Err(error) = self.store.put_meta(NOTE, &until.0.to_string()).await {
            tracing::warn!(%error, "it could not be noted until when traces are exported");
        }
    }

    async fn export(&mut self, over: Vec<Over>) {
        let mut waiting: (Vec<Span>, u64) = (Vec::new(), 0);
        for one in over {
            let spans = match one {
                Over::Execution(id) => match self.of_execution(id).await {
                    Ok(spans) => spans,
                    Err(error) => {
                        tracing::warn!(execution = %id, %error, "no trace: the history cannot be read");
                        self.metrics.work().traced("dropped", 1);
                        continue;
                    }
                },
                Over::Sync(record, asked) => sync::spans(&record, asked),
            };
            waiting.0.extend(spans);
            waiting.1 += 1;
            if waiting.0.len() >= SPANS {
                self.send(std::mem::take(&mut waiting)).await;
            }
        }
        self.send(waiting).await;
    }

    async fn of_execution(&self, id: ExecutionId) -> Result<Vec<Span>, Error> {
        let history = self.store.history(id).await?;
        let Some(pulse_core::execution::Event::Created(created)) = history.first().map(|first| &first.event) else {
            return Ok(Vec::new());
        };
        let sync = self.store.sync_of(&created.source, &created.commit).await?;
        let links = sync.map(sync::link).into_iter().collect();
        Ok(spans(&history, &format!("{}/executions/{id}", self.url), links))
    }

    async fn send(&mut self, (spans, executions): (Vec<Span>, u64)) {
        for chunk in spans.chunks(SPANS) {
            let body = otlp::body(&self.to.service, &self.owner, chunk).to_string();
            if let Err(error) = self.deliver(body).await {
                if !std::mem::replace(&mut self.troubled, true) {
                    tracing::warn!(error, "the collector takes no traces; executions are not touched by that");
                }
                return self.metrics.work().traced("failed", executions);
            }
        }
        if std::mem::take(&mut self.troubled) {
            tracing::info!("the collector takes traces again");
        }
        self.metrics.work().traced("exported", executions);
    }

    /// Posts a body, again where the collector is away or busy.
    async fn deliver(&self, body: String) -> Result<(), String> {
        let (mut tries, mut pause) = (0, PAUSE);
        loop {
            tries += 1;
            match self.post(body.clone()).await {
                Ok(200..300) => return Ok(()),
                Ok(status @ (429 | 502 | 503 | 504)) if tries == TRIES => return Err(format!("it answers {status}")),
                Ok(429 | 502 | 503 | 504) => {}
                // What it refuses once it refuses again.
                Ok(status) => return Err(format!("it answers {status}")),
                Err(error) if tries == TRIES => return Err(error),
                Err(_) => {}
            }
            drop(tokio::time::timeout(pause, std::future::pending::<()>()).await);
            pause *= 2;
        }
    }

    /// One request, on a thread that may wait.
    async fn post(&self, body: String) -> Result<u16, String> {
        let request = self.client.post(&self.to.url).header("content-type", "application/json");
        let headers = self.to.headers.iter();
        let request = headers.fold(request, |request, (name, value)| request.header(name, value.reveal()));
        let asked = tokio::task::spawn_blocking(move || request.send(body).map(|answer| answer.status().as_u16()));
        asked.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}
