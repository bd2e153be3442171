//! Tokens of the API. A token's value is told once, when it is made; only its hash is kept.

use super::answers::{ApiTokenView, MadeApiToken, Page};
use super::body::Json as Body;
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{PageQuery, by_name};
use super::reply::{Created, NoContent};
use super::time::At;
use super::{App, Problem};
use crate::audit::Ticket;
use crate::clock;
use crate::identity::{counts, secret};
use axum::extract::State;
use axum::http::StatusCode;
use crd_schemas::Duration;
use pulse_core::Timestamp;
use pulse_core::access::{Role, Scope};
use pulse_store::{ApiToken, ApiTokenKind, TokenMade};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Characters of a name, and of a reason.
const MAX_NAME: usize = 63;
const MAX_REASON: usize = 1000;
/// Items of a scope.
const MAX_WORKFLOWS: usize = 1000;
/// The longest time that can be said.
const MAX_EXPIRES: Duration = Duration::from_secs(10 * 366 * 86_400);
/// How long a token for a person in need may live, and does unless said.
const MAX_BREAK_GLASS: Duration = Duration::from_secs(4 * 3600);
const BREAK_GLASS: Duration = Duration::from_secs(900);

/// What a token shall be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CreateApiToken")]
pub(super) struct Wanted {
    /// Its name: no other token ever has it.
    #[schemars(regex(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    name: String,
    /// Its roles, one at least.
    #[schemars(length(min = 1))]
    roles: BTreeSet<Role>,
    /// What it is good for, within its roles.
    #[serde(default)]
    scope: Scope,
    /// How long it counts; for ever unless said.
    #[serde(default)]
    expires: Option<Duration>,
    /// Why it is made.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    reason: Option<String>,
}

/// `POST /api/v1/tokens`.
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    ticket: Ticket,
    Body(wanted): Body<Wanted>,
) -> Result<Created<MadeApiToken>, Problem> {
    check(&wanted)?;
    check_roles(&caller, &wanted.roles)?;
    let now = clock::now();
    let token = ApiToken {
        id: Uuid::now_v7(),
        name: wanted.name,
        kind: ApiTokenKind::Api,
        secret_hash: String::new(),
        roles: wanted.roles,
        scope: wanted.scope,
        reason: wanted.reason,
        created_by: caller.by(),
        created_at: now,
        expires_at: wanted.expires.map(|after| now.plus(after)),
        revoked: None,
        last_used_at: None,
    };
    make(&app, &ticket, token).await
}

/// What a token for a person in need shall be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BreakGlass {
    /// Whose it is.
    #[schemars(regex(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    name: String,
    /// Why it is needed.
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
    /// How long it counts: 15 minutes unless said, at most 4 hours.
    #[serde(default = "break_glass")]
    expires: Duration,
}

fn break_glass() -> Duration {
    BREAK_GLASS
}

/// `POST /api/v1/tokens/break-glass`: what `pulse-controller break-glass` asks for, with the administrator's token.
pub(super) async fn break_the_glass(
    State(app): State<App>,
    caller: Caller,
    ticket: Ticket,
    Body(wanted): Body<BreakGlass>,
) -> Result<Created<MadeApiToken>, Problem> {
    check_name(&wanted.name)?;
    let reason = wanted.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Problem::parameter("reason", format!("say why, in at most {MAX_REASON} characters: it is kept")));
    }
    if wanted.expires < Duration::from_secs(1) || wanted.expires > MAX_BREAK_GLASS {
        return Err(Problem::parameter("expires", format!("it must be between 1s and {MAX_BREAK_GLASS}")));
    }
    let (id, now) = (Uuid::now_v7(), clock::now());
    // A name is never given twice, and a person may be in need twice.
    let name = format!("{}-{}", wanted.name, &id.as_simple().to_string()[..12]);
    tracing::warn!(name, reason, by = caller.by(), "a token that opens everything is made");
    let token = ApiToken {
        id,
        name,
        kind: ApiTokenKind::BreakGlass,
        secret_hash: String::new(),
        roles: BTreeSet::from([Role::Admin]),
        scope: Scope::default(),
        reason: Some(reason),
        created_by: caller.by(),
        created_at: now,
        expires_at: Some(now.plus(wanted.expires)),
        revoked: None,
        last_used_at: None,
    };
    make(&app, &ticket, token).await
}

async fn make(app: &App, ticket: &Ticket, mut token: ApiToken) -> Result<Created<MadeApiToken>, Problem> {
    let no_random = |error: secret::NoRandom| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_random", error.to_string());
    let value = secret::token(token.id, &secret::random().map_err(no_random)?);
    token.secret_hash = secret::hash(&value);
    let made = MadeApiToken { of: view(&token, token.created_at), token: value };
    ticket.on("token", token.id);
    ticket.say("name", token.name.as_str());
    ticket.say("roles", json!(token.roles));
    ticket.say("expiresAt", token.expires_at.map(|at| at.to_string()));
    token.reason.iter().for_each(|reason| ticket.say("reason", reason.as_str()));
    ticket.after(&kept(&token));
    match app.identity.create_token(token).await? {
        TokenMade::Made => Ok(Created(made)),
        TokenMade::NameTaken => {
            let problem = Problem::new(StatusCode::CONFLICT, "name_taken", "there is, or was, a token of this name");
            Err(problem.with_help("names are never given twice, so that a policy always means the same token: choose another"))
        }
    }
}

/// `GET /api/v1/tokens`: every token that was ever made, newest first.
pub(super) async fn list(
    State(app): State<App>,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Page<ApiTokenView>, Problem> {
    let now = clock::now();
    // Newest first is by what is left to the end of all ids.
    let key = |token: &ApiToken| format!("{:032x}", u128::MAX - token.id.as_u128());
    let all = app.identity.tokens().into_iter().map(|token| (key(&token), token)).collect();
    by_name(all, &query, |token| view(&token, now))
}

/// `DELETE /api/v1/tokens/{id}`: the token counts no more, and neither do the sessions that were begun with it.
pub(super) async fn revoke(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    ticket: Ticket,
) -> Result<NoContent, Problem> {
    let no_such = || Problem::not_found("no_such_token", "there is no such token");
    let id: Uuid = text.parse().map_err(|_| no_such())?;
    let find = || app.identity.tokens().into_iter().find(|token| token.id == id);
    let token = find().ok_or_else(no_such)?;
    ticket.say("name", token.name.as_str());
    ticket.before(&kept(&token));
    if !app.identity.revoke_token(id, &caller.by()).await? {
        ticket.unchanged();
    }
    find().iter().for_each(|token| ticket.after(&kept(token)));
    Ok(NoContent)
}

/// As the audit log digests it: without what changes with each use, and without what its secret could be told by.
fn kept(token: &ApiToken) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "kind": token.kind.as_str(),
        "roles": token.roles,
        "scope": token.scope,
        "reason": token.reason,
        "createdBy": token.created_by,
        "createdAt": token.created_at,
        "expiresAt": token.expires_at,
        "revoked": token.revoked,
    })
}

fn check(wanted: &Wanted) -> Result<(), Problem> {
    check_name(&wanted.name)?;
    if wanted.roles.is_empty() {
        return Err(Problem::parameter("roles", "name one at least: admin, operator, viewer, auditor"));
    }
    if let Some(expires) = wanted.expires
        && (expires < Duration::from_secs(1) || expires > MAX_EXPIRES)
    {
        return Err(Problem::parameter("expires", format!("it must be between 1s and {MAX_EXPIRES}")));
    }
    if wanted.reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_REASON) {
        return Err(Problem::parameter("reason", format!("at most {MAX_REASON} characters")));
    }
    if wanted.scope.workflows.len() > MAX_WORKFLOWS {
        return Err(Problem::parameter("scope", format!("at most {MAX_WORKFLOWS} workflows")));
    }
    match wanted.scope.invalid_workflows().next() {
        Some(item) => {
            let shown: String = item.chars().take(80).collect();
            Err(Problem::parameter("scope", format!("`{shown}` is neither a workflow's name nor labels such as `team=infra`")))
        }
        None => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), Problem> {
    if name.len() <= MAX_NAME && crd_schemas::is_name(name) {
        return Ok(());
    }
    Err(Problem::parameter("name", crd_schemas::NAME_FORM))
}

/// Nobody makes a token that may do more than they.
fn check_roles(caller: &Caller, roles: &BTreeSet<Role>) -> Result<(), Problem> {
    let verbs = pulse_core::access::Verb::ALL;
    let beyond = verbs.into_iter().find(|verb| roles.iter().any(|role| role.has(*verb)) && caller.could(*verb).is_err());
    match beyond {
        None => Ok(()),
        Some(verb) => {
            let said = format!("the token could `{}`, and you cannot", verb.as_str());
            Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", said).with_help("give it a role that has no more than your own"))
        }
    }
}

fn view(token: &ApiToken, now: Timestamp) -> ApiTokenView {
    let revoked = token.revoked.as_ref();
    ApiTokenView {
        id: token.id,
        name: token.name.clone(),
        kind: token.kind.as_str(),
        prefix: format!("{}{}", secret::TOKEN_PREFIX, &token.id.as_simple().to_string()[..12]),
        status: if revoked.is_some() {
            "revoked"
        } else if counts(token, now) {
            "active"
        } else {
            "expired"
        },
        roles: token.roles.clone(),
        scope: token.scope.clone(),
        reason: token.reason.clone(),
        created_by: token.created_by.clone(),
        created_at: token.created_at.into(),
        expires_at: token.expires_at.map(At),
        revoked_at: revoked.map(|(at, _)| At(*at)),
        revoked_by: revoked.map(|(_, by)| by.clone()),
        last_used_at: token.last_used_at.map(At),
    }
}
