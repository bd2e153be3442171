//! SIGHUP: the settings are read again. What may change while the agent runs is taken over, the rest is said to need a restart; where
//! anything is wrong, everything stays as it was.

use crate::config::{Environment, Flags, Settings, look};
use crate::logging::{self, Exchange};
use anyhow::Result;
use pulse_settings::{Reload, Setting, changes};
use std::sync::Arc;
use tokio::sync::watch;

/// What the settings are read from, and who uses them.
pub struct Reloader {
    flags: Flags,
    environment: Environment,
    exchange: Exchange,
    current: watch::Sender<Arc<Settings>>,
}

/// What reading again came to: the keys of what changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Taken over.
    pub taken: Vec<&'static str>,
    /// Left until a restart.
    pub left: Vec<&'static str>,
}

impl Reloader {
    /// Of an agent that runs with these settings.
    pub fn new(flags: Flags, environment: Environment, exchange: Exchange, settings: Settings) -> Self {
        Self { flags, environment, exchange, current: watch::Sender::new(Arc::new(settings)) }
    }

    /// The settings of the moment.
    pub fn settings(&self) -> watch::Receiver<Arc<Settings>> {
        self.current.subscribe()
    }

    /// Reads them again, and says in the log what came of it.
    pub fn again(&self) {
        match self.read() {
            Ok(Outcome { taken, left }) => {
                tracing::info!(changed = taken.join(", "), restart = left.join(", "), "the settings were read again");
            }
            Err(error) => tracing::error!("the settings were read again and cannot be used; all stay as they were: {error:#}"),
        }
    }

    /// Reads them again and takes over what may change.
    ///
    /// # Errors
    ///
    /// What is wrong with them as a restart would find them, or with what is taken over beside what stays. Nothing has changed then.
    pub fn read(&self) -> Result<Outcome> {
        let before = Arc::clone(&self.current.borrow());
        let (layers, errors) = look(&self.flags, &self.environment);
        let whole = Settings::of(layers, errors, &self.environment)?;
        let is_live = |setting: &Setting| setting.reload == Reload::Live;
        let mut now = Settings::of(before.layers.with(&whole.layers, is_live), Vec::new(), &self.environment)?;
        let filter = logging::filter(&now.layers)?;
        if self.flags.token_fd.is_some() {
            (now.token, now.authority) = (before.token.clone(), before.authority);
        }
        let changed = changes(&before.layers, &whole.layers);
        let (taken, left): (Vec<_>, Vec<_>) = changed.iter().map(|change| change.setting).partition(|setting| is_live(setting));
        let keys = |all: Vec<&Setting>| all.into_iter().map(|setting| setting.key).collect::<Vec<_>>();
        let outcome = Outcome { taken: keys(taken), left: keys(left) };
        // From here on nothing fails.
        if outcome.taken.contains(&"log") {
            (self.exchange)(filter);
        }
        // A filter is no reason to come again.
        if outcome.taken.iter().any(|key| *key != "log") {
            self.current.send_replace(Arc::new(now));
        } else {
            self.current.send_if_modified(|current| {
                *current = Arc::new(now);
                false
            });
        }
        Ok(outcome)
    }
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
