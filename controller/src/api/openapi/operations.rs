//! How each operation is called, and the refusals that its handler has beside those of its types. A test holds it to the table of
//! routes: each route has one row, each row a route. What a handler refuses and does not stand here fails the tests of the API.

/// What the document says of a route beside what its handler's types say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// The method.
    pub(super) method: &'static str,
    /// The path.
    pub(super) path: &'static str,
    /// Its name, for clients that are made of the document.
    pub(super) id: &'static str,
    /// What it is about.
    pub(super) tag: &'static str,
    /// One line.
    pub(super) summary: &'static str,
    /// Codes of its own refusals.
    pub(super) codes: &'static [&'static str],
}

/// What operations are about, in the order in which people read of it.
pub(super) const TAGS: &[(&str, &str)] = &[
    ("executions", "Workflows at work: start, watch, end, settle, retry."),
    ("prompts", "Questions to people."),
    ("workflows", "Live workflows."),
    ("schedules", "Live schedules and what became of their slots."),
    ("agents", "Agents, their groups and the tokens that let them in."),
    ("pauses", "The brake."),
    ("sources", "Where definitions come from: sources, syncs, plans."),
    ("live", "What changes, as it changes."),
    ("identity", "Who somebody is: sessions, tokens of the API, people."),
    ("audit", "Who changed what, or was refused."),
    ("health", "Probes."),
    ("documents", "What describes the API and the manifests."),
];

const fn operation(
    method: &'static str,
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    codes: &'static [&'static str],
) -> Operation {
    Operation { method, path, id, tag, summary, codes }
}

/// Refusals of whatever starts an execution.
const START: &[&str] = &[
    "no_such_workflow",
    "ambiguous_name",
    "bad_params",
    "bad_targets",
    "already_running",
    "queue_full",
    "bad_concurrency_key",
    "idempotency_mismatch",
    "uncompilable_workflow",
    "bad_header",
    "cannot_be_stored",
    "contended",
    "not_yet_committed",
    "overloaded",
    "unreadable_history",
    "unreadable_row",
];
/// And of a command by itself.
const COMMAND: &[&str] = &[
    "bad_command",
    "bad_targets",
    "bad_parameter",
    "no_such_source",
    "source_not_named",
    "idempotency_mismatch",
    "bad_header",
    "cannot_be_stored",
    "contended",
    "not_yet_committed",
    "overloaded",
    "unreadable_history",
    "unreadable_row",
];
/// And of a retry.
const RETRY: &[&str] = &[
    "no_such_execution",
    "execution_removed",
    "no_such_workflow",
    "ambiguous_name",
    "bad_params",
    "bad_targets",
    "already_running",
    "queue_full",
    "bad_concurrency_key",
    "idempotency_mismatch",
    "uncompilable_workflow",
    "bad_header",
    "bad_retry",
    "cannot_be_stored",
    "cannot_retry",
    "contended",
    "not_over",
    "nothing_failed",
    "not_yet_committed",
    "overloaded",
    "unknown_targets",
    "unreadable_history",
    "unreadable_row",
];
/// Refusals of whatever looks at one execution.
const ONE: &[&str] = &["no_such_execution", "execution_removed", "ambiguous_name", "unreadable_history", "unreadable_row"];
/// Refusals of whatever changes one.
const CHANGE: &[&str] = &[
    "no_such_execution",
    "execution_removed",
    "ambiguous_name",
    "execution_over",
    "contradiction",
    "attempt_not_unknown",
    "no_such_attempt",
    "bad_parameter",
    "cannot_be_stored",
    "contended",
    "not_yet_committed",
    "unreadable_history",
    "unreadable_row",
];

/// All of them.
#[rustfmt::skip]
pub(super) const OPERATIONS: &[Operation] = &[
    operation("GET", "/docs", "getDocs", "documents", "This document for people", &[]),
    operation("GET", "/docs/style.css", "getDocsStyle", "documents", "How the page for people looks", &[]),
    operation("GET", "/openapi.json", "getOpenApi", "documents", "This document", &[]),
    operation("GET", "/install-agent.sh", "getInstallScript", "documents", "The script that makes a server an agent", &[]),
    operation("GET", "/install-agent.sh.sha256", "getInstallScriptSum", "documents", "Its checksum", &[]),
    operation("GET", "/downloads/{name}", "getDownload", "documents", "The agent's program for an architecture, `pulse-agent-x86_64`, or its checksum, `pulse-agent-x86_64.sha256`", &["no_such_download"]),
    operation("GET", "/health", "getHealth", "health", "How the controller is, with what it stands on", &[]),
    operation("GET", "/health/live", "getLiveness", "health", "Whether the process answers", &[]),
    operation("GET", "/health/detailed", "getDetailedHealth", "health", "The same with sources, agents and queues", &[]),
    operation("GET", "/metrics", "getMetrics", "health", "What this controller counts, for Prometheus", &["unauthorized"]),
    operation("GET", "/ca.pem", "getAuthority", "documents", "The certificate of the controller's own authority, which agents and people have to trust", &["no_authority"]),
    operation("GET", "/health/ready", "getReadiness", "health", "Whether it can take requests", &[]),
    operation("GET", "/api/v1/session", "getSession", "identity", "Who calls, and what they may do", &["unauthorized", "no_random", "name_taken", "database_unavailable", "foreign_origin", "csrf"]),
    operation("POST", "/api/v1/session", "signIn", "identity", "Begin the session of a browser with a token", &["unauthorized", "no_random", "database_unavailable", "foreign_origin", "name_taken", "csrf"]),
    operation("GET", "/auth/oidc/login", "beginSignIn", "identity", "Send a browser to the issuer of OpenID Connect", &["no_issuer", "issuer_unreachable", "not_signed_in"]),
    operation("GET", "/auth/oidc/callback", "endSignIn", "identity", "Where the issuer sends the browser back to", &["not_signed_in", "issuer_unreachable", "name_taken", "unauthorized", "no_random", "database_unavailable", "bad_header"]),
    operation("DELETE", "/api/v1/session", "signOut", "identity", "End the session of a browser", &["no_random"]),
    operation("GET", "/api/v1/tokens", "listApiTokens", "identity", "Tokens of the API that were ever made, the newest first", &[]),
    operation("POST", "/api/v1/tokens", "createApiToken", "identity", "Make a token of the API; its value is shown this once", &["bad_parameter", "name_taken", "no_random", "cannot_be_stored"]),
    operation("POST", "/api/v1/tokens/break-glass", "breakGlass", "identity", "Make a token that opens everything for a short time", &["bad_parameter", "name_taken", "no_random", "cannot_be_stored"]),
    operation("DELETE", "/api/v1/tokens/{id}", "revokeApiToken", "identity", "Let a token of the API count no more", &["no_such_token"]),
    operation("GET", "/api/v1/audit", "listAudit", "audit", "Who changed what, or was refused, the newest first", &[]),
    operation("GET", "/api/v1/audit/export", "exportAudit", "audit", "What is sealed, the oldest first, as lines of JSON", &["unreadable_row"]),
    operation("GET", "/api/v1/audit/verify", "verifyAudit", "audit", "Walk along the chain and name the first row that does not hold", &["unreadable_row"]),
    operation("GET", "/api/v1/users", "listUsers", "identity", "Everybody who ever came in, by name", &[]),
    operation("GET", "/api/v1/settings", "getSettings", "health", "Every setting as it counts, and where it comes from; secrets are left out", &[]),
    operation("GET", "/schemas/{name}", "getSchema", "documents", "The JSON Schema of a kind of manifest", &["no_such_schema"]),
    operation("GET", "/api/v1/workflows", "listWorkflows", "workflows", "Live workflows", &[]),
    operation("GET", "/api/v1/workflows/{name}", "getWorkflow", "workflows", "One workflow", &["no_such_workflow", "ambiguous_name"]),
    operation("GET", "/api/v1/schedules", "listSchedules", "schedules", "Live schedules", &["unreadable_row"]),
    operation("GET", "/api/v1/schedules/{name}", "getSchedule", "schedules", "One schedule", &["no_such_schedule", "ambiguous_name", "unreadable_row"]),
    operation("GET", "/api/v1/schedules/{name}/slots", "listSlots", "schedules", "What became of the slots of a schedule, the newest first", &["no_such_schedule", "ambiguous_name", "unreadable_row"]),
    operation("GET", "/api/v1/groups", "listGroups", "agents", "Live groups of agents, and who belongs to them", &[]),
    operation("GET", "/api/v1/agents", "listAgents", "agents", "Every agent that was ever enrolled or is declared", &[]),
    operation("GET", "/api/v1/agents/session", "openAgentSession", "agents", "The WebSocket of an agent, which proves who it is by a challenge", &["foreign_origin"]),
    operation("GET", "/api/v1/agents/tokens", "listTokens", "agents", "What is left of each enrolment token", &[]),
    operation("POST", "/api/v1/agents/tokens", "createToken", "agents", "Make an enrolment token; its value is shown this once", &["bad_parameter", "enrolment_closed", "no_random", "cannot_be_stored"]),
    operation("GET", "/api/v1/agents/{name}", "getAgent", "agents", "One agent", &["no_such_agent"]),
    operation("DELETE", "/api/v1/agents/{name}", "revokeAgent", "agents", "Let an agent in no more", &["no_such_agent"]),
    operation("POST", "/api/v1/agents/{name}/replace", "replaceAgent", "agents", "Make a token by which a host that was installed anew takes its name again", &["no_such_agent", "bad_parameter", "enrolment_closed", "no_random", "cannot_be_stored"]),
    operation("POST", "/api/v1/agents/{name}/cordon", "cordonAgent", "agents", "Start nothing new on an agent", &["no_such_agent", "bad_parameter", "too_many_pauses", "cannot_be_stored"]),
    operation("POST", "/api/v1/agents/{name}/drain", "drainAgent", "agents", "The same, to look for `drained` in the answer and then in the agent", &["no_such_agent", "bad_parameter", "too_many_pauses", "cannot_be_stored"]),
    operation("POST", "/api/v1/agents/{name}/uncordon", "uncordonAgent", "agents", "Let an agent have work again", &["no_such_agent"]),
    operation("GET", "/api/v1/executions", "listExecutions", "executions", "Search executions, the newest first", &[]),
    operation("POST", "/api/v1/executions", "startExecution", "executions", "Start a workflow, or say what a start would do", START),
    operation("GET", "/api/v1/executions/{id}", "getExecution", "executions", "One execution, by id or `workflow#number`", ONE),
    operation("GET", "/api/v1/executions/{id}/events", "listExecutionEvents", "executions", "What happened to it, the oldest first", ONE),
    operation("GET", "/api/v1/executions/{id}/output", "getOutput", "executions", "What its commands wrote", &["no_such_execution", "execution_removed", "ambiguous_name", "no_such_attempt", "no_such_step", "unreadable_history", "unreadable_row"]),
    operation("GET", "/api/v1/executions/{id}/why", "explainExecution", "executions", "What holds it", ONE),
    operation("POST", "/api/v1/executions/{id}/cancel", "cancelExecution", "executions", "End it early", CHANGE),
    operation("POST", "/api/v1/executions/{id}/resolve", "resolveAttempt", "executions", "Settle an attempt of which nobody knows", CHANGE),
    operation("POST", "/api/v1/executions/{id}/retry", "retryExecution", "executions", "Run it again, from the step that failed or from the start", RETRY),
    operation("POST", "/api/v1/commands", "runCommand", "executions", "Run one command on agents, or say what it would do", COMMAND),
    operation("GET", "/api/v1/prompts", "listPrompts", "prompts", "Open questions, the oldest first; or the history, the newest first", &[]),
    operation("GET", "/api/v1/prompts/{id}", "getPrompt", "prompts", "One question, with what to know before the answer", &["no_such_prompt", "unreadable_history", "unreadable_row"]),
    operation("POST", "/api/v1/prompts/{id}/answer", "answerPrompt", "prompts", "Answer; the first answer counts", &["no_such_prompt", "no_such_option", "already_answered", "prompt_expired", "prompt_withdrawn", "execution_over", "bad_parameter", "cannot_be_stored", "contended", "not_yet_committed", "no_such_execution", "unreadable_history", "unreadable_row"]),
    operation("GET", "/api/v1/pauses", "listPauses", "pauses", "Pauses that hold, the newest first", &[]),
    operation("POST", "/api/v1/pauses", "createPause", "pauses", "Hold something", &["bad_parameter", "bad_header", "idempotency_mismatch", "too_many_pauses", "cannot_be_stored", "not_yet_committed"]),
    operation("GET", "/api/v1/pauses/{id}", "getPause", "pauses", "One pause", &["no_such_pause", "unreadable_row"]),
    operation("DELETE", "/api/v1/pauses/{id}", "endPause", "pauses", "End a pause", &["no_such_pause", "not_yet_committed", "unreadable_row"]),
    operation("GET", "/api/v1/sources", "listSources", "sources", "Sources and how each stands", &["unreadable_row"]),
    operation("GET", "/api/v1/sources/{name}", "getSource", "sources", "One source", &["no_such_source", "no_source", "unreadable_row"]),
    operation("GET", "/api/v1/syncs", "listSyncs", "sources", "What came of each look at a source, the newest first", &[]),
    operation("POST", "/api/v1/syncs", "syncNow", "sources", "Look at a source now", &["no_source", "no_such_source", "source_not_named", "source_unreachable", "overloaded", "sync_interrupted", "unreadable_row"]),
    operation("GET", "/api/v1/syncs/{id}", "getSync", "sources", "One sync", &["no_such_sync", "unreadable_row"]),
    operation("POST", "/api/v1/syncs/{id}/confirm", "confirmSync", "sources", "Release a held commit", &["no_such_sync", "not_held", "another_plan", "head_moved", "head_refused", "no_source", "no_such_source", "source_not_named", "source_unreachable", "overloaded", "sync_interrupted", "unreadable_row"]),
    operation("POST", "/api/v1/validate", "validate", "sources", "What is wrong with manifests that are not live", &["bad_parameter", "overloaded"]),
    operation("POST", "/api/v1/plan", "plan", "sources", "What files or a commit would change", &["bad_parameter", "invalid_manifests", "no_such_ref", "no_source", "no_such_source", "source_not_named", "source_unreachable", "overloaded", "sync_interrupted", "unreadable_row"]),
    operation("POST", "/webhooks/gitea", "receiveGiteaWebhook", "sources", "A hint from Gitea to look at the sources", &["webhooks_off", "not_json", "encoded_body", "bad_signature", "body_too_large", "body_too_slow", "unreadable_body", "overloaded"]),
    operation("GET", "/webhooks/gitea", "receiveGiteaWebhookByGet", "sources", "What Gitea asks with where its webhook has the wrong method: refused", &["wrong_method"]),
    operation("GET", "/api/v1/events", "listen", "live", "A WebSocket that tells each change", &["overloaded"]),
];

/// What is said of a route.
pub(super) fn find(method: &str, path: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|one| one.method == method && one.path == path)
}
