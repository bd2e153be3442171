//! A controller's course from its database to its end.

use super::ours::{Ours, is_dead};
use super::{Active, End, Mode, lease, loops};
use crate::admin;
use crate::agents::FleetHandle;
use crate::api::{self, App, Limiter, Means, Phase, Seats};
use crate::audit::{self, Audit, Sealer};
use crate::clock::{self, Clock};
use crate::config::{Config, Origin};
use crate::engine::Engine;
use crate::identity::Identity;
use crate::identity::browser::OwnOrigin;
use crate::keep::Keeper;
use crate::metrics::Metrics;
use crate::schedules::Scheduler;
use crate::settings::{Current, Parts};
use crate::source::git::GitSource;
use crate::source::{Folder, Source};
use crate::sync::{DEFAULT_SOURCE, Sources, Syncer};
use crate::tls::Trust;
use crate::traces::{Exporter, Tracer};
use crate::webhook::{Verifier, Webhooks};
use anyhow::Context;
use pulse_store::{Candidate, Store, Taken};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often a controller that stands by looks whether the leases are free.
const LOOK: Duration = Duration::from_millis(250);
/// The pause after a try at a database that may be there soon; doubled for each further one up to the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the first looks at the sources may keep people and agents waiting.
const FIRST_LOOKS: Duration = Duration::from_secs(10);

/// How long traces that wait for their collector may hold a stop up; what is not exported then is at the next start.
const EXPORTS: Duration = Duration::from_secs(3);

/// What a course needs.
pub(super) struct Course {
    pub(super) settings: Arc<Current>,
    pub(super) mode: Mode,
    /// The data folder is this process's, until the end.
    pub(super) _ours: Ours,
    /// The name in the leases.
    pub(super) owner: String,
    pub(super) url: String,
    /// The authority of our own, where there is one.
    pub(super) trust: Option<Trust>,
    /// What is counted.
    pub(super) metrics: Metrics,
    /// What the API answers by.
    pub(super) phase: watch::Sender<Phase>,
    pub(super) active: watch::Sender<Option<Active>>,
    pub(super) stopping: watch::Receiver<bool>,
}

/// What runs while this controller is the active one.
struct Running {
    engine: Engine,
    renewing: JoinHandle<()>,
    loops: Vec<JoinHandle<()>>,
    audit: Option<(Audit, JoinHandle<Sealer>)>,
}

impl Course {
    /// Runs it to its end, and the HTTP server's with it.
    pub(super) async fn run(self, mut web: JoinHandle<()>) -> anyhow::Result<End> {
        let end = self.until_the_end(&mut web).await;
        self.phase.send_replace(Phase::Over);
        self.settings.detach();
        web.abort();
        if let Ok(End::Stopped) = &end {
            tracing::info!("stopped");
        }
        end
    }

    async fn until_the_end(&self, web: &mut JoinHandle<()>) -> anyhow::Result<End> {
        let Some(candidate) = self.connect().await? else { return Ok(End::Stopped) };
        let Some((store, taken)) = self.take(&candidate).await? else { return Ok(End::Stopped) };
        // The store has what it needs of it.
        drop(candidate);
        self.phase.send_replace(Phase::TakingOver);
        let (tracer, ends) = match &self.settings.config().observe.traces {
            Some(traces) => {
                let (tracer, ends) = Tracer::new(self.metrics.clone());
                let exporter = Exporter::new(store.clone(), self.metrics.clone(), traces.clone(), &self.url, &self.owner);
                (tracer, Some((exporter, ends)))
            }
            None => (Tracer::default(), None),
        };
        let mut running = Running::new(store, taken, self.metrics.clone(), tracer);
        let exporting = ends.map(|(exporter, ends)| tokio::spawn(exporter.run(ends, self.stopping.clone())));
        let engine = running.engine.clone();
        let end = tokio::select! {
            biased;
            () = engine.fenced() => Ok(End::Fenced),
            () = self.stopped() => Ok(End::Stopped),
            Err(error) = self.lead(&mut running) => Err(error),
        };
        drop(engine);
        // It exports what it has been told, while the database is there.
        if let Some(mut task) = exporting {
            let patience = if matches!(end, Ok(End::Stopped)) { EXPORTS } else { Duration::ZERO };
            if tokio::time::timeout(patience, &mut task).await.is_err() {
                task.abort();
            }
        }
        match &end {
            Ok(End::Stopped) => running.stop(web, self.settings.config().stop_timeout).await,
            Ok(End::Fenced) => running.abandon(),
            Err(_) => running.give_up().await,
        }
        end
    }

    /// Connects to the database and migrates it. One that may be there soon is waited for; `None` at a stop.
    async fn connect(&self) -> anyhow::Result<Option<Candidate>> {
        let config = self.settings.config();
        let url = config.data.database_url.reveal();
        let mut pause = PAUSE;
        loop {
            let tried = tokio::select! {
                () = self.stopped() => return Ok(None),
                tried = Candidate::watched(url, &self.owner, self.metrics.vitals().clone()) => tried,
            };
            match tried {
                Ok(candidate) => return Ok(Some(candidate)),
                Err(error) if error.is_transient() => self.trouble(&error),
                Err(error) => return Err(error).context("cannot open the database"),
            }
            if self.stopped_within(pause).await {
                return Ok(None);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Stands by until the leases are this controller's, and says when the try began that took them; `None` at a stop.
    async fn take(&self, candidate: &Candidate) -> anyhow::Result<Option<(Store, Instant)>> {
        let mut known: Option<String> = None;
        loop {
            let begun = Instant::now();
            // Not cut off by a stop: leases that are taken shall be given back.
            let taken = match &known {
                Some(holder) if is_dead(holder, &self.owner) => candidate.take_from(holder).await,
                _ => candidate.take().await,
            };
            match taken {
                Ok(Taken::Store(store)) => return self.fits(store).await.map(|store| Some((store, begun))),
                Ok(Taken::StandBy(holder)) => {
                    let is_new = known.as_ref() != Some(&holder.name);
                    known = Some(holder.name.clone());
                    if is_new && is_dead(&holder.name, &self.owner) {
                        continue;
                    }
                    if is_new {
                        tracing::info!(holder = holder.name, "standing by: another controller is active on this database");
                    }
                    self.phase.send_replace(Phase::StandingBy { holder, seen: clock::now() });
                }
                Err(error) if error.is_transient() => {
                    known = None;
                    self.trouble(&error);
                }
                Err(error) => return Err(error).context("cannot take the leases of the database"),
            }
            if self.stopped_within(LOOK).await {
                return Ok(None);
            }
        }
    }

    /// A newer release may have migrated the database while this one stood by.
    async fn fits(&self, store: Store) -> anyhow::Result<Store> {
        let newer = store.migration_status().await?.into_iter().find(|state| state.applied && !state.known);
        let Some(newer) = newer else { return Ok(store) };
        store.close().await;
        anyhow::bail!(
            "a newer release has migrated the database to schema {}, which this release does not know: run the newer pulse-controller",
            newer.version
        )
    }

    fn trouble(&self, error: &pulse_store::Error) {
        tracing::warn!(%error, "the database cannot be used yet; trying again");
        self.phase.send_replace(Phase::Connecting { trouble: Some(error.to_string()) });
    }

    /// Takes up what is open, looks at the sources, and serves until it is dropped. Only an error comes back.
    async fn lead(&self, running: &mut Running) -> anyhow::Result<std::convert::Infallible> {
        let engine = &running.engine;
        let config = self.settings.config();
        let admin_token = match &config.admin_token {
            Some(token) => token.clone(),
            None => admin::own_token(&config.data.folder)?,
        };
        engine.store().cluster_id(&uuid::Uuid::now_v7().to_string()).await.context("cannot read the database")?;
        engine.boot().await.context("cannot take up where the last controller stopped")?;
        // Before anybody is let in: what a controller before this one has begun, nobody ends any more.
        let head = audit::take_over(engine.store()).await.context("cannot take up the audit log")?;
        let log = Audit::start(engine.store().clone());
        let sealer = Sealer::new(engine.store().clone(), log.clone(), head);
        running.audit = Some((log.clone(), tokio::spawn(sealer.run(self.stopping.clone()))));
        let sources = sources(&config, engine);
        let webhooks = Arc::new(Webhooks::new(config.webhook_secrets.as_ref().map(Verifier::new)));
        running.loops = loops::start(engine, &sources, &webhooks, &self.stopping);
        // Whoever finds this controller ready finds what the sources hold; what is wrong with one is a finished sync. One that
        // does not answer keeps nobody waiting for long: what is live is known, and the look goes on.
        if tokio::time::timeout(FIRST_LOOKS, sources.looked()).await.is_err() {
            tracing::warn!("the first look at a source takes long; serving what is live meanwhile");
        }
        let schedules = Scheduler::new(engine.clone(), Clock::machine(), !self.mode.schedules);
        let firing = schedules.clone();
        running.loops.push(tokio::spawn(async move { firing.run().await }));
        let active = Active { engine: engine.clone(), admin_token };
        let own = OwnOrigin::new(config.listen.public_url.as_deref(), &self.url);
        let identity = Identity::load(engine.store().clone(), &active.admin_token, config.people.clone(), (own, &self.url));
        let identity = Arc::new(identity.await.context("cannot read who may come in")?);
        running.loops.push(loops::sweep_identity(Arc::clone(&identity), &self.stopping));
        let keeper = Keeper::new(engine.clone(), log.clone(), config.keep, self.stopping.clone());
        running.loops.push(tokio::spawn(keeper.run()));
        let limiter = Arc::new(Limiter::new(config.limits));
        let parts = Parts { identity, webhooks, sources, limiter, audit: log };
        let router = api::router(self.app(&active, &parts, schedules));
        self.settings.attach(parts, &config);
        engine.leased().await;
        self.phase.send_replace(Phase::Active(router.clone()));
        tracing::info!(owner = self.owner, url = self.url, "active");
        self.active.send_replace(Some(active));
        loop {
            engine.cut_off().await;
            self.phase.send_replace(Phase::CutOff);
            engine.leased().await;
            self.phase.send_replace(Phase::Active(router.clone()));
        }
    }

    fn app(&self, active: &Active, parts: &Parts, schedules: Scheduler) -> App {
        let Parts { identity, webhooks, sources, limiter, audit } = parts;
        let engine = active.engine.clone();
        let (url, stopping) = (self.url.as_str().into(), self.stopping.clone());
        App::from(Means {
            engine,
            sources: sources.clone(),
            schedules,
            webhooks: Arc::clone(webhooks),
            seats: Seats::default(),
            identity: Arc::clone(identity),
            audit: audit.clone(),
            url,
            limiter: Arc::clone(limiter),
            settings: Arc::clone(&self.settings),
            trust: self.trust.clone(),
            enrolment: self.mode.enrolment,
            stopping,
        })
    }

    async fn stopped(&self) {
        drop(self.stopping.clone().wait_for(|stopping| *stopping).await);
    }

    async fn stopped_within(&self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.stopped()).await.is_ok()
    }
}

fn sources(config: &Config, engine: &Engine) -> Sources {
    let mirrors = config.data.folder.join("sources");
    Sources::new(config.source.iter().map(|source| {
        let opened: Arc<dyn Source> = match &source.origin {
            Origin::Folder { folder, path } => Arc::new(Folder::new(folder).below(path)),
            Origin::Git(remote) => Arc::new(GitSource::new((**remote).clone(), mirrors.join(DEFAULT_SOURCE))),
        };
        Syncer::new(DEFAULT_SOURCE, opened, source.poll, engine.clone())
    }))
}

impl Running {
    fn new(store: Store, taken: Instant, metrics: Metrics, tracer: Tracer) -> Self {
        let engine = Engine::watched(store, FleetHandle::default(), metrics, tracer);
        // At once: taking up what is open, and the first looks, may take longer than a lease holds.
        let renewing = tokio::spawn(lease::keep(engine.clone(), taken));
        Self { engine, renewing, loops: Vec::new(), audit: None }
    }

    /// Ends in order: no new request, no new sync, agents are sent to the next controller, what is being committed is committed, then leases
    /// and database. `grace`: how long requests that are being answered may go on.
    async fn stop(self, web: &mut JoinHandle<()>, grace: Duration) {
        if tokio::time::timeout(grace, web).await.is_err() {
            tracing::warn!("some requests were still being answered when their time was over (PULSE_STOP_TIMEOUT)");
        }
        self.engine.sessions().send_away().await;
        self.engine.stop();
        for task in self.loops {
            // A task that panicked has said so; there is nothing to add at the end.
            drop(task.await);
        }
        if let Some((log, sealing)) = self.audit {
            log.finish().await;
            // What was written to the last moment is sealed, and told.
            if let Ok(mut sealer) = sealing.await {
                sealer.seal().await;
                sealer.tell();
            }
        }
        self.renewing.abort();
        self.engine.store().clone().close().await;
    }

    /// Nothing may be written any more, so that nothing is waited for.
    fn abandon(self) {
        self.engine.stop();
        self.renewing.abort();
        self.loops.iter().for_each(JoinHandle::abort);
        self.audit.iter().for_each(|(_, sealing)| sealing.abort());
    }

    /// It could not begin: the leases go back, so that another controller can.
    async fn give_up(self) {
        self.renewing.abort();
        self.loops.iter().for_each(JoinHandle::abort);
        self.audit.iter().for_each(|(_, sealing)| sealing.abort());
        self.engine.store().clone().close().await;
    }
}
