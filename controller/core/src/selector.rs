//! Which agents a step's `targets` name. Items are OR; commas in a selector are AND; `!=` excludes. An empty selection and a
//! name that no agent ever had are errors, never "all".

use pulse_protocol::AgentName;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// One item of `targets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetItem {
    /// Every enrolled agent that is not revoked, offline ones included.
    All,
    /// An agent's or a group's name.
    Name(String),
    /// Agents by label.
    Selector(Selector),
    /// `{{ params.<name> }}`: the agent that a parameter names.
    Param(String),
}

/// Label requirements, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    value: String,
    equal: bool,
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidTarget {
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to write instead.
    pub help: &'static str,
}

/// An agent as selections see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownAgent<'a> {
    /// Its name.
    pub name: &'a AgentName,
    /// Its labels, the `self/…` ones included.
    pub labels: &'a BTreeMap<String, String>,
    /// It may not connect any more; it belongs to no selection.
    pub revoked: bool,
}

/// Every agent that was ever enrolled, at one moment. Asked where it lives: a start that names one agent of ten thousand copies none of the others.
pub trait Agents {
    /// One by its name.
    fn find(&self, name: &AgentName) -> Option<KnownAgent<'_>>;
    /// All of them.
    fn all(&self) -> impl Iterator<Item = KnownAgent<'_>>;
}

/// The agents and groups at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Inventory<'a, A> {
    /// The agents.
    pub agents: &'a A,
    /// Groups by name.
    pub groups: &'a BTreeMap<String, crd_schemas::manifest::AgentGroupSpec>,
}

/// Why a selection could not be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The limit of the start, not an item of the step.
    #[error("in the limit, {0}")]
    Limit(Box<TargetError>),
    /// An item is not of the form.
    #[error("target {item:?}: {error}")]
    Invalid {
        /// The item.
        item: String,
        /// What is wrong with it.
        error: InvalidTarget,
    },
    /// No agent ever had this name, and no group has it.
    #[error("no agent and no group is named `{0}`; see `pulse get agents`")]
    UnknownName(String),
    /// The agent is revoked.
    #[error("agent `{0}` is revoked; enrol it again, or take it out of `targets`")]
    Revoked(AgentName),
    /// A parameter names something that is no single agent.
    #[error("parameter `{param}`: `{value}` is {what}, and a parameter of the type `agent` names one agent")]
    NotAnAgent {
        /// The parameter.
        param: String,
        /// Its value.
        value: String,
        /// What the value is.
        what: &'static str,
    },
    /// Nothing is left to run on.
    #[error("{0}")]
    Empty(String),
}

const FORM: &str = "write `all`, an agent's or a group's name, or a selector such as `role=web,env!=dev`";

impl FromStr for TargetItem {
    type Err = InvalidTarget;
    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        if text == "all" {
            return Ok(Self::All);
        }
        if text.contains("{{") {
            return parameter(text).map(|name| Self::Param(name.to_owned())).ok_or_else(|| InvalidTarget {
                message: format!("`{}` is no target", shown(text)),
                help: "a value stands for a whole item: `{{ params.<name> }}`, of a parameter of the type `agent`",
            });
        }
        if text.contains(['=', ',', '!']) {
            return text.parse().map(Self::Selector);
        }
        match text.parse::<AgentName>() {
            Ok(name) => Ok(Self::Name(name.as_str().to_owned())),
            Err(_) => Err(InvalidTarget { message: format!("`{}` is no name", shown(text)), help: FORM }),
        }
    }
}

/// The parameter of `{{ params.<name> }}`.
fn parameter(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let name = inner.trim().strip_prefix("params.")?;
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then_some(name)
}

impl FromStr for Selector {
    type Err = InvalidTarget;
    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        text.split(',').map(|part| Requirement::parse(part.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl Requirement {
    fn parse(text: &str) -> Result<Self, InvalidTarget> {
        let invalid = |message: String| InvalidTarget { message, help: FORM };
        let Some((key, value)) = text.split_once('=') else {
            return Err(invalid(format!("`{}` has no `=` or `!=`", shown(text))));
        };
        // `==` is the other way that people write `=`.
        let value = value.strip_prefix('=').unwrap_or(value).trim();
        let (key, equal) = key.strip_suffix('!').map_or((key, true), |key| (key, false));
        let key = key.trim();
        let fits = |text: &str, more: &[char]| {
            text.len() <= 253
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') || more.contains(&c))
        };
        if key.is_empty() || !fits(key, &['/']) {
            return Err(invalid(format!("`{}` is no label's name", shown(key))));
        }
        if !fits(value, &['/', ':', '+', '@']) {
            return Err(invalid(format!("`{}` is no label's value", shown(value))));
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned(), equal })
    }

    /// A label that is not there equals nothing, so `!=` holds for it.
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        (labels.get(&self.key) == Some(&self.value)) == self.equal
    }
}

impl Selector {
    /// Whether labels meet every requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { key, value, equal }) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{key}{}{value}", if *equal { "=" } else { "!=" })?;
        }
        Ok(())
    }
}

impl fmt::Display for TargetItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Name(name) => f.write_str(name),
            Self::Selector(selector) => selector.fmt(f),
            Self::Param(name) => write!(f, "{{{{ params.{name} }}}}"),
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The items with each `{{ params.<name> }}` replaced by the agent that the parameter names. A value that is no agent's name, or
/// is a group's, is refused: a parameter never widens a selection.
pub fn with_params<A>(
    items: &[String],
    params: &BTreeMap<String, String>,
    inventory: &Inventory<'_, A>,
) -> Result<Vec<String>, TargetError> {
    let replaced = items.iter().map(|item| {
        let Some(param) = item.contains("{{").then(|| parameter(item)).flatten() else { return Ok(item.clone()) };
        let value = params.get(param).map_or("", String::as_str);
        let refused = |what| TargetError::NotAnAgent { param: param.to_owned(), value: shown(value), what };
        match value.parse::<AgentName>() {
            Err(_) => Err(refused("no agent's name")),
            Ok(_) if inventory.groups.contains_key(value) => Err(refused("a group")),
            Ok(name) => Ok(name.to_string()),
        }
    });
    replaced.collect()
}

/// The agents that the items name, sorted and each once; `limit`, where given, narrows them.
pub fn resolve<A: Agents>(
    items: &[String],
    limit: Option<&str>,
    inventory: &Inventory<'_, A>,
) -> Result<Vec<AgentName>, TargetError> {
    let mut selected = BTreeSet::new();
    for item in items {
        selected.extend(inventory.select(item)?);
    }
    if selected.is_empty() {
        return Err(TargetError::Empty(format!("no agent matches {}", quoted(items))));
    }
    if let Some(limit) = limit {
        let narrowed = inventory.select(limit).map_err(|error| TargetError::Limit(Box::new(error)))?;
        selected.retain(|name| narrowed.contains(name));
        if selected.is_empty() {
            return Err(TargetError::Empty(format!("no agent of {} is left within the limit `{}`", quoted(items), shown(limit))));
        }
    }
    Ok(selected.into_iter().collect())
}

fn quoted(items: &[String]) -> String {
    let items: Vec<String> = items.iter().take(5).map(|item| format!("`{}`", shown(item))).collect();
    if items.is_empty() { "an empty list of targets".to_owned() } else { items.join(", ") }
}

impl<A: Agents> Inventory<'_, A> {
    fn select(&self, item: &str) -> Result<BTreeSet<AgentName>, TargetError> {
        let invalid = |error| TargetError::Invalid { item: shown(item), error };
        match item.parse::<TargetItem>().map_err(invalid)? {
            TargetItem::All => Ok(self.matching(|_| true)),
            TargetItem::Selector(selector) => Ok(self.matching(|agent| selector.matches(agent.labels))),
            // What is not replaced by then has no value here, as in a limit.
            TargetItem::Param(_) => {
                let help = "write a name or a selector";
                let message = "a parameter has no value here".to_owned();
                Err(invalid(InvalidTarget { message, help }))
            }
            TargetItem::Name(name) => match self.groups.get(&name) {
                Some(group) => self.members(group),
                None => self.named(&name).map(|agent| BTreeSet::from([agent])),
            },
        }
    }

    fn matching(&self, wanted: impl Fn(&KnownAgent<'_>) -> bool) -> BTreeSet<AgentName> {
        self.agents.all().filter(|agent| !agent.revoked && wanted(agent)).map(|agent| agent.name.clone()).collect()
    }

    /// A group's members. A revoked one is left out, as it is of `all`; one that never was is an error, as everywhere.
    fn members(&self, group: &crd_schemas::manifest::AgentGroupSpec) -> Result<BTreeSet<AgentName>, TargetError> {
        let mut members = BTreeSet::new();
        for name in &group.agents {
            match self.named(name) {
                Ok(agent) => drop(members.insert(agent)),
                Err(TargetError::Revoked(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(selector) = &group.selector {
            let parsed = selector.parse::<Selector>();
            let selector = parsed.map_err(|error| TargetError::Invalid { item: shown(selector), error })?;
            members.extend(self.matching(|agent| selector.matches(agent.labels)));
        }
        Ok(members)
    }

    fn named(&self, name: &str) -> Result<AgentName, TargetError> {
        let agent = name.parse::<AgentName>().ok().and_then(|name| self.agents.find(&name));
        let agent = agent.ok_or_else(|| TargetError::UnknownName(name.to_owned()))?;
        if agent.revoked { Err(TargetError::Revoked(agent.name.clone())) } else { Ok(agent.name.clone()) }
    }
}

#[cfg(test)]
mod tests;
