//! Somebody, as rules see them, and the patterns by which rules name them.

use super::{Object, Verb};
use crate::selector::Selector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What somebody may do unless a policy says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Runs, answers, cancels, settles and pauses; the old PULSE's `employee`.
    Operator,
    /// Looks.
    Viewer,
    /// Looks, and reads who did what.
    Auditor,
}

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Operator, Self::Viewer, Self::Auditor];

    /// The role as settings and policies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
        }
    }

    /// Whether the role has a verb.
    pub const fn has(self, verb: Verb) -> bool {
        match self {
            Self::Admin => true,
            Self::Operator => {
                matches!(verb, Verb::View | Verb::Run | Verb::Answer | Verb::Cancel | Verb::Resolve | Verb::Pause)
            }
            Self::Viewer => matches!(verb, Verb::View),
            Self::Auditor => matches!(verb, Verb::View | Verb::Audit),
        }
    }
}

impl FromStr for Role {
    type Err = InvalidSubject;
    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| InvalidSubject(text.chars().take(80).collect()))
    }
}

/// What somebody came in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "PrincipalKind")]
pub enum Kind {
    /// The controller's own token, or one that was made on its command line: may everything, and no policy takes it away.
    Root,
    /// A person whom an identity provider vouches for.
    User,
    /// A token of the API.
    Token,
}

impl Kind {
    /// Its stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::Token => "token",
        }
    }
}

/// What a token is good for, within what its role allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "TokenScope")]
pub struct Scope {
    /// These verbs only; every verb of its role where there is none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub verbs: BTreeSet<Verb>,
    /// These workflows only, by name or label, and nothing but workflows; everything where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workflows: Vec<String>,
}

impl Scope {
    /// Whether something lies within it.
    pub(super) fn holds(&self, verb: Verb, object: &Object) -> bool {
        let verbs = self.verbs.is_empty() || self.verbs.contains(&verb);
        verbs && (self.workflows.is_empty() || super::policy::is_of(&self.workflows, object.workflow()))
    }

    /// Whether anything of a verb could lie within it.
    pub(super) fn could_hold(&self, verb: Verb) -> bool {
        self.verbs.is_empty() || self.verbs.contains(&verb)
    }

    /// Every item that is neither a name nor a selector.
    pub fn invalid_workflows(&self) -> impl Iterator<Item = &String> {
        self.workflows.iter().filter(|item| !crd_schemas::is_name(item) && item.parse::<Selector>().is_err())
    }
}

/// Somebody, as far as rules ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What they came in as.
    pub kind: Kind,
    /// Their name: of a person the one the identity provider says, of a token its own.
    pub name: String,
    /// A person's groups.
    pub groups: BTreeSet<String>,
    /// Their roles.
    pub roles: BTreeSet<Role>,
    /// What a token is good for.
    pub scope: Scope,
}

/// How a rule names subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectPattern {
    /// Whoever has come in.
    Everyone,
    /// One person.
    User(String),
    /// The members of a group.
    Group(String),
    /// Those who have a role.
    Role(Role),
    /// One token.
    Token(String),
}

/// A text that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names nobody: write `user:NAME`, `group:NAME`, `role:ROLE`, `token:NAME` or `everyone`")]
pub struct InvalidSubject(pub String);

impl SubjectPattern {
    /// Whether it means somebody.
    pub fn matches(&self, subject: &Subject) -> bool {
        match self {
            Self::Everyone => true,
            Self::User(name) => subject.kind == Kind::User && subject.name == *name,
            Self::Group(group) => subject.groups.contains(group),
            Self::Role(role) => subject.roles.contains(role),
            Self::Token(name) => subject.kind == Kind::Token && subject.name == *name,
        }
    }
}

impl FromStr for SubjectPattern {
    type Err = InvalidSubject;
    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let found = match text.split_once(':') {
            None if text == "everyone" => Some(Self::Everyone),
            Some(("user", name)) => named(name).map(Self::User),
            Some(("group", name)) => named(name).map(Self::Group),
            Some(("token", name)) => named(name).map(Self::Token),
            Some(("role", name)) => name.parse().ok().map(Self::Role),
            _ => None,
        };
        found.ok_or_else(|| InvalidSubject(text.chars().take(80).collect()))
    }
}

impl fmt::Display for SubjectPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Role(role) => write!(f, "role:{}", role.as_str()),
            Self::Token(name) => write!(f, "token:{name}"),
        }
    }
}
