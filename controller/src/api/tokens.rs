//! Enrolment tokens. A token's value is told once, when it is made; only its hash is kept.

use super::answers::{MadeToken, Page, TokenView};
use super::body::Json as Body;
use super::caller::Caller;
use super::extract::Parameters;
use super::list::{PageQuery, by_name};
use super::reply::Created;
use super::{App, Problem};
use crate::agents::token;
use crate::audit::Ticket;
use crate::clock;
use axum::extract::State;
use axum::http::StatusCode;
use crd_schemas::Duration;
use pulse_core::Timestamp;
use pulse_protocol::AgentName;
use pulse_protocol::token::{Fingerprint, compose};
use pulse_store::{NewToken, Token};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Uses and names of one token.
const MAX_USES: u32 = 10_000;
/// How long a token may live.
const MAX_LIFE: Duration = Duration::from_secs(90 * 86_400);

/// What a caller wants.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateToken")]
pub(super) struct Wanted {
    /// How many agents it lets in.
    #[serde(default = "once")]
    #[schemars(range(min = 1, max = 10000))]
    uses: u32,
    /// How long it holds, at most 90 days.
    #[serde(default = "an_hour")]
    expires: Duration,
    /// Labels that it gives its agents.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// The names that it lets in; any unless said.
    #[serde(default)]
    names: Vec<AgentName>,
}

fn once() -> u32 {
    1
}

pub(super) fn an_hour() -> Duration {
    Duration::from_secs(3600)
}

/// A token with its value, the only time that it is known.
pub(crate) struct Made {
    /// The value.
    pub(crate) token: String,
    /// Everything else of it.
    pub(crate) row: NewToken,
}

/// `POST /api/v1/agents/tokens`.
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    ticket: Ticket,
    Body(wanted): Body<Wanted>,
) -> Result<Created<MadeToken>, Problem> {
    may_enrol(&app)?;
    check(&wanted)?;
    let mut made = make(caller.by(), wanted.uses, clock::now().plus(wanted.expires), authority_of(&app))?;
    (made.row.labels, made.row.names) = (wanted.labels, wanted.names);
    keep(&app, &ticket, &made.row).await?;
    Ok(Created(told(&app, made)))
}

/// Keeps a token, and says so in the audit log.
pub(super) async fn keep(app: &App, ticket: &Ticket, row: &NewToken) -> Result<(), Problem> {
    ticket.on("enrolment-token", row.id);
    ticket.say("uses", row.uses);
    ticket.say("expiresAt", row.expires_at.to_string());
    ticket.say("labels", json!(row.labels));
    ticket.say("names", json!(row.names));
    app.engine.store().create_token(row).await?;
    let kept = json!({ "id": row.id, "uses": row.uses, "expiresAt": row.expires_at, "labels": row.labels, "names": row.names });
    ticket.after(&kept);
    Ok(())
}

/// In `dev` nobody enrols but its own agent.
pub(super) fn may_enrol(app: &App) -> Result<(), Problem> {
    if !app.enrolment {
        let detail = "`pulse-controller dev` has its one local agent, and no other agent enrols";
        return Err(Problem::new(StatusCode::FORBIDDEN, "enrolment_closed", detail).with_help("serve without `dev` for a fleet"));
    }
    Ok(())
}

/// What tokens say of whom to trust.
pub(super) fn authority_of(app: &App) -> Option<Fingerprint> {
    app.trust.as_ref().map(|trust| trust.fingerprint)
}

/// The answer that shows a token, the only one.
pub(super) fn told(app: &App, made: Made) -> MadeToken {
    let Made { token, row } = made;
    MadeToken {
        id: row.id,
        token,
        uses: row.uses,
        expires_at: row.expires_at.into(),
        labels: row.labels,
        names: row.names,
        server: app.url.to_string(),
    }
}

/// `GET /api/v1/agents/tokens`.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<PageQuery>) -> Result<Page<TokenView>, Problem> {
    let mut all = Vec::new();
    for row in app.engine.store().tokens().await? {
        match row {
            Ok(token) => all.push((token.id.to_string(), token)),
            Err(error) => tracing::error!(%error, "a token cannot be read"),
        }
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    by_name(all, &query, view)
}

/// A fresh token: its id, 32 random bytes as its secret, and whom its agent shall trust where that is our own authority.
pub(crate) fn make(by: String, uses: u32, expires_at: Timestamp, authority: Option<Fingerprint>) -> Result<Made, Problem> {
    let no_random = |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_random", "the system has no random bytes to give");
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(no_random)?;
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let id = Uuid::now_v7();
    let token = compose(&id.as_simple().to_string(), &secret, authority);
    let row = NewToken {
        id,
        secret_hash: token::hash(&token),
        uses,
        expires_at,
        labels: BTreeMap::new(),
        names: Vec::new(),
        replaces: None,
        created_by: by,
        created_at: clock::now(),
    };
    Ok(Made { token, row })
}

fn check(wanted: &Wanted) -> Result<(), Problem> {
    if !(1..=MAX_USES).contains(&wanted.uses) {
        return Err(Problem::parameter("uses", format!("it must be between 1 and {MAX_USES}")));
    }
    check_expires(wanted.expires)?;
    if wanted.names.len() > MAX_USES as usize {
        return Err(Problem::parameter("names", format!("at most {MAX_USES}")));
    }
    for (key, value) in &wanted.labels {
        check_label(key, value).map_err(|why| Problem::parameter("labels", why))?;
    }
    Ok(())
}

/// How long a token may work.
pub(super) fn check_expires(expires: Duration) -> Result<(), Problem> {
    if expires.as_millis() == 0 || expires > MAX_LIFE {
        return Err(Problem::parameter("expires", format!("it must be longer than 0s and at most {MAX_LIFE}")));
    }
    Ok(())
}

/// What a selector could never name would be accepted and useless.
fn check_label(key: &str, value: &str) -> Result<(), String> {
    if key.starts_with("self/") {
        return Err(format!("`{key}`: `self/` is for what an agent says of itself"));
    }
    if key.contains(',') || value.contains(',') {
        return Err(format!("`{key}={value}`: neither may hold a comma"));
    }
    let parsed = format!("{key}={value}").parse::<pulse_core::selector::Selector>();
    parsed.map(drop).map_err(|error| error.to_string())
}

fn view(token: Token) -> TokenView {
    TokenView {
        id: token.id,
        uses_left: token.uses_left,
        expires_at: token.expires_at.into(),
        labels: token.labels,
        names: token.names,
        replaces: token.replaces.is_some(),
        created_by: token.created_by,
        created_at: token.created_at.into(),
    }
}
