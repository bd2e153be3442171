//! Agents: what is declared of them and how they are, their session, their end.

pub(super) mod lifecycle;

use super::answers::{AgentAttempt, AgentView, Enrolled, EnrolledStatus, NotEnrolled, ObservedAgent, Page};
use super::extract::{Parameters, Segment};
use super::list::{PageQuery, by_name};
use super::reply::{AgentSession, NoContent, Object};
use super::workflows::{Commits, observed_commits, origin, readable};
use super::{App, Problem};
use crate::agents::{AgentStatus, session as agent_session};
use crate::audit::Ticket;
use crate::clock;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, StatusCode};
use crd_schemas::manifest::{AgentSpec, Metadata};
use crd_schemas::{Kind, Manifest};
use pulse_protocol::AgentName;
use pulse_store::Definition;
use serde_json::json;
use std::collections::BTreeMap;

/// What is declared of an agent, and what is observed.
type Known = (Option<Definition>, Option<AgentStatus>);

/// `GET /api/v1/agents`: every agent that was ever enrolled or is declared.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<PageQuery>) -> Result<Page<AgentView>, Problem> {
    let commits = observed_commits(&app).await?;
    let mut declared = declared(&app).await?;
    let enrolled = app.engine.fleet().list(clock::now());
    let mut all: Vec<(String, Known)> = Vec::new();
    for agent in enrolled {
        let name = agent.name.to_string();
        let definition = declared.remove(&name);
        all.push((name, (definition, Some(agent))));
    }
    all.extend(declared.into_iter().map(|(name, definition)| (name, (Some(definition), None))));
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    let shown = |(definition, agent): Known| view(definition.as_ref(), agent.as_ref(), &commits);
    by_name(all, &query, shown)
}

/// `GET /api/v1/agents/{name}`.
pub(super) async fn one(State(app): State<App>, Segment(name): Segment) -> Result<Object<AgentView>, Problem> {
    seen(&app, &name).await.map(Object)
}

/// What is known of one.
async fn seen(app: &App, name: &str) -> Result<AgentView, Problem> {
    let definition = declared(app).await?.remove(name);
    let agent = name.parse().ok().and_then(|name: AgentName| app.engine.fleet().get(&name, clock::now()));
    if definition.is_none() && agent.is_none() {
        return Err(no_such_agent(name));
    }
    Ok(view(definition.as_ref(), agent.as_ref(), &observed_commits(app).await?))
}

/// `DELETE /api/v1/agents/{name}`: lets it in no more. Its history stays, and so does its name until it is enrolled anew.
pub(super) async fn revoke(State(app): State<App>, Segment(name): Segment, ticket: Ticket) -> Result<NoContent, Problem> {
    let agent: AgentName = name.parse().map_err(|_| no_such_agent(&name))?;
    let revoked = app.engine.store().revoke_agent(&agent, clock::now()).await?;
    match revoked {
        true => ticket.before(&json!({ "name": agent, "revoked": false })),
        false => ticket.unchanged(),
    }
    ticket.after(&json!({ "name": agent, "revoked": true }));
    if !revoked && app.engine.store().agent(&agent).await?.is_none() {
        return Err(no_such_agent(&name));
    }
    // The database first: whatever happens from here on, it does not come back.
    app.engine.agent_revoked(&agent);
    Ok(NoContent)
}

/// `GET /api/v1/agents/session`: an agent's WebSocket. It proves who it is by the challenge.
pub(super) async fn session(
    State(app): State<App>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<AgentSession, Problem> {
    let upgrade = upgrade.map_err(|rejection| not_a_websocket(&rejection))?;
    Ok(AgentSession(agent_session::upgrade(app.engine.clone(), &headers, upgrade)))
}

/// A plain request where a WebSocket is spoken.
pub(super) fn not_a_websocket(rejection: &WebSocketUpgradeRejection) -> Problem {
    Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket_required", format!("this is a WebSocket: {}", rejection.body_text()))
}

fn no_such_agent(name: &str) -> Problem {
    Problem::not_found("no_such_agent", format!("there is no agent `{name}`"))
}

async fn declared(app: &App) -> Result<BTreeMap<String, Definition>, Problem> {
    let rows = app.engine.store().definitions(Kind::Agent).await?;
    Ok(readable(rows).map(|definition| (definition.manifest.metadata().name.clone(), definition)).collect())
}

/// What is declared (nothing but the name where it is enrolled only) and what is observed (nothing where it is declared only).
fn view(definition: Option<&Definition>, agent: Option<&AgentStatus>, commits: &Commits) -> AgentView {
    let not_enrolled = EnrolledStatus::NotEnrolled { state: NotEnrolled::NotEnrolled };
    let observed = agent.map_or(not_enrolled, |agent| EnrolledStatus::Enrolled(Box::new(of_agent(agent))));
    let status = ObservedAgent { origin: definition.map(|definition| origin(definition, commits)), observed };
    match definition.map(|definition| &definition.manifest) {
        Some(Manifest::Agent(declared)) => AgentView::new(declared.metadata.clone(), declared.spec.clone(), status),
        _ => {
            let name = agent.map_or_else(String::new, |agent| agent.name.to_string());
            AgentView::new(Metadata { name, ..Metadata::default() }, AgentSpec::default(), status)
        }
    }
}

fn of_agent(agent: &AgentStatus) -> Enrolled {
    let attempts = agent.open.iter().map(|&(attempt, execution)| AgentAttempt { attempt, execution });
    Enrolled {
        state: agent.state.as_str(),
        reason: agent.reason.clone(),
        cordon: agent.cordon.as_ref().map(|cordon| lifecycle::view(cordon, agent)),
        labels: (*agent.labels).clone(),
        vars: agent.vars.clone(),
        facts: (*agent.facts).clone(),
        release: agent.release.clone(),
        slots: agent.slots,
        slots_taken: agent.slots_taken,
        attempts: attempts.collect(),
        vitals: agent.vitals.clone(),
        last_seen: agent.last_seen.into(),
        enrolled_at: agent.enrolled_at.into(),
    }
}
