//! Live agent groups and who belongs to them now.

use super::extract::Parameters;
use super::list::{PageQuery, by_name};
use super::workflows::{manifest, observed_commit, origin, readable};
use super::{App, Problem};
use axum::extract::State;
use axum::response::Json;
use crd_schemas::manifest::AgentGroupSpec;
use crd_schemas::{Kind, Manifest};
use pulse_core::decide::Presence;
use pulse_core::selector::{Inventory, KnownAgent, resolve};
use pulse_store::Definition;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `GET /api/v1/groups`.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<PageQuery>) -> Result<Json<Value>, Problem> {
    let commit = observed_commit(&app).await?;
    let definitions: Vec<_> = readable(app.engine.store().definitions(Kind::AgentGroup).await?).collect();
    let groups = definitions.iter().filter_map(|definition| match &definition.manifest {
        Manifest::AgentGroup(group) => Some((group.metadata.name.clone(), group.spec.clone())),
        _ => None,
    });
    let inventory = inventory(&app, groups.collect());
    let all = definitions.iter().map(|definition| (definition.manifest.metadata().name.clone(), definition));
    Ok(Json(by_name(all.collect(), &query, |definition| view(definition, &commit, &inventory))?))
}

fn view(definition: &Definition, commit: &Option<String>, inventory: &Inventory) -> Value {
    let mut status = origin(definition, commit);
    match resolve(std::slice::from_ref(&definition.manifest.metadata().name), None, inventory) {
        Ok(members) => status["members"] = json!(members),
        Err(error) => {
            status["members"] = json!([]);
            status["message"] = json!(error.to_string());
        }
    }
    manifest(&definition.manifest, status)
}

fn inventory(app: &App, groups: BTreeMap<String, AgentGroupSpec>) -> Inventory {
    let fleet = app.engine.fleet().lock();
    let agents = fleet.inventory().map(|(name, view)| KnownAgent {
        name: name.clone(),
        labels: view.value.labels.clone(),
        revoked: view.presence == Presence::Revoked,
    });
    Inventory { agents: agents.collect(), groups }
}
