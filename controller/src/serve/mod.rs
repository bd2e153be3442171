//! The wiring: what is started, in which order, and how it ends. Nothing here decides anything.
//!
//! ```text
//! listen ─▶ connect ─▶ stand by until the leases are ours ─▶ take up what is open, look at the sources ─▶ active ─▶ end
//! └───────────── answers that it lives, and why it cannot serve yet ─────────────┘        └─ the API ─┘
//!                              (the same for as long as the leases may have expired: another may be active)
//! ```

mod course;
mod lease;
mod loops;
mod ours;
mod web;

use crate::admin;
use crate::api::{self, Phase};
use crate::config::{AdminToken, Config};
use crate::engine::Engine;
use crate::metrics::Metrics;
use crate::settings::Current;
use crate::tls::Tls;
use anyhow::Context;
use course::Course;
use ours::Ours;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
pub use web::Peer;

/// A controller that listens. It may have to wait for its database, or for another controller to end, before it is active.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// How agents and people reach it.
    pub url: String,
    /// The settings of the moment, which can be read again.
    pub settings: Arc<Current>,
    stop: watch::Sender<bool>,
    active: watch::Receiver<Option<Active>>,
    course: JoinHandle<anyhow::Result<End>>,
}

/// What there is once it is the active controller.
#[derive(Clone)]
pub struct Active {
    /// The executions and agents.
    pub engine: Engine,
    /// The administrator's token.
    pub admin_token: AdminToken,
}

/// How a controller ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was asked to. What was being written is written, and the leases are given back.
    Stopped,
    /// Another controller has taken over: this process has nothing more to say and must end at once.
    Fenced,
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

/// Listens, and answers from then on; everything else follows by itself.
pub async fn start(config: &Config, mode: Mode) -> anyhow::Result<Serving> {
    let settings = Current::new(config.clone());
    let folder = &config.data.folder;
    admin::make_folder(folder).with_context(|| format!("cannot use the data folder {} (PULSE_DATA_DIR)", folder.display()))?;
    let ours = Ours::take(folder)?;
    // The address before the database: a port that is taken is the commonest mistake, and nothing has happened yet.
    let address = config.listen.address;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (PULSE_LISTEN)"))?;
    let address = listener.local_addr()?;
    let tls = Tls::open(config, address)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = config.listen.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
    let (stop, stopping) = watch::channel(false);
    let (phase, phases) = watch::channel(Phase::Connecting { trouble: None });
    let (acceptor, trust) = tls.as_ref().map(|tls| (tls.acceptor.clone(), tls.trust.clone())).unzip();
    let trust = trust.flatten();
    let metrics = Metrics::new(&config.observe);
    let front = api::front(phases, trust.clone(), metrics.clone());
    let web = tokio::spawn(web::serve(listener, acceptor, front, stopping.clone()));
    // It ends with the stop, and has nothing to write.
    if let Some(tls) = tls {
        settings.attach_tls(tls.handle.clone());
        drop(tokio::spawn(tls.handle.keep(stopping.clone())));
    }
    tracing::info!(%address, url, data = %folder.display(), "listening");
    let (told, active) = watch::channel(None);
    let owner = ours.name(address.port());
    let course = Course {
        settings: Arc::clone(&settings),
        mode,
        _ours: ours,
        owner,
        trust,
        metrics,
        url: url.clone(),
        phase,
        active: told,
        stopping,
    };
    Ok(Serving { address, url, settings, stop, active, course: tokio::spawn(course.run(web)) })
}

impl Serving {
    /// Waits until it is the active controller and has looked at its sources once. An error if it ends before.
    pub async fn active(&mut self) -> anyhow::Result<Active> {
        if let Ok(active) = self.active.wait_for(Option::is_some).await
            && let Some(active) = active.as_ref()
        {
            return Ok(active.clone());
        }
        match self.ended().await? {
            End::Stopped => anyhow::bail!("it was stopped before it was active"),
            End::Fenced => anyhow::bail!("another controller has taken over"),
        }
    }

    /// Waits until it has ended. An error is one that no waiting mends.
    pub async fn ended(&mut self) -> anyhow::Result<End> {
        (&mut self.course).await.context("the controller ended early")?
    }

    /// Ends it in order: no new request, no new sync, what is being committed is committed, then the leases and the database.
    pub async fn stop(mut self) -> anyhow::Result<End> {
        self.stop.send_replace(true);
        self.ended().await
    }
}
