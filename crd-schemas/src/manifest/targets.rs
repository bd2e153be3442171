//! Where an `execute` step runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a step runs: a list of names, groups, `all` and selectors, or the targets of an earlier step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Targets {
    /// Names, groups, `all`, selectors such as `role=web,env!=dev`, or `{{ params.x }}` of a parameter of type `agent`. Items are
    /// OR; commas in a selector are AND.
    Items(#[schemars(length(min = 1, max = 1000), inner(regex(pattern = r"\S")))] Vec<String>),
    /// The targets of an earlier step that ended so.
    From(TargetsFrom),
}

/// The targets of an earlier step that ended so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TargetsFrom {
    /// The id of an earlier `execute` step.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_-]{0,62}$"))]
    pub from: String,
    /// How they ended there.
    pub result: TargetResult,
}

/// How a target of an earlier step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetResult {
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
}

impl Targets {
    /// The items of a list; none for the targets of an earlier step.
    pub fn items(&self) -> &[String] {
        match self {
            Self::Items(items) => items,
            Self::From(_) => &[],
        }
    }
}

impl TargetResult {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}
