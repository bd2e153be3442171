//! Whoever calls, with the policies that were live when the request came in.

use super::{App, Problem};
use crate::identity::Principal;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use pulse_core::access::{Access, Denied, Kind, Object, Verb};
use std::sync::Arc;

/// Whoever calls a route that is not open.
#[derive(Clone)]
pub(super) struct Caller {
    principal: Arc<Principal>,
    access: Arc<Access>,
}

impl Caller {
    pub(super) fn new(principal: Arc<Principal>, access: Arc<Access>) -> Self {
        Self { principal, access }
    }

    /// How histories name them.
    pub(super) fn by(&self) -> String {
        self.principal.by()
    }

    /// Who they are.
    pub(super) fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// Refuses what they may not do to something that they see.
    pub(super) fn may(&self, verb: Verb, object: &Object) -> Result<(), Problem> {
        self.judge(verb, object).map_err(forbidden)
    }

    /// The same for whoever says the refusal in other words.
    pub(super) fn judge(&self, verb: Verb, object: &Object) -> Result<(), Denied> {
        self.access.decide(&self.principal.subject, verb, object)
    }

    /// Refuses what they may not do to every single thing that there is.
    pub(super) fn may_all(&self, verb: Verb) -> Result<(), Problem> {
        self.access.decide_all(&self.principal.subject, verb).map_err(forbidden)
    }

    /// Whether they may do something to anything at all.
    pub(super) fn could(&self, verb: Verb) -> Result<(), Problem> {
        self.access.could(&self.principal.subject, verb).map_err(forbidden)
    }

    /// Refuses whoever did not come with the administrator's own token.
    pub(super) fn is_root(&self) -> Result<(), Problem> {
        match self.principal.subject.kind {
            Kind::Root => Ok(()),
            Kind::User | Kind::Token => {
                Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "this needs the administrator's own token"))
            }
        }
    }

    /// Whether they see something. What they do not see does not exist for them.
    pub(super) fn sees(&self, object: &Object) -> bool {
        self.access.decide(&self.principal.subject, Verb::View, object).is_ok()
    }
}

/// Somebody is known and may not.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` calls")]
fn forbidden(denied: Denied) -> Problem {
    let problem = Problem::new(StatusCode::FORBIDDEN, "forbidden", denied.to_string());
    problem.with_help("ask whoever administers PULSE for a role or an AccessPolicy")
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        // The layer puts it in for every route that is not open; a handler of an open one that asks for it is a mistake of ours.
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "this needs to know who you are"))
    }
}
