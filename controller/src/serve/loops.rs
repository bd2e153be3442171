//! The loops beside the API, for as long as this controller is the active one.

use crate::clock;
use crate::engine::{Engine, EngineError};
use crate::identity::Identity;
use crate::sync::Sources;
use crate::webhook::Webhooks;
use pulse_core::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often every open execution is looked at, whatever hint was lost.
const SCAN: Duration = Duration::from_secs(30);
/// How often the agents' last words are written down.
const HEARTBEATS: Duration = Duration::from_secs(10);
/// How long an idempotency key is remembered, and how often old ones are forgotten.
const KEYS_LIVE: crd_schemas::Duration = crd_schemas::Duration::from_secs(24 * 3600);
const KEYS_SWEPT: Duration = Duration::from_secs(3600);
/// How often the uses of tokens and sessions are noted.
const IDENTITY: Duration = Duration::from_secs(60);

/// Starts those that end at the stop, and are waited for then.
pub(super) fn start(
    engine: &Engine,
    sources: &Sources,
    webhooks: &Arc<Webhooks>,
    stopping: &watch::Receiver<bool>,
) -> Vec<JoinHandle<()>> {
    let swept = engine.clone();
    let (runner, scanned, noted, listener) = (engine.clone(), engine.clone(), engine.clone(), engine.clone());
    let (sources, stop) = (sources.clone(), stopping.clone());
    let mut silent = stopping.clone();
    let (webhooks, noting, store) = (Arc::clone(webhooks), stopping.clone(), engine.store().clone());
    vec![
        tokio::spawn(async move {
            tokio::select! {
                () = listener.watch_own_silence() => {}
                _ = silent.wait_for(|stopping| *stopping) => {}
            }
        }),
        tokio::spawn(async move { runner.run().await }),
        tokio::spawn(async move { sources.run(stop).await }),
        tokio::spawn(async move { webhooks.ledger.run(store, noting).await }),
        tokio::spawn(every((SCAN, SCAN), stopping.clone(), "looking at open executions", move || {
            let engine = scanned.clone();
            async move { engine.scan().await }
        })),
        // At once, so that a controller that never runs for an hour forgets, too.
        tokio::spawn(every((Duration::ZERO, KEYS_SWEPT), stopping.clone(), "forgetting old idempotency keys", move || {
            let store = swept.store().clone();
            async move {
                let before = Timestamp(clock::now().0.saturating_sub(KEYS_LIVE.as_micros()));
                Ok(store.forget_idempotency(before).await.map(drop)?)
            }
        })),
        tokio::spawn(every((HEARTBEATS, HEARTBEATS), stopping.clone(), "noting heartbeats", move || {
            let engine = noted.clone();
            async move { engine.note_heartbeats().await }
        })),
    ]
}

/// Notes the uses of tokens and sessions, and takes out those that have ended.
pub(super) fn sweep_identity(identity: Arc<Identity>, stopping: &watch::Receiver<bool>) -> JoinHandle<()> {
    let what = "noting the uses of tokens and sessions";
    tokio::spawn(every((IDENTITY, IDENTITY), stopping.clone(), what, move || {
        let identity = Arc::clone(&identity);
        async move { Ok(identity.sweep().await?) }
    }))
}

/// Does something after `first`, and then from time to time until the stop. What fails is said, and done again next time.
async fn every<F, R>((first, period): (Duration, Duration), mut stopping: watch::Receiver<bool>, what: &'static str, work: F)
where
    F: Fn() -> R,
    R: Future<Output = Result<(), EngineError>>,
{
    let mut wait = first;
    while tokio::time::timeout(wait, stopping.wait_for(|stopping| *stopping)).await.is_err() {
        if let Err(error) = work().await {
            tracing::warn!(%error, "{what} failed");
        }
        wait = period;
    }
}
