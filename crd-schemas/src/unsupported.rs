//! What the design has and this release does not run yet. One table per place; whatever stands here is refused as
//! `unsupported` and is absent from the JSON Schemas. Building one of these means deleting its name here.

/// Kinds of manifest.
pub const KINDS: &[&str] = &["Trigger", "SignalType", "NotificationChannel", "CommandPolicy", "SealedSecret", "StepTemplate"];

/// Fields of a workflow's `spec`.
pub const WORKFLOW_FIELDS: &[&str] = &["onFailure", "finally", "access", "handlers"];

/// Types of parameters.
pub const PARAM_TYPES: &[&str] = &["secret"];

/// Step types.
pub const STEP_TYPES: &[&str] =
    &["approval", "rollout", "parallel", "foreach", "call", "notify", "emit", "http", "fail", "succeed"];

/// Fields of any step.
pub const STEP_FIELDS: &[&str] = &["needs", "onFailure", "finally"];
