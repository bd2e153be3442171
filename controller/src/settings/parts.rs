//! Who hears of other settings, and what has to be tried before anybody does.

use crate::admin;
use crate::api::Limiter;
use crate::audit::Audit;
use crate::config::{AdminToken, Config, Origin, Tls};
use crate::identity::Identity;
use crate::source::git::GitSource;
use crate::sync::{DEFAULT_SOURCE, Sources};
use crate::tls::{Handle, Other};
use crate::webhook::{Verifier, Webhooks};
use std::sync::Arc;

/// Those of an active controller who hear of changes.
pub struct Parts {
    /// Who may come in.
    pub identity: Arc<Identity>,
    /// The way in for webhooks.
    pub webhooks: Arc<Webhooks>,
    /// Where definitions come from.
    pub sources: Sources,
    /// How many requests are taken of whom.
    pub limiter: Arc<Limiter>,
    /// Where it is written down.
    pub audit: Audit,
}

impl Parts {
    /// From now on these settings. Nothing of it fails. `admin`: the administrator's token, where there is another one.
    pub(super) fn apply(&self, config: &Config, admin: Option<&AdminToken>) {
        self.limiter.set(config.limits);
        self.webhooks.set(config.webhook_secrets.as_ref().map(Verifier::new));
        self.identity.set(admin.or(config.admin_token.as_ref()), &config.people);
        let Some(source) = &config.source else { return };
        for syncer in self.sources.iter().filter(|syncer| syncer.name() == DEFAULT_SOURCE) {
            syncer.set_poll(source.poll);
            if let Origin::Git(remote) = &source.origin {
                let mirror = config.data.folder.join("sources").join(DEFAULT_SOURCE);
                syncer.exchange(remote, |remote| Arc::new(GitSource::new(remote, mirror)));
            }
        }
    }
}

/// What was tried, and waits to be used.
pub(super) struct Prepared {
    tls: Option<Other>,
    /// The administrator's token, where it is another one.
    pub(super) admin: Option<AdminToken>,
}

impl Prepared {
    /// Everything that can fail.
    pub(super) fn of(before: &Config, config: &Config, tls: Option<&Handle>, is_active: bool) -> Result<Self, String> {
        let tls = match (&config.tls, tls) {
            (Tls::Given { certificate, key }, Some(handle)) => handle.other(certificate, key)?,
            _ => None,
        };
        let admin = match &config.admin_token {
            // The setting is gone: the data folder's own counts.
            None if before.admin_token.is_some() && is_active => {
                Some(admin::own_token(&config.data.folder).map_err(|error| format!("{error:#}"))?)
            }
            token => token.clone(),
        };
        Ok(Self { tls, admin })
    }

    /// From now on the other certificate, if there is one. Whether there is.
    pub(super) fn apply_tls(&self, tls: Option<&Handle>) -> bool {
        match (&self.tls, tls) {
            (Some(other), Some(handle)) => {
                handle.replace(other);
                true
            }
            _ => false,
        }
    }
}
