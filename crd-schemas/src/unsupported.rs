//! What the design has and this release does not run yet. One table per place; whatever stands here is refused as
//! `unsupported` and is absent from the JSON Schemas. Building one of these means deleting its name here.

/// Kinds of manifest.
pub const KINDS: &[&str] =
    &["Trigger", "SignalType", "NotificationChannel", "AccessPolicy", "CommandPolicy", "SealedSecret", "StepTemplate"];

/// Fields of a workflow's `spec`.
pub const WORKFLOW_FIELDS: &[&str] = &["timeout", "onFailure", "finally", "access", "handlers"];

/// Fields of a parameter.
pub const PARAM_FIELDS: &[&str] = &["pattern", "values", "min", "max", "minLength", "maxLength", "items"];

/// Types of parameters.
pub const PARAM_TYPES: &[&str] = &["int", "number", "bool", "enum", "duration", "agent", "list", "secret"];

/// Fields of `concurrency`.
pub const CONCURRENCY_FIELDS: &[&str] = &["key"];

/// Rules of concurrency.
pub const CONCURRENCY_POLICIES: &[&str] = &["Queue"];

/// Step types.
pub const STEP_TYPES: &[&str] = &[
    "prompt", "wait", "parse", "route", "approval", "rollout", "parallel", "foreach", "call", "notify", "emit", "http", "fail",
    "succeed",
];

/// Fields of any step.
pub const STEP_FIELDS: &[&str] = &["goto", "needs", "onFailure", "finally"];

/// Fields of an `execute` step.
pub const EXECUTE_FIELDS: &[&str] = &["user", "expectDisconnect"];

/// Fields of an item of `targets` written as a map.
pub const TARGET_FIELDS: &[&str] = &["from", "result"];
