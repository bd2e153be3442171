//! What an `execute` step has.

use super::files::{Run, StepFile};
use super::targets::Targets;
use crate::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Runs a command on targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Execute {
    /// Where it runs: names, groups, `all` and selectors, or the targets of an earlier step.
    pub targets: Targets,
    /// What it runs.
    #[serde(flatten)]
    pub run: Run,
    /// Files of the commit that lie in the work folder when the command starts, each as its path or as `{from, to}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64))]
    pub files: Vec<StepFile>,
    /// Environment variables; values may hold `{{ … }}`. Names beginning with `PULSE_` are PULSE's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("propertyNames" = {"pattern": "^(?!PULSE_)[A-Za-z_][A-Za-z0-9_]{0,254}$"}))]
    pub env: BTreeMap<String, String>,
    /// Which program reads the command: `sh`, `bash`, or a program with its arguments, to which the command is given as the last one.
    #[serde(default)]
    pub shell: Shell,
    /// Working folder, absolute. Unless said it is the attempt's private one (`$PULSE_WORKDIR`), which is removed afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^/"), length(max = 4096))]
    pub cwd: Option<String>,
    /// As whom it runs; the agent's own user unless said. The host's own file `/etc/pulse/agent.yaml` must allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z_][a-z0-9_.-]{0,31}$"))]
    pub user: Option<String>,
    /// Exit codes that count as success.
    #[serde(default = "default_success_exit_codes")]
    #[schemars(length(min = 1, max = 256))]
    pub success_exit_codes: Vec<u8>,
    /// How long the command may run on a target, each try by itself, by the agent's own clock. Then its whole process group is ended.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// Time between TERM and KILL where a command is ended.
    #[serde(default = "default_kill_grace")]
    pub kill_grace: Duration,
    /// How often a target that failed is tried again. An `unknown` one never is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How many targets run side by side.
    #[serde(default = "default_max_parallel")]
    #[schemars(range(min = 1, max = 10000))]
    pub max_parallel: u32,
    /// Once more targets than this have failed, no further one starts, and the step fails.
    #[serde(default)]
    pub max_failures: u32,
    /// What becomes of a target without a heartbeat for 30 s: `fail`, `skip`, or `wait 10m` for one that may come back.
    #[serde(default)]
    pub on_offline: OnOffline,
    /// What an attempt of which nobody knows how it ended does to the execution. Unless said: `wait` where a person started it, `fail`
    /// where a schedule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unknown: Option<OnUnknown>,
    /// Running the command twice does no harm, so an `unknown` attempt is followed by another once its agent is back.
    #[serde(default)]
    pub idempotent: bool,
    /// The command takes its host down: it has succeeded once the agent is back with a new boot id within `timeout`. `false` unless said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expect_disconnect: bool,
}

impl Execute {
    /// What an `execute` step is that says nothing; it has no targets and no command, so it is no valid one.
    pub(crate) fn defaults() -> Self {
        Self {
            targets: Targets::Items(Vec::new()),
            run: Run::Command(String::new()),
            files: Vec::new(),
            env: BTreeMap::new(),
            shell: Shell::default(),
            cwd: None,
            user: None,
            success_exit_codes: default_success_exit_codes(),
            timeout: default_timeout(),
            kill_grace: default_kill_grace(),
            retry: None,
            max_parallel: default_max_parallel(),
            max_failures: 0,
            on_offline: OnOffline::default(),
            on_unknown: None,
            idempotent: false,
            expect_disconnect: false,
        }
    }
}

fn default_success_exit_codes() -> Vec<u8> {
    vec![0]
}
fn default_timeout() -> Duration {
    Duration::from_secs(3600)
}
fn default_kill_grace() -> Duration {
    Duration::from_secs(30)
}
fn default_max_parallel() -> u32 {
    50
}

/// Which program reads a command: `sh` (`/bin/sh -e`), `bash` (`-eo pipefail`), or a program and its arguments, to which the
/// command is given as the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Shell {
    /// By name.
    Named(NamedShell),
    /// By argument list.
    Argv(#[schemars(length(min = 1, max = 100), inner(regex(pattern = r"\S")))] Vec<String>),
}

impl Default for Shell {
    fn default() -> Self {
        Self::Named(NamedShell::Sh)
    }
}

/// Shells known by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NamedShell {
    /// `/bin/sh -e`.
    #[default]
    Sh,
    /// `bash -eo pipefail`.
    Bash,
}

/// Tries of failed targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Retry {
    /// Tries in all, the first one included.
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,
    /// Wait before the second try; doubled before each further one, at most `maxBackoff`, plus up to a fifth at random.
    #[serde(default = "default_backoff")]
    pub backoff: Duration,
    /// The longest wait between two tries.
    #[serde(default = "default_max_backoff")]
    pub max_backoff: Duration,
}

impl Retry {
    /// `backoff`, unless said.
    pub const DEFAULT_BACKOFF: Duration = Duration::from_secs(1);
    /// `maxBackoff`, unless said.
    pub const DEFAULT_MAX_BACKOFF: Duration = Duration::from_secs(600);
}

fn default_backoff() -> Duration {
    Retry::DEFAULT_BACKOFF
}
fn default_max_backoff() -> Duration {
    Retry::DEFAULT_MAX_BACKOFF
}

/// What to do about a target that is offline when its turn comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnOffline {
    /// The target fails.
    #[default]
    Fail,
    /// The target is left out.
    Skip,
    /// Wait so long for it, then fail.
    Wait(Duration),
}

impl fmt::Display for OnOffline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail => f.write_str("fail"),
            Self::Skip => f.write_str("skip"),
            Self::Wait(duration) => write!(f, "wait {duration}"),
        }
    }
}
impl FromStr for OnOffline {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(' ') {
            None if text == "fail" => Ok(Self::Fail),
            None if text == "skip" => Ok(Self::Skip),
            Some(("wait", duration)) => duration.parse().map(Self::Wait).map_err(|error| format!("{error}")),
            _ => Err(format!("`{text}` is none of `fail`, `skip`, `wait <duration>`")),
        }
    }
}
impl Serialize for OnOffline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for OnOffline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
impl JsonSchema for OnOffline {
    fn schema_name() -> Cow<'static, str> {
        "OnOffline".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(fail|skip|wait [0-9]+(ms|s|m|h|d))$" })
    }
}

/// What an open `unknown` does to the execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Wait until evidence or a person settles it.
    Wait,
    /// Leave it `unknown` and end the execution `failed`.
    Fail,
}
