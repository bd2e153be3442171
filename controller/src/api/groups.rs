//! Live agent groups and who belongs to them now.

use super::answers::{AgentGroupStatus, AgentGroupView, Page};
use super::extract::Parameters;
use super::list::{PageQuery, by_name, key};
use super::workflows::{Commits, observed_commits, origin, readable};
use super::{App, Problem};
use axum::extract::State;
use crd_schemas::manifest::AgentGroup;
use crd_schemas::{Kind, Manifest};
use pulse_core::decide::Presence;
use pulse_core::selector::{Inventory, KnownAgent, resolve};
use pulse_store::Definition;
use std::collections::BTreeMap;

/// `GET /api/v1/groups`.
pub(super) async fn list(
    State(app): State<App>,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Page<AgentGroupView>, Problem> {
    let commits = observed_commits(&app).await?;
    let definitions: Vec<_> = readable(app.engine.store().definitions(Kind::AgentGroup).await?).collect();
    let inventories = inventories(&app, &definitions);
    let all = definitions.iter().filter_map(|definition| Some((key(definition), (definition, group(definition)?))));
    by_name(all.collect(), &query, |(definition, group)| view(definition, group, &commits, &inventories))
}

fn group(definition: &Definition) -> Option<&AgentGroup> {
    if let Manifest::AgentGroup(group) = &definition.manifest { Some(group) } else { None }
}

fn view(
    definition: &Definition,
    group: &AgentGroup,
    commits: &Commits,
    inventories: &BTreeMap<&str, Inventory>,
) -> AgentGroupView {
    let name = std::slice::from_ref(&group.metadata.name);
    let resolved = inventories.get(definition.source.as_str()).map(|inventory| resolve(name, None, inventory));
    let (members, message) = match resolved {
        Some(Ok(members)) => (members, None),
        failed => (Vec::new(), Some(failed.and_then(Result::err).map(|error| error.to_string()))),
    };
    let status = AgentGroupStatus { origin: origin(definition, commits), members, message };
    AgentGroupView::new(group.metadata.clone(), group.spec.clone(), status)
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
        let Some(group) = group(definition) else { continue };
        let empty = || Inventory { agents: agents.clone(), groups: BTreeMap::new() };
        let inventory = inventories.entry(definition.source.as_str()).or_insert_with(empty);
        inventory.groups.insert(group.metadata.name.clone(), group.spec.clone());
    }
    inventories
}
