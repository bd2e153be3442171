//! The settings of the moment: what they are, and who hears of others when they are read again (SIGHUP).
//!
//! ```text
//! load (as a restart would) ─▶ take_over (pure: what may change, beside what stays) ─▶ prepare (all that can fail) ─▶ apply (nothing fails)
//!        └──────────────────────────┴──────────────── wrong: everything stays ──────────────┘
//! ```

mod parts;

pub use parts::Parts;

use crate::audit::own;
use crate::clock;
use crate::config::{Config, ConfigError, Outcome};
use crate::telemetry::Exchange;
use crate::tls::Handle;
use parts::Prepared;
use pulse_core::Timestamp;
use pulse_core::audit::{self, Record};
use pulse_settings::Effective;
use pulse_store::AuditWrite;
use serde_json::{Map, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What it leaves in the audit log.
pub const ACTION: &str = "settings.reload";

/// The settings of the moment.
#[derive(Debug)]
pub struct Current(Mutex<State>);

struct State {
    config: Arc<Config>,
    /// Keys of what changed since the start and needs a restart.
    waiting: Vec<&'static str>,
    read_at: Timestamp,
    tls: Option<Handle>,
    /// Those who hear of changes, while this controller is the active one.
    parts: Option<Parts>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

/// The settings as people see them.
#[derive(Debug, Clone)]
pub struct View {
    /// Each as it counts.
    pub all: Vec<Effective>,
    /// Keys of what was said otherwise since, and needs a restart.
    pub waiting: Vec<&'static str>,
    /// What to tell people of them.
    pub warnings: Vec<String>,
    /// When they were read last.
    pub read_at: Timestamp,
}

impl Current {
    /// Those of a start.
    pub fn new(config: Config) -> Arc<Self> {
        let state = State { config: Arc::new(config), waiting: Vec::new(), read_at: clock::now(), tls: None, parts: None };
        Arc::new(Self(Mutex::new(state)))
    }

    /// What counts.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.state().config)
    }

    /// What people see.
    pub fn view(&self) -> View {
        let State { config, waiting, read_at, .. } = &*self.state();
        let (all, warnings) = (config.layers.effective(), config.warnings.clone());
        View { all, waiting: waiting.clone(), warnings, read_at: *read_at }
    }

    /// TLS hears of changes from now on.
    pub fn attach_tls(&self, tls: Handle) {
        self.state().tls = Some(tls);
    }

    /// These hear of changes from now on. They were made of `config`.
    pub fn attach(&self, parts: Parts, config: &Arc<Config>) {
        let mut state = self.state();
        if !Arc::ptr_eq(&state.config, config) {
            parts.apply(&state.config, None);
        }
        state.parts = Some(parts);
    }

    /// Nobody hears of changes any more.
    pub fn detach(&self) {
        self.state().parts = None;
    }

    /// Takes over what may change, says in the log what came of it, and leaves a row in the audit log where there is one.
    pub async fn read_again(&self, whole: Result<Config, ConfigError>, exchange: &Exchange) {
        let result = whole.map_err(|error| error.to_string()).and_then(|whole| self.take_over(&whole, exchange));
        match &result {
            Ok(Outcome { taken, left }) => {
                tracing::info!(changed = taken.join(", "), restart = left.join(", "), "the settings were read again");
                self.config().warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
            }
            Err(why) => tracing::error!("the settings were read again and cannot be used; all stay as they were: {why}"),
        }
        let audit = self.state().parts.as_ref().map(|parts| parts.audit.clone());
        if let Some(audit) = audit
            && audit.write(AuditWrite::Row(row(&result))).await.is_err()
        {
            tracing::error!("that the settings were read again could not be written to the audit log");
        }
    }

    fn take_over(&self, whole: &Config, exchange: &Exchange) -> Result<Outcome, String> {
        let mut state = self.state();
        let (config, mut outcome) = state.config.take_over(whole).map_err(|error| error.to_string())?;
        let prepared = Prepared::of(&state.config, &config, state.tls.as_ref(), state.parts.is_some())?;
        // From here on nothing fails.
        if state.config.log.filter != config.log.filter {
            exchange(&config.log.filter);
        }
        if prepared.apply_tls(state.tls.as_ref()) && !outcome.taken.iter().any(|key| key.starts_with("tls")) {
            outcome.taken.push("tlsCert");
        }
        if let Some(parts) = &state.parts {
            parts.apply(&config, prepared.admin.as_ref());
        }
        state.waiting.clone_from(&outcome.left);
        (state.config, state.read_at) = (Arc::new(config), clock::now());
        Ok(outcome)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is in it is exchanged as a whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names of what changed, and no value.
fn row(result: &Result<Outcome, String>) -> Record {
    let mut details = Map::new();
    if let Ok(Outcome { taken, left }) = result {
        details.insert("changed".to_owned(), json!(taken));
        details.insert("restart".to_owned(), json!(left));
    }
    let outcome = match result {
        Ok(outcome) if *outcome == Outcome::default() => audit::Outcome::Unchanged,
        Ok(_) => audit::Outcome::Done,
        Err(_) => audit::Outcome::Refused,
    };
    own(("SIGHUP", "signal"), ACTION, outcome, clock::now(), details)
}
