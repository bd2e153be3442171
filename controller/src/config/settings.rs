//! The table of settings: every name that the design promises, those of later releases too, so that none is accepted and
//! ignored.

/// One setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// Its name in the environment.
    pub(super) env: &'static str,
    /// Its name in the file; the flag is the same in kebab case.
    pub(super) key: &'static str,
    /// It may hold a secret, so it can also be given as a file's path, and it has no flag of its own.
    pub(super) secret: bool,
    /// Its file variant is passed on as a path: the file is read again when it changes.
    pub(super) watched: bool,
    /// This release has it.
    pub(super) built: bool,
}

const fn setting(env: &'static str, key: &'static str) -> Setting {
    Setting { env, key, secret: false, watched: false, built: true }
}

const fn secret(env: &'static str, key: &'static str) -> Setting {
    Setting { env, key, secret: true, watched: false, built: true }
}

const fn watched_secret(env: &'static str, key: &'static str) -> Setting {
    Setting { env, key, secret: true, watched: true, built: true }
}

const fn later(env: &'static str, key: &'static str) -> Setting {
    Setting { env, key, secret: false, watched: false, built: false }
}

const fn later_secret(env: &'static str, key: &'static str) -> Setting {
    Setting { env, key, secret: true, watched: false, built: false }
}

/// Every setting.
pub(super) const SETTINGS: &[Setting] = &[
    setting("PULSE_LISTEN", "listen"),
    setting("PULSE_PUBLIC_URL", "publicUrl"),
    setting("PULSE_DATA_DIR", "dataDir"),
    secret("PULSE_DATABASE_URL", "databaseUrl"),
    setting("PULSE_SOURCE_URL", "sourceUrl"),
    setting("PULSE_SOURCE_PATH", "sourcePath"),
    setting("PULSE_SOURCE_POLL", "sourcePoll"),
    setting("PULSE_SOURCE_BRANCH", "sourceBranch"),
    setting("PULSE_SOURCE_USERNAME", "sourceUsername"),
    secret("PULSE_SOURCE_TOKEN", "sourceToken"),
    secret("PULSE_SOURCE_SSH_KEY", "sourceSshKey"),
    setting("PULSE_SOURCE_KNOWN_HOSTS", "sourceKnownHosts"),
    setting("PULSE_SOURCE_CA", "sourceCa"),
    secret("PULSE_ADMIN_TOKEN", "adminToken"),
    secret("PULSE_WEBHOOK_SECRET", "webhookSecret"),
    setting("PULSE_RATE_LIMIT", "rateLimit"),
    setting("PULSE_RATE_LIMIT_STRANGERS", "rateLimitStrangers"),
    setting("PULSE_KEEP_EXECUTIONS", "keepExecutions"),
    setting("PULSE_KEEP_AT_LEAST", "keepAtLeast"),
    setting("PULSE_KEEP_AT_MOST", "keepAtMost"),
    setting("PULSE_KEEP_OUTPUT", "keepOutput"),
    setting("PULSE_KEEP_AUDIT", "keepAudit"),
    setting("PULSE_KEEP_AGENTS", "keepAgents"),
    setting("PULSE_KEEP_EVERY", "keepEvery"),
    setting("PULSE_INSECURE_HTTP", "insecureHttp"),
    setting("PULSE_TRUSTED_PROXIES", "trustedProxies"),
    setting("PULSE_OIDC_ISSUER", "oidcIssuer"),
    setting("PULSE_OIDC_CLIENT_ID", "oidcClientId"),
    secret("PULSE_OIDC_CLIENT_SECRET", "oidcClientSecret"),
    setting("PULSE_OIDC_SCOPES", "oidcScopes"),
    setting("PULSE_OIDC_GROUPS_CLAIM", "oidcGroupsClaim"),
    setting("PULSE_OIDC_USER_CLAIM", "oidcUserClaim"),
    setting("PULSE_OIDC_NAME", "oidcName"),
    setting("PULSE_OIDC_CA", "oidcCa"),
    setting("PULSE_ADMIN_GROUPS", "adminGroups"),
    setting("PULSE_OPERATOR_GROUPS", "operatorGroups"),
    setting("PULSE_VIEWER_GROUPS", "viewerGroups"),
    setting("PULSE_AUDITOR_GROUPS", "auditorGroups"),
    setting("PULSE_TLS", "tls"),
    setting("PULSE_TLS_CERT", "tlsCert"),
    watched_secret("PULSE_TLS_KEY", "tlsKey"),
    secret("PULSE_METRICS_TOKEN", "metricsToken"),
    setting("OTEL_EXPORTER_OTLP_ENDPOINT", "otlpEndpoint"),
    secret("OTEL_EXPORTER_OTLP_HEADERS", "otlpHeaders"),
    setting("OTEL_EXPORTER_OTLP_PROTOCOL", "otlpProtocol"),
    setting("OTEL_SERVICE_NAME", "otlpServiceName"),
    setting("PULSE_LOG", "log"),
    setting("PULSE_LOG_FORMAT", "logFormat"),
    later("PULSE_LEGACY_ENABLED", "legacyEnabled"),
    later_secret("WORKER_API_KEY", "workerApiKey"),
];

/// Names of the environment that are not the controller's, but may stand beside its own.
pub(super) const OTHERS: &[&str] =
    &["PULSE_CONFIG", "PULSE_SERVER", "PULSE_TOKEN", "PULSE_TOKEN_FILE", "PULSE_CA", "PULSE_FAILPOINT"];

/// The name that a setting's file variant has: `PULSE_X_FILE`, `xFile`.
pub(super) fn file_variant(name: &str) -> String {
    if name.starts_with(|first: char| first.is_ascii_uppercase()) { format!("{name}_FILE") } else { format!("{name}File") }
}
