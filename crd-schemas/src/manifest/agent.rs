//! `kind: Agent` and `kind: AgentGroup`: what is declared of agents. Their state is observed, not declared.

use super::Metadata;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is declared of one agent, by its name: labels, vars and slots. It enrols by a token; a manifest alone makes none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    /// The agent's name and labels.
    pub metadata: Metadata,
    /// What is declared of it.
    #[serde(default)]
    pub spec: AgentSpec,
}

/// What is declared of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct AgentSpec {
    /// Values for commands on this agent, as `{{ agent.vars.<name> }}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,62}$"}))]
    pub vars: BTreeMap<String, String>,
    /// How many commands it runs side by side; what the agent says of itself (`PULSE_AGENT_SLOTS`, 5) unless said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub slots: Option<u32>,
}

/// A named set of agents: those named, and those that the selector matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentGroup {
    /// The group's name, used in `targets`.
    pub metadata: Metadata,
    /// Who belongs to it.
    pub spec: AgentGroupSpec,
}

/// Who belongs to a group. At least one of the two is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["agents"]}, {"required": ["selector"]}]))]
pub struct AgentGroupSpec {
    /// Agents by their names, whatever their labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 10000), inner(regex(pattern = r"^(?!all$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")))]
    #[schemars(extend("uniqueItems" = true))]
    pub agents: Vec<String>,
    /// Agents by their labels, such as `role=web,env!=dev`: a comma is AND, `!=` excludes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\S"))]
    pub selector: Option<String>,
}
