//! The wiring: what is started, in which order, and how it ends. Nothing here decides anything.

use crate::admin;
use crate::agents::FleetHandle;
use crate::api::{self, Admin, App};
use crate::clock::{self, Clock};
use crate::config::{AdminToken, Config, Origin};
use crate::engine::{Engine, EngineError};
use crate::schedules::Scheduler;
use crate::source::git::GitSource;
use crate::source::{Folder, Source};
use crate::sync::{DEFAULT_SOURCE, Sources, Syncer};
use crate::webhook::{Verifier, Webhooks};
use anyhow::Context;
use axum::serve::ListenerExt;
use pulse_core::Timestamp;
use pulse_store::Store;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often every open execution is looked at, whatever hint was lost.
const SCAN: Duration = Duration::from_secs(30);
/// How often the agents' last words are written down.
const HEARTBEATS: Duration = Duration::from_secs(10);
/// How long an idempotency key is remembered, and how often old ones are forgotten.
const KEYS_LIVE: crd_schemas::Duration = crd_schemas::Duration::from_secs(24 * 3600);
const KEYS_SWEPT: Duration = Duration::from_secs(3600);
/// How long requests that are being answered may go on after a stop.
const GRACE: Duration = Duration::from_secs(10);

/// A controller that serves.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// How agents and people reach it.
    pub url: String,
    /// The administrator's token.
    pub admin_token: AdminToken,
    /// The executions and agents.
    pub engine: Engine,
    store: Store,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    web: JoinHandle<()>,
}

/// What a controller does beside serving.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    /// Tokens for further agents are given out.
    pub enrolment: bool,
    /// Schedules fire.
    pub schedules: bool,
}

impl Mode {
    /// Everything.
    pub const WHOLE: Self = Self { enrolment: true, schedules: true };
}

/// Starts everything; it serves when this answers.
pub async fn start(config: &Config, mode: Mode) -> anyhow::Result<Serving> {
    let folder = &config.data.folder;
    admin::make_folder(folder).with_context(|| format!("cannot use the data folder {} (PULSE_DATA_DIR)", folder.display()))?;
    // The address before the database: a port that is taken is the commonest mistake, and nothing has happened yet.
    let address = config.listen.address;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (PULSE_LISTEN)"))?;
    let address = listener.local_addr()?;
    let owner = uuid::Uuid::now_v7().to_string();
    let store = Store::open(config.data.database_url.reveal(), &owner).await.context("cannot open the database")?;
    let admin_token = match &config.admin_token {
        Some(token) => token.clone(),
        None => admin::own_token(folder)?,
    };
    store.cluster_id(&owner).await?;
    let engine = Engine::new(store.clone(), FleetHandle::default());
    engine.boot().await.context("cannot take up where the last controller stopped")?;
    let (stop, stopping) = watch::channel(false);
    let url = config.listen.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let sources = Sources::new(config.source.iter().map(|source| {
        let opened: Arc<dyn Source> = match &source.origin {
            Origin::Folder(path) => Arc::new(Folder::new(path)),
            Origin::Git(remote) => Arc::new(GitSource::new((**remote).clone(), folder.join("sources").join(DEFAULT_SOURCE))),
        };
        Syncer::new(DEFAULT_SOURCE, opened, source.poll, engine.clone())
    }));
    // Whoever finds this controller ready finds what the sources hold; what is wrong with one is a finished sync.
    sources.sync_all().await;
    let webhooks = Arc::new(Webhooks::new(config.webhook_secrets.as_ref().map(Verifier::new)));
    let mut tasks = background(&engine, &sources, &stopping);
    let schedules = Scheduler::new(engine.clone(), Clock::machine(), !mode.schedules);
    let firing = schedules.clone();
    tasks.push(tokio::spawn(async move { firing.run().await }));
    tasks.push(note_webhooks(&webhooks, &store, &stopping));
    let admin = Arc::new(Admin::new(&admin_token));
    let app = App {
        engine: engine.clone(),
        sources,
        schedules,
        webhooks,
        admin,
        url: url.as_str().into(),
        enrolment: mode.enrolment,
        stopping: stopping.clone(),
    };
    let web = tokio::spawn(web(listener, app, stopping));
    tracing::info!(%address, url, data = %folder.display(), "serving");
    Ok(Serving { address, url, admin_token, engine, store, stop, tasks, web })
}

impl Serving {
    /// Ends in order: no new request, no new sync, what is being committed is committed, then the database.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, self.web).await.is_err() {
            tracing::warn!("some requests were still being answered when their time was over");
        }
        self.engine.stop();
        for task in self.tasks {
            // A task that panicked has said so; there is nothing to add at the end.
            drop(task.await);
        }
        drop(self.engine);
        self.store.close().await;
        tracing::info!("stopped");
    }
}

async fn web(listener: TcpListener, app: App, mut stopping: watch::Receiver<bool>) {
    let stopped = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
    // Small frames go out at once instead of waiting for the other side's delayed acknowledgement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    if let Err(error) = axum::serve(listener, api::router(app)).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the HTTP server ended");
    }
}

/// The loops beside the API.
fn background(engine: &Engine, sources: &Sources, stopping: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
    let swept = engine.clone();
    let (runner, scanned, noted, listener) = (engine.clone(), engine.clone(), engine.clone(), engine.clone());
    let (sources, stop) = (sources.clone(), stopping.clone());
    let mut silent = stopping.clone();
    vec![
        tokio::spawn(async move {
            tokio::select! {
                () = listener.watch_own_silence() => {}
                _ = silent.wait_for(|stopping| *stopping) => {}
            }
        }),
        tokio::spawn(async move { runner.run().await }),
        tokio::spawn(async move { sources.run(stop).await }),
        tokio::spawn(every(SCAN, stopping.clone(), "looking at open executions", move || {
            let engine = scanned.clone();
            async move { engine.scan().await }
        })),
        tokio::spawn(every(KEYS_SWEPT, stopping.clone(), "forgetting old idempotency keys", move || {
            let store = swept.store().clone();
            async move {
                let before = Timestamp(clock::now().0.saturating_sub(KEYS_LIVE.as_micros()));
                Ok(store.forget_idempotency(before).await.map(drop)?)
            }
        })),
        tokio::spawn(every(HEARTBEATS, stopping.clone(), "noting heartbeats", move || {
            let engine = noted.clone();
            async move { engine.note_heartbeats().await }
        })),
    ]
}

/// Notes the last webhooks until the stop.
fn note_webhooks(webhooks: &Arc<Webhooks>, store: &Store, stopping: &watch::Receiver<bool>) -> JoinHandle<()> {
    let (webhooks, store, stopping) = (Arc::clone(webhooks), store.clone(), stopping.clone());
    tokio::spawn(async move { webhooks.ledger.run(store, stopping).await })
}

/// Does something from time to time until the stop. What fails is said, and done again next time.
async fn every<F, R>(period: Duration, mut stopping: watch::Receiver<bool>, what: &'static str, work: F)
where
    F: Fn() -> R,
    R: Future<Output = Result<(), EngineError>>,
{
    while tokio::time::timeout(period, stopping.wait_for(|stopping| *stopping)).await.is_err() {
        if let Err(error) = work().await {
            tracing::warn!(%error, "{what} failed");
        }
    }
}
