//! What people do to agents beside revoking them: a host that was installed anew takes its name again, one that is to be worked on gets
//! nothing more.

use super::super::answers::{AgentView, CordonView, MadeToken};
use super::super::body::Json as Body;
use super::super::caller::Caller;
use super::super::extract::Segment;
use super::super::pauses::{may_hold, reason};
use super::super::reply::Created;
use super::super::tokens::{an_hour, authority_of, check_expires, keep, make, may_enrol, told};
use super::super::{App, Problem};
use super::{no_such_agent, seen};
use crate::agents::AgentStatus;
use crate::audit::Ticket;
use crate::clock;
use axum::extract::State;
use axum::response::Json;
use crd_schemas::Duration;
use pulse_core::pause::{Pause, PauseScope};
use pulse_protocol::AgentName;
use pulse_store::PauseRow;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// How long the token shall work.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReplaceAgent")]
pub(in crate::api) struct Replacement {
    /// How long the token holds, at most 90 days.
    #[serde(default = "an_hour")]
    expires: Duration,
}

/// `POST /api/v1/agents/{name}/replace`: a token for this name, whose first use ends what the name stood for until then. It has the
/// labels that the agent got at its enrolment.
pub(in crate::api) async fn replace(
    State(app): State<App>,
    Segment(name): Segment,
    caller: Caller,
    ticket: Ticket,
    Body(wanted): Body<Replacement>,
) -> Result<Created<MadeToken>, Problem> {
    may_enrol(&app)?;
    check_expires(wanted.expires)?;
    let known = match name.parse::<AgentName>() {
        Ok(name) => app.engine.store().agent(&name).await?,
        Err(_) => None,
    };
    let known = known.ok_or_else(|| no_such_agent(&name).with_help("an agent that never enrolled needs `pulse agents token`"))?;
    let mut made = make(caller.by(), 1, clock::now().plus(wanted.expires), authority_of(&app))?;
    (made.row.names, made.row.labels) = (vec![known.name], known.token_labels);
    made.row.replaces = Some(known.enrolled_at);
    keep(&app, &ticket, &made.row).await?;
    Ok(Created(told(&app, made)))
}

/// Why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "HoldAgent")]
pub(in crate::api) struct Why {
    /// Why, as whoever waits will read it.
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
}

/// `POST /api/v1/agents/{name}/cordon` and `/drain`: it starts nothing new, and what it runs goes on. A cordon is a pause of this one agent
/// that nobody's time ends; whoever drains looks for `drained` in what is answered, and then in `GET`.
pub(in crate::api) async fn cordon(
    State(app): State<App>,
    Segment(name): Segment,
    caller: Caller,
    ticket: Ticket,
    Body(why): Body<Why>,
) -> Result<Json<AgentView>, Problem> {
    let scope = PauseScope::Agent(name.clone());
    may_hold(&app, &caller, &scope)?;
    let reason = reason(&why.reason)?;
    let agent = enrolled(&app, &name)?;
    ticket.say("reason", reason.as_str());
    if !cordons(&app, &agent).is_empty() {
        ticket.unchanged();
    } else {
        let created_at = clock::now();
        let (id, created_by) = (Uuid::now_v7(), caller.by());
        app.engine.pause(PauseRow { id, scope, reason, created_by, created_at, expires_at: None, ended: None }).await?;
        note(&ticket, &agent, true);
    }
    seen(&app, &name).await.map(Json)
}

/// `POST /api/v1/agents/{name}/uncordon`.
pub(in crate::api) async fn uncordon(
    State(app): State<App>,
    Segment(name): Segment,
    caller: Caller,
    ticket: Ticket,
) -> Result<Json<AgentView>, Problem> {
    may_hold(&app, &caller, &PauseScope::Agent(name.clone()))?;
    let agent = enrolled(&app, &name)?;
    let cordons = cordons(&app, &agent);
    match cordons.is_empty() {
        true => ticket.unchanged(),
        false => note(&ticket, &agent, false),
    }
    for cordon in cordons {
        app.engine.end_pause(cordon, caller.by()).await?;
    }
    seen(&app, &name).await.map(Json)
}

/// What changed, for the audit log.
fn note(ticket: &Ticket, agent: &AgentName, is_cordoned: bool) {
    let state = |is_cordoned: bool| json!({ "name": agent, "cordoned": is_cordoned });
    ticket.before(&state(!is_cordoned));
    ticket.after(&state(is_cordoned));
}

fn enrolled(app: &App, name: &str) -> Result<AgentName, Problem> {
    let agent = name.parse::<AgentName>().ok().filter(|name| app.engine.fleet().get(name, clock::now()).is_some());
    agent.ok_or_else(|| {
        no_such_agent(name).with_help("only an agent that has enrolled; `pulse pause agent/NAME` holds others, too")
    })
}

/// The pauses that hold this agent and nothing else.
fn cordons(app: &App, agent: &AgentName) -> Vec<Uuid> {
    let now = clock::now();
    let held = app.engine.pauses().into_iter().filter(|pause| pause.is_active(now) && pause.is_cordon_of(agent));
    held.filter_map(|pause| pause.id.parse().ok()).collect()
}

/// A cordon as the agent shows it. `drained`: nothing is left that the agent might still be running.
pub(super) fn view(cordon: &Pause, agent: &AgentStatus) -> CordonView {
    CordonView {
        pause: cordon.id.clone(),
        reason: cordon.reason.clone(),
        by: cordon.by.clone(),
        since: cordon.since.into(),
        drained: agent.is_drained(),
    }
}
