//! How people come in: through a proxy that vouches for them, and by which groups they have which role.

use super::oidc::Oidc;
use super::proxies::TrustedProxies;
use super::sessions::SessionLimits;
use pulse_core::access::{Role, RoleGroups};
use pulse_settings::Layers;
use std::collections::BTreeSet;

/// How people come in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// The proxies that may say who somebody is; without them no header is believed.
    pub trusted_proxies: Option<TrustedProxies>,
    /// Which groups mean which role.
    pub role_groups: RoleGroups,
    /// Where people sign in.
    pub oidc: Option<Oidc>,
    /// How long their sessions last.
    pub sessions: SessionLimits,
}

const ROLES: [(&str, Role); 4] = [
    ("PULSE_ADMIN_GROUPS", Role::Admin),
    ("PULSE_OPERATOR_GROUPS", Role::Operator),
    ("PULSE_VIEWER_GROUPS", Role::Viewer),
    ("PULSE_AUDITOR_GROUPS", Role::Auditor),
];

impl People {
    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Self {
        let trusted_proxies = TrustedProxies::read(layers, errors);
        Self {
            trusted_proxies,
            role_groups: role_groups(layers, errors),
            oidc: Oidc::read(layers, errors),
            sessions: SessionLimits::read(layers, errors),
        }
    }
}

fn role_groups(layers: &Layers, errors: &mut Vec<String>) -> RoleGroups {
    let mut groups = RoleGroups::default();
    for (name, role) in ROLES {
        let Some(given) = layers.get(name) else { continue };
        let named: BTreeSet<String> = words(&given.text);
        if named.is_empty() {
            errors.push(format!("{}: it names no group; write, for example, `sre,platform`", given.place));
        }
        groups.set(role, named);
    }
    groups
}

/// Words between commas.
fn words(text: &str) -> BTreeSet<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
