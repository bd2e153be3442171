//! Somebody who has come in.

use super::Claimed;
use pulse_core::access::{Kind, Role, RoleGroups, Scope, Subject};
use pulse_store::{ApiToken, ApiTokenKind};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The name under which the administrator's token acts.
const ADMIN: &str = "admin";

/// By what somebody has come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// The administrator's token.
    AdminToken,
    /// A token of the API, or one for a person in need.
    ApiToken(Uuid),
    /// The headers of a trusted proxy.
    Proxy,
    /// An issuer of OpenID Connect.
    Oidc,
}

impl Means {
    /// Its stable word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AdminToken => "admin_token",
            Self::ApiToken(_) => "api_token",
            Self::Proxy => "proxy",
            Self::Oidc => "oidc",
        }
    }
}

/// Somebody who has come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// As rules see them.
    pub subject: Subject,
    /// What people call them.
    pub display_name: Option<String>,
    /// Where mail reaches them.
    pub email: Option<String>,
    /// How they came in.
    pub means: Means,
    /// What a page of ours shows with each change, where the browser brings by itself what they came in with.
    pub csrf: Option<String>,
}

impl Principal {
    /// Whoever has the administrator's token.
    pub fn admin() -> Self {
        let (name, roles) = (ADMIN.to_owned(), BTreeSet::from([Role::Admin]));
        let subject = Subject { kind: Kind::Root, name, groups: BTreeSet::new(), roles, scope: Scope::default() };
        Self::of(subject, Means::AdminToken)
    }

    /// Whoever has a token.
    pub fn token(token: ApiToken) -> Self {
        let (name, means) = (token.name, Means::ApiToken(token.id));
        let (kind, name) = match token.kind {
            ApiTokenKind::Api => (Kind::Token, name),
            ApiTokenKind::BreakGlass => (Kind::Root, format!("break-glass:{name}")),
        };
        Self::of(Subject { kind, name, groups: BTreeSet::new(), roles: token.roles, scope: token.scope }, means)
    }

    /// A person for whom somebody vouches.
    pub fn person(claimed: Claimed, groups: &RoleGroups, means: Means) -> Self {
        let Claimed { name, display_name, email, groups: of } = claimed;
        let roles = groups.roles(&of);
        let subject = Subject { kind: Kind::User, name, groups: of, roles, scope: Scope::default() };
        Self { display_name, email, ..Self::of(subject, means) }
    }

    fn of(subject: Subject, means: Means) -> Self {
        Self { subject, display_name: None, email: None, means, csrf: None }
    }

    /// How histories name them. A person cannot be taken for a token, nor for the administrator's.
    pub fn by(&self) -> String {
        let name = &self.subject.name;
        match self.subject.kind {
            Kind::Root => name.clone(),
            Kind::Token => format!("token:{name}"),
            Kind::User if name == ADMIN || name.contains(':') => format!("user:{name}"),
            Kind::User => name.clone(),
        }
    }
}
