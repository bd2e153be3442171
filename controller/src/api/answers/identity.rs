//! Who somebody is: sessions, tokens of the API, people.

use super::super::time::At;
use super::words;
use pulse_core::access::{Kind, Role, Scope, Verb};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Who calls, and what they may do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(in crate::api) struct SessionView {
    /// Who.
    pub(in crate::api) principal: PrincipalView,
    /// What a page shows with each change as `X-Pulse-Csrf`; `null` where nothing needs it.
    pub(in crate::api) csrf: Option<String>,
    /// What they may do to something at least.
    pub(in crate::api) rights: Vec<Verb>,
    /// Where people sign in.
    pub(in crate::api) providers: Vec<ProviderView>,
}

/// Where people sign in.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Provider")]
pub(in crate::api) struct ProviderView {
    /// `oidc`.
    pub(in crate::api) kind: &'static str,
    /// What to write on the button.
    pub(in crate::api) name: String,
    /// Where the browser goes; `?returnTo=` says to which path it comes back.
    pub(in crate::api) url: &'static str,
    /// Where the browser ends its session there, too, once it is ended here.
    pub(in crate::api) sign_out_url: Option<String>,
}

/// Who somebody is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Principal")]
pub(in crate::api) struct PrincipalView {
    /// How histories name them.
    pub(in crate::api) name: String,
    /// What people call them.
    pub(in crate::api) display_name: Option<String>,
    /// Where mail reaches them.
    pub(in crate::api) email: Option<String>,
    /// Their groups.
    pub(in crate::api) groups: BTreeSet<String>,
    /// Their roles.
    pub(in crate::api) roles: BTreeSet<Role>,
    /// What they came in as.
    pub(in crate::api) kind: Kind,
    /// How they came in.
    #[schemars(with = "words::Means")]
    pub(in crate::api) means: &'static str,
}

/// A token of the API, without its value.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ApiToken")]
pub(in crate::api) struct ApiTokenView {
    /// Its id.
    pub(in crate::api) id: Uuid,
    /// Its name, given once.
    pub(in crate::api) name: String,
    /// For machines, or for a person in need.
    #[schemars(with = "words::ApiTokenKind")]
    pub(in crate::api) kind: &'static str,
    /// What its value begins with.
    pub(in crate::api) prefix: String,
    /// Whether it counts.
    #[schemars(with = "words::ApiTokenStatus")]
    pub(in crate::api) status: &'static str,
    /// Its roles.
    pub(in crate::api) roles: BTreeSet<Role>,
    /// What it is good for, within its roles.
    pub(in crate::api) scope: Scope,
    /// Why it was made.
    pub(in crate::api) reason: Option<String>,
    /// Who made it.
    pub(in crate::api) created_by: String,
    /// When.
    pub(in crate::api) created_at: At,
    /// Until when it counts; for ever where that is `null`.
    pub(in crate::api) expires_at: Option<At>,
    /// When it was revoked.
    pub(in crate::api) revoked_at: Option<At>,
    /// Who did.
    pub(in crate::api) revoked_by: Option<String>,
    /// When it was used last, to the minute.
    pub(in crate::api) last_used_at: Option<At>,
}

/// A token of the API that was just made; its value is never told again.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "CreatedApiToken")]
pub(in crate::api) struct MadeApiToken {
    /// The token.
    #[serde(flatten)]
    pub(in crate::api) of: ApiTokenView,
    /// Its value.
    pub(in crate::api) token: String,
}

/// Somebody, as their identity provider said them last.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "User")]
pub(in crate::api) struct UserView {
    /// Their name.
    pub(in crate::api) name: String,
    /// What people call them.
    pub(in crate::api) display_name: Option<String>,
    /// Where mail reaches them.
    pub(in crate::api) email: Option<String>,
    /// Their groups.
    pub(in crate::api) groups: BTreeSet<String>,
    /// Who vouches for them.
    pub(in crate::api) provider: String,
    /// When they came first.
    pub(in crate::api) first_seen_at: At,
    /// When they came last, to some minutes.
    pub(in crate::api) last_seen_at: At,
}
