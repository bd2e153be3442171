//! Steps that run no command and ask nobody: `wait`, `parse`, `route`.

use crate::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A step's id, or `end`.
pub(super) const GOTO: &str = r"^[a-z][a-z0-9_-]{0,62}$";

/// Most characters of a regular expression.
pub const MAX_PATTERN_CHARS: usize = 1024;
/// Most characters of `until`.
pub const MAX_UNTIL_CHARS: usize = 1024;
/// Most characters of the name of a time zone.
pub const MAX_ZONE_CHARS: usize = 64;
/// Most routes of a `route` step.
pub const MAX_ROUTES: usize = 100;

/// Waits for a time; exactly one of `duration` and `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("oneOf" = [
    {"required": ["duration"], "not": {"anyOf": [{"required": ["until"]}, {"required": ["timeZone"]}]}},
    {"required": ["until"], "not": {"required": ["duration"]}},
]))]
pub struct Wait {
    /// How long it waits. It goes on while no controller runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// Until then: an instant such as `2026-11-22T02:00:00Z`, or a time of day such as `02:00`, the next one; may hold `{{ … }}`.
    /// A time that is past waits for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\S"), length(max = 1024))]
    pub until: Option<String>,
    /// The time zone of a time of day, such as `Europe/Berlin`; UTC unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\S"), length(max = 64))]
    pub time_zone: Option<String>,
}

/// Reads what a command wrote to stdout into `state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    extend("oneOf" = [
        {"required": ["format", "pattern"], "properties": {"format": {"const": "regex"}}},
        {"not": {"required": ["pattern"]}, "properties": {"format": {"enum": ["keyvalue", "json"]}}},
    ]),
    extend("not" = {"required": ["agent", "each"], "properties": {"each": {"const": true}}})
)]
pub struct Parse {
    /// The `execute` step whose stdout is read; the one that ran last unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_-]{0,62}$"))]
    pub from: Option<String>,
    /// The name under `state` that takes the values; `state` itself unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"))]
    pub into: Option<String>,
    /// How the text is read.
    #[serde(default)]
    pub format: ParseFormat,
    /// For `regex`: the regular expression, searched in the whole text; its named groups are the values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\S"), length(max = 1024))]
    pub pattern: Option<String>,
    /// The agent whose stdout is read, where the step ran on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\{\{|^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), extend("not" = {"const": "all"}))]
    pub agent: Option<String>,
    /// The stdout of each agent is read, into a map by agent.
    #[serde(default)]
    pub each: bool,
}

/// How a text is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParseFormat {
    /// Lines `KEY=value`; the key in capitals, beginning with a letter, and stored in small letters; the value without white space
    /// around it. Other lines are left alone, and the last of several counts.
    #[default]
    Keyvalue,
    /// One JSON object.
    Json,
    /// The named groups of `pattern`.
    Regex,
}

/// Chooses where to go on: the first route that holds is taken; without one the next step follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// The ways to go on, looked at in order; the first one that holds is taken, and where none does the next step follows.
    #[schemars(length(min = 1, max = 100))]
    pub routes: Vec<RouteCase>,
}

/// One route: `if` or `default: true`, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    deny_unknown_fields,
    extend("oneOf" = [{"required": ["if"]}, {"required": ["default"], "properties": {"default": {"const": true}}}])
)]
pub struct RouteCase {
    /// An expression, such as `int(state.disk) > 80`; the route is taken when it holds.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\S"))]
    pub condition: Option<String>,
    /// `true`: it holds always. In place of `if`, and for the last route only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// The step that follows, or `end`; the next one unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = GOTO))]
    pub goto: Option<String>,
    /// A name of the route for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}
