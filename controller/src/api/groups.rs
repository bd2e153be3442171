//! Live agent groups and who belongs to them now.

use super::extract::Parameters;
use super::list::{PageQuery, by_name, key};
use super::workflows::{Commits, manifest, observed_commits, origin, readable};
use super::{App, Problem};
use axum::extract::State;
use axum::response::Json;
use crd_schemas::{Kind, Manifest};
use pulse_core::decide::Presence;
use pulse_core::selector::{Inventory, KnownAgent, resolve};
use pulse_store::Definition;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `GET /api/v1/groups`.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<PageQuery>) -> Result<Json<Value>, Problem> {
    let commits = observed_commits(&app).await?;
    let definitions: Vec<_> = readable(app.engine.store().definitions(Kind::AgentGroup).await?).collect();
    let inventories = inventories(&app, &definitions);
    let all = definitions.iter().map(|definition| (key(definition), definition));
    Ok(Json(by_name(all.collect(), &query, |definition| view(definition, &commits, &inventories))?))
}

fn view(definition: &Definition, commits: &Commits, inventories: &BTreeMap<&str, Inventory>) -> Value {
    let mut status = origin(definition, commits);
    let name = std::slice::from_ref(&definition.manifest.metadata().name);
    match inventories.get(definition.source.as_str()).map(|inventory| resolve(name, None, inventory)) {
        Some(Ok(members)) => status["members"] = json!(members),
        failed => {
            status["members"] = json!([]);
            status["message"] = json!(failed.and_then(Result::err).map(|error| error.to_string()));
        }
    }
    manifest(&definition.manifest, status)
}

/// The agents, with the groups of each source: two sources may have groups of the same name.
fn inventories<'a>(app: &App, definitions: &'a [Definition]) -> BTreeMap<&'a str, Inventory> {
    let fleet = app.engine.fleet().lock();
    let agents: Vec<_> = fleet
        .inventory()
        .map(|(name, view)| KnownAgent {
            name: name.clone(),
            labels: view.value.labels.clone(),
            revoked: view.presence == Presence::Revoked,
        })
        .collect();
    drop(fleet);
    let mut inventories: BTreeMap<&str, Inventory> = BTreeMap::new();
    for definition in definitions {
        let Manifest::AgentGroup(group) = &definition.manifest else { continue };
        let empty = || Inventory { agents: agents.clone(), groups: BTreeMap::new() };
        let inventory = inventories.entry(definition.source.as_str()).or_insert_with(empty);
        inventory.groups.insert(group.metadata.name.clone(), group.spec.clone());
    }
    inventories
}
