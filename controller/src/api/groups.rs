//! Live agent groups and who belongs to them now.

use super::answers::{AgentGroupStatus, AgentGroupView, Page};
use super::extract::Parameters;
use super::list::{PageQuery, by_name, key};
use super::workflows::{Commits, observed_commits, origin, readable};
use super::{App, Problem};
use axum::extract::State;
use crd_schemas::manifest::{AgentGroup, AgentGroupSpec};
use crd_schemas::{Kind, Manifest};
use pulse_core::selector::{Agents, Inventory, resolve};
use pulse_store::Definition;
use std::collections::BTreeMap;

/// Groups by name.
type Groups = BTreeMap<String, AgentGroupSpec>;

/// `GET /api/v1/groups`.
pub(super) async fn list(
    State(app): State<App>,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Page<AgentGroupView>, Problem> {
    let commits = observed_commits(&app).await?;
    let definitions: Vec<_> = readable(app.engine.store().definitions(Kind::AgentGroup).await?).collect();
    let groups = by_source(&definitions);
    let fleet = app.engine.fleet().lock();
    let all = definitions.iter().filter_map(|definition| Some((key(definition), (definition, group(definition)?))));
    by_name(all.collect(), &query, |(definition, group)| view(definition, group, &commits, (&*fleet, &groups)))
}

fn group(definition: &Definition) -> Option<&AgentGroup> {
    if let Manifest::AgentGroup(group) = &definition.manifest { Some(group) } else { None }
}

fn view(
    definition: &Definition,
    group: &AgentGroup,
    commits: &Commits,
    (agents, groups): (&impl Agents, &BTreeMap<&str, Groups>),
) -> AgentGroupView {
    let name = std::slice::from_ref(&group.metadata.name);
    let groups = groups.get(definition.source.as_str());
    let resolved = groups.map(|groups| resolve(name, None, &Inventory { agents, groups }));
    let (members, message) = match resolved {
        Some(Ok(members)) => (members, None),
        failed => (Vec::new(), Some(failed.and_then(Result::err).map(|error| error.to_string()))),
    };
    let status = AgentGroupStatus { origin: origin(definition, commits), members, message };
    AgentGroupView::new(group.metadata.clone(), group.spec.clone(), status)
}

/// The groups of each source by name: two sources may have groups of the same name.
fn by_source(definitions: &[Definition]) -> BTreeMap<&str, Groups> {
    let mut groups: BTreeMap<&str, Groups> = BTreeMap::new();
    for definition in definitions {
        let Some(group) = group(definition) else { continue };
        groups.entry(definition.source.as_str()).or_default().insert(group.metadata.name.clone(), group.spec.clone());
    }
    groups
}
